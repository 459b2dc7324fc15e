import { type Clock, clockCovers, EMPTY_CLOCK, joinClocks } from './clock.ts'
import { compareDots, type Dot, hasDot, uniteDots } from './dot.ts'
import type { Seen } from './seen.ts'

/** A time of a hybrid logical clock. It is compared here, and made elsewhere. */
export interface HybridTime {
  readonly wallMs: number
  readonly logical: number
}

/** One value of a key, named by the dot of the write that made it. */
export interface Version extends Dot {
  readonly value: Uint8Array
  /** From this time of the hybrid clock on it counts as absent. */
  readonly expiresAtMs: number | undefined
  readonly time: HybridTime | undefined
}

/** A set of known writes of one key: those that the clock covers, and some more. */
export interface Knowledge {
  readonly clock: Clock
  /** Known one by one, each above the clock. Sorted in objects; in contexts the oldest first. */
  readonly dots: readonly Dot[]
}

/**
 * What a replica keeps of a key. The knowledge covers every write of the key that the replica knows of; one that is covered and not among the
 * versions was replaced. Stored objects are stripped: what the base of `seen` says is not said again.
 */
export interface DottedObject extends Knowledge {
  /** Sorted by dot. */
  readonly versions: readonly Version[]
  /**
   * Deletes of which the knowledge is not wholly below the base yet. A put carries what it has replaced for as long as it is there; a delete leaves
   * nothing that could, so its dot stays until then, and a sync compares it like that of a version: see `ALGORITHM.md`. Sorted.
   */
  readonly deletes: readonly Dot[]
}

/** An object as it is told to others: filled, so that it stands for itself. */
export interface ToldObject extends DottedObject {
  /** Writes of this key that the teller has seen, whether the knowledge covers them or not: they fill holes in what the listener has seen. */
  readonly heard: readonly Dot[]
}

export const EMPTY_KNOWLEDGE: Knowledge = Object.freeze({ clock: EMPTY_CLOCK, dots: Object.freeze([]) })
export const EMPTY_OBJECT: DottedObject = Object.freeze({
  ...EMPTY_KNOWLEDGE,
  versions: Object.freeze([]),
  deletes: Object.freeze([]),
})

export function covers({ clock, dots }: Knowledge, dot: Dot): boolean {
  return clockCovers(clock, dot) || hasDot(dots, dot)
}

const toldCovers = (told: ToldObject, dot: Dot): boolean => covers(told, dot) || hasDot(told.heard, dot)

/** What either of the two knows. */
export function joinKnowledge(a: Knowledge, b: Knowledge): Knowledge {
  const clock = joinClocks(a.clock, b.clock)
  const dots = uniteDots(a.dots, b.dots)
  return { clock, dots: dots.length === 0 ? dots : dots.filter((dot) => !clockCovers(clock, dot)) }
}

/** Those of `versions` that a told object has as well, or does not know of. The same list where it is all of them. */
export function notReplacedBy(versions: readonly Version[], told: ToldObject): readonly Version[] {
  const kept = versions.filter((version) => !toldCovers(told, version) || hasDot(told.versions, version))
  return kept.length === versions.length ? versions : kept
}

/** Puts versions into a sorted list. */
export function withVersions(versions: readonly Version[], added: readonly Version[]): readonly Version[] {
  return added.length === 0 ? versions : [...versions, ...added].sort(compareDots)
}

/** Both objects as one: a version stays when both have it, or one has it and the other does not know of it. */
export function mergeTold(a: ToldObject, b: ToldObject): ToldObject {
  const added = notReplacedBy(b.versions, a).filter((version) => !hasDot(a.versions, version))
  const heard = uniteDots(a.heard, b.heard)
  return {
    ...joinKnowledge(a, b),
    versions: withVersions(notReplacedBy(a.versions, b), added),
    deletes: uniteDots(a.deletes, b.deletes),
    heard,
  }
}

/** The object without what the base of `seen` says: the same one where nothing is left out, none where nothing is left. */
export function strip(seen: Seen, object: DottedObject): DottedObject | undefined {
  const clock = seen.strip(object.clock)
  const isKept = (dot: Dot): boolean => dot.counter > seen.base(dot.actor) && !clockCovers(clock, dot)
  const dots = object.dots.every(isKept) ? object.dots : object.dots.filter(isKept)
  if (object.versions.length === 0 && clock.length === 0 && dots.length === 0) return undefined
  const deletes = clock.length + dots.length === 0 ? EMPTY_OBJECT.deletes : object.deletes
  const isSame = clock === object.clock && dots === object.dots && deletes.length === object.deletes.length
  return isSame ? object : { versions: object.versions, clock, dots, deletes }
}

/**
 * The object as it is told to another replica, or to who reads. It must be told as it is now: a base of later speaks of versions that an object of
 * earlier does not have.
 *
 * @param asked dots of this key that the listener has. It is told which of them were replaced, also where only spans of `seen` say so.
 */
export function tell(seen: Seen, stored: DottedObject | undefined, asked: readonly Dot[] = []): ToldObject {
  const { versions, clock, dots, deletes } = stored ?? EMPTY_OBJECT
  const filled = seen.fill(clock)
  const heard = asked
    .filter((dot) => seen.has(dot) && !hasDot(versions, dot))
    .map(({ actor, counter }) => ({ actor, counter }))
  return {
    versions,
    clock: filled,
    dots: dots.filter((dot) => !clockCovers(filled, dot)),
    deletes,
    heard: heard.sort(compareDots),
  }
}

/**
 * What who reads this object knows then, and may replace: all that it covers, not its versions alone. A context of the versions alone would not name
 * what they have replaced, and a replica that was told of none of it would keep that beside the next write.
 */
export function contextOf(told: ToldObject): Knowledge {
  return joinKnowledge(told, { clock: EMPTY_CLOCK, dots: told.heard })
}

/** Whether a version counts as absent at a time of the hybrid clock. */
export function isExpired({ expiresAtMs }: Version, nowMs: number): boolean {
  return expiresAtMs !== undefined && expiresAtMs <= nowMs
}

/** The context that replaces what has expired, and nothing else; none where nothing has. */
export function expiredContext({ versions }: DottedObject, nowMs: number): Knowledge | undefined {
  const dots = versions.filter((version) => isExpired(version, nowMs)).map(({ actor, counter }) => ({ actor, counter }))
  return dots.length === 0 ? undefined : { clock: EMPTY_CLOCK, dots }
}
