import type { Member, MemberEvent } from './events.ts'
import type { Evidence } from './evidence.ts'

/** One thing that happened to a member, as this node saw it. */
export interface MemberIncident {
  readonly type: MemberEvent['type']
  readonly generation: number
  readonly incarnation: number
  /** On the monotonic scale of this node's clock. */
  readonly atMs: number
  readonly why: string
  readonly evidence: Evidence
}

/** Why a member is where it is. */
export interface MemberExplanation {
  /** `undefined` when nothing is known of it, or it was forgotten. */
  readonly member: Member | undefined
  /** The last 16 incidents, oldest first. */
  readonly incidents: readonly MemberIncident[]
  /**
   * All of it as text, one line for each incident; before these how long a suspected member still has and who accuses it, or for this
   * node itself how healthy it takes itself to be.
   */
  readonly text: string
}

const INCIDENTS_PER_MEMBER = 16

/** Keeps the last incidents of each member, and of at most `maxMembers` of them. */
export class History {
  readonly #maxMembers: number
  readonly #incidents = new Map<string, MemberIncident[]>()

  constructor(maxMembers: number) {
    this.#maxMembers = maxMembers
  }

  add({ type, member, why, evidence }: MemberEvent, atMs: number): void {
    const { id, generation, incarnation } = member
    const incidents = this.#incidents.get(id) ?? []
    // The one that changed last stands last, so the first is the one to forget.
    this.#incidents.delete(id)
    this.#incidents.set(id, incidents)
    incidents.push(Object.freeze({ type, generation, incarnation, atMs, why, evidence }))
    if (incidents.length > INCIDENTS_PER_MEMBER) incidents.shift()
    if (this.#incidents.size > this.#maxMembers) {
      for (const oldest of this.#incidents.keys()) {
        this.#incidents.delete(oldest)
        break
      }
    }
  }

  explain(id: string, member: Member | undefined, nowMs: number, note?: string): MemberExplanation {
    const incidents = [...(this.#incidents.get(id) ?? [])]
    const state = member === undefined ? `nothing is known of ${id}` : `${id} is ${member.state}`
    const lines = incidents.map(({ type, generation, atMs, why }) => {
      return `${((nowMs - atMs) / 1_000).toFixed(1)} s ago ${type} (generation ${generation}): ${why}`
    })
    return { member, incidents, text: [state, ...(note === undefined ? [] : [note]), ...lines].join('\n') }
  }
}
