import type { Disk, DiskFile } from '@dsys/storage'

/** A file of zeros that is about to become a segment. */
export interface PreparedSegment {
  readonly path: string
  readonly file: DiskFile
  readonly sizeBytes: number
}

/** One durable write of zeros. The disk serves the log's own writes in between, so a large one would hold up a commit. */
const CHUNK_BYTES = 256 * 1024
const SUFFIX = '.tmp'

/** Whether `name` is that of a file that was never finished. */
export const isUnfinished = (name: string): boolean => name.endsWith(SUFFIX)

async function fillWithZeros(file: DiskFile, from: number, to: number, stopped: () => boolean): Promise<void> {
  const zeros = Buffer.alloc(Math.min(CHUNK_BYTES, to - from))
  for (let position = from; position < to && !stopped(); position += zeros.length) {
    await file.write(position, zeros.subarray(0, Math.min(zeros.length, to - position)))
  }
}

/**
 * Makes the next segment ahead of need: writing into blocks that the file has already needs no change of its size or its
 * map of blocks, which would cost a second write with each sync.
 */
export class SegmentPreparer {
  readonly #disk: Disk
  readonly #directory: string
  readonly #segmentBytes: number
  readonly #onFailure: (error: unknown) => void
  #next: Promise<PreparedSegment> | undefined
  /** The file of the next segment, from its making until it is taken. */
  #file: DiskFile | undefined
  #count = 0
  #stopped = false

  constructor(disk: Disk, options: { directory: string; segmentBytes: number; onFailure: (error: unknown) => void }) {
    this.#disk = disk
    this.#directory = options.directory
    this.#segmentBytes = options.segmentBytes
    this.#onFailure = options.onFailure
  }

  /** Begins to make the next segment, if that was not begun already. */
  prepare(): void {
    if (this.#next !== undefined || this.#stopped) return
    this.#next = this.#make()
    this.#next.catch((error: unknown) => this.#onFailure(error))
  }

  /** The next segment, of at least `minBytes`. */
  async take(minBytes: number): Promise<PreparedSegment> {
    this.prepare()
    const prepared = await this.#next
    if (prepared === undefined) throw new Error('the log is closing')
    if (prepared.sizeBytes < minBytes) await fillWithZeros(prepared.file, prepared.sizeBytes, minBytes, () => false)
    this.#next = undefined
    this.#file = undefined
    return { ...prepared, sizeBytes: Math.max(prepared.sizeBytes, minBytes) }
  }

  /** Ends the work, removes what was made ahead, and closes its file. */
  async stop(): Promise<void> {
    this.#stopped = true
    // A failure was reported to onFailure when it came.
    const prepared = await this.#next?.catch(() => undefined)
    await this.#file?.close()
    // What cannot be removed now is removed by the next start.
    if (prepared !== undefined) await this.#disk.remove(prepared.path).catch(this.#onFailure)
  }

  async #make(): Promise<PreparedSegment> {
    const path = `${this.#directory}/next-${this.#count++}${SUFFIX}`
    await this.#disk.remove(path)
    const file = await this.#disk.open(path, { create: true, durableWrites: true })
    this.#file = file
    await fillWithZeros(file, 0, this.#segmentBytes, () => this.#stopped)
    return { path, file, sizeBytes: this.#segmentBytes }
  }
}
