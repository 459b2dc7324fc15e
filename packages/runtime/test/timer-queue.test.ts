import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type QueuedTimer, TimerQueue } from '../src/timer-queue.ts'

const noop = (): void => undefined

describe('TimerQueue', () => {
  test('gives timers in the order of their times, and of their adding where these are equal', () => {
    const step = fc.oneof(
      fc.record({ type: fc.constant('add' as const), dueMs: fc.integer({ min: 0, max: 20 }) }),
      fc.record({ type: fc.constant('take' as const) }),
      fc.record({ type: fc.constant('cancel' as const), which: fc.nat(300) }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
        const queue = new TimerQueue()
        const added: QueuedTimer[] = []
        let model: QueuedTimer[] = []
        const first = (): QueuedTimer | undefined => model.toSorted((a, b) => a.dueMs - b.dueMs || a.order - b.order)[0]
        for (const each of steps) {
          if (each.type === 'add') {
            const timer = queue.add(each.dueMs, noop)
            added.push(timer)
            model.push(timer)
          } else if (each.type === 'cancel') {
            const timer = added[each.which % Math.max(1, added.length)]
            if (timer === undefined) continue
            queue.cancel(timer)
            model = model.filter((other) => other !== timer)
          } else {
            const expected = first()
            expect(queue.peek()).toBe(expected)
            expect(queue.take()).toBe(expected)
            model = model.filter((other) => other !== expected)
          }
          expect(queue.size).toBe(model.length)
        }
      }),
    )
  })

  test('keeps no more cancelled timers than waiting ones, so a timer that is always moved does not fill the memory', () => {
    const queue = new TimerQueue()
    const kept = queue.add(1e9, noop)
    for (let i = 0; i < 10_000; i++) queue.cancel(queue.add(i + 1, noop))
    expect(queue.size).toBe(1)
    expect(queue.take()).toBe(kept)
    expect(queue.take()).toBeUndefined()
  })

  test('cancelling what was taken, or twice, does nothing', () => {
    const queue = new TimerQueue()
    const taken = queue.add(1, noop)
    const waiting = queue.add(2, noop)
    expect(queue.take()).toBe(taken)
    queue.cancel(taken)
    queue.cancel(taken)
    expect(queue.size).toBe(1)
    queue.cancel(waiting)
    queue.cancel(waiting)
    expect(queue.size).toBe(0)
    expect(queue.peek()).toBeUndefined()
  })
})
