import type { Clock, TimerHandle } from '@dsys/runtime'
import { failedOutcome, type Job, type Outcome, RUNNER_RULES } from './job.ts'

/** Something that runs one job at a time, beside this thread. */
export interface SimWorker {
  post(job: Job): void
  /** Ends it, whatever it does. */
  end(): Promise<void>
}

/** What a worker tells its pool. */
export interface WorkerEvents {
  /** It has loaded everything and takes jobs. */
  ready(): void
  outcome(outcome: Outcome): void
  /** It is no more, also where it was told to end. */
  ended(why: string): void
}

/** Starts a worker. */
export type Spawn = (events: WorkerEvents) => SimWorker

/** What a {@link WorkerPool} works with. */
export interface WorkerPoolPorts {
  readonly clock: Clock
  readonly spawn: Spawn
  /** The next job; undefined when there is none left. Asked whenever a worker is free. */
  readonly take: () => Job | undefined
  readonly done: (outcome: Outcome) => void
}

/** Options of a {@link WorkerPool}. */
export interface WorkerPoolOptions {
  /** How many workers, 1 or more. */
  readonly workers: number
  /** A job that takes longer than this in real time hangs; its worker is ended and replaced. */
  readonly hangMs: number
}

interface Slot {
  worker: SimWorker | undefined
  job: Job | undefined
  watchdog: TimerHandle | undefined
  isReady: boolean
}

/** Workers that take jobs one by one, so that a long one holds up nobody else. */
export class WorkerPool {
  readonly #ports: WorkerPoolPorts
  readonly #options: WorkerPoolOptions
  readonly #slots = new Set<Slot>()
  readonly #ends: Promise<void>[] = []
  #finish: () => void = () => undefined
  #fail: (error: Error) => void = () => undefined
  #stopped = false

  constructor(ports: WorkerPoolPorts, options: WorkerPoolOptions) {
    this.#ports = ports
    this.#options = options
  }

  /** Runs jobs until there are none, or until {@link WorkerPool.stop}. Rejects when a worker cannot even start. */
  async run(): Promise<void> {
    const finished = new Promise<void>((resolve, reject) => {
      this.#finish = resolve
      this.#fail = reject
    })
    for (let i = 0; i < this.#options.workers; i++)
      this.#fill({ worker: undefined, job: undefined, watchdog: undefined, isReady: false })
    try {
      if (this.#slots.size > 0) await finished
    } finally {
      this.stop()
      await Promise.all(this.#ends)
    }
  }

  /** Ends every worker at once; the jobs that they run are given up. */
  stop(): void {
    this.#stopped = true
    for (const slot of [...this.#slots]) this.#retire(slot)
    this.#finish()
  }

  /** Gives the slot a job, and a worker where it has none; without a job it is closed. */
  #fill(slot: Slot): void {
    const job = this.#stopped ? undefined : this.#ports.take()
    if (job === undefined) {
      this.#retire(slot)
      if (this.#slots.size === 0) this.#finish()
      return
    }
    this.#slots.add(slot)
    slot.job = job
    if (slot.worker === undefined) this.#spawn(slot)
    else this.#post(slot)
  }

  #spawn(slot: Slot): void {
    slot.isReady = false
    // What a worker says after its slot has let go of it concerns nobody.
    const ifCurrent = (action: () => void): void => {
      if (slot.worker === worker) action()
    }
    const worker = this.#ports.spawn({
      ready: () =>
        ifCurrent(() => {
          slot.isReady = true
          this.#post(slot)
        }),
      outcome: (outcome) => ifCurrent(() => this.#finishJob(slot, outcome)),
      ended: (why) => ifCurrent(() => this.#onEnded(slot, why)),
    })
    slot.worker = worker
  }

  #post(slot: Slot): void {
    if (slot.job === undefined) return
    slot.worker?.post(slot.job)
    slot.watchdog = this.#ports.clock.setTimer(this.#options.hangMs, () => this.#onHang(slot))
  }

  #finishJob(slot: Slot, outcome: Outcome): void {
    slot.watchdog?.cancel()
    slot.job = undefined
    this.#ports.done(outcome)
    this.#fill(slot)
  }

  #onHang(slot: Slot): void {
    const { job } = slot
    if (job === undefined) return
    const message = `It did not end within ${this.#options.hangMs / 1_000} s of real time.`
    this.#dismiss(slot)
    this.#finishJob(slot, failedOutcome(job, { rule: RUNNER_RULES.ends, message, atMs: 0 }))
  }

  #onEnded(slot: Slot, why: string): void {
    const { job } = slot
    slot.worker = undefined
    if (!slot.isReady) {
      this.#fail(new Error(`A worker could not start: ${why}`))
      return
    }
    if (job === undefined) return
    this.#finishJob(slot, failedOutcome(job, { rule: RUNNER_RULES.survives, message: why, atMs: 0 }))
  }

  #retire(slot: Slot): void {
    slot.watchdog?.cancel()
    slot.job = undefined
    this.#dismiss(slot)
    this.#slots.delete(slot)
  }

  #dismiss(slot: Slot): void {
    const { worker } = slot
    slot.worker = undefined
    if (worker !== undefined) this.#ends.push(worker.end())
  }
}
