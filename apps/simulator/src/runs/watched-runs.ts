import type { Clock } from '@dsys/runtime'
import type { Plan, RunOptions, RunResult, Violation } from '@dsys/simulation'
import { RUNNER_RULES } from './job.ts'

/** A plan that is to be run beside this thread. */
export interface PlanJob {
  readonly plan: Plan
  readonly options: RunOptions
}

/** What became of it. */
export type PlanOutcome =
  | { readonly type: 'result'; readonly result: RunResult }
  /** The scenario threw. */
  | { readonly type: 'thrown'; readonly name: string; readonly message: string; readonly stack: string | undefined }

/** Something that runs one plan at a time, beside this thread. */
export interface PlanWorker {
  post(job: PlanJob): void
  /** Ends it, whatever it does. */
  end(): Promise<void>
}

/** What a worker tells of itself. */
export interface PlanWorkerEvents {
  outcome(outcome: PlanOutcome): void
  /** It is no more, also where it was told to end. */
  ended(why: string): void
}

/** Starts a worker. A job may be posted at once; it waits until the worker is ready. */
export type SpawnPlanWorker = (events: PlanWorkerEvents) => PlanWorker

/** Runs plans one at a time, none longer than a limit of real time. */
export interface PlanRunner extends AsyncDisposable {
  /**
   * Runs a plan. One that does not end in time, or that ends its worker, breaks a rule of {@link RUNNER_RULES}; what a
   * scenario throws is thrown here.
   */
  run(plan: Plan, options?: RunOptions): Promise<RunResult>
  /** Ends the run that is under way: it throws a {@link GivenUpError}. */
  giveUp(): void
}

/** A run was ended before its end, since nobody wants to know any more. */
export class GivenUpError extends Error {
  override readonly name = 'GivenUpError'

  constructor() {
    super('the run was given up')
  }
}

/** What {@link WatchedRuns} works with. */
export interface WatchedRunsPorts {
  readonly clock: Clock
  readonly spawn: SpawnPlanWorker
}

interface Waiting {
  readonly resolve: (result: RunResult) => void
  readonly reject: (error: Error) => void
}

/** Runs plans on a worker with a watchdog: a loop without end holds up nothing but that worker, which is then replaced. */
export class WatchedRuns implements PlanRunner {
  readonly #ports: WatchedRunsPorts
  readonly #hangMs: number
  #worker: PlanWorker | undefined
  #waiting: Waiting | undefined
  readonly #ends: Promise<void>[] = []

  constructor(ports: WatchedRunsPorts, { hangMs }: { readonly hangMs: number }) {
    this.#ports = ports
    this.#hangMs = hangMs
  }

  async run(plan: Plan, options: RunOptions = {}): Promise<RunResult> {
    if (this.#waiting !== undefined) throw new RangeError('a run is under way')
    const ended = new Promise<RunResult>((resolve, reject) => {
      this.#waiting = { resolve, reject }
    })
    const watchdog = this.#ports.clock.setTimer(this.#hangMs, () => this.#onHang())
    try {
      this.#worker ??= this.#spawn()
      this.#worker.post({ plan, options })
      return await ended
    } finally {
      watchdog.cancel()
      this.#waiting = undefined
    }
  }

  giveUp(): void {
    this.#dismiss()
    this.#waiting?.reject(new GivenUpError())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.giveUp()
    await Promise.all(this.#ends)
  }

  #spawn(): PlanWorker {
    // What a worker says after it was let go of concerns nobody.
    const ifCurrent = (action: () => void): void => {
      if (this.#worker === worker) action()
    }
    const worker = this.#ports.spawn({
      outcome: (outcome) => ifCurrent(() => this.#onOutcome(outcome)),
      ended: (why) =>
        ifCurrent(() => {
          this.#worker = undefined
          this.#waiting?.resolve(unfinished({ rule: RUNNER_RULES.survives, message: why, atMs: 0 }))
        }),
    })
    return worker
  }

  #onOutcome(outcome: PlanOutcome): void {
    if (outcome.type === 'result') {
      this.#waiting?.resolve(outcome.result)
      return
    }
    const { name, message, stack } = outcome
    const error = new Error(message)
    this.#waiting?.reject(Object.assign(error, { name, stack: stack ?? `${name}: ${message}` }))
  }

  #onHang(): void {
    const message = `It did not end within ${this.#hangMs / 1_000} s of real time.`
    this.#dismiss()
    this.#waiting?.resolve(unfinished({ rule: RUNNER_RULES.ends, message, atMs: 0 }))
  }

  #dismiss(): void {
    const worker = this.#worker
    this.#worker = undefined
    if (worker !== undefined) this.#ends.push(worker.end())
  }
}

/** The result of a run that came to none. */
function unfinished(violation: Violation): RunResult {
  return { hash: '', virtualMs: 0, steps: 0, counts: new Map(), aimed: [], violation }
}

/** Whether a run came to no end of its own, so that there is nothing of it to look at. */
export function isUnfinished({ violation }: Pick<RunResult, 'violation'>): boolean {
  return violation?.rule === RUNNER_RULES.ends || violation?.rule === RUNNER_RULES.survives
}
