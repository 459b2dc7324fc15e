import type { Disk, DiskFile } from '@dsys/storage'
import { asBuffer } from './format/bytes.ts'
import { decodeNumber, encodeNumber, NUMBER_FILE_BYTES } from './format/number-file.ts'
import { reading } from './reading.ts'

const MAGIC = 'DSYSEND\n'
const NAME = 'end'

/**
 * Says, outside of the log, up to which batch the log was durable. So an end that is gone as a whole, with its seal or its file, is
 * told from a log that never went further.
 *
 * It is overwritten in place. Half of it, or damage, is no mark at all: then there is one proof less, and nothing else.
 */
export class EndMark {
  readonly #disk: Disk
  readonly #directory: string
  readonly #path: string
  #file: DiskFile | undefined
  #batch = 0

  /** @param directory of the node, which has a name of its own already; empty for the root of the disk. */
  constructor(disk: Disk, directory: string) {
    this.#disk = disk
    this.#directory = directory
    this.#path = directory === '' ? NAME : `${directory}/${NAME}`
  }

  /** Number of a batch that was durable once; 0 when nothing is known. */
  async read(): Promise<number> {
    const names = await reading(`listing ${this.#directory}`, () => this.#disk.list(this.#directory))
    if (!names.includes(NAME)) return 0
    return reading(`reading ${this.#path}`, async () => {
      const file = await this.#disk.open(this.#path)
      try {
        return decodeNumber(MAGIC, asBuffer(await file.read(0, NUMBER_FILE_BYTES + 1))) ?? 0
      } finally {
        await file.close()
      }
    })
  }

  /** Notes that batch number `batch`, and all before it, are durable. */
  async write(batch: number): Promise<void> {
    if (batch === this.#batch) return
    const known = this.#file
    const file = known ?? (await this.#disk.open(this.#path, { create: true, durableWrites: true }))
    this.#file = file
    await file.write(0, encodeNumber(MAGIC, batch))
    if (known === undefined) await this.#disk.syncDirectory(this.#directory)
    this.#batch = batch
  }

  async close(): Promise<void> {
    await this.#file?.close()
    this.#file = undefined
  }
}
