import { crc32 } from '@dsys/runtime/bytes'
import type { SnapshotMeta } from '@dsys/storage'
import type { SnapshotChunk } from './core/messages.ts'
import { WitnessMismatchError } from './errors.ts'
import { Handover } from './handover.ts'
import type { DecodedSnapshot } from './snapshot-content.ts'
import { WINDOW_BYTES } from './snapshot-transfer.ts'
import type { Turns } from './turns.ts'

/** What is kept of chunks that are here and not stored yet. A leader sends no more; what a wrong one sends is dropped. */
const MAX_KEPT_BYTES: number = 4 * WINDOW_BYTES

/** The snapshot that arrived is not the one that was sent, or cannot be read here. */
export class UnreadableSnapshotError extends Error {
  constructor(cause: unknown) {
    super('a snapshot that arrived cannot be read', { cause })
    this.name = 'UnreadableSnapshotError'
  }
}

/** What became of a chunk. */
export type ChunkFate =
  /** It is on its way to the disk, or superfluous; what was stored is told then, or now. */
  | { readonly type: 'taken' | 'known' }
  /** The chunk at `offset` is missing, or damaged. */
  | { readonly type: 'wanted'; readonly offset: number }

/**
 * A snapshot that is arriving. Its chunks go to the disk and through the decoder as they come; no more than a window of them is in memory.
 * Another leader that has the very same snapshot goes on with it.
 */
export class IncomingSnapshot {
  readonly meta: SnapshotMeta
  readonly turns: Turns
  /** The leader that sends it, and its term. */
  from: string
  term: number
  /** When the last chunk came. */
  heardMs: number
  readonly #totalBytes: number
  readonly #wholeChecksum: number | undefined
  readonly #onStored: () => void
  /** Without a gap up to here. */
  #receivedBytes = 0
  #storedBytes = 0
  #waiting: Uint8Array[] = []
  /** Chunks behind a gap, by their offset. */
  readonly #early = new Map<number, Uint8Array>()
  #keptBytes = 0
  #askedFor: number | undefined
  #more: (() => void) | undefined
  readonly #toDecode = new Handover<Uint8Array>()

  /** @param onStored is called when more of it was handed to the disk. */
  constructor(from: string, chunk: SnapshotChunk, turns: Turns, nowMs: number, onStored: () => void) {
    this.meta = { index: chunk.snapshotIndex, term: chunk.snapshotTerm, context: Uint8Array.from(chunk.context) }
    this.turns = turns
    this.from = from
    this.term = chunk.term
    this.heardMs = nowMs
    this.#totalBytes = chunk.totalBytes
    this.#wholeChecksum = chunk.checksums?.whole
    this.#onStored = onStored
  }

  /** How much of it was handed to the disk. */
  get nextOffset(): number {
    return this.#storedBytes
  }

  /** Every byte is here. */
  get isWhole(): boolean {
    return this.#receivedBytes >= this.#totalBytes
  }

  /**
   * Whether a chunk is of this snapshot. One without checksums is known by where it comes from: another leader's snapshot at the same index may
   * have other bytes.
   */
  isPart(from: string, chunk: SnapshotChunk): boolean {
    const { index, term } = this.meta
    if (index !== chunk.snapshotIndex || term !== chunk.snapshotTerm || this.#totalBytes !== chunk.totalBytes)
      return false
    if (chunk.checksums?.whole !== this.#wholeChecksum) return false
    return this.#wholeChecksum !== undefined || (this.from === from && this.term === chunk.term)
  }

  /** Takes a chunk of this snapshot. */
  add(from: string, { term, offset, data, checksums }: SnapshotChunk, nowMs: number): ChunkFate {
    this.from = from
    this.term = term
    this.heardMs = nowMs
    const end = offset + data.length
    if (end <= this.#receivedBytes || end > this.#totalBytes) return { type: 'known' }
    if (checksums !== undefined && crc32(data) !== checksums.chunk) return { type: 'wanted', offset }
    const isEarly = offset > this.#receivedBytes
    // Half of it is left for what comes in order, so that a gap can always be filled.
    if (this.#keptBytes + data.length > (isEarly ? MAX_KEPT_BYTES / 2 : MAX_KEPT_BYTES)) return { type: 'known' }
    if (isEarly) {
      // Another leader may cut the same snapshot into other chunks.
      this.#keptBytes += data.length - (this.#early.get(offset)?.length ?? 0)
      this.#early.set(offset, data)
      // Asked once for each gap: what is late by itself is not sent twice for every chunk behind it.
      if (this.#askedFor === this.#receivedBytes) return { type: 'known' }
      this.#askedFor = this.#receivedBytes
      return { type: 'wanted', offset: this.#receivedBytes }
    }
    this.#queue(data.subarray(this.#receivedBytes - offset))
    this.#takeEarly()
    this.#more?.()
    return { type: 'taken' }
  }

  #queue(piece: Uint8Array): void {
    this.#waiting.push(piece)
    this.#keptBytes += piece.length
    this.#receivedBytes += piece.length
  }

  /** Takes what came early and follows now. */
  #takeEarly(): void {
    for (let found = true; found; ) {
      found = false
      for (const [offset, data] of this.#early) {
        if (offset > this.#receivedBytes) continue
        this.#early.delete(offset)
        this.#keptBytes -= data.length
        if (offset + data.length > this.#receivedBytes) this.#queue(data.subarray(this.#receivedBytes - offset))
        found = true
      }
    }
  }

  /** What the decoder reads. */
  get toDecode(): AsyncIterable<Uint8Array> {
    return this.#toDecode
  }

  /**
   * The bytes for the disk, as they come. They end only when the decoder has read all of them, and `beforeEnd` is done: so what is not whole is
   * never stored.
   */
  async *content(
    decoding: Promise<DecodedSnapshot<unknown, unknown>>,
    beforeEnd: () => Promise<void>,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    while (this.#storedBytes < this.#totalBytes) {
      const piece = await this.#take()
      if (!(await this.#toDecode.give(piece))) await this.#check(decoding)
      this.#storedBytes += piece.length
      yield piece
      this.#onStored()
    }
    this.#toDecode.end()
    await this.#check(decoding)
    this.turns.check()
    await beforeEnd()
  }

  async #take(): Promise<Uint8Array> {
    for (;;) {
      this.turns.check()
      const piece = this.#waiting.shift()
      if (piece !== undefined) {
        this.#keptBytes -= piece.length
        return piece
      }
      await new Promise<void>((resolve) => {
        this.#more = resolve
      })
    }
  }

  async #check(decoding: Promise<DecodedSnapshot<unknown, unknown>>): Promise<void> {
    let checksum: number
    try {
      checksum = (await decoding).checksum
    } catch (error) {
      this.turns.check()
      throw error instanceof WitnessMismatchError ? error : new UnreadableSnapshotError(error)
    }
    if (this.#wholeChecksum !== undefined && checksum !== this.#wholeChecksum)
      throw new UnreadableSnapshotError(
        new Error(`its checksum is ${checksum}, and ${this.#wholeChecksum} was announced`),
      )
  }

  /** Nobody wants it any more, or it came to its end: whoever waits for more of it is told. */
  abandon(why: string): void {
    this.turns.abandon(why)
    this.#toDecode.end(new Error(why))
    this.#more?.()
  }
}
