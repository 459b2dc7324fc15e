import type { LogEntry } from '@dsys/storage'

/** Term, kind and length of the data, before the data of each entry. */
const HEADER_BYTES = 8 + 1 + 4

/**
 * Copies of the entries of one write, packed in one piece. A log of small entries would otherwise cost more in objects than in data, and
 * most of the time of a process that writes much would go to looking through them.
 */
export class PackedEntries {
  readonly firstIndex: number
  readonly #count: number
  readonly #bytes: Buffer

  /** Copies `entries`, at least one, whose indices follow each other. */
  constructor(entries: readonly LogEntry[]) {
    let size = 0
    for (const { data } of entries) size += HEADER_BYTES + data.length
    const bytes = Buffer.allocUnsafe(size)
    let at = 0
    for (const { term, kind, data } of entries) {
      bytes.writeDoubleBE(term, at)
      bytes[at + 8] = kind
      bytes.writeUInt32BE(data.length, at + 9)
      bytes.set(data, at + HEADER_BYTES)
      at += HEADER_BYTES + data.length
    }
    this.firstIndex = (entries[0] as LogEntry).index
    this.#count = entries.length
    this.#bytes = bytes
  }

  get lastIndex(): number {
    return this.firstIndex + this.#count - 1
  }

  /** Copies of its entries. */
  *entries(): Generator<LogEntry> {
    const bytes = this.#bytes
    let at = 0
    for (let index = this.firstIndex; index <= this.lastIndex; index++) {
      const begin = at + HEADER_BYTES
      const end = begin + bytes.readUInt32BE(at + 9)
      const term = bytes.readDoubleBE(at)
      yield { index, term, kind: bytes[at + 8] as number, data: new Uint8Array(bytes.subarray(begin, end)) }
      at = end
    }
  }
}

/** A piece of the log, of which some entries may have been cut or forgotten since it was written. */
interface Piece {
  readonly packed: PackedEntries
  lastIndex: number
}

/**
 * The entries of one group, consecutive, as the writes brought them.
 *
 * Invariant: the pieces follow each other without a hole, and only the first may have entries before `#firstIndex`.
 */
export class PackedLog {
  readonly #pieces: Piece[] = []
  /** Entries before this one are forgotten. */
  #firstIndex = 1

  /**
   * Appends what one write brought. It replaces what stood at its place and all behind it (Raft §5.3). Where that would leave a hole,
   * because a snapshot lies ahead of the log, the log begins anew.
   */
  append(packed: PackedEntries): void {
    const next = packed.firstIndex
    const last = this.#pieces.at(-1)
    if (last === undefined || next < this.#firstIndex || next > last.lastIndex + 1) this.#beginAnew(next)
    else this.#cut(next)
    this.#pieces.push({ packed, lastIndex: packed.lastIndex })
  }

  #beginAnew(firstIndex: number): void {
    this.clear()
    this.#firstIndex = firstIndex
  }

  /** Removes the entries from `index` on. */
  #cut(index: number): void {
    for (let last = this.#pieces.at(-1); last !== undefined && last.lastIndex >= index; last = this.#pieces.at(-1)) {
      if (last.packed.firstIndex < index) last.lastIndex = index - 1
      else this.#pieces.pop()
    }
  }

  /** Forgets the entries up to and including `index`. */
  compact(index: number): void {
    if (index < this.#firstIndex) return
    this.#firstIndex = index + 1
    const kept = this.#pieces.findIndex((piece) => piece.lastIndex > index)
    this.#pieces.splice(0, kept === -1 ? this.#pieces.length : kept)
  }

  clear(): void {
    this.#pieces.length = 0
  }

  /** Copies of all entries, for the caller to keep. */
  entries(): LogEntry[] {
    const entries: LogEntry[] = []
    for (const { packed, lastIndex } of this.#pieces) {
      for (const entry of packed.entries()) {
        if (entry.index >= this.#firstIndex && entry.index <= lastIndex) entries.push(entry)
      }
    }
    return entries
  }
}
