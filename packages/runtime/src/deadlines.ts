import type { Clock, TimerHandle } from './clock.ts'
import { type QueuedTimer, TimerQueue } from './timer-queue.ts'

/**
 * Any number of timers over one timer of a clock, which is set for the first of them, and only while there is one. For deadlines: many
 * calls wait at once, nearly all of them end before theirs, and a timer of the system for each would cost more than the rest of it.
 *
 * They fire as those of the clock do, in the order of their due times, and those of one instant in the order in which they were set.
 */
export class Deadlines implements Pick<Clock, 'setTimer'> {
  readonly #clock: Clock
  readonly #queue = new TimerQueue()
  #armed: { readonly dueMs: number; readonly handle: TimerHandle } | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  setTimer(delayMs: number, callback: () => void): TimerHandle {
    if (!(delayMs >= 0)) throw new RangeError(`delayMs must be 0 or more, got ${delayMs}`)
    const dueMs = this.#clock.monotonicMs() + delayMs
    const timer = this.#queue.add(dueMs, callback)
    if (this.#armed === undefined || dueMs < this.#armed.dueMs) this.#arm(dueMs, delayMs)
    return new Deadline(this, timer)
  }

  /** For the handle: takes a timer out. */
  cancel(timer: QueuedTimer): void {
    this.#queue.cancel(timer)
    if (this.#queue.size === 0) this.#disarm()
  }

  #arm(dueMs: number, delayMs: number): void {
    this.#disarm()
    this.#armed = { dueMs, handle: this.#clock.setTimer(delayMs, () => this.#fire()) }
  }

  #disarm(): void {
    this.#armed?.handle.cancel()
    this.#armed = undefined
  }

  /** The first one may have been cancelled meanwhile: then this only looks for the next. */
  #fire(): void {
    this.#armed = undefined
    const nowMs = this.#clock.monotonicMs()
    try {
      for (let first = this.#queue.peek(); first !== undefined && first.dueMs <= nowMs; first = this.#queue.peek()) {
        this.#queue.take()
        first.action()
      }
    } finally {
      const next = this.#queue.peek()
      if (next !== undefined) this.#arm(next.dueMs, Math.max(0, next.dueMs - nowMs))
    }
  }
}

class Deadline implements TimerHandle {
  readonly #timers: Deadlines
  readonly #timer: QueuedTimer

  constructor(timers: Deadlines, timer: QueuedTimer) {
    this.#timers = timers
    this.#timer = timer
  }

  cancel(): void {
    this.#timers.cancel(this.#timer)
  }
}
