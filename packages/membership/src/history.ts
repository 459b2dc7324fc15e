import type { MemberEvent } from './events.ts'
import { describeEvidence, type Evidence } from './evidence.ts'

/** One thing that happened to a member, as this node saw it. */
export interface MemberIncident {
  /** An event; or `Forgotten`, when what is known of a dead or gone member is given up, of which no event tells. */
  readonly type: MemberEvent['type'] | 'Forgotten'
  readonly generation: number
  readonly incarnation: number
  /** On the monotonic scale of this node's clock. */
  readonly atMs: number
  readonly why: string
  readonly evidence: Evidence
}

const INCIDENTS_PER_MEMBER = 16

/** Keeps the last incidents of each member, and of at most `maxMembers` of them: also of those that are not remembered otherwise. */
export class History {
  readonly #maxMembers: number
  readonly #incidents = new Map<string, MemberIncident[]>()

  constructor(maxMembers: number) {
    this.#maxMembers = maxMembers
  }

  add({ type, member, why, evidence }: MemberEvent, atMs: number): void {
    const { id, generation, incarnation } = member
    this.#note(id, { type, generation, incarnation, atMs, why, evidence })
  }

  /** Nothing else is known of the node any more. */
  forgotten(id: string, last: { generation: number; incarnation: number }, evidence: Evidence, atMs: number): void {
    const { generation, incarnation } = last
    const why = describeEvidence(evidence)
    this.#note(id, { type: 'Forgotten', generation, incarnation, atMs, why, evidence })
  }

  /** The incidents of one member, oldest first. */
  of(id: string): readonly MemberIncident[] {
    return [...(this.#incidents.get(id) ?? [])]
  }

  #note(id: string, incident: MemberIncident): void {
    const incidents = this.#incidents.get(id) ?? []
    // The one that changed last stands last, so the first is the one to forget.
    this.#incidents.delete(id)
    this.#incidents.set(id, incidents)
    incidents.push(Object.freeze(incident))
    if (incidents.length > INCIDENTS_PER_MEMBER) incidents.shift()
    if (this.#incidents.size <= this.#maxMembers) return
    for (const oldest of this.#incidents.keys()) {
      this.#incidents.delete(oldest)
      break
    }
  }
}
