import type { LogEntry, LogWrite, SnapshotMeta } from './log-storage.ts'

/** The most that {@link SnapshotMeta.context} may hold. */
export const MAX_SNAPSHOT_CONTEXT_BYTES: number = 64 * 1024
/** The longest name of a group, in bytes of UTF-8. */
export const MAX_GROUP_NAME_BYTES = 512

const encoder = new TextEncoder()
const decoder = new TextDecoder()

const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0

/** Throws RangeError unless `group` is a name that every adapter can keep: 1 to 512 bytes of well-formed UTF-8. */
export function checkGroupName(group: string): void {
  const bytes = encoder.encode(group)
  if (bytes.length === 0 || bytes.length > MAX_GROUP_NAME_BYTES) {
    throw new RangeError(`the name of a group takes 1 to ${MAX_GROUP_NAME_BYTES} bytes of UTF-8, got ${bytes.length}`)
  }
  if (decoder.decode(bytes) !== group) throw new RangeError('the name of a group must be well-formed Unicode')
}

/**
 * What belongs behind `snapshot` out of the `entries` that were stored, in the order of their indices.
 *
 * Entries that the snapshot covers are left out. A snapshot ahead of the log leaves nothing. So does one whose term
 * differs from that of the stored entry at its index: a crash came between saving an installed snapshot and
 * `resetToSnapshot`, and what follows a conflicting entry conflicts too (Raft §5.3, the Log Matching Property).
 */
export function entriesBehind(snapshot: SnapshotMeta | undefined, entries: readonly LogEntry[]): readonly LogEntry[] {
  const first = entries[0]
  if (snapshot === undefined || first === undefined) return entries
  if (first.index > snapshot.index + 1) return []
  if (first.index === snapshot.index + 1) return entries
  const covered = entries[snapshot.index - first.index]
  if (covered === undefined || covered.term !== snapshot.term) return []
  return entries.slice(snapshot.index - first.index + 1)
}

/**
 * Appends `added`, whose indices follow each other, to the `entries` that are stored, after it has cut these before the first
 * that is added: a write replaces what stood at its place and all behind it (Raft §5.3). Where that would leave a hole, because
 * a snapshot lies ahead of the log, the log begins anew.
 */
export function appendEntries(entries: LogEntry[], added: readonly LogEntry[]): void {
  const first = entries[0]
  const next = added[0]
  if (next === undefined) return
  if (first !== undefined) {
    const kept = next.index - first.index
    entries.length = kept >= 0 && kept <= entries.length ? kept : 0
  }
  for (const entry of added) entries.push(entry)
}

/**
 * Where the log of a group begins and ends, as its caller sees it: writes that are still on their way count. For
 * adapters, so that all of them refuse the same misuse, before anything is written.
 */
export class LogBounds {
  #lastIndex: number
  #snapshotIndex: number

  constructor(recovered: { readonly snapshot: SnapshotMeta | undefined; readonly entries: readonly LogEntry[] }) {
    this.#snapshotIndex = recovered.snapshot?.index ?? 0
    this.#lastIndex = recovered.entries.at(-1)?.index ?? this.#snapshotIndex
  }

  /** Index of the last entry, or of the snapshot where that lies further. */
  get lastIndex(): number {
    return this.#lastIndex
  }

  /** Index of the newest snapshot, 0 without one. */
  get snapshotIndex(): number {
    return this.#snapshotIndex
  }

  /** Throws RangeError, changing nothing, unless `write` fits. */
  write(write: LogWrite): void {
    const { hardState, entries } = write
    if (hardState !== undefined && !isCount(hardState.term)) {
      throw new RangeError(`a term is a whole number from 0, got ${hardState.term}`)
    }
    const first = entries?.[0]
    if (entries === undefined || first === undefined) return
    if (first.index <= this.#snapshotIndex || first.index > this.#lastIndex + 1) {
      throw new RangeError(
        `entries must begin behind the snapshot and leave no hole: in ${this.#snapshotIndex + 1} to ${this.#lastIndex + 1}, got ${first.index}`,
      )
    }
    let next = first.index
    for (const entry of entries) {
      if (entry.index !== next) {
        throw new RangeError(`indices must follow each other: after ${next - 1} came ${entry.index}`)
      }
      next++
      if (!isCount(entry.index) || !isCount(entry.term)) {
        throw new RangeError(`index and term are whole numbers from 0, got ${entry.index} and ${entry.term}`)
      }
      if (!(entry.data instanceof Uint8Array)) throw new TypeError('the data of an entry must be a Uint8Array')
      if (!Number.isInteger(entry.kind) || entry.kind < 0 || entry.kind > 255) {
        throw new RangeError(`the kind of an entry is 0 to 255, got ${entry.kind}`)
      }
    }
    this.#lastIndex = next - 1
  }

  /** Throws RangeError unless a snapshot described by `meta` would be newer than the newest. */
  checkSnapshot(meta: SnapshotMeta): void {
    if (!isCount(meta.index) || meta.index === 0 || !isCount(meta.term)) {
      throw new RangeError(`a snapshot covers an index from 1 and a term from 0, got ${meta.index} and ${meta.term}`)
    }
    if (meta.index <= this.#snapshotIndex) {
      throw new RangeError(`a snapshot at ${this.#snapshotIndex} is stored already, got one at ${meta.index}`)
    }
    if (meta.context.length > MAX_SNAPSHOT_CONTEXT_BYTES) {
      throw new RangeError(
        `the context of a snapshot takes at most ${MAX_SNAPSHOT_CONTEXT_BYTES} bytes, got ${meta.context.length}`,
      )
    }
  }

  /** Notes that the snapshot described by `meta` is the newest now. */
  snapshotSaved(meta: SnapshotMeta): void {
    this.#snapshotIndex = meta.index
    this.#lastIndex = Math.max(this.#lastIndex, meta.index)
  }

  /** Throws RangeError unless the newest snapshot covers `index`. */
  compact(index: number): void {
    if (!isCount(index) || index > this.#snapshotIndex) {
      throw new RangeError(`only what the snapshot at ${this.#snapshotIndex} covers can be forgotten, got ${index}`)
    }
  }

  /** Throws RangeError when there is no snapshot to reset to. */
  reset(): void {
    if (this.#snapshotIndex === 0) throw new RangeError('there is no snapshot to reset the log to')
    this.#lastIndex = this.#snapshotIndex
  }
}
