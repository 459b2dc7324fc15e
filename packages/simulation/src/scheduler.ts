import { drainMicrotasks, type QueuedTimer, TimerQueue } from '@dsys/runtime'
import { StuckError } from './errors.ts'

/** Options of a {@link Scheduler}. */
export interface SchedulerOptions {
  /** The most actions at one instant; then virtual time cannot be expected to go on. Default 1,000,000. */
  readonly maxStepsAtOnce?: number
}

/** How {@link Scheduler.runAsync} takes a step, and lets the promises that are ready have their turn. */
export interface Turns {
  /** Resolves once no promise is ready any more. */
  drain(): Promise<void>
  /** Runs `step`, and resolves once no promise is ready any more. */
  take(step: () => void): Promise<void>
}

const MAX_STEPS_AT_ONCE = 1_000_000
/** Of a loop that does not end, so many steps tell whose it is. */
const LOOKED_AT = 1_000

const PLAIN_TURNS: Turns = {
  drain: drainMicrotasks,
  take: (step) => {
    step()
    return drainMicrotasks()
  },
}

/**
 * Virtual time: actions run one at a time, in the order of their times, and of their scheduling where the times are
 * equal. Nothing else decides an order.
 */
export class Scheduler {
  /** The node that was at work last in this step; undefined while it was none. */
  actor: string | undefined
  /** Is told when something is scheduled. */
  onScheduled: (() => void) | undefined
  #nowMs = 0
  #steps = 0
  /** Steps at this instant. */
  #atOnce = 0
  readonly #maxStepsAtOnce: number
  #looked = new Map<string, number>()
  readonly #queue = new TimerQueue()

  /** Throws RangeError for an option out of its range. */
  constructor({ maxStepsAtOnce = MAX_STEPS_AT_ONCE }: SchedulerOptions = {}) {
    if (!Number.isSafeInteger(maxStepsAtOnce) || maxStepsAtOnce < 1) {
      throw new RangeError(`maxStepsAtOnce must be a whole number, 1 or more, got ${maxStepsAtOnce}`)
    }
    this.#maxStepsAtOnce = maxStepsAtOnce
  }

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
    this.onScheduled?.()
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

  /**
   * Runs everything that is due up to `untilMs`, or until `stop` says so, without giving promises a turn: for pure cores. Throws
   * StuckError (`DSYS_SIMULATION_STUCK`) where time does not go on.
   */
  run(untilMs: number, stop: () => boolean = () => false): void {
    for (let next = this.#queue.peek(); next !== undefined && next.dueMs <= untilMs; next = this.#queue.peek()) {
      this.#step(next)
      if (stop()) return
    }
    this.#nowMs = Math.max(this.#nowMs, untilMs)
  }

  /** As {@link Scheduler.run}; the promises that are ready get their turn before and after each action. */
  async runAsync(untilMs: number, stop: () => boolean = () => false, turns: Turns = PLAIN_TURNS): Promise<void> {
    await turns.drain()
    for (let next = this.#queue.peek(); next !== undefined && next.dueMs <= untilMs; next = this.#queue.peek()) {
      const due = next
      await turns.take(() => this.#step(due))
      if (stop()) return
    }
    this.#nowMs = Math.max(this.#nowMs, untilMs)
  }

  #step(next: QueuedTimer): void {
    if (next.dueMs > this.#nowMs) this.#atOnce = 0
    if (++this.#atOnce > this.#maxStepsAtOnce - LOOKED_AT) this.#lookAt()
    this.#queue.take()
    this.#nowMs = next.dueMs
    this.#steps++
    this.actor = undefined
    next.action()
  }

  /** Time seems not to go on: who is at work? */
  #lookAt(): void {
    const actor = this.actor ?? ''
    this.#looked.set(actor, (this.#looked.get(actor) ?? 0) + 1)
    if (this.#atOnce <= this.#maxStepsAtOnce) return
    const [[busiest = ''] = []] = [...this.#looked].sort(([, a], [, b]) => b - a)
    this.#looked = new Map()
    // Whoever goes on all the same gets as many steps again.
    this.#atOnce = 0
    throw new StuckError(this.#nowMs, this.#maxStepsAtOnce, busiest === '' ? undefined : busiest)
  }
}
