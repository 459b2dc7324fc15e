import type { DiskFile } from '@dsys/storage'
import { FRAME_HEADER_BYTES, writeFrameHeader } from './format/segment.ts'
import type { ScannedSegment } from './recovery.ts'

/** The segment that the log writes to. Each write is durable when it has ended; only one may be under way. */
export class SegmentWriter {
  readonly sequence: number
  readonly sizeBytes: number
  readonly file: DiskFile
  readonly #id: Uint8Array
  /** Where the next frame goes. */
  #end: number
  #lastBatch: number
  /** Whether the last batch holds nothing that could be missed. */
  #sealed = true

  constructor(
    file: DiskFile,
    segment: { sequence: number; sizeBytes: number; id: Uint8Array; end: number; lastBatch: number },
  ) {
    this.file = file
    this.sequence = segment.sequence
    this.sizeBytes = segment.sizeBytes
    this.#id = segment.id
    this.#end = segment.end
    this.#lastBatch = segment.lastBatch
  }

  get end(): number {
    return this.#end
  }

  /** Number of the last batch. */
  get lastBatch(): number {
    return this.#lastBatch
  }

  /** Whether damage to any batch that is worth something would be told from a torn write. */
  get sealed(): boolean {
    return this.#sealed
  }

  /** Whether a frame of `bytes` fits, with room for the empty batch that will prove it. */
  fits(bytes: number): boolean {
    return this.#end + bytes + FRAME_HEADER_BYTES <= this.sizeBytes
  }

  /** Writes the next batch: `frame` has room for the header in front and zeros behind its payload. */
  async append(frame: Buffer, payloadBytes: number): Promise<void> {
    await this.#write(frame, payloadBytes)
    this.#sealed = false
  }

  /**
   * Writes a batch that nobody would miss behind one that is not: a whole header proves that what stands before it had been durable. It
   * is `frame`, with room for the header, or where that is too long an empty one. Does nothing where there is no room at all: then a
   * segment follows, which proves the same.
   *
   * @returns whether `frame` was written.
   */
  async seal(frame: Buffer, payloadBytes: number): Promise<boolean> {
    if (this.#sealed || this.#end + FRAME_HEADER_BYTES > this.sizeBytes) return false
    const fits = this.#end + frame.length <= this.sizeBytes
    await (fits ? this.#write(frame, payloadBytes) : this.#write(Buffer.alloc(FRAME_HEADER_BYTES), 0))
    this.#sealed = true
    return fits
  }

  async #write(frame: Buffer, payloadBytes: number): Promise<void> {
    const batch = this.#lastBatch + 1
    writeFrameHeader(frame, 0, { payloadBytes, batch, id: this.#id, position: this.#end })
    await this.file.write(this.#end, frame)
    this.#lastBatch = batch
    this.#end += frame.length
  }

  /**
   * Makes what was found at the end of this segment durable and final: from here on this node acts on what it found, so
   * nothing may take that away, and nothing that it did not find may come back.
   *
   * The last frame is written again. It may stand in the memory of the system alone: the process was killed before its
   * write had ended, or that write failed, and then the system calls it clean and no sync would write it. What a cut-off write
   * left is overwritten with zeros, and its beginning by an empty batch, in this order: the empty batch says that all before
   * it is durable.
   *
   * The seal is still to be written; where there is no room for it, the next segment must begin.
   */
  async takeOver({ end, dirtyEnd, lastFrame }: ScannedSegment): Promise<void> {
    const bytes = Buffer.alloc(dirtyEnd - end + lastFrame.length)
    lastFrame.copy(bytes)
    await this.file.write(end - lastFrame.length, bytes)
    this.#sealed = false
  }
}
