import { clockCovers, counterOf } from './clock.ts'
import { type Actor, compareDots, type Dot, hasDot, uniteDots } from './dot.ts'
import {
  covers,
  type DottedObject,
  EMPTY_OBJECT,
  type HybridTime,
  joinKnowledge,
  type Knowledge,
  notReplacedBy,
  strip,
  type ToldObject,
  tell,
  type Version,
  withVersions,
} from './object.ts'
import { applyPolicy, compareTimes, lastWritten, type VersionPolicy } from './resolve.ts'
import type { Seen, SeenRow } from './seen.ts'

/** The most dots that a context of a write names one by one: of more, the oldest are left out. */
export const MAX_CONTEXT_DOTS = 16

/**
 * What the steps of one partition share. `seen` changes in place with each step: who cannot make durable what a step gave must not go on with it.
 */
export interface ReplicaState {
  readonly actor: Actor
  readonly seen: Seen
  readonly policy: VersionPolicy
}

/** A put, or a delete where there is no value. */
export interface Write {
  /** What the writer knows: it is replaced. */
  readonly context: Knowledge
  readonly value: Uint8Array | undefined
  readonly expiresAtMs: number | undefined
  /** Of the maker's clock. Needed under `lww`. */
  readonly time: HybridTime | undefined
  /** The greatest time of what the writer has read: under `lww` a write comes after all that it may replace. */
  readonly after: HybridTime | undefined
}

/** What must be written in one batch, and be durable before the step counts or anything of it leaves. */
export interface Batch {
  /** What is stored under the key from now on; none where nothing is. */
  readonly object: DottedObject | undefined
  /** The actors of which the row in `seen` is new. */
  readonly rows: readonly Actor[]
}

/**
 * Somebody knows dots of this actor that it has not made: the store is an old copy of itself. Nothing was done. Whoever drives the replica takes a
 * new actor, and goes on.
 */
export interface Forgotten {
  readonly kind: 'forgotten'
  readonly counter: number
}

/** The clock has not reached the time of a version that the write replaces. Nothing was done; the clock must hear of that time first. */
export interface ClockBehind {
  readonly kind: 'clock-behind'
  readonly time: HybridTime
}

export interface Made {
  readonly kind: 'made'
  readonly batch: Batch
  readonly dot: Dot
  /** For the other replicas. */
  readonly told: ToldObject
  /** What the writer knows now: what it knew before, and its own write. */
  readonly context: Knowledge
  readonly replaced: readonly Version[]
  /** Versions that nobody replaced, and that the policy drops. */
  readonly discarded: number
}

/** The step of the maker: gives the write its dot, and takes it in. */
export function make(
  state: ReplicaState,
  stored: DottedObject | undefined,
  write: Write,
): Made | Forgotten | ClockBehind {
  const { actor, seen, policy } = state
  const { context, value, expiresAtMs, time } = write
  const replacing: Knowledge = { clock: context.clock, dots: context.dots.toSorted(compareDots) }
  const before = stored ?? EMPTY_OBJECT
  const claimed = greatestOf(actor, context)
  // Invariant: the own dots have no holes, so the last one is the base.
  if (claimed > seen.base(actor) || seen.last(actor) > seen.base(actor)) {
    return { kind: 'forgotten', counter: Math.max(claimed, seen.last(actor)) }
  }
  const replaced = before.versions.filter((version) => covers(context, version))
  const behind = policy === 'lww' ? timeNotReached(write, before.versions) : undefined
  if (behind !== undefined) return { kind: 'clock-behind', time: behind }
  const dot: Dot = { actor, counter: seen.base(actor) + 1 }
  seen.add(dot)
  const concurrent = before.versions.filter((version) => !covers(context, version))
  const added = value === undefined ? [] : [{ ...dot, value, expiresAtMs, time }]
  const { kept, discarded } = applyPolicy(policy, withVersions(concurrent, added))
  const known = joinKnowledge(joinKnowledge(before, replacing), { clock: [dot], dots: [] })
  const standing = before.deletes.filter((each) => !covers(context, each))
  const deletes = value === undefined ? uniteDots(standing, [dot]) : standing
  const object = strip(seen, { ...known, versions: kept, deletes })
  const gone = value === undefined ? [...replaced, dot] : replaced
  // Who is told may lack what the base says here, so it is told of deletes that are settled here already.
  const told = { ...tell(seen, object, gone), deletes }
  return {
    kind: 'made',
    batch: { object, rows: [actor] },
    dot,
    told,
    context: kept.length === added.length ? { clock: told.clock, dots: told.dots } : withOwnWrite(context, dot),
    replaced,
    discarded,
  }
}

/** The time, of what the writer has read or the maker has, that the write does not come after. */
function timeNotReached({ time, after }: Write, versions: readonly Version[]): HybridTime | undefined {
  const last = lastWritten(versions)?.time
  const most = compareTimes(after, last) > 0 ? after : last
  return most !== undefined && compareTimes(time, most) <= 0 ? most : undefined
}

/**
 * What a writer knows after a write beside which others stay that it has not read: no clock can say it, since the dot is above theirs. To leave out
 * the oldest dots says less than is true, which costs a sibling at most, and nothing is lost.
 */
function withOwnWrite({ clock, dots }: Knowledge, dot: Dot): Knowledge {
  const all = [...dots, dot].filter((each) => !clockCovers(clock, each))
  return { clock, dots: all.slice(-MAX_CONTEXT_DOTS) }
}

export interface Received {
  readonly kind: 'received'
  /** None where nothing is new, as with a copy that comes twice. */
  readonly batch: Batch | undefined
  readonly added: readonly Version[]
  readonly removed: readonly Version[]
  readonly discarded: number
  /** Versions that the teller has, and that were replaced here: it should be told. */
  readonly outdated: readonly Dot[]
}

/** The step of a replica that is told an object, by a maker, a reader or in a sync, however late and often. */
export function receive(state: ReplicaState, stored: DottedObject | undefined, told: ToldObject): Received | Forgotten {
  const { actor, seen, policy } = state
  const before = stored ?? EMPTY_OBJECT
  const claimed = Math.max(
    greatestOf(actor, told),
    greatest(actor, told.versions),
    greatest(actor, told.deletes),
    greatest(actor, told.heard),
  )
  if (claimed > seen.base(actor)) return { kind: 'forgotten', counter: claimed }
  const survivors = notReplacedBy(before.versions, told)
  const strangers = told.versions.filter((version) => !hasDot(before.versions, version))
  // I2: a dot of this key that was seen and is not among the versions was replaced. Spans above the base count as well.
  const fresh = strangers.filter((version) => !seen.has(version) && !covers(before, version))
  const { kept, discarded } = applyPolicy(policy, withVersions(survivors, fresh))
  const deletes = told.deletes.filter((dot) => !seen.has(dot) && !covers(before, dot))
  const rows = new Set<Actor>()
  // The dots themselves, and not what the clock covers: that is said of one key, and seen is of all.
  for (const dot of told.versions) if (seen.add(dot)) rows.add(dot.actor)
  for (const dot of told.deletes) if (seen.add(dot)) rows.add(dot.actor)
  for (const dot of told.heard) if (seen.add(dot)) rows.add(dot.actor)
  const known = joinKnowledge(before, told)
  const object = strip(seen, { ...known, versions: kept, deletes: uniteDots(before.deletes, deletes) })
  const isNew = rows.size > 0 || !isSame(stored, object)
  return {
    kind: 'received',
    batch: isNew ? { object, rows: [...rows] } : undefined,
    added: fresh.filter((version) => hasDot(kept, version)),
    removed: before.versions.filter((version) => !hasDot(kept, version)),
    discarded,
    outdated: strangers.filter((version) => !hasDot(fresh, version)).sort(compareDots),
  }
}

/**
 * The end of a whole sync: takes in what the other replica had seen when the sync began. Gives the actors of which the row is new; objects may be
 * stripped further then, and reaped.
 */
export function joinSeen(
  { actor, seen }: ReplicaState,
  rows: readonly SeenRow[],
): { kind: 'joined'; rows: readonly Actor[] } | Forgotten {
  const own = rows.find((row) => row.actor === actor)
  const claimed = own === undefined ? 0 : (own.spans.at(-1) ?? own.base)
  if (claimed > seen.base(actor)) return { kind: 'forgotten', counter: claimed }
  return { kind: 'joined', rows: seen.join(rows) }
}

/**
 * Whether a key that a replica was told in the middle of a whole sync, after it was compared, must be compared again before the sync ends: it took a version that
 * the other one had seen, and did not have. So it was replaced, by what this replica is about to count as seen.
 *
 * @param other what the other replica had seen when the key was compared, or later. That of the beginning is too little: what a delete covers may have come
 * below the base since.
 */
export function mustCompareAgain(added: readonly Dot[], other: Seen): boolean {
  return added.some((dot) => other.has(dot))
}

const greatestOf = (actor: Actor, { clock, dots }: Knowledge): number =>
  Math.max(counterOf(clock, actor), greatest(actor, dots))

function greatest(actor: Actor, dots: readonly Dot[]): number {
  let most = 0
  for (const dot of dots) if (dot.actor === actor && dot.counter > most) most = dot.counter
  return most
}

function isSame(a: DottedObject | undefined, b: DottedObject | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  return (
    isSameDots(a.versions, b.versions) &&
    isSameDots(a.clock, b.clock) &&
    isSameDots(a.dots, b.dots) &&
    isSameDots(a.deletes, b.deletes)
  )
}

const isSameDots = (a: readonly Dot[], b: readonly Dot[]): boolean =>
  a === b || (a.length === b.length && a.every((dot, i) => compareDots(dot, b[i] as Dot) === 0))
