import type { LogEntry } from '@dsys/storage'

/**
 * Entries in a few long arrays in place of two objects each: those that are kept for slow followers only would otherwise be most of what
 * the garbage collector has to look through. Reading one makes it anew; its bytes are not copied.
 */
export class PackedEntries {
  readonly #terms: number[] = []
  readonly #kinds: number[] = []
  readonly #buffers: ArrayBufferLike[] = []
  readonly #offsets: number[] = []
  readonly #lengths: number[] = []

  get length(): number {
    return this.#terms.length
  }

  push({ term, kind, data }: LogEntry): void {
    this.#terms.push(term)
    this.#kinds.push(kind)
    this.#buffers.push(data.buffer)
    this.#offsets.push(data.byteOffset)
    this.#lengths.push(data.length)
  }

  termAt(position: number): number | undefined {
    return this.#terms[position]
  }

  dataBytesAt(position: number): number | undefined {
    return this.#lengths[position]
  }

  /** The entry at `position`, which is there, under the index that it has. */
  entryAt(position: number, index: number): LogEntry {
    const data = new Uint8Array(
      this.#buffers[position] as ArrayBufferLike,
      this.#offsets[position] as number,
      this.#lengths[position] as number,
    )
    return { index, term: this.#terms[position] as number, kind: this.#kinds[position] as number, data }
  }

  /** Removes `count` entries from `position` on. */
  remove(position: number, count: number): void {
    for (const each of [this.#terms, this.#kinds, this.#buffers, this.#offsets, this.#lengths])
      each.splice(position, count)
  }
}
