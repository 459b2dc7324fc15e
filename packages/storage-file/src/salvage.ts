import {
  CorruptionError,
  entriesBehind,
  type LogEntry,
  type LostEntries,
  type RecoveredLog,
  type SnapshotMeta,
} from '@dsys/storage'
import type { GroupIndex } from './group-index.ts'

/** What was found of a group. */
export interface FoundGroup {
  readonly group: GroupIndex
  readonly snapshot: SnapshotMeta | undefined
  /** The newest snapshot, where it cannot be read. */
  readonly damagedSnapshot: { readonly index: number; readonly damage: CorruptionError } | undefined
  /** Entries found in the log; where the group is damaged, those before the damage. */
  readonly entries: readonly LogEntry[]
  /** The folder, for error messages. */
  readonly directory: string
}

/** What the log has to say with the next record of a group: which of the entries that stand there it goes on from. */
export type Beginning =
  /** From those up to here. */
  | { readonly type: 'salvage'; readonly kept: number }
  /** From none, but from the snapshot, with which they conflict. */
  | { readonly type: 'reset'; readonly index: number; readonly term: number }

/** What a group is opened with. */
export interface Opening {
  readonly recovered: RecoveredLog
  /** `undefined` when the log goes on from all that it holds. */
  readonly beginning: Beginning | undefined
}

/** Checks that what the log and the snapshot hold fits together. Throws CorruptionError, unless what is left may be `salvage`d. */
export function openingOf(found: FoundGroup, salvage: boolean): Opening {
  const { group, snapshot, entries } = found
  const { hardState } = group
  const covered = snapshot?.index ?? 0
  if (group.damage !== undefined && found.damagedSnapshot === undefined && group.end.last <= covered) {
    // The snapshot holds everything that could be missing.
    return { recovered: { hardState, snapshot, entries: [] }, beginning: beginningAt(found, covered) }
  }
  const damage = found.damagedSnapshot?.damage ?? group.damage ?? missing(found, covered)
  if (damage === undefined) {
    const recovered = { hardState, snapshot, entries: entriesBehind(snapshot, entries) }
    return { recovered, beginning: conflict(found) }
  }
  if (!salvage) throw damage
  const throughIndex = Math.max(group.end.last, group.base, found.damagedSnapshot?.index ?? 0)
  // Nothing says that what stands behind a hole, or behind a snapshot that is gone, may stay.
  const hole = found.damagedSnapshot !== undefined || group.base > covered || (entries[0]?.index ?? 1) > covered + 1
  // Something is missing: the entry at the end at least may be older than the one that the group had there.
  const kept = hole ? [] : entriesBehind(snapshot, entries).filter(({ index }) => index < throughIndex)
  const last = kept.at(-1)?.index ?? covered
  const lost: LostEntries = {
    fromIndex: last + 1,
    throughIndex,
    term: highestTerm(found),
    file: damage.file,
    offset: damage.offset,
    what: damage.what,
  }
  return { recovered: { hardState, snapshot, entries: kept, lost }, beginning: beginningAt(found, last) }
}

/** A crash came between storing a snapshot that conflicts with the log and forgetting that log (P-34). What follows must not join it. */
function conflict({ snapshot, entries }: FoundGroup): Beginning | undefined {
  const covered = entries.find(({ index }) => index === snapshot?.index)
  if (snapshot === undefined || covered === undefined || covered.term === snapshot.term) return undefined
  return { type: 'reset', index: snapshot.index, term: snapshot.term }
}

const beginningAt = (found: FoundGroup, kept: number): Beginning => conflict(found) ?? { type: 'salvage', kept }

/** What is missing though nothing says where it was. */
function missing({ group, entries, directory }: FoundGroup, covered: number): CorruptionError | undefined {
  const { name, base, end } = group
  if (base > covered) {
    const what = `group "${name}" was compacted up to ${base}, and there is no snapshot that covers it`
    return new CorruptionError(directory, 0, what)
  }
  const [first, last] = [entries[0]?.index ?? 1, entries.at(-1)?.index ?? 0]
  if (entries.length > 0 && first > covered + 1) {
    return new CorruptionError(directory, 0, `group "${name}" lacks the entries ${covered + 1} to ${first - 1}`)
  }
  if (end.last > Math.max(covered, last)) {
    const what = `group "${name}" lacks the entries ${Math.max(covered, last) + 1} to ${end.last}`
    return new CorruptionError(directory, 0, what)
  }
  return undefined
}

/** The highest term that an entry of the group can have had. Nothing was acknowledged in a term that is not in the hard state. */
function highestTerm({ group, damagedSnapshot }: FoundGroup): number {
  const known = damagedSnapshot === undefined && group.number !== undefined
  return known ? group.end.lastTerm : Math.max(group.end.lastTerm, group.hardState.term)
}
