import type { Clock, EventHub } from '@dsys/runtime'
import type { PeerAddress } from '@dsys/transport'
import { MalformedError } from './bytes.ts'
import { isSettled, type Membership, sameMembership } from './core/configuration.ts'
import type { RaftCore } from './core/raft-core.ts'
import { IdentityLostError } from './errors.ts'
import type { NodeFacts } from './findings.ts'
import type { Outgoing } from './outgoing.ts'
import type { ReadDesk } from './read-desk.ts'
import type { Reconfigurations } from './reconfigurations.ts'
import { checkMembers } from './resolve-options.ts'
import type { RaftEvent } from './status.ts'
import type { IdentityLost, ReconfigureAccepted, ReconfigureRefused } from './wire.ts'
import type { ReconfigureRequest } from './wire-members.ts'

type Answer = ReconfigureAccepted | ReconfigureRefused

/** What a {@link MembersDesk} works with. */
export interface MembersDeskParts {
  readonly id: string
  readonly clock: Clock
  readonly core: RaftCore
  readonly outgoing: Outgoing
  readonly changes: Reconfigurations
  readonly desk: ReadDesk
  readonly hub: EventHub<RaftEvent>
  readonly maxCommandBytes: number
  /** How long a refused request waits before it is asked again, in milliseconds. */
  readonly retryAfterMs: number
  readonly wake: () => void
  readonly group: string
  /** The number by which the group knows this node and its disk. */
  readonly incarnation: number
}

/** Brings requests to change the members, of this node and of others, to whoever leads, and the answers back. */
export class MembersDesk {
  readonly #parts: MembersDeskParts
  /** The members that were told of last; none when a change was on its way as this node began. */
  #told: Membership | undefined
  #warnedMs = Number.NEGATIVE_INFINITY
  /** Members that answered as another incarnation than the one that the group knows, and when they did so last. */
  readonly #strangers = new Map<string, { readonly heard: number; readonly known: number; readonly atMs: number }>()

  constructor(parts: MembersDeskParts) {
    this.#parts = parts
    const { configuration } = parts.core.configuration
    this.#told = isSettled(configuration) ? configuration : undefined
  }

  /** Asks the leader, where one is known, for the changes that callers of this node wait for. */
  ask(nowMs: number): void {
    const { id, core, changes, outgoing } = this.#parts
    const { leader } = core
    if (changes.size === 0 || leader === undefined) return
    const basis = core.committedConfiguration.index
    for (const { ticket, target, expected } of changes.take(nowMs)) {
      const request = { type: 'reconfigure-request', ticket, target, expected, basis } as const
      if (leader !== id) outgoing.add(leader, request)
      else this.#reconfigure(request, (answer) => this.answered(answer))
    }
  }

  /**
   * Tells those who answer in another incarnation than the one that the group knows. A leader that is none any more may know an earlier
   * membership, so a round shows first that this one still leads.
   */
  warn(nowMs: number): void {
    const { core, desk, outgoing, retryAfterMs } = this.#parts
    const strangers = core.takeStrangers()
    for (const [id, incarnations] of strangers) this.#strangers.set(id, { ...incarnations, atMs: nowMs })
    if (strangers.length === 0 || core.configuration.index > core.commitIndex || nowMs < this.#warnedMs + retryAfterMs)
      return
    this.#warnedMs = nowMs
    desk.confirm((leads) => {
      if (leads)
        for (const [id, { heard, known }] of strangers) outgoing.add(id, { type: 'identity-lost', heard, known })
    })
    this.#parts.wake()
  }

  /** The members that have come back without the disk that this leader's group knows them by, and were not heard as themselves since. */
  strangers(nowMs: number): NodeFacts['strangers'] {
    const { progress } = this.#parts.core
    for (const [id, { atMs }] of this.#strangers) {
      const member = progress?.get(id)
      if (member === undefined || (member.heardMs ?? Number.NEGATIVE_INFINITY) > atMs) this.#strangers.delete(id)
    }
    const seen = [...this.#strangers].map(
      ([id, { heard, known, atMs }]) => [id, { heard, known, agoMs: nowMs - atMs }] as const,
    )
    return new Map(seen)
  }

  /** The leader says that this node is not known by its disk. Throws IdentityLostError. */
  identityLost({ heard, known }: IdentityLost): void {
    const { id, incarnation, group } = this.#parts
    // It may be meant for an earlier life.
    if (heard === incarnation && known !== incarnation) throw new IdentityLostError(group, id)
  }

  /** Another node asks. Throws MalformedError when what it asks for cannot be. */
  receive(from: PeerAddress, request: ReconfigureRequest): void {
    const { maxCommandBytes, outgoing } = this.#parts
    const { target } = request
    try {
      checkMembers(target, maxCommandBytes)
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      throw new MalformedError(`members that cannot be: ${error.message}`)
    }
    this.#reconfigure(request, (answer) => outgoing.answer(from, answer))
  }

  /** The leader has answered. */
  answered(answer: Answer): void {
    const { changes, clock, retryAfterMs, wake } = this.#parts
    if (answer.type === 'reconfigure-accepted') changes.accepted(answer.ticket, answer.index)
    else changes.refused(answer.ticket, answer.why, clock.monotonicMs() + retryAfterMs)
    wake()
  }

  #reconfigure({ ticket, target, expected, basis }: ReconfigureRequest, answer: (answer: Answer) => void): void {
    const { core, desk } = this.#parts
    const result = core.reconfigure(target, expected, basis)
    const { index } = core.configuration
    const done = result === 'begun' || result === 'reached'
    const told = done
      ? ({ type: 'reconfigure-accepted', ticket, index } as const)
      : ({ type: 'reconfigure-refused', ticket, why: result } as const)
    // A leader that is none any more knows the members of old.
    if (result !== 'reached' && result !== 'unexpected') answer(told)
    else desk.confirm((leads) => answer(leads ? told : { type: 'reconfigure-refused', ticket, why: 'not-leader' }))
  }

  /** Tells of the members once a configuration is committed that nobody is about to leave. */
  tell(): void {
    const { core, changes, hub } = this.#parts
    const { configuration: placed, commitIndex } = core
    const { index, configuration } = placed
    if (index > commitIndex || !isSettled(configuration)) return
    changes.committed(placed)
    // An entry may say again what is so already: the first configuration, once it is in the log.
    if (this.#told !== undefined && sameMembership(configuration, this.#told)) return
    this.#told = configuration
    const { voters, learners, witnesses = [] } = configuration
    hub.publish({ type: 'MembersChanged', voters, learners, witnesses, index })
  }
}
