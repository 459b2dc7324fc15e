import type { Random } from '@dsys/runtime'
import type { PeerAddress } from '@dsys/transport'
import type { Member, MemberEvent } from '../events.ts'
import { describeEvidence, type Evidence, type HelperEvidence } from '../evidence.ts'
import { changedParts, descriptionOf } from './description.ts'
import { Digest } from './digest.ts'
import type { Effect } from './effects.ts'
import { Gone } from './gone.ts'
import {
  compareRecords,
  isLive,
  isSameProcess,
  MAX_ACCUSERS,
  type MemberRecord,
  type MemberState,
  type Rumor,
} from './record.ts'
import { SampledSet } from './sampled-set.ts'
import { Suspicion } from './suspicion.ts'

/** How the probes of one member have gone since the last one that was answered. */
export interface ProbeTally {
  failed: number
  /** Of the last probe. */
  helpers: readonly HelperEvidence[]
  absent: boolean
}

/** One node in the view, with what only this node knows of it. */
export interface Entry {
  readonly record: MemberRecord
  readonly sinceMs: number
  /** By what it is known that it came to this state. */
  readonly evidence: Evidence
  /** Who suspects it by what they saw themselves, each once, the first one first; where it is dead, who did so before. */
  accusers: readonly string[]
  /** Whether this life of it was ever seen up from here: only then can it go down or leave. */
  readonly wasUp: boolean
  suspicion: Suspicion | undefined
  tally: ProbeTally
  /** Made when somebody asks. */
  snapshot: Member | undefined
}

/** Why and when a record takes effect. */
export interface Cause {
  readonly nowMs: number
  readonly evidence: Evidence
  /** When the state began, if earlier than now. */
  readonly sinceMs?: number
  readonly accusers?: readonly string[] | undefined
  /** How much longer than its timeout a suspicion lasts, as a factor. Default 1. */
  readonly patience?: number
}

export const freshTally = (): ProbeTally => ({ failed: 0, helpers: [], absent: false })

/** The public snapshot of an entry; the same object as long as the entry stays. */
export function memberOf(entry: Entry): Member {
  entry.snapshot ??= snapshotOf(entry)
  return entry.snapshot
}

function snapshotOf(entry: Pick<Entry, 'record' | 'sinceMs'>): Member {
  const { id, generation, incarnation, state } = entry.record
  return Object.freeze({ id, generation, incarnation, state, ...descriptionOf(entry.record), sinceMs: entry.sinceMs })
}

/** A change of one member. */
type MemberStep = Exclude<MemberEvent['type'], 'MemberConflict' | 'ViewStale' | 'ViewFresh'>

/**
 * All that this node knows of the members, itself included. It applies the merge rule, tells each change as events in
 * the documented order, and keeps the list of those that take part.
 */
export class View {
  readonly #self: PeerAddress
  readonly #maxMembers: number
  readonly #emit: (effect: Effect) => void
  readonly #forgotten: (id: string, wasDead: boolean) => void
  readonly #entries = new Map<string, Entry>()
  /** A summary of all, for comparing views. */
  readonly digest: Digest = new Digest()
  /** Everyone else who is alive or suspect. */
  readonly #live = new Map<string, Entry>()
  readonly #suspects = new Map<string, Entry>()
  readonly #liveIds = new SampledSet()
  /** Those that were declared dead and may still be found. */
  readonly dead: SampledSet = new SampledSet()
  readonly #gone = new Gone()
  readonly #tally: Record<MemberState, number> = { alive: 0, suspect: 0, dead: 0, left: 0 }
  #refusedForRoom = false

  /** @param forgotten is told of each node that nothing is known of any more. */
  constructor(
    self: PeerAddress,
    maxMembers: number,
    emit: (effect: Effect) => void,
    forgotten: (id: string, wasDead: boolean) => void,
  ) {
    this.#self = self
    this.#maxMembers = maxMembers
    this.#emit = emit
    this.#forgotten = forgotten
  }

  get(id: string): Entry | undefined {
    return this.#entries.get(id)
  }

  get entries(): ReadonlyMap<string, Entry> {
    return this.#entries
  }

  get live(): ReadonlyMap<string, Entry> {
    return this.#live
  }

  get suspects(): ReadonlyMap<string, Entry> {
    return this.#suspects
  }

  /** Who is there, this node apart, then who was declared dead. */
  present(): MemberRecord[] {
    const alive = [...this.#live.values()].map(({ record }) => record)
    const lost = [...this.#entries.values()].flatMap(({ record }) => (this.dead.has(record.id) ? [record] : []))
    return [...alive, ...lost]
  }

  /** How many are in each state, this node included. */
  tally(): Record<MemberState, number> {
    return { ...this.#tally }
  }

  /** `count` of those that take part, drawn at random; or all when there are fewer. */
  sampleLive(count: number, random: Random, fits: (entry: Entry) => boolean = () => true): Entry[] {
    const ids = this.#liveIds.sample(count, random, (id) => fits(this.#live.get(id) as Entry))
    return ids.map((id) => this.#live.get(id) as Entry)
  }

  /** Whether `record` says more than what is known. */
  isNews(record: MemberRecord): boolean {
    const known = this.#entries.get(record.id)
    return known === undefined || compareRecords(record, known.record) > 0
  }

  /** Applies a record that is news. False when there was no room for another node. */
  apply(record: MemberRecord, cause: Cause): boolean {
    const known = this.#entries.get(record.id)
    if (known === undefined && !this.#makeRoom(record.id, cause.nowMs)) return false
    const sameLife = known !== undefined && this.#isSameLife(known.record, record)
    const sameState = sameLife && known.record.state === record.state
    // A death at a higher incarnation is another death: it came back meanwhile. With the age of the former one, it would be
    // forgotten too early, and the statements between them would resurrect it.
    const goesOn = sameState && (isLive(record.state) || known.record.incarnation === record.incarnation)
    const entry: Entry = {
      record,
      sinceMs: goesOn ? known.sinceMs : (cause.sinceMs ?? cause.nowMs),
      evidence: goesOn ? known.evidence : cause.evidence,
      accusers: [],
      wasUp: isLive(record.state) || (sameLife && known.wasUp),
      suspicion: undefined,
      tally: sameLife ? known.tally : freshTally(),
      snapshot: undefined,
    }
    if (record.state === 'suspect') {
      const running = sameState && known.record.incarnation === record.incarnation ? known.suspicion : undefined
      entry.suspicion = running ?? new Suspicion(cause.nowMs, cause.patience ?? 1)
      if (running !== undefined) entry.accusers = known?.accusers ?? []
    }
    this.accuse(entry, cause.accusers ?? [])
    this.#entries.set(record.id, entry)
    this.digest.set(record)
    this.#index(known, entry)
    this.#tell(known, entry, cause.evidence)
    return true
  }

  /**
   * Adds those who were not among the accusers yet; never the member itself, and no more than travel with a rumor. True when it changed
   * something.
   */
  accuse(entry: Entry, accusers: readonly string[]): boolean {
    const added = [...new Set([...entry.accusers, ...accusers])]
      .filter((id) => id !== entry.record.id)
      .slice(0, MAX_ACCUSERS)
    if (added.length === entry.accusers.length) return false
    entry.accusers = added
    return true
  }

  /** This process stays the same one, whatever nonce it goes on with. */
  #isSameLife(before: MemberRecord, after: MemberRecord): boolean {
    const isSelf = after.id === this.#self.id && before.generation === after.generation
    return isSelf || isSameProcess(before, after)
  }

  /** Forgets those that have been dead or gone for `rememberMs`. */
  reap(nowMs: number, rememberMs: number): void {
    for (let first = this.#gone.first(); first !== undefined; first = this.#gone.first()) {
      if (nowMs - first.sinceMs < rememberMs) return
      this.#forget(first.id, 'time', nowMs)
    }
  }

  #forget(id: string, because: 'time' | 'room', nowMs: number): void {
    const entry = this.#entries.get(id)
    if (entry !== undefined) {
      this.#tally[entry.record.state] -= 1
      const state = entry.record.state === 'left' ? 'left' : 'dead'
      const evidence: Evidence = { kind: 'forgotten', state, forMs: Math.round(nowMs - entry.sinceMs), because }
      this.#emit({ type: 'forgotten', id, last: entry.record, evidence })
    }
    this.#entries.delete(id)
    this.#gone.delete(id)
    this.dead.delete(id)
    this.digest.remove(id)
    this.#forgotten(id, entry?.record.state === 'dead')
  }

  rumor(entry: Entry, nowMs: number): Rumor {
    const { record, accusers } = entry
    return { record, accusers, ageMs: isLive(record.state) ? 0 : Math.max(0, nowMs - entry.sinceMs) }
  }

  #index(before: Entry | undefined, entry: Entry): void {
    const { id, state } = entry.record
    if (before !== undefined) this.#tally[before.record.state] -= 1
    this.#tally[state] += 1
    // This node itself is not probed, and keeps its place while it leaves: until the end it has to say so.
    if (id === this.#self.id) return
    if (isLive(state)) {
      this.#live.set(id, entry)
      this.#liveIds.add(id)
      this.#gone.delete(id)
    } else {
      this.#live.delete(id)
      this.#liveIds.delete(id)
      this.#gone.set(id, entry.sinceMs)
    }
    if (state === 'suspect') this.#suspects.set(id, entry)
    else this.#suspects.delete(id)
    if (state === 'dead') this.dead.add(id)
    else this.dead.delete(id)
  }

  /** Those that are long dead give way to a node that is new. */
  #makeRoom(newcomer: string, nowMs: number): boolean {
    if (this.#entries.size < this.#maxMembers) return true
    const oldest = this.#gone.first()
    if (oldest !== undefined) {
      this.#forget(oldest.id, 'room', nowMs)
      return true
    }
    if (!this.#refusedForRoom) {
      this.#refusedForRoom = true
      const message = 'there are more members than maxMembers allows; some are not taken in'
      this.#emit({ type: 'warning', message, fields: { maxMembers: this.#maxMembers, newcomer } })
    }
    return false
  }

  /** Every step from the state before to the state after, so that no consumer sees a jump that the order forbids. */
  #tell(before: Entry | undefined, after: Entry, evidence: Evidence): void {
    const { record } = after
    const sameLife = before !== undefined && this.#isSameLife(before.record, record)
    if (before !== undefined && !sameLife && isLive(before.record.state)) {
      const ended = snapshotOf({ record: { ...before.record, state: 'dead' }, sinceMs: after.sinceMs })
      const isLater = before.record.generation !== record.generation
      const { generation } = record
      this.#event('MemberDown', ended, isLater ? { kind: 'later-life', generation } : { kind: 'other-process' })
    }
    const was = sameLife ? before?.record.state : undefined
    const wasLive = was !== undefined && isLive(was)
    const member = memberOf(after)
    if (isLive(record.state)) {
      const isNewlySuspect = record.state === 'suspect' && was !== 'suspect'
      const unsuspected: Member = isNewlySuspect ? { ...member, state: 'alive' } : member
      if (!wasLive) this.#event('MemberUp', unsuspected, evidence)
      else if (before !== undefined) this.#tellUpdate(before.record, unsuspected, record, evidence)
      if (isNewlySuspect) this.#event('MemberSuspected', member, evidence)
    } else if (record.state === 'dead') {
      if (wasLive) this.#event('MemberDown', member, evidence)
    } else if (wasLive || (was === 'dead' && before?.wasUp === true)) {
      this.#event('MemberLeft', member, evidence)
    }
  }

  #tellUpdate(before: MemberRecord, member: Member, after: MemberRecord, evidence: Evidence): void {
    const parts = changedParts(before, after)
    const refutes = before.state === 'suspect' && after.state === 'alive'
    if (refutes) this.#event('MemberUpdated', member, evidence)
    else if (parts.length > 0) this.#event('MemberUpdated', member, { kind: 'changed', parts })
  }

  #event(type: MemberStep, member: Member, evidence: Evidence): void {
    const why = describeEvidence(evidence)
    this.#emit({ type: 'event', event: Object.freeze({ type, member: Object.freeze(member), why, evidence }) })
  }
}
