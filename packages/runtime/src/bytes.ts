import { crc32 as crc32OfNode } from 'node:zlib'

/** What a number of 64 bits may hold at most in its upper half, so that the whole is below 2^53. */
const MAX_SAFE_HIGH = 0x1fffff
const WORD = 2 ** 32

/** The most bytes that {@link ByteWriter.varint} takes: seven bits of 53 in each. */
const MAX_VARINT_BYTES = 8

/** Up to this length going letter by letter is faster than a call to the encoder or decoder: that is nearly every id and key. */
const SHORT_TEXT_BYTES = 24

// A mark of the byte order is a letter like any other: what was written must come back.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Bytes that are not what they should be: cut, damaged, foreign, or of another version. It is for the inside of a codec: whoever
 * decodes catches it, and says with an outcome or a code of its own what could not be read.
 */
export class MalformedError extends Error {
  constructor(why: string) {
    super(why)
    this.name = 'MalformedError'
  }
}

/** The same bytes as a Buffer, without a copy. */
export function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/**
 * CRC-32, as zlib and Ethernet have it: finds what a faulty disk or wire does to bytes, and nothing that somebody does on purpose.
 *
 * @param before the checksum of what comes before `bytes`. Default: nothing does.
 */
export function crc32(bytes: Uint8Array, before = 0): number {
  return crc32OfNode(bytes, before)
}

/** Bytes that `text` takes in UTF-8. Half of a surrogate pair counts as the mark that the encoder puts in its place. */
export function utf8Length(text: string): number {
  let bytes = text.length
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x80) continue
    bytes += unit < 0x800 ? 1 : 2
    const isPair = unit >= 0xd800 && unit < 0xdc00 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00
    // Two units, four bytes: the second unit was counted once already.
    if (isPair) i += 1
  }
  return bytes
}

/** Bytes that {@link ByteWriter.varint} takes for `value`. */
export function varintLength(value: number): number {
  let bytes = 1
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 0x80)) bytes += 1
  return bytes
}

/** Writes a whole number from 0 to 2^53 - 1 as eight bytes, the lowest first. Returns the position behind it. */
export function writeU53le(target: Buffer, position: number, value: number): number {
  const high = highWord(value)
  return target.writeUInt32LE(high, target.writeUInt32LE(value >>> 0, position))
}

/** Reads eight bytes, the lowest first, as a number. Throws {@link MalformedError} above 2^53 - 1. */
export function readU53le(source: Buffer, position: number): number {
  return wholeNumber(source.readUInt32LE(position + 4), source.readUInt32LE(position))
}

/** The upper half of the 64 bits of `value`. Throws RangeError unless that is from 0 to 2^53 - 1. */
function highWord(value: number): number {
  const high = Math.floor(value / WORD)
  if (high >= 0 && high <= MAX_SAFE_HIGH) return high
  throw new RangeError(`a number is from 0 to 2^53 - 1, got ${value}`)
}

function wholeNumber(high: number, low: number): number {
  if (high > MAX_SAFE_HIGH) throw new MalformedError('a number is above 2^53 - 1')
  return high * WORD + low
}

/**
 * Writes fields one behind the other into a buffer that grows. For frames, records and files with a layout of their own: it
 * writes no lengths, tags or versions by itself.
 *
 * Numbers are whole and at least 0. Those of a fixed width have their highest byte first, and where the name ends in `le` their
 * lowest; `u53` takes the eight bytes of a number of 64 bits, of which it uses 53. A number that does
 * not fit is a RangeError: then the value is not written whole, and the writer has to be dropped or reset. Every method returns the
 * writer.
 *
 * A writer that is made for one value can be dropped with it. One that is kept and {@link ByteWriter.reset | reset} copies
 * every byte once, and allocates nothing.
 */
export class ByteWriter {
  #buffer: Buffer
  #length = 0

  /** @param capacityBytes of the first buffer. Exact where the size is known: then there is no other. Default: 256. */
  constructor(capacityBytes = 256) {
    // Small ones come out of a block that many share: a block each would cost more than what is written into it.
    this.#buffer = Buffer.allocUnsafe(capacityBytes)
  }

  /** Bytes that were written. */
  get length(): number {
    return this.#length
  }

  u8(value: number): this {
    const at = this.#take(1)
    this.#buffer.writeUInt8(value, at)
    return this
  }

  u16(value: number): this {
    const at = this.#take(2)
    this.#buffer.writeUInt16BE(value, at)
    return this
  }

  u32(value: number): this {
    const at = this.#take(4)
    this.#buffer.writeUInt32BE(value, at)
    return this
  }

  u32le(value: number): this {
    const at = this.#take(4)
    this.#buffer.writeUInt32LE(value, at)
    return this
  }

  u53(value: number): this {
    const at = this.#take(8)
    this.#buffer.writeUInt32BE(highWord(value), at)
    this.#buffer.writeUInt32BE(value >>> 0, at + 4)
    return this
  }

  u53le(value: number): this {
    const at = this.#take(8)
    writeU53le(this.#buffer, at, value)
    return this
  }

  /** Seven bits a byte, the lowest first; all bytes but the last have their highest bit set. Small numbers take one byte. */
  varint(value: number): this {
    if (!(value >= 0 && value <= Number.MAX_SAFE_INTEGER)) {
      throw new RangeError(`a number is from 0 to 2^53 - 1, got ${value}`)
    }
    this.#reserve(MAX_VARINT_BYTES)
    let rest = value
    while (rest > 0x7f) {
      this.#buffer[this.#length++] = (rest % 0x80) | 0x80
      rest = Math.floor(rest / 0x80)
    }
    this.#buffer[this.#length++] = rest
    return this
  }

  /** The bytes alone, without their length. */
  raw(bytes: Uint8Array): this {
    const at = this.#take(bytes.length)
    this.#buffer.set(bytes, at)
    return this
  }

  /** One byte for each character, which must be below 0x100. */
  latin1(text: string): this {
    const at = this.#take(text.length)
    if (text.length <= SHORT_TEXT_BYTES) this.#letters(text, at)
    else this.#buffer.write(text, at, 'latin1')
    return this
  }

  /**
   * The text in UTF-8, without its length.
   *
   * @param bytes what {@link utf8Length} gives for it, where it is known already.
   */
  utf8(text: string, bytes: number = utf8Length(text)): this {
    const at = this.#take(bytes)
    if (bytes === text.length && bytes <= SHORT_TEXT_BYTES) this.#letters(text, at)
    else this.#buffer.write(text, at, bytes, 'utf8')
    return this
  }

  zeros(count: number): this {
    const at = this.#take(count)
    this.#buffer.fill(0, at, at + count)
    return this
  }

  /** Zeros up to a multiple of `unit`. */
  align(unit: number): this {
    return this.zeros((unit - (this.#length % unit)) % unit)
  }

  /**
   * What was written: a view, valid until the next write or reset. It may lie in a block that others share, and as with every
   * Buffer `slice` gives a view of it; `new Uint8Array(writer.written())` is a copy.
   */
  written(): Buffer {
    return this.#length === this.#buffer.length ? this.#buffer : this.#buffer.subarray(0, this.#length)
  }

  /**
   * Forgets what was written, and keeps the buffer for more.
   *
   * @param keepBytes a buffer that has grown beyond this is given back, so that one large value does not hold its memory for ever.
   */
  reset(keepBytes: number): this {
    this.#length = 0
    if (this.#buffer.length > keepBytes) this.#buffer = Buffer.allocUnsafe(keepBytes)
    return this
  }

  /** Writes each letter as one byte. */
  #letters(text: string, at: number): void {
    for (let i = 0; i < text.length; i++) this.#buffer[at + i] = text.charCodeAt(i)
  }

  /** Makes room for `count` bytes, which count as written. Returns where they begin. */
  #take(count: number): number {
    this.#reserve(count)
    const at = this.#length
    this.#length = at + count
    return at
  }

  #reserve(count: number): void {
    const needed = this.#length + count
    if (needed <= this.#buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2))
    this.#buffer.copy(larger, 0, 0, this.#length)
    this.#buffer = larger
  }
}

/**
 * Reads what a {@link ByteWriter} wrote, field by field. Every method throws {@link MalformedError} where the bytes end too
 * early, or are no such field, so bytes from anywhere can be read: what a peer or a disk says about a length is checked
 * against what is there before anything is made of it.
 */
export class ByteReader {
  readonly #bytes: Uint8Array
  #position = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /** Bytes that were read. */
  get position(): number {
    return this.#position
  }

  /** Bytes that are left. */
  get remaining(): number {
    return this.#bytes.length - this.#position
  }

  u8(): number {
    return this.#bytes[this.#take(1)] as number
  }

  u16(): number {
    const at = this.#take(2)
    return this.#byte(at) * 0x100 + this.#byte(at + 1)
  }

  u32(): number {
    return this.#u32(this.#take(4))
  }

  u32le(): number {
    return this.#u32le(this.#take(4))
  }

  u53(): number {
    const at = this.#take(8)
    return wholeNumber(this.#u32(at), this.#u32(at + 4))
  }

  u53le(): number {
    const at = this.#take(8)
    return wholeNumber(this.#u32le(at + 4), this.#u32le(at))
  }

  varint(): number {
    let value = 0
    for (let scale = 1; scale < 2 ** 53; scale *= 0x80) {
      const byte = this.u8()
      value += (byte & 0x7f) * scale
      if (value > Number.MAX_SAFE_INTEGER) throw new MalformedError('a number is above 2^53 - 1')
      if (byte < 0x80) return value
    }
    throw new MalformedError('a number is too long')
  }

  /** The next `length` bytes: a view, not a copy. */
  raw(length: number): Buffer {
    const at = this.#take(length)
    return Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset + at, length)
  }

  /** The next `length` bytes as a string of one character a byte. */
  latin1(length: number): string {
    const at = this.#take(length)
    return bufferOf(this.#bytes).toString('latin1', at, at + length)
  }

  /** The next `length` bytes as UTF-8, which they must be. */
  utf8(length: number): string {
    const at = this.#take(length)
    const short = length <= SHORT_TEXT_BYTES ? this.#ascii(at, at + length) : undefined
    if (short !== undefined) return short
    try {
      return decoder.decode(new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + at, length))
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
      throw new MalformedError('a text is not UTF-8')
    }
  }

  /** All that is left: a view, not a copy. */
  rest(): Buffer {
    return this.raw(this.remaining)
  }

  /** Throws {@link MalformedError} when bytes are left over. */
  expectEnd(): void {
    if (this.remaining > 0) throw new MalformedError(`${this.remaining} bytes are left over`)
  }

  /** Passes over `count` bytes. Returns where they begin. */
  #take(count: number): number {
    const at = this.#position
    if (at + count > this.#bytes.length) throw new MalformedError('it ends too early')
    this.#position = at + count
    return at
  }

  /** Inside of what was taken. */
  #byte(at: number): number {
    return this.#bytes[at] as number
  }

  // Multiplied, as a shift would make the highest bit a sign.
  #u32(at: number): number {
    return this.#byte(at) * 0x1000000 + ((this.#byte(at + 1) << 16) | (this.#byte(at + 2) << 8) | this.#byte(at + 3))
  }

  #u32le(at: number): number {
    return this.#byte(at + 3) * 0x1000000 + ((this.#byte(at + 2) << 16) | (this.#byte(at + 1) << 8) | this.#byte(at))
  }

  /** The text between `start` and `end` where all of it is ASCII. */
  #ascii(start: number, end: number): string | undefined {
    let text = ''
    for (let at = start; at < end; at++) {
      const byte = this.#byte(at)
      if (byte >= 0x80) return undefined
      text += String.fromCharCode(byte)
    }
    return text
  }
}
