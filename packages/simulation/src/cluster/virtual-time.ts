import { type Clock, drainMicrotasks } from '@dsys/runtime'
import { MachineClock } from '../machine-clock.ts'
import { SimProcess } from '../process.ts'
import type { Scheduler } from '../scheduler.ts'
import { DeadlineError } from './errors.ts'

/** What a {@link VirtualTime} says when something does not happen. */
export interface DeadlineReport {
  /** How everything stands. */
  readonly report: string
  readonly hint: string
}

/**
 * Moves the time of a simulation on behalf of a test: by a length, or until something has happened. One call at a time, since
 * two that move it at once would depend on each other.
 */
export class VirtualTime {
  /** The clock of the one who looks on: exact, and of no node. */
  readonly clock: Clock
  readonly #scheduler: Scheduler
  readonly #explain: (stepped: boolean) => DeadlineReport
  #moving: string | undefined

  /** @param explain says how things stand; `stepped`: whether anything at all happened while the time ran. */
  constructor(scheduler: Scheduler, explain: (stepped: boolean) => DeadlineReport) {
    this.#scheduler = scheduler
    this.#explain = explain
    this.clock = new SimProcess(scheduler, new MachineClock(() => scheduler.nowMs)).clock
  }

  get nowMs(): number {
    return this.#scheduler.nowMs
  }

  async advance(ms: number): Promise<void> {
    await this.#move(`advance by ${ms} ms`, () => this.#scheduler.runAsync(this.nowMs + ms))
  }

  /** Moves time until `condition` holds. Throws DeadlineError when `withinMs` pass before. */
  async until(what: string, condition: () => boolean, withinMs: number): Promise<void> {
    await this.#move(what, async () => {
      await drainMicrotasks()
      if (condition()) return
      const { steps } = this.#scheduler
      let held = false
      await this.#scheduler.runAsync(this.nowMs + withinMs, () => {
        held = condition()
        return held
      })
      if (held || condition()) return
      const { report, hint } = this.#explain(this.#scheduler.steps > steps)
      throw new DeadlineError(what, withinMs, report, hint)
    })
  }

  /** Moves time until `work` is settled, and gives or throws what it did. */
  async settled<T>(what: string, work: Promise<T>, withinMs: number): Promise<T> {
    let done = false
    const settle = (): void => {
      done = true
    }
    work.then(settle, settle)
    await this.until(what, () => done, withinMs)
    return work
  }

  async #move(what: string, move: () => Promise<void>): Promise<void> {
    if (this.#moving !== undefined) {
      throw new TypeError(
        `virtual time moves already (${this.#moving}): await one call before the next, and inside of run() wait with cluster.clock`,
      )
    }
    this.#moving = what
    try {
      await move()
    } finally {
      this.#moving = undefined
    }
  }
}
