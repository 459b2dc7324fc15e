import { getEventListeners } from 'node:events'
import { describe, expect, test, vi } from 'vitest'
import { delay, Pending, systemClock, VirtualClock } from '../src/index.ts'

describe('VirtualClock', () => {
  test('stands still until it is advanced, and keeps wall time beside', () => {
    const clock = new VirtualClock({ monotonicMs: 5, wallMs: 1_000 })
    expect([clock.monotonicMs(), clock.wallMs()]).toEqual([5, 1_000])
    clock.advance(2.5)
    expect([clock.monotonicMs(), clock.wallMs()]).toEqual([7.5, 1_002.5])
  })

  test('fires in the order of due times, and of setting for the same instant, each at its own time', () => {
    const clock = new VirtualClock()
    const fired: string[] = []
    const note = (name: string) => () => void fired.push(`${name}@${clock.monotonicMs()}`)
    clock.setTimer(20, note('late'))
    clock.setTimer(10, note('first'))
    clock.setTimer(10, note('second'))
    clock.setTimer(30.1, note('never'))
    clock.advance(30)
    expect(fired).toEqual(['first@10', 'second@10', 'late@20'])
    expect(clock.monotonicMs()).toBe(30)
    expect(clock.pending).toBe(1)
    expect(clock.nextDueMs()).toBe(30.1)
  })

  test('a timer set by a timer fires in the same advance when it is due', () => {
    const clock = new VirtualClock()
    const fired: number[] = []
    const again = (): void => {
      fired.push(clock.monotonicMs())
      clock.setTimer(10, again)
    }
    clock.setTimer(10, again)
    clock.advance(35)
    expect(fired).toEqual([10, 20, 30])
  })

  test('a cancelled timer does not fire, and cancelling again does nothing', () => {
    const clock = new VirtualClock()
    const timer = clock.setTimer(1, () => expect.unreachable())
    timer.cancel()
    timer.cancel()
    clock.advance(10)
  })

  test('never goes back when a callback advances it further', () => {
    const clock = new VirtualClock()
    clock.setTimer(1, () => clock.advance(100))
    clock.advance(10)
    expect(clock.monotonicMs()).toBe(101)
  })

  test('advanceAsync lets promises run at the right instant', async () => {
    const clock = new VirtualClock()
    const seen: number[] = []
    const work = async (): Promise<void> => {
      for (let i = 0; i < 3; i++) {
        await delay(clock, 10)
        seen.push(clock.monotonicMs())
      }
    }
    const working = work()
    await clock.advanceAsync(30)
    await working
    expect(seen).toEqual([10, 20, 30])
  })

  test.each([-1, Number.NaN])('a delay or advance of %s is refused', async (ms) => {
    const clock = new VirtualClock()
    expect(() => clock.setTimer(ms, () => undefined)).toThrow(RangeError)
    expect(() => clock.advance(ms)).toThrow(RangeError)
    await expect(clock.advanceAsync(ms)).rejects.toThrow(RangeError)
  })
})

describe('systemClock', () => {
  // A timer must never fire early: a deadline that is judged by the same clock would be missed for ever.
  test('fires once, and not before its time', async () => {
    const beforeMs = systemClock.monotonicMs()
    let count = 0
    await new Promise<void>((resolve) => {
      systemClock.setTimer(2.5, () => {
        count++
        resolve()
      })
    })
    expect(systemClock.monotonicMs() - beforeMs).toBeGreaterThanOrEqual(2.5)
    expect(count).toBe(1)
  })

  // Otherwise a program whose only hope is a timer, such as an election in memory, ends in the middle of an await.
  test('a timer keeps the process alive until it is cancelled', () => {
    const timeouts = (): number => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length
    const before = timeouts()
    const timer = systemClock.setTimer(60_000, () => undefined)
    expect(timeouts()).toBe(before + 1)
    timer.cancel()
    expect(timeouts()).toBe(before)
  })

  test('a timer of Node.js that fires a fraction early is armed again', async () => {
    const now = vi
      .spyOn(performance, 'now')
      .mockReturnValueOnce(1_000)
      .mockReturnValueOnce(1_000.7)
      .mockReturnValueOnce(1_001.2)
    try {
      await new Promise<void>((resolve) => systemClock.setTimer(1, resolve))
      expect(now.mock.results.map(({ value }) => value)).toEqual([1_000, 1_000.7, 1_001.2])
    } finally {
      now.mockRestore()
    }
  })

  test('a delay over what setTimeout takes is taken in pieces', () => {
    const setTimeout = vi.spyOn(globalThis, 'setTimeout')
    try {
      systemClock.setTimer(2 ** 40, () => expect.unreachable()).cancel()
      expect(setTimeout.mock.lastCall?.[1]).toBe(2 ** 31 - 1)
    } finally {
      setTimeout.mockRestore()
    }
  })

  test('afterIo runs after the promises that are ready, and can be cancelled', async () => {
    const log: string[] = []
    await new Promise<void>((resolve) => {
      systemClock.afterIo(() => {
        log.push('after')
        resolve()
      })
      systemClock.afterIo(() => log.push('cancelled')).cancel()
      void Promise.resolve().then(() => log.push('promise'))
    })
    expect(log).toEqual(['promise', 'after'])
  })

  test('a negative delay is refused', () => {
    expect(() => systemClock.setTimer(-1, () => undefined)).toThrow(RangeError)
  })
})

describe('Pending', () => {
  const options = (clock: VirtualClock, signal?: AbortSignal) => ({
    clock,
    timeoutMs: 100,
    onTimeout: () => new Error('too slow'),
    signal,
  })

  test('the first result wins, and timer and listener are gone', async () => {
    const clock = new VirtualClock()
    const { signal } = new AbortController()
    const pending = new Pending<number>(options(clock, signal))
    expect(pending.settled).toBe(false)
    pending.resolve(1)
    pending.resolve(2)
    pending.reject(new Error('late'))
    expect(pending.settled).toBe(true)
    expect(await pending.promise).toBe(1)
    expect(clock.pending).toBe(0)
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  })

  test('rejects at the deadline, not before', async () => {
    const clock = new VirtualClock()
    const pending = new Pending<number>(options(clock))
    clock.advance(99)
    expect(pending.settled).toBe(false)
    clock.advance(1)
    await expect(pending.promise).rejects.toThrow('too slow')
  })

  test('rejects with the reason of the signal, also when it was aborted before', async () => {
    const clock = new VirtualClock()
    const abort = new AbortController()
    const pending = new Pending<number>(options(clock, abort.signal))
    abort.abort(new Error('never mind'))
    await expect(pending.promise).rejects.toThrow('never mind')
    await expect(new Pending<number>(options(clock, abort.signal)).promise).rejects.toThrow('never mind')
    expect(clock.pending).toBe(0)
  })
})

describe('delay', () => {
  test('resolves after its time and leaves no listener', async () => {
    const clock = new VirtualClock()
    const { signal } = new AbortController()
    const waiting = delay(clock, 10, signal)
    await clock.advanceAsync(10)
    await waiting
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  })

  test('rejects with the reason of the signal and leaves no timer', async () => {
    const clock = new VirtualClock()
    const abort = new AbortController()
    const waiting = delay(clock, 10, abort.signal)
    abort.abort(new Error('never mind'))
    await expect(waiting).rejects.toThrow('never mind')
    await expect(delay(clock, 10, abort.signal)).rejects.toThrow('never mind')
    expect(clock.pending).toBe(0)
  })
})
