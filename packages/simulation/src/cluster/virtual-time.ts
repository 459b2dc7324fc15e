import type { Clock } from '@dsys/runtime'
import { MachineClock } from '../machine-clock.ts'
import { SimProcess } from '../process.ts'
import type { Scheduler } from '../scheduler.ts'
import { DeadlineError } from './errors.ts'
import { StandStillWatch } from './stand-still-watch.ts'
import type { StepWatch } from './step-watch.ts'

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
  readonly #watch: StepWatch
  readonly #explain: (stepped: boolean) => DeadlineReport
  readonly #standStill: StandStillWatch = new StandStillWatch()
  #moving: string | undefined

  /** @param explain says how things stand; `stepped`: whether anything at all happened while the time ran. */
  constructor(scheduler: Scheduler, watch: StepWatch, explain: (stepped: boolean) => DeadlineReport) {
    this.#scheduler = scheduler
    this.#watch = watch
    this.#explain = explain
    this.clock = new SimProcess(scheduler, new MachineClock(() => scheduler.nowMs)).clock
  }

  /** Nobody moves it any more. */
  end(): void {
    this.#scheduler.onScheduled = undefined
    this.#standStill.end()
  }

  get nowMs(): number {
    return this.#scheduler.nowMs
  }

  async advance(ms: number): Promise<void> {
    await this.#move(`advance by ${ms} ms`, () => this.#run(this.nowMs + ms, () => false))
  }

  /** Moves time until `condition` holds. Throws DeadlineError when `withinMs` pass before. */
  async until(what: string, condition: () => boolean, withinMs: number): Promise<void> {
    await this.#move(what, async () => {
      await this.#watch.drain()
      if (condition()) return
      const { steps } = this.#scheduler
      let held = false
      await this.#run(this.nowMs + withinMs, () => {
        held = condition()
        return held
      })
      if (held || this.#watch.broken || condition()) return
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

  #run(untilMs: number, stop: () => boolean): Promise<void> {
    return this.#scheduler.runAsync(untilMs, () => this.#watch.broken || stop(), this.#watch)
  }

  async #move(what: string, move: () => Promise<void>): Promise<void> {
    if (this.#moving !== undefined) {
      throw new TypeError(
        `virtual time moves already (${this.#moving}): await one call before the next, and inside of run() wait with cluster.clock`,
      )
    }
    this.#moving = what
    this.#scheduler.onScheduled = undefined
    this.#standStill.moves()
    try {
      await this.#watch.during(move)
    } finally {
      this.#moving = undefined
      // From here on whatever is begun has to wait.
      this.#scheduler.onScheduled = () => this.#standStill.begun()
    }
  }
}
