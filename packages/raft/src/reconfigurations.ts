import { type Clock, Pending } from '@dsys/runtime'
import { destinationOf, isSettled, type Membership, sameMembership } from './core/configuration.ts'
import type { PlacedConfiguration } from './core/configurations.ts'
import type { ReconfigureRefusal } from './core/reconfiguration.ts'
import {
  MembershipConflictError,
  NoLeaderError,
  OverloadedError,
  ReconfigurationPendingError,
  WitnessRoleError,
} from './errors.ts'
import type { ReconfigureOptions } from './options.ts'
import { Tickets } from './tickets.ts'

const DEFAULT_TIMEOUT_MS = 30_000
/** Changes are rare; whoever has more than this open has made a mistake. */
const MAX_OPEN = 64

/** A change that a caller of this node waits for. */
export interface WantedMembership {
  readonly ticket: number
  readonly target: Membership
  readonly expected: Membership | undefined
}

interface Reconfiguration extends WantedMembership {
  readonly pending: Pending<Membership>
  /** When to ask the leader (again). */
  resendMs: number
  /** A leader was asked. */
  asked: boolean
  /** A leader has taken it: the configuration that began it has this index, by the last that said so. */
  acceptedIndex: number | undefined
}

/** The changes of the group that callers of this node wait for. A leader is asked again until this node sees them done. */
export class Reconfigurations {
  readonly #clock: Clock
  readonly #config: { readonly group: string; readonly resendAfterMs: number }
  readonly #open = new Map<number, Reconfiguration>()
  readonly #tickets = new Tickets()

  constructor(clock: Clock, config: { readonly group: string; readonly resendAfterMs: number }) {
    this.#clock = clock
    this.#config = config
  }

  get size(): number {
    return this.#open.size
  }

  add(
    target: Membership,
    { expected, timeoutMs = DEFAULT_TIMEOUT_MS, signal }: ReconfigureOptions,
  ): Promise<Membership> {
    const { group } = this.#config
    for (const [ticket, one] of this.#open) if (one.pending.settled) this.#open.delete(ticket)
    if (this.#open.size >= MAX_OPEN) return Promise.reject(new OverloadedError(group, `${MAX_OPEN} reconfigurations`))
    const ticket = this.#tickets.next(this.#clock.monotonicMs())
    const pending = new Pending<Membership>({
      clock: this.#clock,
      timeoutMs,
      signal,
      onTimeout: () =>
        one.asked ? new ReconfigurationPendingError(group, timeoutMs) : new NoLeaderError(group, timeoutMs),
    })
    const one: Reconfiguration = {
      ticket,
      target,
      expected,
      pending,
      resendMs: 0,
      asked: false,
      acceptedIndex: undefined,
    }
    this.#open.set(ticket, one)
    return pending.promise
  }

  /** What a leader should be asked for now. */
  take(nowMs: number): WantedMembership[] {
    const due: WantedMembership[] = []
    for (const [ticket, one] of this.#open) {
      if (one.pending.settled) this.#open.delete(ticket)
      else if (nowMs >= one.resendMs) {
        one.resendMs = nowMs + this.#config.resendAfterMs
        one.asked = true
        due.push(one)
      }
    }
    return due
  }

  /** A leader has begun it, or is there already: by the configuration at `index`. */
  accepted(ticket: number, index: number): void {
    const one = this.#open.get(ticket)
    // What an earlier leader has begun may be gone with its log, and begun again at a lower index.
    if (one !== undefined) one.acceptedIndex = index
  }

  /** It was not taken; asked again at `resendMs` unless that is in vain. */
  refused(ticket: number, why: ReconfigureRefusal, resendMs: number): void {
    const one = this.#open.get(ticket)
    if (one === undefined) return
    one.resendMs = resendMs
    if (why === 'witness-role' && one.acceptedIndex === undefined) {
      this.#settle(one, () => one.pending.reject(new WitnessRoleError(this.#config.group)))
      return
    }
    // Once a leader has taken it, what is unexpected now may be what it has become.
    if (why === 'unexpected' && one.acceptedIndex === undefined) {
      this.#settle(one, () => one.pending.reject(new MembershipConflictError(this.#config.group)))
    }
  }

  leaderChanged(): void {
    for (const one of this.#open.values()) one.resendMs = 0
  }

  /** This node has this configuration, committed. */
  committed({ index, configuration }: PlacedConfiguration): void {
    if (!isSettled(configuration)) return
    for (const one of [...this.#open.values()]) {
      if (one.acceptedIndex === undefined || index < one.acceptedIndex) continue
      if (sameMembership(configuration, one.target)) {
        this.#settle(one, () => one.pending.resolve(destinationOf(configuration)))
      } else {
        this.#settle(one, () => one.pending.reject(new MembershipConflictError(this.#config.group)))
      }
    }
  }

  #settle(one: Reconfiguration, settle: () => void): void {
    this.#open.delete(one.ticket)
    settle()
  }

  rejectAll(error: (asked: boolean) => Error): void {
    for (const one of this.#open.values()) one.pending.reject(error(one.asked))
    this.#open.clear()
  }
}
