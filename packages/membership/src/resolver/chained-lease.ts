import { type Clock, DsysError, delay, Pending } from '@dsys/runtime'
import { SurvivalRecordError } from '../errors.ts'
import type { MemberLife, SurvivalLease, SurvivalSide, SurvivalStanding } from './lease.ts'
import {
  type ChainRuling,
  isSurvivorDecision,
  ruleByChain,
  ruleWhole,
  type SurvivorDecision,
  standingOf,
} from './survivor-chain.ts'

/** How long one call may take, and what ends it. */
export interface RegisterCall {
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

/**
 * A place that holds one value for each key and changes it by compare-and-set, linearizable for all that ask. A linearizable keyspace of `@dsys/kv` is one as it is, with the codec
 * `json<SurvivorDecision>()`.
 */
export interface SurvivalRegister {
  /** Never what was overwritten before it was asked. */
  get(
    key: string,
    options: RegisterCall,
  ): Promise<{ readonly value: SurvivorDecision; readonly revision: number } | undefined>
  /** Sets the value where there is none. */
  create(key: string, value: SurvivorDecision, options: RegisterCall): Promise<{ readonly created: boolean }>
  /** Sets the value where it still has `revision`. A revision never comes back. */
  update(
    key: string,
    value: SurvivorDecision,
    options: RegisterCall & { readonly revision: number },
  ): Promise<{ readonly updated: boolean }>
}

/** What a {@link ChainedLease} may do. */
export interface ChainedLeasePorts {
  readonly clock: Clock
  /** Can be reached by each side that shall be able to go on. Whoever made it starts and stops it. */
  readonly register: SurvivalRegister
}

/** Options of a {@link ChainedLease}. */
export interface ChainedLeaseOptions {
  /** Where the last decision is kept, the same for all nodes of a cluster and for nobody else. Default `dsys/survivors`. */
  readonly key?: string
  /**
   * How long it tries to learn who goes on, in milliseconds, from 100 to 600,000. The resolver waits for no longer than `leaseTimeoutMs`, so take no more than that. Default 8,000.
   */
  readonly timeoutMs?: number
  /** How long one call of the register may take, in milliseconds, from 10 to `timeoutMs`. Default 2,000, or `timeoutMs` where that is less. */
  readonly callTimeoutMs?: number
  /** How long it waits before it looks again, in milliseconds, from 1 to 60,000. Default 100. */
  readonly pauseMs?: number
}

/**
 * A survival lease that never runs out: a chain of decisions in a register, each of which names the lives that go on, and each of which takes the place of the one before by compare-and-set.
 *
 * A side goes on when a life that the last decision names puts its side in place of it. The other sides that came from the same decision are then not named any more, and are refused, however late they
 * ask. No clock takes part in that. Only a side that was seen after the last decision takes its place, so a process that was blocked does not name those whom it saw before.
 */
export class ChainedLease implements SurvivalLease {
  readonly #ports: ChainedLeasePorts
  readonly #options: Required<ChainedLeaseOptions>

  /** Throws RangeError for options out of their limits. */
  constructor(ports: ChainedLeasePorts, options: ChainedLeaseOptions = {}) {
    const { key = 'dsys/survivors', timeoutMs = 8_000, pauseMs = 100 } = options
    checkDuration('timeoutMs', timeoutMs, 100, 600_000)
    const callTimeoutMs = options.callTimeoutMs ?? Math.min(2_000, timeoutMs)
    checkDuration('callTimeoutMs', callTimeoutMs, 10, timeoutMs)
    checkDuration('pauseMs', pauseMs, 1, 60_000)
    this.#ports = ports
    this.#options = { key, timeoutMs, callTimeoutMs, pauseMs }
  }

  /**
   * Whether the side goes on; `moved` where others have decided since `side.decision`, and not for just this side. Throws an Error when that is not known within `timeoutMs`, with what stood in the way as its `cause`; what the register throws and cannot be tried again; and
   * SurvivalRecordError (`DSYS_MEMBERSHIP_SURVIVAL_RECORD_INVALID`) for a record that is not one.
   */
  acquire(
    _owner: string,
    { side, signal }: { readonly side: SurvivalSide; readonly signal: AbortSignal },
  ): Promise<boolean | 'moved'> {
    return this.#within<boolean | 'moved'>(signal, async (ended, tell) => {
      while (true) {
        ended.throwIfAborted()
        const outcome = await this.#try((last) => ruleByChain(last, side), ended).catch((error: unknown) => {
          if (!mayTryAgain(error)) throw error
          // Whether it was written is not known: the next look tells.
          tell(error)
          return 'again' as const
        })
        if (outcome === 'holds' || outcome === 'refused') return outcome === 'holds'
        if (outcome === 'moved') return outcome
        if (outcome === 'wait') tell(new Error('nobody who may decide for this side has done so'))
        await delay(this.#ports.clock, this.#options.pauseMs, ended)
      }
    })
  }

  /**
   * Adds all of `whole` to those who go on, where who asks is named already, without those that were left out once. False as well where others have decided since `whole.decision`.
   * Throws as `acquire` does.
   */
  extend(whole: SurvivalSide, { signal }: { readonly signal: AbortSignal }): Promise<boolean> {
    return this.#within(signal, async (ended) => (await this.#try((last) => ruleWhole(last, whole), ended)) === 'holds')
  }

  /** Throws as `acquire` does. */
  standing(self: MemberLife, { signal }: { readonly signal: AbortSignal }): Promise<SurvivalStanding> {
    return this.#within(signal, async (ended) => standingOf((await this.#read(ended))?.value, self))
  }

  /**
   * The last decision, or `undefined` before the first. Its number grows with each: who writes elsewhere in the name of a side can send it along, so that
   * what an earlier side writes is told from it.
   */
  last({ signal }: { readonly signal?: AbortSignal } = {}): Promise<SurvivorDecision | undefined> {
    return this.#within(signal, async (ended) => (await this.#read(ended))?.value)
  }

  async #try(
    rule: (last: SurvivorDecision | undefined) => ChainRuling,
    signal: AbortSignal,
  ): Promise<'holds' | 'refused' | 'wait' | 'moved' | 'again'> {
    const { key, callTimeoutMs: timeoutMs } = this.#options
    const entry = await this.#read(signal)
    const ruling = rule(entry?.value)
    if (ruling.kind !== 'succeed') return ruling.kind
    signal.throwIfAborted()
    const { register } = this.#ports
    const isOurs =
      entry === undefined
        ? (await register.create(key, ruling.next, { timeoutMs, signal })).created
        : (await register.update(key, ruling.next, { timeoutMs, signal, revision: entry.revision })).updated
    return isOurs ? 'holds' : 'again'
  }

  async #read(
    signal: AbortSignal,
  ): Promise<{ readonly value: SurvivorDecision; readonly revision: number } | undefined> {
    const { key, callTimeoutMs: timeoutMs } = this.#options
    const entry = await this.#ports.register.get(key, { timeoutMs, signal })
    if (entry !== undefined && !isSurvivorDecision(entry.value)) throw new SurvivalRecordError(key)
    return entry
  }

  /** Also where the register takes no notice of deadlines. */
  async #within<T>(
    signal: AbortSignal | undefined,
    run: (ended: AbortSignal, tell: (error: unknown) => void) => Promise<T>,
  ): Promise<T> {
    const { timeoutMs } = this.#options
    const ended = new AbortController()
    let why: unknown
    const pending = new Pending<T>({
      clock: this.#ports.clock,
      timeoutMs,
      signal,
      onTimeout: () => new Error(`it was not known within ${timeoutMs} ms who goes on`, { cause: why }),
    })
    run(ended.signal, (error) => {
      why = error
    }).then(
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

const mayTryAgain = (error: unknown): boolean =>
  error instanceof DsysError && (error.retryable || error.outcome === 'unknown')

function checkDuration(name: string, value: number, leastMs: number, mostMs: number): void {
  if (!(value >= leastMs && value <= mostMs))
    throw new RangeError(`${name} must be from ${leastMs} to ${mostMs} milliseconds, got ${value}`)
}
