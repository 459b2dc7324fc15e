import { InvariantError, invariant } from '@dsys/runtime'
import type { LogEntry } from '@dsys/storage'
import { PackedEntries } from './packed-entries.ts'

/** What an entry costs in memory and on the wire besides its data; an estimate for limits. */
const ENTRY_OVERHEAD_BYTES = 32

export const entryBytes = (entry: LogEntry): number => entry.data.length + ENTRY_OVERHEAD_BYTES

/**
 * The log in memory: every entry behind the base, which is the last entry that compaction has removed. The older ones, which are seldom
 * read, are packed.
 *
 * Invariant: entries[i].index === baseIndex + packed.length + 1 + i, and terms never fall.
 */
export class RaftLog {
  #baseIndex: number
  #baseTerm: number
  readonly #packed = new PackedEntries()
  readonly #entries: LogEntry[] = []
  #bytes = 0

  constructor(base: { readonly index: number; readonly term: number }, entries: readonly LogEntry[]) {
    this.#baseIndex = base.index
    this.#baseTerm = base.term
    this.append(entries)
  }

  get baseIndex(): number {
    return this.#baseIndex
  }

  get firstIndex(): number {
    return this.#baseIndex + 1
  }

  get lastIndex(): number {
    return this.#baseIndex + this.#packed.length + this.#entries.length
  }

  get lastTerm(): number {
    return this.#entries.at(-1)?.term ?? this.#packed.termAt(this.#packed.length - 1) ?? this.#baseTerm
  }

  /** The memory that the entries hold, as an estimate. */
  get bytes(): number {
    return this.#bytes
  }

  /** The term of the entry at `index`; `undefined` when it is compacted away or not there yet. */
  termAt(index: number): number | undefined {
    if (index === this.#baseIndex) return this.#baseTerm
    const position = index - this.#baseIndex - 1
    return this.#packed.termAt(position) ?? this.#entries[position - this.#packed.length]?.term
  }

  at(index: number): LogEntry | undefined {
    const position = index - this.#baseIndex - 1
    if (position >= 0 && position < this.#packed.length) return this.#packed.entryAt(position, index)
    return this.#entries[position - this.#packed.length]
  }

  /** What the entry at `index`, which must be there, counts for. */
  #bytesAt(index: number): number {
    const position = index - this.#baseIndex - 1
    const packed = this.#packed.dataBytesAt(position)
    return packed === undefined
      ? entryBytes(this.#entries[position - this.#packed.length] as LogEntry)
      : packed + ENTRY_OVERHEAD_BYTES
  }

  /** What the entries from `first` to `last`, which must be there, count for. */
  bytesBetween(first: number, last: number): number {
    let bytes = 0
    for (let index = first; index <= last; index++) bytes += this.#bytesAt(index)
    return bytes
  }

  /** Entries up to `index` are seldom read from now on. */
  pack(index: number): void {
    const count = Math.min(index, this.lastIndex) - this.#baseIndex - this.#packed.length
    if (count <= 0) return
    for (let i = 0; i < count; i++) this.#packed.push(this.#entries[i] as LogEntry)
    this.#entries.splice(0, count)
  }

  /** Entries from `from` to the end, none beyond `maxBytes` in total, but one at least where there is one. */
  slice(from: number, maxBytes: number): LogEntry[] {
    invariant(from > this.#baseIndex, `entry ${from} is compacted away (base ${this.#baseIndex})`)
    const { lastIndex } = this
    const sliced: LogEntry[] = []
    let bytes = 0
    for (let index = from; index <= lastIndex; index++) {
      bytes += this.#bytesAt(index)
      if (bytes > maxBytes && index > from) break
      sliced.push(this.at(index) as LogEntry)
    }
    return sliced
  }

  append(entries: readonly LogEntry[]): void {
    let { lastIndex, lastTerm } = this
    for (const entry of entries) {
      // No `invariant`: its message would be put together for every entry.
      if (entry.index !== lastIndex + 1) throw new InvariantError(`entry ${entry.index} does not follow ${lastIndex}`)
      if (entry.term < lastTerm)
        throw new InvariantError(`entry ${entry.index} has term ${entry.term} after ${lastTerm}`)
      this.#entries.push(entry)
      this.#bytes += entryBytes(entry)
      lastIndex = entry.index
      lastTerm = entry.term
    }
  }

  /** Removes the entries from `index` on. */
  truncate(index: number): void {
    invariant(index > this.#baseIndex, `cannot cut the compacted entry ${index} (base ${this.#baseIndex})`)
    this.#remove(index, this.lastIndex)
  }

  /** Removes the entries up to and including `index`, which must be there. */
  compact(index: number): void {
    if (index <= this.#baseIndex) return
    const term = this.termAt(index)
    invariant(term !== undefined, `cannot compact to ${index}: the last entry is ${this.lastIndex}`)
    this.#remove(this.firstIndex, index)
    this.#baseIndex = index
    this.#baseTerm = term
  }

  /** Removes the entries from `first` to `last`: some of the oldest, or some of the newest. */
  #remove(first: number, last: number): void {
    this.#bytes -= this.bytesBetween(first, last)
    const position = first - this.#baseIndex - 1
    const count = last - first + 1
    const packed = Math.max(0, Math.min(count, this.#packed.length - position))
    const behind = Math.max(0, position - this.#packed.length)
    this.#packed.remove(position, packed)
    this.#entries.splice(behind, count - packed)
  }

  /** Forgets everything: the log continues behind a snapshot. */
  reset(base: { readonly index: number; readonly term: number }): void {
    if (this.#baseIndex < this.lastIndex) this.#remove(this.firstIndex, this.lastIndex)
    this.#baseIndex = base.index
    this.#baseTerm = base.term
  }

  /**
   * Whether a log that ends in (`lastTerm`, `lastIndex`) is at least as up to date as this one: by term first, then by
   * index (Raft §5.4.1; P-16).
   */
  isUpToDate(lastTerm: number, lastIndex: number): boolean {
    return lastTerm > this.lastTerm || (lastTerm === this.lastTerm && lastIndex >= this.lastIndex)
  }

  /**
   * The highest index at or below `index` whose entry may equal one of a log that has `term` at `index`: terms never
   * fall along a log, so an entry of a higher term cannot (Raft §5.3, the fast back-off by term; P-20).
   */
  lastIndexWithin(index: number, term: number): { index: number; term: number } {
    let at = Math.min(index, this.lastIndex)
    while (at > this.#baseIndex && (this.termAt(at) as number) > term) at--
    return { index: at, term: this.termAt(at) ?? 0 }
  }
}
