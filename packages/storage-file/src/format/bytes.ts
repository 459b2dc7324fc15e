/**
 * A buffer that grows, written from front to end and used again for each batch: every byte is copied once.
 * Whole numbers are little-endian; those of 64 bits hold at most 2^53 - 1.
 */
export class ByteWriter {
  #buffer: Buffer
  #length = 0
  readonly #keepBytes: number

  /** @param keepBytes how large a buffer is kept for the next batch. */
  constructor(keepBytes: number) {
    this.#keepBytes = keepBytes
    this.#buffer = Buffer.allocUnsafe(Math.min(keepBytes, 64 * 1024))
  }

  get length(): number {
    return this.#length
  }

  /** Forgets what was written. */
  reset(): void {
    this.#length = 0
    if (this.#buffer.length > this.#keepBytes) this.#buffer = Buffer.allocUnsafe(this.#keepBytes)
  }

  /** What was written. Valid until the next write or reset. */
  written(): Buffer {
    return this.#buffer.subarray(0, this.#length)
  }

  u8(value: number): void {
    this.#reserve(1)
    this.#buffer[this.#length++] = value
  }

  u32(value: number): void {
    this.#reserve(4)
    this.#length = this.#buffer.writeUInt32LE(value, this.#length)
  }

  u64(value: number): void {
    this.#reserve(8)
    this.#length = writeU64(this.#buffer, this.#length, value)
  }

  bytes(data: Uint8Array): void {
    this.#reserve(data.length)
    this.#buffer.set(data, this.#length)
    this.#length += data.length
  }

  /** Length in bytes of UTF-8 (4 bytes), then the text. */
  text(value: string): void {
    const length = Buffer.byteLength(value)
    this.u32(length)
    this.#reserve(length)
    this.#buffer.write(value, this.#length, length, 'utf8')
    this.#length += length
  }

  zeros(count: number): void {
    this.#reserve(count)
    this.#buffer.fill(0, this.#length, this.#length + count)
    this.#length += count
  }

  /** Zeros up to a multiple of `unit`. */
  align(unit: number): void {
    this.zeros((unit - (this.#length % unit)) % unit)
  }

  #reserve(count: number): void {
    const needed = this.#length + count
    if (needed <= this.#buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2))
    this.#buffer.copy(larger, 0, 0, this.#length)
    this.#buffer = larger
  }
}

/** Reads what a {@link ByteWriter} wrote. Throws RangeError behind the end. */
export class ByteReader {
  readonly #buffer: Buffer
  #position = 0

  constructor(data: Uint8Array) {
    this.#buffer = asBuffer(data)
  }

  get position(): number {
    return this.#position
  }

  get remaining(): number {
    return this.#buffer.length - this.#position
  }

  u8(): number {
    const value = this.#buffer.readUInt8(this.#position)
    this.#position += 1
    return value
  }

  u32(): number {
    const value = this.#buffer.readUInt32LE(this.#position)
    this.#position += 4
    return value
  }

  u64(): number {
    const value = readU64(this.#buffer, this.#position)
    this.#position += 8
    return value
  }

  /** A view, not a copy. */
  bytes(length: number): Buffer {
    if (length > this.remaining) throw new RangeError(`${length} bytes wanted, ${this.remaining} left`)
    this.#position += length
    return this.#buffer.subarray(this.#position - length, this.#position)
  }

  text(): string {
    return this.bytes(this.u32()).toString('utf8')
  }
}

/** The same bytes as a Buffer, without a copy. */
export function asBuffer(data: Uint8Array): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength)
}

/** Writes a whole number up to 2^53 - 1 in 8 bytes. Returns the position behind it. */
export function writeU64(buffer: Buffer, position: number, value: number): number {
  buffer.writeUInt32LE(value % 2 ** 32, position)
  return buffer.writeUInt32LE(Math.floor(value / 2 ** 32), position + 4)
}

/** Reads 8 bytes as a number. Throws RangeError above 2^53 - 1. */
export function readU64(buffer: Buffer, position: number): number {
  const value = buffer.readUInt32LE(position) + buffer.readUInt32LE(position + 4) * 2 ** 32
  if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is more than a whole number can hold`)
  return value
}
