import type { HardState } from '@dsys/storage'

/** Entries `first` to `last` of a group stand in segment `segment`. */
interface Run {
  readonly segment: number
  readonly first: number
  last: number
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

  /** Entries `first` to `last` were written to `segment`, which cuts what stood at or behind `first`. */
  append(segment: number, first: number, last: number): void {
    const runs = this.#runs
    for (let run = runs.at(-1); run !== undefined && run.first >= first; run = runs.at(-1)) runs.pop()
    const before = runs.at(-1)
    if (before !== undefined && before.last + 1 < first) runs.length = 0
    else if (before !== undefined) before.last = first - 1
    const end = runs.at(-1)
    if (end?.segment === segment) end.last = last
    else runs.push({ segment, first, last })
  }

  compact(index: number): void {
    this.base = Math.max(this.base, index)
    while (this.#runs[0] !== undefined && this.#runs[0].last <= index) this.#runs.shift()
  }

  reset(index: number): void {
    this.base = Math.max(this.base, index)
    this.#runs.length = 0
  }
}
