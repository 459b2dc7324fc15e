import { type Clock, type Logger, Pending } from '@dsys/runtime'
import type { MemberLife, SurvivalLease, SurvivalSide, SurvivalStanding } from './lease.ts'

/** What a {@link LeaseKeeper} may do. */
export interface LeaseKeeperPorts {
  readonly clock: Clock
  readonly logger: Logger
  readonly lease: SurvivalLease
}

/** Options of a {@link LeaseKeeper}, in milliseconds. */
export interface LeaseKeeperOptions {
  /** How long one answer is waited for. */
  readonly timeoutMs: number
  /** How often it asks what stands while nothing changes. */
  readonly checkEveryMs: number
}

/** What came of asking for the lease. */
export interface LeaseOutcome {
  /** `moved`: the side has to be seen anew. */
  readonly outcome: 'survive' | 'down' | 'moved'
  readonly why: string
}

/** What one node says to the lease that decides splits, and what it last heard from it. It asks one question of each kind at a time, each with a deadline. */
export class LeaseKeeper {
  readonly #ports: LeaseKeeperPorts
  readonly #options: LeaseKeeperOptions
  readonly #stop = new AbortController()
  #standing: SurvivalStanding | undefined
  #isChecking = false
  /** When the last question for what stands began that was answered. */
  #checkedMs = Number.NEGATIVE_INFINITY
  /** Who was here when the lease noted that last. */
  #noted = ''
  #isNoting = false
  readonly #failing = new Set<string>()

  constructor(ports: LeaseKeeperPorts, options: LeaseKeeperOptions) {
    this.#ports = ports
    this.#options = options
  }

  /** What the lease said last of the decision that stands. */
  get standing(): SurvivalStanding | undefined {
    return this.#standing
  }

  stop(): void {
    this.#stop.abort(new DOMException('the split-brain resolver has stopped', 'AbortError'))
  }

  /** Asks what stands where that was not asked since the view became what it is at `sinceMs`, or not lately. */
  async check(self: MemberLife, sinceMs: number, nowMs: number): Promise<void> {
    const { lease } = this.#ports
    const isKnown = this.#checkedMs >= sinceMs && nowMs - this.#checkedMs < this.#options.checkEveryMs
    if (lease.standing === undefined || this.#isChecking || isKnown) return
    this.#isChecking = true
    await this.#attempt('could not say who goes on', async () => {
      this.#standing = await this.#within(async (signal) => lease.standing?.(self, { signal }))
      this.#checkedMs = nowMs
    })
    this.#isChecking = false
  }

  /** What it heard may be out of date: it asks at the next look. */
  recheck(): void {
    this.#checkedMs = Number.NEGATIVE_INFINITY
  }

  /** Tells the lease who the whole cluster is, when that has changed. What fails is tried again at the next look. */
  async note(whole: SurvivalSide): Promise<void> {
    const { lease } = this.#ports
    const text = [...whole.members, ...whole.left].map(({ id, generation }) => `${id} ${generation}`).join('\n')
    if (lease.extend === undefined || this.#isNoting || text === this.#noted) return
    this.#isNoting = true
    await this.#attempt('could not note who is here', async () => {
      const isNoted = await this.#within(async (signal) => lease.extend?.(whole, { signal }))
      if (isNoted === true) this.#noted = text
      else this.recheck()
    })
    this.#isNoting = false
  }

  /** Asks for the lease. `undefined` once this was stopped. */
  async ask(owner: string, side: SurvivalSide, holdMs: number): Promise<LeaseOutcome | undefined> {
    const { lease, logger } = this.#ports
    let told: LeaseOutcome
    try {
      const isOurs = await this.#within(async (signal) => lease.acquire(owner, { holdMs, side, signal }))
      if (isOurs === 'moved') told = { outcome: 'moved', why: 'others have decided meanwhile' }
      else if (isOurs) told = { outcome: 'survive', why: `the side of ${owner} has the lease` }
      else told = { outcome: 'down', why: `another side than that of ${owner} has the lease` }
    } catch (error) {
      // Deviation: every error is caught here. Whatever it is, nobody knows who has the lease, and to go on could be wrong.
      logger.log('warn', 'the lease that decides a split could not be asked for', { error })
      const why = error instanceof Error ? error.message : String(error)
      told = { outcome: 'down', why: `it is not known who has the lease: ${why}` }
    }
    return this.#stop.signal.aborted ? undefined : told
  }

  async #attempt(what: string, run: () => Promise<void>): Promise<void> {
    try {
      await run()
      this.#failing.delete(what)
    } catch (error) {
      // Deviation: every error is caught here. Nothing depends on it yet, and the next look tries again.
      if (this.#stop.signal.aborted || this.#failing.has(what)) return
      this.#failing.add(what)
      this.#ports.logger.log('warn', `the lease that decides a split ${what}`, { error })
    }
  }

  /** Runs `ask` until it is done, the time is over or this was stopped. */
  async #within<T>(ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { timeoutMs } = this.#options
    const ended = new AbortController()
    const pending = new Pending<T>({
      clock: this.#ports.clock,
      timeoutMs,
      onTimeout: () => new Error(`no answer within ${timeoutMs} ms`),
      signal: this.#stop.signal,
    })
    ask(ended.signal).then(
      (value) => pending.resolve(value),
      (error: unknown) => pending.reject(error),
    )
    try {
      return await pending.promise
    } finally {
      ended.abort(new DOMException('nobody waits for it any more', 'AbortError'))
    }
  }
}
