import type { Member, Membership, MembershipPorts } from '@dsys/membership'
import type { MemberRecord, Message, Rumor } from '@dsys/membership/wire'
import type { Verdict } from './verdict.ts'

/** One life of a node, as a transport names it. */
export type Address = MembershipPorts['transport']['self']

/** What this check must know of the options. */
export interface SightingsOptions {
  readonly rememberDeadMs: number
  readonly maxMembers: number
  readonly removal: 'swim' | 'cut'
}

type Statement = Pick<MemberRecord, 'generation' | 'incarnation' | 'state'>

/** The ranks of the merge rule, written down a second time: what is checked must not be asked. */
const RANKS: Readonly<Record<MemberRecord['state'], number>> = { alive: 0, suspect: 1, dead: 2, left: 3 }

/** More than 0 where `a` says more than `b`. */
export function compareStatements(a: Statement, b: Statement): number {
  return a.generation - b.generation || a.incarnation - b.incarnation || RANKS[a.state] - RANKS[b.state]
}

const isFull = ({ kind }: Message): boolean => kind === 'sync-request' || kind === 'sync-reply' || kind === 'sync-delta'
const isGone = ({ state }: Statement): boolean => state === 'dead' || state === 'left'
const isLive = (view: Statement | undefined): boolean => view !== undefined && !isGone(view)
const textOf = ({ generation, incarnation, state }: Statement): string => `${state} ${generation}@${incarnation}`

/**
 * Checks the view of one life of a node against everything that it has been told: it never believes what is older than
 * something that it has seen, it never goes back, and it remembers the dead for as long as it has to.
 */
export class Sightings {
  readonly #self: Address
  readonly #membership: Pick<Membership, 'member' | 'members'>
  readonly #options: SightingsOptions
  readonly #verdict: Verdict
  /** The most that this node was ever seen to believe of each. */
  readonly #most = new Map<string, Member>()
  readonly #hasTwin: (id: string) => boolean
  #spared: Member[] = []
  /** The sender of the frame under way, where it is that life of it which was removed here by a cut: then it accuses nobody who lives here. */
  #removed: Address | undefined
  /** Those named in that frame who live here before it. */
  #alive: ReadonlySet<string> = new Set()

  constructor(
    self: Address,
    membership: Pick<Membership, 'member' | 'members'>,
    options: SightingsOptions,
    verdict: Verdict,
    hasTwin: (id: string) => boolean = () => false,
  ) {
    this.#self = self
    this.#membership = membership
    this.#options = options
    this.#verdict = verdict
    this.#hasTwin = hasTwin
  }

  /** Whether a frame of this sender is to change nothing: a later life of it is known. To be asked before delivery. */
  isStale(from: Address): boolean {
    const known = this.#membership.member(from.id)
    return known !== undefined && known.generation > from.generation
  }

  /** Notes who lives here, of those that a full exchange is about to call dead. */
  beforeDelivery(message: Message, from: Address): void {
    this.#removed = this.#options.removal === 'cut' && this.#isDead(from) ? from : undefined
    const named = this.#removed === undefined ? [] : message.rumors.map(({ record }) => record.id)
    this.#alive = new Set(named.filter((id) => isLive(this.#membership.member(id))))
    this.#spared = []
    if (!isFull(message)) return
    for (const { record } of message.rumors) {
      const view = record.state === 'dead' ? this.#membership.member(record.id) : undefined
      if (view !== undefined && !isGone(view) && view.generation === record.generation) this.#spared.push(view)
    }
  }

  /**
   * Notes what an event tells. A member may be declared dead and, where the clock jumps, be forgotten as well between two
   * looks: then its event alone shows that it was forgotten in time, and what comes later does not go back. `nowMs` is
   * that of the clock of the node.
   */
  told(member: Member, nowMs: number): void {
    if (this.#hasTwin(member.id)) return
    const view = this.#membership.member(member.id)
    // In a full table it may have given way by now, and may even have come back.
    if (this.#isFull && (view === undefined || compareStatements(view, member) < 0)) return
    const most = this.#most.get(member.id)
    if (most !== undefined && compareStatements(member, most) <= 0) return
    // What a frame brings was seen when it was delivered, so this is a judgement of this very moment.
    if (isGone(member) && member.sinceMs < nowMs)
      this.#verdict.broken(
        'the dead are remembered',
        `${this.#self.id} declares ${member.id} ${textOf(member)}, ${nowMs - member.sinceMs} ms ago`,
      )
    this.#most.set(member.id, member)
  }

  /** Looks at the view after `message` was delivered. `nowMs` is that of the clock of the node. */
  afterDelivery(message: Message, nowMs: number): void {
    const bySync = isFull(message)
    for (const { id, generation } of this.#spared) {
      const view = this.#membership.member(id)
      if (view?.generation !== generation || view.state !== 'dead') continue
      this.#verdict.broken(
        'a full exchange kills nobody',
        `${this.#self.id} took the death of ${id} from ${message.kind}`,
      )
    }
    const unheard = this.#unheard(message)
    for (const rumor of message.rumors) {
      const { id } = rumor.record
      const view = this.#membership.member(id)
      // Which of two processes counts is not told by these numbers.
      if (this.#hasTwin(id)) continue
      if (id === this.#self.id) this.#checkOwn(rumor.record, view)
      else if (view === undefined) this.#checkUnknown(rumor, nowMs)
      else if (!unheard.has(rumor) && this.#believesLess(view, rumor.record, bySync))
        this.#verdict.broken(
          'newest statement wins',
          `${this.#self.id} was told ${textOf(rumor.record)} of ${id} by ${message.kind}, and believes ${textOf(view)}`,
        )
      if (view !== undefined) this.#checkAge(rumor, view, nowMs)
      this.checkOne(id, nowMs)
    }
    if (this.#isFull) this.#dropGivenWay()
  }

  /** Where members are removed by a cut, each decides for itself that one is dead, and when it is let in again. */
  #believesLess(view: Member, told: MemberRecord, bySync: boolean): boolean {
    const byCut = this.#options.removal === 'cut'
    const isHeldBack = byCut && view.state === 'dead' && view.generation === told.generation && told.state !== 'left'
    return !isHeldBack && compareStatements(view, leastOf(told, bySync || byCut)) < 0
  }

  /**
   * The accusations of `message` that count for nothing, since the life that sent it was removed by a cut: those about somebody who lives here when they are read, up to what brings
   * the sender back. What it says of itself, of those who are gone or unknown here, and of who comes or leaves counts as from anybody.
   */
  #unheard({ rumors }: Message): ReadonlySet<Rumor> {
    const unheard = new Set<Rumor>()
    const removed = this.#removed
    if (removed === undefined) return unheard
    const alive = new Set(this.#alive)
    for (const rumor of rumors) {
      const { id, state } = rumor.record
      // What is said of the removed one while it is out is held back; else it is what brought it back.
      if (id === removed.id && !this.#isDead(removed)) break
      if ((state === 'suspect' || state === 'dead') && alive.has(id) && isLive(this.#membership.member(id)))
        unheard.add(rumor)
      if (state === 'alive' && isLive(this.#membership.member(id))) alive.add(id)
    }
    return unheard
  }

  #isDead({ id, generation }: Address): boolean {
    const view = this.#membership.member(id)
    return view?.state === 'dead' && view.generation === generation
  }

  /** Whether what is believed of `id` has gone back. */
  checkOne(id: string, nowMs: number): void {
    const most = this.#most.get(id)
    if (this.#hasTwin(id)) return
    const view = this.#membership.member(id)
    // The same snapshot: nothing has happened.
    if (view !== undefined && view === most) return
    if (view === undefined) {
      this.#most.delete(id)
      // That no live one is forgotten shows in the events, which must have told of its end.
      if (most !== undefined && isGone(most) && !this.#mayForget(most, nowMs))
        this.#verdict.broken('the dead are remembered', `${this.#self.id} has forgotten ${id}, ${textOf(most)}`)
      return
    }
    const wasForgotten = most !== undefined && this.#mayForget(most, nowMs)
    if (most !== undefined && !wasForgotten && compareStatements(view, most) < 0)
      this.#verdict.broken(
        'a view never goes back',
        `${this.#self.id} believed ${textOf(most)} of ${id}, and now ${textOf(view)}`,
      )
    this.#most.set(id, view)
  }

  /** All at once, those included that are not known any more, with the bounds on what is kept. */
  checkAll(members: readonly Member[], nowMs: number): void {
    if (members.length > this.#options.maxMembers)
      this.#verdict.broken('bounds', `${this.#self.id} knows ${members.length} of ${this.#options.maxMembers} members`)
    for (const id of [...this.#most.keys()]) this.checkOne(id, nowMs)
    for (const { id } of members) this.checkOne(id, nowMs)
  }

  /** What is said of itself is refuted at once, unless it leaves or a later life has come. */
  #checkOwn(told: MemberRecord, view: Member | undefined): void {
    if (view === undefined || view.generation > this.#self.generation || view.state === 'left') return
    if (view.state === 'alive' && compareStatements(view, told) >= 0) return
    this.#verdict.broken(
      'what is said of oneself is refuted',
      `${this.#self.id} was told that it is ${textOf(told)}, and says ${textOf(view)} of itself`,
    )
  }

  #checkUnknown(rumor: Rumor, nowMs: number): void {
    const { record, ageMs } = rumor
    const isOver = isGone(record) && ageMs >= this.#options.rememberDeadMs
    if (isOver || this.#isFull || this.#membership.members().length === 0) return
    this.#verdict.broken(
      'news is taken in',
      `${this.#self.id} was told ${textOf(record)} of ${record.id}, and knows nothing of it at ${nowMs}`,
    )
  }

  /** A death that was just learned is as old as it was told to be, and no older: else it is forgotten too early. */
  #checkAge({ record, ageMs }: Rumor, view: Member, nowMs: number): void {
    const most = this.#most.get(record.id)
    const isNew = most === undefined || compareStatements(view, most) > 0
    if (!isNew || !isGone(view) || compareStatements(view, record) !== 0 || view.sinceMs >= nowMs - ageMs) return
    this.#verdict.broken(
      'the dead are remembered',
      `${this.#self.id} was told ${textOf(record)} of ${record.id}, ${ageMs} ms old, and takes it for ${nowMs - view.sinceMs} ms old`,
    )
  }

  /** A member gives way only while a frame is taken in, and at the next look the table may not be full any more. */
  #dropGivenWay(): void {
    for (const id of [...this.#most.keys()]) if (this.#membership.member(id) === undefined) this.#most.delete(id)
  }

  #mayForget(most: Member, nowMs: number): boolean {
    // In a full table a member may have died by this very frame, and given way to another.
    return this.#isFull || (isGone(most) && nowMs - most.sinceMs >= this.#options.rememberDeadMs)
  }

  get #isFull(): boolean {
    return this.#membership.members().length >= this.#options.maxMembers
  }
}

/** The least that must be believed of what was told: a death that is doubted, as in a full exchange, counts as a suspicion. */
function leastOf(record: MemberRecord, isDoubted: boolean): Statement {
  return isDoubted && record.state === 'dead' ? { ...record, state: 'suspect' } : record
}
