import { drainMicrotasks, type QueuedTimer, TimerQueue } from '@dsys/runtime'

/**
 * Virtual time: actions run one at a time, in the order of their times, and of their scheduling where the times are
 * equal. Nothing else decides an order.
 */
export class Scheduler {
  #nowMs = 0
  #steps = 0
  readonly #queue = new TimerQueue()

  /** Milliseconds since the start of the simulation. */
  get nowMs(): number {
    return this.#nowMs
  }

  /** Actions run so far. */
  get steps(): number {
    return this.#steps
  }

  /** Runs `action` at `atMs`, or at once where that is past. */
  at(atMs: number, action: () => void): QueuedTimer {
    if (Number.isNaN(atMs)) throw new RangeError('an action needs a time, got NaN')
    return this.#queue.add(Math.max(atMs, this.#nowMs), action)
  }

  /** Runs `action` when `delayMs` have passed. */
  after(delayMs: number, action: () => void): QueuedTimer {
    return this.at(this.#nowMs + delayMs, action)
  }

  /** Does nothing when the action has run. */
  cancel(timer: QueuedTimer): void {
    this.#queue.cancel(timer)
  }

  /** Runs everything that is due up to `untilMs`, or until `stop` says so, without giving promises a turn: for pure cores. */
  run(untilMs: number, stop: () => boolean = () => false): void {
    for (let next = this.#queue.peek(); next !== undefined && next.dueMs <= untilMs; next = this.#queue.peek()) {
      this.#step(next)
      if (stop()) return
    }
    this.#nowMs = Math.max(this.#nowMs, untilMs)
  }

  /** As {@link Scheduler.run}; the promises that are ready get their turn before and after each action. */
  async runAsync(untilMs: number, stop: () => boolean = () => false): Promise<void> {
    await drainMicrotasks()
    for (let next = this.#queue.peek(); next !== undefined && next.dueMs <= untilMs; next = this.#queue.peek()) {
      this.#step(next)
      await drainMicrotasks()
      if (stop()) return
    }
    this.#nowMs = Math.max(this.#nowMs, untilMs)
  }

  #step(next: QueuedTimer): void {
    this.#queue.take()
    this.#nowMs = next.dueMs
    this.#steps++
    next.action()
  }
}
