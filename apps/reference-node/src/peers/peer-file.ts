import type { PeerStorage } from '@dsys/membership'
import { DsysError } from '@dsys/runtime'
import { ByteReader, ByteWriter, bufferOf, crc32, MalformedError } from '@dsys/runtime/bytes'
import type { nodeDisk } from '@dsys/storage-file'

type Disk = ReturnType<typeof nodeDisk>
type Changes = Parameters<PeerStorage['write']>[0]

const NAME = 'peers'
const MAGIC = 0x44535950
const CHECKSUM_BYTES = 4
/** What is kept of peers is far smaller; whatever is larger is something else. */
const MAX_BYTES = 4 * 2 ** 20

/**
 * One file with what a node remembers of its peers. It takes the place of the one before as a whole, or not at all, and says by a checksum
 * whether it is what was written. It holds one key with its value.
 */
export class PeerFile implements PeerStorage {
  readonly #disk: Disk
  #writing = false

  constructor(disk: Disk) {
    this.#disk = disk
  }

  /** Throws MalformedError when the file is damaged, and whatever the disk throws. */
  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    const content = await this.#read()
    if (content === undefined) return undefined
    const body = content.subarray(0, Math.max(0, content.length - CHECKSUM_BYTES))
    if (content.length < CHECKSUM_BYTES || content.readUInt32BE(body.length) !== crc32(body)) {
      throw new MalformedError(`the file "${NAME}" is damaged`)
    }
    const reader = new ByteReader(body)
    if (reader.u32() !== MAGIC) throw new MalformedError(`the file "${NAME}" is not one of peers`)
    const isSame = bufferOf(reader.raw(reader.u32())).equals(key)
    return isSame ? reader.rest() : undefined
  }

  /** Throws whatever the disk throws, and an Error while the one before has not ended. */
  async write(changes: Changes): Promise<void> {
    const { key, value } = changes.at(-1) ?? {}
    if (key === undefined || value === undefined) return
    // A disk that hangs must not gather what waits for it.
    if (this.#writing) throw new Error(`the file "${NAME}" is still being written`)
    this.#writing = true
    try {
      const writer = new ByteWriter().u32(MAGIC).u32(key.byteLength).raw(key).raw(value)
      const checksum = crc32(writer.written())
      await this.#replace(writer.u32(checksum).written())
    } finally {
      this.#writing = false
    }
  }

  async #read(): Promise<Buffer | undefined> {
    const file = await this.#disk.open(NAME).catch((error: unknown) => {
      if (error instanceof DsysError && error.code === 'DSYS_STORAGE_FILE_MISSING') return undefined
      throw error
    })
    if (file === undefined) return undefined
    try {
      const sizeBytes = await file.sizeBytes()
      if (sizeBytes > MAX_BYTES) throw new MalformedError(`the file "${NAME}" has ${sizeBytes} bytes`)
      return bufferOf(await file.read(0, sizeBytes))
    } finally {
      await file.close()
    }
  }

  async #replace(content: Uint8Array): Promise<void> {
    const aside = `${NAME}.tmp`
    await this.#disk.remove(aside)
    const file = await this.#disk.open(aside, { create: true })
    try {
      await file.write(0, content)
      await file.sync()
    } finally {
      await file.close()
    }
    await this.#disk.rename(aside, NAME)
    await this.#disk.syncDirectory('')
  }
}
