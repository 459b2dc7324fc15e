import type { CorruptionError, HardState, LogEntry } from '@dsys/storage'
import type { LogEnd, NewHead } from './format/records.ts'

/** Entries `first` to `last` of a group stand in segment `segment`. */
interface Run {
  readonly segment: number
  readonly first: number
  last: number
  /** What was written there for it, with what was cut since: so many entries, of so many bytes. */
  written: number
  bytes: number
}

/** What the write-ahead log keeps in memory about one group: enough for a checkpoint, and for which segments it needs. */
export class GroupIndex {
  readonly id: number
  readonly name: string
  /** Whether the log holds the group's name already. */
  named = false
  hardState: HardState = { term: 0, votedFor: undefined }
  /** Entries up to here were forgotten, and a snapshot covers them. */
  base = 0
  /** How many records the log has of it; `undefined` while only those of format version 1 are known, which are not counted. */
  number: number | undefined
  /** Where its log ends, by its newest record. Entries up to here may be missing where there is damage. */
  end: LogEnd = { last: 0, lastTerm: 0 }
  /** Batches are missing, and no record of the group behind them was seen yet. */
  doubt: CorruptionError | undefined
  /** What took records of the group. What stands behind it was not added to the entries. */
  damage: CorruptionError | undefined
  /** It is open, or being opened: nobody else writes for it. */
  held = false
  /** Writes all its live entries anew, where it is open and nothing of it is on its way. */
  rewrite: ((entries: readonly LogEntry[]) => Promise<void>) | undefined
  /** Live entries, by index and so by segment. Entries of segments that are gone are missing. */
  readonly #runs: Run[] = []

  constructor(id: number, name: string) {
    this.id = id
    this.name = name
  }

  /** The oldest segment with a live entry; `undefined` without any. */
  get oldestSegment(): number | undefined {
    return this.#runs[0]?.segment
  }

  /** About how many bytes its live entries take in the log. */
  get liveBytes(): number {
    let bytes = 0
    for (const run of this.#runs) {
      const live = run.last - Math.max(run.first, this.base + 1) + 1
      bytes += Math.ceil((run.bytes / Math.max(1, run.written)) * Math.max(0, live))
    }
    return bytes
  }

  /** Where its live entries stand, in the order of their indices. */
  get liveRuns(): { readonly segment: number; readonly first: number; readonly last: number }[] {
    return this.#runs.map(({ segment, first, last }) => ({ segment, first: Math.max(first, this.base + 1), last }))
  }

  /** Damage took something of it, or may have. */
  get isDoubtful(): boolean {
    return this.damage !== undefined || this.doubt !== undefined
  }

  /** What a record begins with that says how the group stands. */
  get head(): NewHead {
    return { group: this.id, number: this.number ?? 0, hardState: this.hardState }
  }

  /** Entries `first` to `last`, of about `bytes`, were written to `segment`, which cuts what stood at or behind `first`. */
  append(segment: number, first: number, last: number, bytes: number): void {
    const runs = this.#runs
    const before = runs.at(-1)
    if (before !== undefined && before.last + 1 < first) runs.length = 0
    else this.cut(first)
    const end = runs.at(-1)
    const written = last - first + 1
    if (end?.segment === segment) {
      end.last = last
      end.written += written
      end.bytes += bytes
    } else runs.push({ segment, first, last, written, bytes })
    // What was cut may have been all that was live in a segment.
    this.compact(this.base)
  }

  /** The entries from `first` on are gone. */
  cut(first: number): void {
    const runs = this.#runs
    for (let run = runs.at(-1); run !== undefined && run.first >= first; run = runs.at(-1)) runs.pop()
    const end = runs.at(-1)
    if (end !== undefined && end.last >= first) end.last = first - 1
  }

  /** The group was opened without what damage took: of its entries those up to `kept` stay. */
  salvaged(kept: number): void {
    this.cut(kept + 1)
    this.base = Math.min(this.base, kept)
    this.end = { last: kept, lastTerm: this.end.lastTerm }
    this.damage = undefined
  }

  compact(index: number): void {
    this.base = Math.max(this.base, index)
    while (this.#runs[0] !== undefined && this.#runs[0].last <= index) this.#runs.shift()
  }

  /** A snapshot at `index` is all that there is. Whatever was lost before does not matter any more. */
  reset(index: number): void {
    this.base = Math.max(this.base, index)
    this.#runs.length = 0
    this.damage = undefined
  }
}
