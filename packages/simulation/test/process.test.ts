import { describe, expect, test } from 'vitest'
import { MachineClock } from '../src/machine-clock.ts'
import { SimProcess } from '../src/process.ts'
import { Scheduler } from '../src/scheduler.ts'

function world(rate = 1): { scheduler: Scheduler; machine: MachineClock; process: SimProcess; seen: string[] } {
  const scheduler = new Scheduler()
  const machine = new MachineClock(() => scheduler.nowMs, { rate })
  return { scheduler, machine, process: new SimProcess(scheduler, machine), seen: [] }
}

describe('a process', () => {
  test('fires its timers when they are due, in order, and none that was cancelled', () => {
    const { scheduler, process, seen } = world()
    const note = (what: string) => () => void seen.push(`${what} at ${scheduler.nowMs}`)
    process.clock.setTimer(20, note('b'))
    process.clock.setTimer(10, note('a'))
    process.clock.setTimer(20, note('c'))
    process.clock.setTimer(15, note('never')).cancel()
    scheduler.run(100)
    expect(seen).toEqual(['a at 10', 'b at 20', 'c at 20'])
    expect(() => process.clock.setTimer(-1, note('x'))).toThrow(RangeError)
  })

  test('hands over what was deferred after the input of the same moment', () => {
    const { scheduler, process, seen } = world()
    scheduler.after(5, () => process.clock.afterIo(() => seen.push('deferred')))
    scheduler.after(5, () => process.input(() => seen.push('frame')))
    scheduler.run(10)
    expect(seen).toEqual(['frame', 'deferred'])
    process.turnDelayMs = 3
    process.clock.afterIo(() => seen.push(`at ${scheduler.nowMs}`))
    scheduler.run(20)
    expect(seen.at(-1)).toBe('at 13')
  })

  test('after a pause sees its timers first, then the frames that waited, then what was deferred', () => {
    const { scheduler, process, seen } = world()
    const late = process.clock.setTimer(50, () => seen.push('cancelled by the first timer'))
    process.clock.setTimer(30, () => {
      seen.push('timer 30')
      late.cancel()
      process.clock.setTimer(0, () => seen.push('timer of a timer'))
      process.clock.afterIo(() => seen.push('deferred by a timer'))
    })
    process.clock.setTimer(40, () => seen.push('timer 40'))
    process.clock.setTimer(500, () => seen.push('timer 500'))
    scheduler.after(9, () => process.clock.afterIo(() => seen.push('deferred')))
    scheduler.after(9, () => process.pause())
    scheduler.after(10, () => process.input(() => seen.push('frame 1')))
    scheduler.after(60, () => process.input(() => seen.push('frame 2')))
    scheduler.run(100)
    expect(seen).toEqual([])
    scheduler.after(0, () => process.resume())
    scheduler.run(600)
    expect(seen).toEqual([
      'timer 30',
      'timer 40',
      'frame 1',
      'frame 2',
      'deferred',
      'deferred by a timer',
      'timer of a timer',
      'timer 500',
    ])
  })

  test('can be paused again in the middle of what it catches up with, and loses nothing', () => {
    const { scheduler, process, seen } = world()
    process.pause()
    for (const name of ['a', 'b', 'c']) {
      process.input(() => {
        seen.push(name)
        if (name === 'a') process.pause()
      })
    }
    process.resume()
    scheduler.run(10)
    expect(seen).toEqual(['a'])
    process.input(() => seen.push('d'))
    process.resume()
    scheduler.run(20)
    expect(seen).toEqual(['a', 'b', 'c', 'd'])
    process.input(() => seen.push('e'))
    expect(seen.at(-1)).toBe('e')
  })

  test('after a second pause sees its timers first again, also those that came due in it', () => {
    const { scheduler, process, seen } = world()
    process.clock.setTimer(20, () => seen.push('timer'))
    process.pause()
    process.input(() => {
      seen.push('a')
      process.pause()
    })
    process.input(() => seen.push('b'))
    process.resume()
    scheduler.run(50)
    expect(seen).toEqual(['a'])
    process.resume()
    scheduler.run(60)
    expect(seen).toEqual(['a', 'timer', 'b'])
  })

  test('does nothing any more once it is killed, also in the middle of catching up', () => {
    const { scheduler, process, seen } = world()
    process.clock.setTimer(5, () => seen.push('timer'))
    process.clock.afterIo(() => seen.push('deferred'))
    process.pause()
    process.input(() => process.kill())
    process.input(() => seen.push('frame'))
    process.resume()
    scheduler.run(3)
    expect(process.alive).toBe(false)
    process.input(() => seen.push('frame'))
    process.clock.setTimer(1, () => seen.push('timer'))
    process.clock.afterIo(() => seen.push('deferred'))
    scheduler.run(100)
    expect(seen).toEqual([])
  })

  test.each([0.9, 0.97, 1 / 3, 1.1, 2])('never finds its timer not due on a clock of rate %d', (rate) => {
    const { scheduler, process } = world(rate)
    let fired = 0
    let early = 0
    const again = (): void => {
      const dueMs = process.clock.monotonicMs() + 7.3
      process.clock.setTimer(7.3, () => {
        if (process.clock.monotonicMs() < dueMs) early++
        fired++
        again()
      })
    }
    again()
    scheduler.run(100_000)
    expect(early).toBe(0)
    expect(fired).toBeGreaterThan((100_000 * rate) / 7.4)
    expect(fired).toBeLessThanOrEqual((100_000 * rate) / 7.3)
  })
})

describe('a slow process', () => {
  test('fires its timers on time, before frames and completions that wait, and judges only after these', () => {
    const { scheduler, process, seen } = world()
    const note = (what: string) => () => void seen.push(`${what} at ${scheduler.nowMs}`)
    process.turnDelayMs = 30
    scheduler.after(10, () => process.input(note('frame')))
    process.deviceClock.setTimer(12, note('disk'))
    process.clock.setTimer(20, () => {
      note('timer')()
      process.clock.afterIo(note('judgement'))
    })
    scheduler.after(19, () => process.input(note('another frame')))
    scheduler.run(100)
    expect(seen).toEqual(['timer at 20', 'frame at 40', 'disk at 42', 'another frame at 49', 'judgement at 50'])
  })

  test('keeps the order of what reaches it, also where it becomes faster or slower meanwhile', () => {
    const { scheduler, process, seen } = world()
    const note = (what: string) => () => void seen.push(`${what} at ${scheduler.nowMs}`)
    const frameAt = (atMs: number, what: string): void => void scheduler.at(atMs, () => process.input(note(what)))
    process.turnDelayMs = 100
    frameAt(5, 'a')
    frameAt(10, 'b')
    scheduler.at(20, () => {
      process.clock.afterIo(note('deferred'))
      process.turnDelayMs = 50
    })
    frameAt(25, 'c')
    scheduler.at(40, () => {
      process.turnDelayMs = 0
      // Behind those that wait, although it need not wait itself.
      process.input(note('d'))
      process.clock.afterIo(note('deferred later'))
    })
    frameAt(41, 'e')
    scheduler.run(200)
    expect(seen).toEqual([
      'a at 40',
      'b at 40',
      'deferred at 40',
      'c at 40',
      'd at 40',
      'deferred later at 40',
      'e at 41',
    ])
    expect(() => {
      process.turnDelayMs = -1
    }).toThrow(RangeError)
  })

  test('that is paused gets what waited in its order after the pause, behind its timers', () => {
    const { scheduler, process, seen } = world()
    const note = (what: string) => () => void seen.push(`${what} at ${scheduler.nowMs}`)
    process.turnDelayMs = 10
    process.input(note('a'))
    process.deviceClock.setTimer(5, note('disk'))
    process.clock.setTimer(50, note('timer'))
    scheduler.at(1, () => process.pause())
    scheduler.at(55, () => process.input(note('b')))
    scheduler.at(60, () => process.resume())
    scheduler.run(100)
    expect(seen).toEqual(['timer at 60', 'a at 60', 'disk at 60', 'b at 65'])
  })

  test('gets nothing of it once it is killed, and no timer of a device that was cancelled', () => {
    const { scheduler, process, seen } = world()
    process.turnDelayMs = 10
    process.deviceClock.setTimer(5, () => seen.push('cancelled early')).cancel()
    const late = process.deviceClock.setTimer(5, () => seen.push('cancelled while it waited'))
    scheduler.at(6, () => late.cancel())
    scheduler.run(50)
    process.input(() => seen.push('frame'))
    process.deviceClock.setTimer(5, () => seen.push('disk'))
    process.kill()
    scheduler.run(100)
    expect(seen).toEqual([])
  })
})

describe('the clock of a machine', () => {
  test('runs at its rate, and goes on from there when the rate changes', () => {
    const { scheduler, machine, process, seen } = world()
    process.clock.setTimer(100, () => seen.push(`at ${scheduler.nowMs}`))
    scheduler.run(50)
    machine.setRate(2)
    process.rearm()
    expect(machine.monotonicMs()).toBe(50)
    scheduler.run(60)
    expect(machine.monotonicMs()).toBe(70)
    scheduler.run(200)
    expect(seen).toEqual(['at 75'])
    expect(() => machine.setRate(0)).toThrow(RangeError)
  })

  test('jumps: the wall clock both ways, the monotonic clock forward', () => {
    const { scheduler, machine, process, seen } = world()
    process.clock.setTimer(1_000, () => seen.push(`at ${scheduler.nowMs}`))
    const wallMs = process.clock.wallMs()
    machine.jumpWall(-5_000)
    expect(process.clock.wallMs()).toBe(wallMs - 5_000)
    expect(process.clock.monotonicMs()).toBe(0)
    machine.jumpForward(990)
    process.rearm()
    expect(process.clock.wallMs()).toBe(wallMs - 4_010)
    scheduler.run(100)
    expect(seen).toEqual(['at 10'])
    expect(() => machine.jumpForward(-1)).toThrow(RangeError)
  })
})

describe('the scheduler', () => {
  test('gives promises their turn between two actions of one moment', async () => {
    const scheduler = new Scheduler()
    const seen: string[] = []
    for (const name of ['a', 'b']) {
      scheduler.at(5, () => {
        seen.push(name)
        void Promise.resolve()
          .then(() => undefined)
          .then(() => seen.push(`after ${name}`))
      })
    }
    await scheduler.runAsync(10)
    expect(seen).toEqual(['a', 'after a', 'b', 'after b'])
    expect(scheduler).toMatchObject({ nowMs: 10, steps: 2 })
  })

  test('stops where it is told to, and goes on from there', () => {
    const scheduler = new Scheduler()
    const seen: number[] = []
    for (const atMs of [3, 1, 2]) scheduler.at(atMs, () => seen.push(atMs))
    scheduler.run(10, () => seen.length === 2)
    expect(scheduler.nowMs).toBe(2)
    scheduler.cancel(scheduler.after(0.5, () => seen.push(99)))
    scheduler.run(10)
    expect(seen).toEqual([1, 2, 3])
    expect(() => scheduler.at(Number.NaN, () => undefined)).toThrow(RangeError)
  })
})
