import type { Member, MembershipEvent, Metadata, ViewStatus } from '@dsys/membership'
import type { Verdict } from './verdict.ts'

/** What a stream has said of one node so far. */
interface Told {
  readonly generation: number
  readonly incarnation: number
  readonly state: 'up' | 'suspected' | 'down' | 'left'
  readonly member: Member
}

/** What may be excused, and what cannot be known from the stream alone. */
export interface EventExcuses {
  /** Whether two processes have run, or run, as one life of this node: then its left may be followed by more. */
  hasTwin(id: string): boolean
  /** Whether a second process was ever started beside that of this node. */
  hasImpostor(id: string): boolean
  /** Whether the observer may have forgotten the dead and the gone: then an earlier life may come up again. */
  readonly forgets: boolean
}

const EXPECTED_STATES: Readonly<Record<string, readonly Member['state'][]>> = {
  MemberUp: ['alive'],
  MemberSuspected: ['suspect'],
  MemberUpdated: ['alive', 'suspect'],
  MemberDown: ['dead'],
  MemberLeft: ['left'],
}

/** Checks one stream of events against the order that {@link MembershipEvent} documents. */
export class EventOrder {
  readonly #name: string
  readonly #verdict: Verdict
  readonly #excuses: EventExcuses
  readonly #late: boolean
  readonly #told = new Map<string, Told>()
  #synced = false
  #stale = false

  /**
   * @param name of the stream, for messages.
   * @param late whether it began after the start of the node.
   */
  constructor(name: string, late: boolean, verdict: Verdict, excuses: EventExcuses) {
    this.#name = name
    this.#late = late
    this.#verdict = verdict
    this.#excuses = excuses
  }

  add(event: MembershipEvent): void {
    if (event.type === 'Synced') {
      if (this.#synced) this.#broken('Synced comes twice')
      this.#synced = true
      return
    }
    if (event.type === 'MemberConflict') {
      if (!this.#excuses.hasImpostor(event.member.id))
        this.#broken(`a conflict of ${event.member.id}, which nobody doubled (${event.why})`)
      return
    }
    if (event.type === 'ViewStale' || event.type === 'ViewFresh') {
      const isStale = event.type === 'ViewStale'
      if (isStale === this.#stale) this.#broken(`${event.type} comes twice (${event.why})`)
      this.#stale = isStale
      return
    }
    const { type, member } = event
    const before = this.#told.get(member.id)
    const what = `${type} of ${member.id}/${member.generation}@${member.incarnation} (${event.why})`
    const says = (problem: string): void =>
      this.#broken(`${what} ${problem}; before it: ${before === undefined ? 'nothing' : describe(before)}`)
    if (EXPECTED_STATES[type]?.includes(member.state) !== true) says(`has a member that is ${member.state}`)
    if (!this.#synced && type !== 'MemberUp' && type !== 'MemberSuspected') says('comes before Synced')
    if (type === 'MemberUp') this.#checkUp(member, before, says)
    else this.#checkLater(type, member, before, says)
    this.#told.set(member.id, { ...member, state: stateAfter(type, member), member })
  }

  /** How what the stream has told differs from `members`, all that the node knows, and how well; undefined where it does not. */
  differs(members: readonly Member[], view: ViewStatus): string | undefined {
    const isStale = view.state === 'stale'
    // Who has not started, or was replaced, has nobody to tell.
    const isKeptUp = !isStale || view.because !== 'not-running'
    if (isKeptUp && isStale !== this.#stale)
      return `it has told that the view is ${isStale ? 'fresh' : 'stale'}, and it is not`
    const up = [...this.#told.values()].filter(({ state }) => state === 'up' || state === 'suspected')
    const live = members.filter(({ state }) => state === 'alive' || state === 'suspect')
    const same = up.length === live.length && live.every((member) => this.#tells(member))
    return same
      ? undefined
      : `it has told of [${summary(up.map(({ member }) => member))}], and knows [${summary(live)}]`
  }

  #tells(member: Member): boolean {
    const told = this.#told.get(member.id)?.member
    if (told?.generation !== member.generation || told.state !== member.state) return false
    return sameMetadata(told.metadata, member.metadata)
  }

  #checkUp(member: Member, before: Told | undefined, says: (problem: string) => void): void {
    if (before === undefined) return
    if (before.state === 'up' || before.state === 'suspected') {
      says('comes while it is up')
      return
    }
    if (this.#excuses.forgets || this.#excuses.hasTwin(member.id)) return
    if (member.generation < before.generation) says('brings an earlier life back')
    else if (member.generation > before.generation) return
    else if (before.state === 'left') says('comes after it has left')
    else if (member.incarnation <= before.incarnation) says('comes back without a new incarnation')
  }

  #checkLater(type: string, member: Member, before: Told | undefined, says: (problem: string) => void): void {
    // It was down when the stream began, and its farewell comes late.
    if (before === undefined && type === 'MemberLeft' && this.#late) return
    if (before === undefined || before.generation !== member.generation) {
      says('comes before MemberUp of that life')
      return
    }
    const isUp = before.state === 'up' || before.state === 'suspected'
    if (type === 'MemberLeft' ? before.state === 'left' : !isUp) says(`comes when it is ${before.state}`)
    if (type === 'MemberSuspected' && before.state === 'suspected') says('comes twice')
    // A process that draws a higher nonce, to count where two run as one life, counts its incarnations anew.
    if (member.incarnation < before.incarnation && !this.#excuses.hasTwin(member.id)) says('has an older incarnation')
  }

  #broken(message: string): void {
    this.#verdict.broken('event order', `${this.#name}: ${message}`)
  }
}

/** Whether they say the same, in whatever order. */
export function sameMetadata(a: Metadata, b: Metadata): boolean {
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key])
}

/** The live ones of a view or a stream, in words: who, which life, in which state, with which facts. */
function summary(members: readonly Member[]): string {
  return members
    .map(({ id, generation, state, metadata }) => `${id}/${generation} ${state} ${JSON.stringify(metadata)}`)
    .join('; ')
}

function stateAfter(type: string, member: Member): Told['state'] {
  if (type === 'MemberDown') return 'down'
  if (type === 'MemberLeft') return 'left'
  return member.state === 'suspect' ? 'suspected' : 'up'
}

function describe({ generation, incarnation, state }: Told): string {
  return `generation ${generation} at incarnation ${incarnation} ${state}`
}
