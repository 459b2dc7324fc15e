import type { Clock, TimerHandle } from './clock.ts'
import { type QueuedTimer, TimerQueue } from './timer-queue.ts'

/** Options of a {@link VirtualClock}. */
export interface VirtualClockOptions {
  /** Monotonic time at the start, in milliseconds. Default 0. */
  readonly monotonicMs?: number
  /** Wall time at the start, in milliseconds since the Unix epoch. Default 2020-01-01T00:00:00Z. */
  readonly wallMs?: number
}

/**
 * A clock that stands still until it is told to advance: for tests and simulation.
 *
 * Timers fire in the order of their due times, and those due at the same instant in the order in which they were set.
 */
export class VirtualClock implements Clock {
  #nowMs: number
  readonly #wallOffsetMs: number
  readonly #timers = new TimerQueue()

  constructor(options: VirtualClockOptions = {}) {
    this.#nowMs = options.monotonicMs ?? 0
    this.#wallOffsetMs = (options.wallMs ?? Date.UTC(2020, 0, 1)) - this.#nowMs
  }

  monotonicMs(): number {
    return this.#nowMs
  }

  wallMs(): number {
    return this.#wallOffsetMs + this.#nowMs
  }

  setTimer(delayMs: number, callback: () => void): TimerHandle {
    if (!(delayMs >= 0)) throw new RangeError(`delayMs must be 0 or more, got ${delayMs}`)
    const timer = this.#timers.add(this.#nowMs + delayMs, callback)
    return { cancel: () => this.#timers.cancel(timer) }
  }

  afterIo(callback: () => void): TimerHandle {
    return this.setTimer(0, callback)
  }

  /** Timers and deferred calls that have not fired yet. */
  get pending(): number {
    return this.#timers.size
  }

  /** When the next timer is due, on the monotonic scale; `undefined` when none is set. */
  nextDueMs(): number | undefined {
    return this.#timers.peek()?.dueMs
  }

  /** Moves time forward by `ms` (0 or more), firing what is due on the way without giving promises a turn. */
  advance(ms: number): void {
    const untilMs = this.#until(ms)
    for (let due = this.#due(untilMs); due !== undefined; due = this.#due(untilMs)) this.#fire(due)
    // A callback may have advanced the clock further; it never goes back.
    this.#nowMs = Math.max(this.#nowMs, untilMs)
  }

  /**
   * Moves time forward by `ms`. Before and after each timer the promises that are ready get their turn, so code with
   * `await` in it makes its progress at the right virtual instant.
   */
  async advanceAsync(ms: number): Promise<void> {
    const untilMs = this.#until(ms)
    await drainMicrotasks()
    for (let due = this.#due(untilMs); due !== undefined; due = this.#due(untilMs)) {
      this.#fire(due)
      await drainMicrotasks()
    }
    // A callback may have advanced the clock further; it never goes back.
    this.#nowMs = Math.max(this.#nowMs, untilMs)
  }

  #until(ms: number): number {
    if (!(ms >= 0)) throw new RangeError(`ms must be 0 or more, got ${ms}`)
    return this.#nowMs + ms
  }

  #due(untilMs: number): QueuedTimer | undefined {
    const first = this.#timers.peek()
    return first !== undefined && first.dueMs <= untilMs ? first : undefined
  }

  #fire(timer: QueuedTimer): void {
    this.#nowMs = Math.max(this.#nowMs, timer.dueMs)
    this.#timers.take()
    timer.action()
  }
}

/**
 * Resolves once no promise is ready any more. One `setImmediate` is the only full drain of the microtask queue that Node
 * offers; real timers and I/O do not take part in it, as long as nobody uses them.
 */
export function drainMicrotasks(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
