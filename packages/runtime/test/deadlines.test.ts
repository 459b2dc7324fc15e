import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Deadlines, type TimerHandle, VirtualClock } from '../src/index.ts'

const noop = (): void => undefined

describe('Deadlines', () => {
  test('fire when those of the clock would, in the same order, with one timer of the clock at the most', () => {
    const step = fc.oneof(
      fc.record({ type: fc.constant('set' as const), delayMs: fc.integer({ min: 0, max: 20 }) }),
      fc.record({ type: fc.constant('cancel' as const), which: fc.nat(300) }),
      fc.record({ type: fc.constant('advance' as const), ms: fc.integer({ min: 0, max: 7 }) }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const [direct, clock] = [new VirtualClock(), new VirtualClock()]
        const shared = new Deadlines(clock)
        const fired: [string[], string[]] = [[], []]
        const handles: [TimerHandle[], TimerHandle[]] = [[], []]
        for (const [number, each] of steps.entries()) {
          if (each.type === 'set') {
            const note = (to: string[], at: VirtualClock) => () => to.push(`${number} at ${at.monotonicMs()}`)
            handles[0].push(direct.setTimer(each.delayMs, note(fired[0], direct)))
            handles[1].push(shared.setTimer(each.delayMs, note(fired[1], clock)))
          } else if (each.type === 'cancel') {
            for (const list of handles) list[each.which % Math.max(1, list.length)]?.cancel()
          } else {
            direct.advance(each.ms)
            clock.advance(each.ms)
          }
          expect(fired[1]).toEqual(fired[0])
          expect(clock.pending).toBe(Math.min(1, direct.pending))
        }
      }),
    )
  })

  test('an action may set and cancel others, and one that throws keeps none of them from firing', () => {
    const clock = new VirtualClock()
    const timers = new Deadlines(clock)
    const fired: string[] = []
    const last = timers.setTimer(2, () => fired.push('cancelled'))
    timers.setTimer(1, () => {
      last.cancel()
      timers.setTimer(0, () => fired.push('set by the first'))
      throw new Error('the first throws')
    })
    timers.setTimer(1, () => fired.push('second'))
    expect(() => clock.advance(5)).toThrow('the first throws')
    clock.advance(5)
    expect(fired).toEqual(['second', 'set by the first'])
    expect(clock.pending).toBe(0)
  })

  test('refuses a delay that is none', () => {
    expect(() => new Deadlines(new VirtualClock()).setTimer(-1, noop)).toThrow(RangeError)
  })
})
