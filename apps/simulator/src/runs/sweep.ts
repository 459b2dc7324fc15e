import type { Clock } from '@dsys/runtime'
import type { Job, Outcome } from './job.ts'
import { jobsFrom } from './seeds.ts'
import { type Summed, Totals } from './totals.ts'
import { type Spawn, WorkerPool } from './worker-pool.ts'

/** What a {@link Sweep} works with. */
export interface SweepPorts {
  readonly clock: Clock
  readonly spawn: Spawn
  readonly scenarios: readonly Summed[]
  /** Called after each run. */
  readonly progress: () => void
}

/** Options of a {@link Sweep}. */
export interface SweepOptions {
  readonly firstSeed: number
  /** How many seeds of each scenario. */
  readonly seeds: number
  /** No run begins after this time. */
  readonly maxMs: number
  readonly workers: number
  readonly hangMs: number
  /** Whether to go on after a violation. */
  readonly goOn: boolean
}

/** Runs a range of seeds on several workers, until it is through, the time is over, a promise is broken, or it is stopped. */
export class Sweep {
  readonly totals: Totals
  readonly #clock: Clock
  readonly #options: SweepOptions
  readonly #pool: WorkerPool
  readonly #jobs: Iterator<Job, undefined>
  readonly #startMs: number
  #endMs: number | undefined
  #interrupted = false

  constructor(ports: SweepPorts, options: SweepOptions) {
    const { clock, spawn, scenarios, progress } = ports
    this.#clock = clock
    this.#options = options
    this.#startMs = clock.monotonicMs()
    this.totals = new Totals(scenarios)
    this.#jobs = jobsFrom(
      scenarios.map(({ name }) => name),
      options.firstSeed,
      options.seeds,
    )
    const done = (outcome: Outcome): void => {
      this.totals.add(outcome)
      progress()
    }
    this.#pool = new WorkerPool({ clock, spawn, take: () => this.#take(), done }, options)
  }

  /** Real time since the start, up to the end. */
  get wallMs(): number {
    return (this.#endMs ?? this.#clock.monotonicMs()) - this.#startMs
  }

  /** Whether {@link Sweep.stop} has cut it short. */
  get interrupted(): boolean {
    return this.#interrupted
  }

  async run(): Promise<void> {
    try {
      await this.#pool.run()
    } finally {
      this.#endMs = this.#clock.monotonicMs()
    }
  }

  /** Gives up what is under way. */
  stop(): void {
    this.#interrupted = true
    this.#pool.stop()
  }

  #take(): Job | undefined {
    const enough = this.totals.failed > 0 && !this.#options.goOn
    if (enough || this.wallMs >= this.#options.maxMs) return undefined
    return this.#jobs.next().value
  }
}
