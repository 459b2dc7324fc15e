import { type Buggify, type Clock, invariant } from '@dsys/runtime'
import type { PeerAddress } from '@dsys/transport'
import type { Effects, RaftCore } from './core/raft-core.ts'
import type { Outgoing } from './outgoing.ts'
import type { ReadQueue } from './read-queue.ts'
import type { ReadIndexRequest } from './wire.ts'

/** Questions of followers that a leader keeps at once. */
const MAX_TICKETS = 65_536

/** Whose question it is: of readers at a life of another node or at this node, or of whoever wants to know that this node leads. */
type Asked =
  | { readonly from: PeerAddress | undefined; readonly ticket: number }
  | { readonly told: (leads: boolean) => void }

/** What a {@link ReadDesk} works with. */
export interface ReadDeskParts {
  readonly id: string
  readonly clock: Clock
  readonly core: RaftCore
  readonly outgoing: Outgoing
  /** The reads of this node. Their state is the business of whoever serves them. */
  readonly reads: Pick<ReadQueue<never>, 'take' | 'confirmed' | 'returned' | 'refused' | 'size'>
  readonly buggify: Buggify | undefined
}

/** Brings the questions of readers, of this node and of others, to whoever leads, and the answers back. */
export class ReadDesk {
  readonly #parts: ReadDeskParts
  /** Whose question each ticket of the core is. */
  readonly #asked = new Map<number, Asked>()
  #nextTicket = 1

  constructor(parts: ReadDeskParts) {
    this.#parts = parts
  }

  /** Asks the leader, where one is known, about the reads of this node that wait. */
  ask(nowMs: number): void {
    const { id, core, reads, outgoing } = this.#parts
    const { leader } = core
    if (leader === undefined) return
    for (const lease of [false, true]) {
      const ticket = reads.take(nowMs, lease)
      if (ticket === undefined) continue
      if (leader !== id) outgoing.add(leader, { type: lease ? 'read-lease-request' : 'read-index-request', ticket })
      else if (!this.#request(undefined, ticket, lease)) reads.refused(ticket, nowMs)
    }
  }

  /** A follower asks. */
  receive(from: PeerAddress, { type, ticket }: ReadIndexRequest): void {
    const { buggify, outgoing } = this.#parts
    const refused = this.#asked.size >= MAX_TICKETS || buggify?.('raft.refuse-read') === true
    if (!refused && this.#request(from, ticket, type === 'read-lease-request')) return
    outgoing.answer(from, { type: 'read-index-refused', ticket })
  }

  #request(from: PeerAddress | undefined, ticket: number, lease: boolean): boolean {
    const { core, clock } = this.#parts
    const coreTicket = this.#nextTicket++
    const taken = lease ? core.requestLeaseRead(coreTicket, clock.monotonicMs()) : core.requestRead(coreTicket)
    if (taken) this.#asked.set(coreTicket, { from, ticket })
    return taken
  }

  /** Tells, after a round to a majority, whether this node leads at this moment. */
  confirm(told: (leads: boolean) => void): void {
    const coreTicket = this.#nextTicket++
    if (this.#asked.size < MAX_TICKETS && this.#parts.core.requestRead(coreTicket))
      this.#asked.set(coreTicket, { told })
    else told(false)
  }

  /** Passes the answers of the core on. Returns whether more of this node's reads may be asked about now. */
  answer({ confirmedReads, droppedReads }: Effects): boolean {
    const { reads, outgoing } = this.#parts
    for (const { ticket, index } of confirmedReads) {
      const asked = this.#take(ticket)
      if ('told' in asked) asked.told(true)
      else if (asked.from === undefined) reads.confirmed(asked.ticket, index)
      else outgoing.answer(asked.from, { type: 'read-index-response', ticket: asked.ticket, index })
    }
    for (const ticket of droppedReads) {
      const asked = this.#take(ticket)
      if ('told' in asked) asked.told(false)
      else if (asked.from === undefined) reads.returned(asked.ticket)
      else outgoing.answer(asked.from, { type: 'read-index-refused', ticket: asked.ticket })
    }
    return confirmedReads.length > 0 && reads.size > 0
  }

  #take(coreTicket: number): Asked {
    const asked = this.#asked.get(coreTicket)
    invariant(asked !== undefined, `the core answered ticket ${coreTicket}, which nobody holds`)
    this.#asked.delete(coreTicket)
    return asked
  }
}
