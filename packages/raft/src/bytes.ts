const MAX_SAFE_HIGH = 0x1fffff

/** Bytes that are not what they should be: of another version, cut, or foreign. The receiver drops them. */
export class MalformedError extends Error {
  constructor(what: string) {
    super(what)
    this.name = 'MalformedError'
  }
}

/** Writes what {@link readU32} reads. */
export function writeU32(bytes: Uint8Array, value: number, at: number): void {
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
}

/** Writes what {@link readU53} reads. */
export function writeU53(bytes: Uint8Array, value: number, at: number): void {
  writeU32(bytes, Math.floor(value / 2 ** 32), at)
  writeU32(bytes, value >>> 0, at + 4)
}

/** The number in the four bytes at `at`. Throws {@link MalformedError} where the bytes end too early. */
export function readU32(bytes: Uint8Array, at: number): number {
  if (at + 4 > bytes.length) throw new MalformedError(`4 bytes wanted at ${at} of ${bytes.length}`)
  const high = ((bytes[at] as number) << 24) | ((bytes[at + 1] as number) << 16)
  return (high | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number)) >>> 0
}

/** The number in the eight bytes at `at`, as {@link ByteWriter.u53} writes it. Throws {@link MalformedError} where there is none. */
export function readU53(bytes: Uint8Array, at: number): number {
  const high = readU32(bytes, at)
  if (high > MAX_SAFE_HIGH) throw new MalformedError(`a number at ${at} is over 2^53`)
  return high * 2 ** 32 + readU32(bytes, at + 4)
}

/** Writes numbers and bytes one behind the other, big-endian, into a buffer that grows. */
export class ByteWriter {
  #buffer: Buffer
  #at = 0

  constructor(capacity = 256) {
    // Small ones come out of a shared block: a block each would cost more than what is written into it.
    this.#buffer = Buffer.allocUnsafe(capacity)
  }

  get length(): number {
    return this.#at
  }

  #reserve(bytes: number): number {
    const at = this.#at
    const needed = at + bytes
    if (needed > this.#buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2))
      this.#buffer.copy(grown, 0, 0, at)
      this.#buffer = grown
    }
    this.#at = needed
    return at
  }

  u8(value: number): this {
    const at = this.#reserve(1)
    this.#buffer[at] = value
    return this
  }

  u32(value: number): this {
    const at = this.#reserve(4)
    this.#buffer.writeUInt32BE(value, at)
    return this
  }

  /** A whole number from 0 to 2^53 - 1, in eight bytes. */
  u53(value: number): this {
    const at = this.#reserve(8)
    const high = Math.floor(value / 2 ** 32)
    this.#buffer.writeUInt32BE(high, at)
    this.#buffer.writeUInt32BE(value >>> 0, at + 4)
    return this
  }

  /** Four bytes for a length that {@link ByteWriter.endPart} fills in; returns where they are. */
  beginPart(): number {
    return this.#reserve(4)
  }

  /** Everything that was written since `part` was begun is one part, and its length stands before it. */
  endPart(part: number): void {
    this.#buffer.writeUInt32BE(this.#at - part - 4, part)
  }

  /** The length in four bytes, then the bytes. */
  bytes(value: Uint8Array): this {
    this.u32(value.length)
    return this.raw(value)
  }

  /** The bytes alone. */
  raw(value: Uint8Array): this {
    const at = this.#reserve(value.length)
    this.#buffer.set(value, at)
    return this
  }

  text(value: string): this {
    return this.bytes(Buffer.from(value, 'utf8'))
  }

  /** What was written; the writer must not be used again. */
  finish(): Uint8Array {
    return this.#at === this.#buffer.length ? this.#buffer : this.#buffer.subarray(0, this.#at)
  }
}

/** Reads what a {@link ByteWriter} wrote. Every method throws {@link MalformedError} where the bytes end too early. */
export class ByteReader {
  readonly #buffer: Buffer
  #at = 0
  /** Where reading ends: that of the bytes, or of the part that was entered. */
  #end: number

  constructor(bytes: Uint8Array) {
    this.#buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#end = this.#buffer.length
  }

  /** Nothing is left, of the part where one was entered. */
  get done(): boolean {
    return this.#at >= this.#end
  }

  /** Reads a length and goes into that part: nothing behind it is read until {@link ByteReader.leave}. Returns what `leave` wants. */
  enter(): number {
    return this.enterBytes(this.u32())
  }

  /** Goes into a part of `length` bytes. */
  enterBytes(length: number): number {
    const outerEnd = this.#end
    this.#end = this.#take(length) + length
    this.#at = this.#end - length
    return outerEnd
  }

  /** Goes on behind the part, over what nobody has read of it. */
  leave(outerEnd: number): void {
    this.#at = this.#end
    this.#end = outerEnd
  }

  #take(bytes: number): number {
    const at = this.#at
    if (at + bytes > this.#end) throw new MalformedError(`${bytes} bytes wanted at ${at} of ${this.#end}`)
    this.#at = at + bytes
    return at
  }

  u8(): number {
    return this.#buffer[this.#take(1)] as number
  }

  u32(): number {
    return this.#buffer.readUInt32BE(this.#take(4))
  }

  u53(): number {
    const at = this.#take(8)
    const high = this.#buffer.readUInt32BE(at)
    if (high > MAX_SAFE_HIGH) throw new MalformedError(`a number at ${at} is over 2^53`)
    return high * 2 ** 32 + this.#buffer.readUInt32BE(at + 4)
  }

  /** A view, not a copy. */
  bytes(): Uint8Array {
    const length = this.u32()
    const at = this.#take(length)
    return this.#buffer.subarray(at, at + length)
  }

  /** Everything that is left, as a view. */
  rest(): Uint8Array {
    return this.#buffer.subarray(this.#take(this.#end - this.#at))
  }
}
