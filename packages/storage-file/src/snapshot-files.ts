import { crc32 } from 'node:zlib'
import type { Random } from '@dsys/runtime'
import { ByteReader, ByteWriter, bufferOf, writeU53le } from '@dsys/runtime/bytes'
import { CorruptionError, type Disk, type DiskFile, type SnapshotMeta, type StoredSnapshot } from '@dsys/storage'
import { getText, putText } from './format/records.ts'
import { reading } from './reading.ts'
import { isUnfinished } from './segment-preparer.ts'

const MAGIC = Buffer.from('DSYSSNP\n', 'latin1')
const VERSION = 1
const ID_BYTES = 16
/** Content bytes under one checksum. */
const BLOCK_BYTES = 64 * 1024
const CHECKSUM_BYTES = 4
/** A block with its checksum. */
const STORED_BYTES = BLOCK_BYTES + CHECKSUM_BYTES
/**
 * Blocks that one call of the disk reads or writes: 256 KiB take half the time and half of the processor that four times 64 KiB do. More at once gains little, and
 * costs a longer turn of the event loop for their checksums.
 */
const BLOCKS_AT_ONCE = 4
/** Magic, version and length of the header. */
const FIXED_BYTES = 16
/** Longest header: names and contexts are bounded far below. */
const MAX_HEADER_BYTES = 128 * 1024

interface SnapshotFile {
  readonly path: string
  readonly meta: SnapshotMeta
  readonly id: Uint8Array
  readonly headerBytes: number
  readonly contentBytes: number
}

const snapshotName = (index: number): string => `${index.toString(16).padStart(16, '0')}.snap`

const snapshotIndex = (name: string): number | undefined =>
  /^[0-9a-f]{16}\.snap$/.test(name) ? Number.parseInt(name.slice(0, 16), 16) : undefined

/** A block is tied to its snapshot and its place in it. */
function blockChecksum(id: Uint8Array, number: number, block: Uint8Array): number {
  const place = Buffer.allocUnsafe(8)
  writeU53le(place, 0, number)
  return crc32(block, crc32(place, crc32(id)))
}

function encodeHeader(group: string, file: Omit<SnapshotFile, 'path' | 'headerBytes'>): Buffer {
  const out = new ByteWriter(4_096)
  out.raw(MAGIC)
  out.u32le(VERSION)
  out.u32le(0)
  out.u53le(file.meta.index)
  out.u53le(file.meta.term)
  out.u53le(file.contentBytes)
  out.raw(file.id)
  putText(out, group)
  out.u32le(file.meta.context.length)
  out.raw(file.meta.context)
  out.u32le(0)
  const header = out.written()
  header.writeUInt32LE(header.length, 12)
  header.writeUInt32LE(crc32(header.subarray(0, -CHECKSUM_BYTES)), header.length - CHECKSUM_BYTES)
  return header
}

/** The snapshots of one group: each a file of its own, written aside and renamed when it is whole and durable. */
export class SnapshotFiles {
  readonly #disk: Disk
  readonly #random: Random
  readonly #parent: string
  readonly #directory: string
  readonly #group: string
  #newest: SnapshotFile | undefined
  #damaged: { readonly index: number; readonly damage: CorruptionError } | undefined

  constructor(ports: { disk: Disk; random: Random }, options: { parent: string; id: number; group: string }) {
    this.#disk = ports.disk
    this.#random = ports.random
    this.#parent = options.parent
    this.#directory = `${options.parent}/${options.id.toString(16).padStart(8, '0')}`
    this.#group = options.group
  }

  /** The newest snapshot. */
  get newest(): StoredSnapshot | undefined {
    const file = this.#newest
    return (
      file && {
        meta: file.meta,
        sizeBytes: file.contentBytes,
        read: (offset, maxBytes) => this.#read(file, offset, maxBytes),
      }
    )
  }

  /** The newest snapshot, where {@link SnapshotFiles.open} found that it cannot be read. */
  get damaged(): { readonly index: number; readonly damage: CorruptionError } | undefined {
    return this.#damaged
  }

  /** Finds and checks the newest snapshot, then removes what it makes superfluous; nothing when the newest is damaged. */
  async open(): Promise<void> {
    const names = await this.look()
    if (this.#damaged !== undefined) return
    if (this.#newest !== undefined) {
      // Its content was synced before it got its name. The name itself may not be, if the process was killed then.
      await this.#disk.syncDirectory(this.#parent)
      await this.#disk.syncDirectory(this.#directory)
    }
    for (const name of names) {
      const index = snapshotIndex(name)
      const superfluous = isUnfinished(name) || (index !== undefined && index !== this.#newest?.meta.index)
      if (superfluous) await this.#disk.remove(`${this.#directory}/${name}`)
    }
  }

  /** Finds and checks the newest snapshot, and changes nothing. Gives the names of all files. */
  async look(): Promise<readonly string[]> {
    const names = await reading(`listing ${this.#directory}`, () => this.#disk.list(this.#directory))
    const newest = Math.max(0, ...names.map((name) => snapshotIndex(name) ?? 0))
    if (newest === 0) return names
    try {
      this.#newest = await reading(`reading the snapshot at ${newest}`, () => this.#check(newest))
    } catch (error) {
      if (!(error instanceof CorruptionError)) throw error
      this.#damaged = { index: newest, damage: error }
    }
    return names
  }

  /**
   * Writes the snapshot aside, then gives it its name. Errors of `content` are thrown as they are; those of the disk go through
   * `onDisk`. `meta` must not change any more.
   */
  async write(
    meta: SnapshotMeta,
    content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    onDisk: <T>(operation: Promise<T>) => Promise<T>,
  ): Promise<void> {
    const disk = this.#disk
    await onDisk(disk.createDirectory(this.#directory))
    await onDisk(disk.syncDirectory(this.#parent))
    const aside = `${this.#directory}/${snapshotName(meta.index)}.tmp`
    await onDisk(disk.remove(aside))
    const id = this.#random.bytes(ID_BYTES)
    const headerBytes = encodeHeader(this.#group, { meta, id, contentBytes: 0 }).length
    const file = await onDisk(disk.open(aside, { create: true }))
    let contentBytes: number
    try {
      contentBytes = await writeBlocks(file, { headerBytes, id, content, onDisk })
      await onDisk(file.write(0, encodeHeader(this.#group, { meta, id, contentBytes })))
      await onDisk(file.sync())
    } finally {
      await file.close()
    }
    const path = `${this.#directory}/${snapshotName(meta.index)}`
    await onDisk(disk.rename(aside, path))
    await onDisk(disk.syncDirectory(this.#directory))
    const before = this.#newest
    this.#newest = { path, meta, id, headerBytes, contentBytes }
    if (before !== undefined) await onDisk(disk.remove(before.path))
  }

  /** Gives a snapshot that is damaged another name, under which nobody looks for it. Does nothing when there is none. */
  async putAway(): Promise<void> {
    if (this.#damaged === undefined) return
    const path = `${this.#directory}/${snapshotName(this.#damaged.index)}`
    await this.#disk.rename(path, `${path}.damaged`)
    await this.#disk.syncDirectory(this.#directory)
    this.#damaged = undefined
  }

  /** Removes what a failed {@link SnapshotFiles.write} left. */
  async discard(meta: SnapshotMeta): Promise<void> {
    await this.#disk.remove(`${this.#directory}/${snapshotName(meta.index)}.tmp`)
  }

  async #check(index: number): Promise<SnapshotFile> {
    const path = `${this.#directory}/${snapshotName(index)}`
    const file = await this.#disk.open(path)
    try {
      const found = await this.#readHeader(file, path, index)
      const size = await file.sizeBytes()
      const blocks = Math.ceil(found.contentBytes / BLOCK_BYTES)
      const expected = found.headerBytes + found.contentBytes + blocks * CHECKSUM_BYTES
      if (size !== expected) throw new CorruptionError(path, size, `the file has ${size} of its ${expected} bytes`)
      for (let block = 0; block < blocks; block += BLOCKS_AT_ONCE)
        await readBlocks(file, found, block, Math.min(block + BLOCKS_AT_ONCE, blocks))
      return found
    } finally {
      await file.close()
    }
  }

  async #readHeader(file: DiskFile, path: string, index: number): Promise<SnapshotFile> {
    const fixed = bufferOf(await file.read(0, FIXED_BYTES))
    if (fixed.length < FIXED_BYTES || !fixed.subarray(0, 8).equals(MAGIC)) {
      throw new CorruptionError(path, 0, 'it does not begin like a snapshot')
    }
    const headerBytes = fixed.readUInt32LE(12)
    const header = bufferOf(await file.read(0, Math.min(headerBytes, MAX_HEADER_BYTES)))
    const whole = header.length === headerBytes && headerBytes > FIXED_BYTES + CHECKSUM_BYTES
    if (!whole || header.readUInt32LE(headerBytes - CHECKSUM_BYTES) !== crc32(header.subarray(0, -CHECKSUM_BYTES))) {
      throw new CorruptionError(path, 0, 'the checksum of the header does not match')
    }
    const version = fixed.readUInt32LE(8)
    if (version !== VERSION)
      throw new CorruptionError(path, 8, `format version ${version} is not known to this release`)
    const input = new ByteReader(header.subarray(FIXED_BYTES))
    const found = { index: input.u53le(), term: input.u53le() }
    const contentBytes = input.u53le()
    const id = new Uint8Array(input.raw(ID_BYTES))
    const group = getText(input)
    const context = new Uint8Array(input.raw(input.u32le()))
    if (group !== this.#group || found.index !== index) {
      throw new CorruptionError(path, FIXED_BYTES, `it is the snapshot of group "${group}" at ${found.index}`)
    }
    return { path, meta: { ...found, context }, id, headerBytes, contentBytes }
  }

  async #read(snapshot: SnapshotFile, offset: number, maxBytes: number): Promise<Uint8Array> {
    if (!Number.isSafeInteger(offset) || offset < 0 || !Number.isSafeInteger(maxBytes) || maxBytes < 0) {
      throw new RangeError(`offset and maxBytes are whole numbers from 0, got ${offset} and ${maxBytes}`)
    }
    const end = Math.min(offset + maxBytes, snapshot.contentBytes)
    if (end <= offset) return new Uint8Array(0)
    return reading(`reading ${snapshot.path}`, () => this.#readBlocks(snapshot, offset, end))
  }

  async #readBlocks(snapshot: SnapshotFile, offset: number, end: number): Promise<Uint8Array> {
    const file = await this.#disk.open(snapshot.path)
    try {
      const first = Math.floor(offset / BLOCK_BYTES)
      const behind = Math.ceil(end / BLOCK_BYTES)
      const blocks: Uint8Array[] = []
      for (let block = first; block < behind; block += BLOCKS_AT_ONCE)
        blocks.push(...(await readBlocks(file, snapshot, block, Math.min(block + BLOCKS_AT_ONCE, behind))))
      const start = first * BLOCK_BYTES
      const [only, second] = blocks
      const joined = only !== undefined && second === undefined ? only : Buffer.concat(blocks)
      return joined.subarray(offset - start, end - start)
    } finally {
      await file.close()
    }
  }
}

/** The blocks from `first` to before `behind`. */
async function readBlocks(
  file: DiskFile,
  { path, id, headerBytes, contentBytes }: SnapshotFile,
  first: number,
  behind: number,
): Promise<Uint8Array[]> {
  const position = headerBytes + first * STORED_BYTES
  const bytes = Math.min(behind * BLOCK_BYTES, contentBytes) - first * BLOCK_BYTES
  const found = bufferOf(await file.read(position, bytes + (behind - first) * CHECKSUM_BYTES))
  return Array.from({ length: behind - first }, (_, i) => {
    const length = Math.min(BLOCK_BYTES, bytes - i * BLOCK_BYTES)
    const stored = found.subarray(i * STORED_BYTES, i * STORED_BYTES + length + CHECKSUM_BYTES)
    const block = stored.subarray(0, length)
    const whole = stored.length === length + CHECKSUM_BYTES
    if (!whole || stored.readUInt32LE(length) !== blockChecksum(id, first + i, block)) {
      throw new CorruptionError(path, position + i * STORED_BYTES, 'the checksum of this part does not match')
    }
    return block
  })
}

/** Writes `content` behind the header, a checksum behind each block. Returns its length. */
async function writeBlocks(
  file: DiskFile,
  options: {
    readonly headerBytes: number
    readonly id: Uint8Array
    readonly content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>
    readonly onDisk: <T>(operation: Promise<T>) => Promise<T>
  },
): Promise<number> {
  const { headerBytes, id, content, onDisk } = options
  const blocks = Buffer.alloc(BLOCKS_AT_ONCE * STORED_BYTES)
  /** Where in `blocks` the present block begins, how much of it is there, and its number. */
  let begin = 0
  let filled = 0
  let number = 0
  let position = headerBytes
  const endBlock = (): void => {
    const end = begin + filled
    blocks.writeUInt32LE(blockChecksum(id, number, blocks.subarray(begin, end)), end)
    number++
    begin = end + CHECKSUM_BYTES
    filled = 0
  }
  const flush = async (): Promise<void> => {
    await onDisk(file.write(position, blocks.subarray(0, begin)))
    position += begin
    begin = 0
  }
  let contentBytes = 0
  for await (const chunk of content) {
    contentBytes += chunk.length
    for (let taken = 0; taken < chunk.length; ) {
      const part = chunk.subarray(taken, taken + BLOCK_BYTES - filled)
      blocks.set(part, begin + filled)
      filled += part.length
      taken += part.length
      if (filled === BLOCK_BYTES) endBlock()
      if (begin === blocks.length) await flush()
    }
  }
  if (filled > 0) endBlock()
  if (begin > 0) await flush()
  return contentBytes
}
