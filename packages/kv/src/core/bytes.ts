import { FormatError } from '../errors.ts'
import { bufferOf } from './key.ts'

const WORD = 2 ** 32

/** Writes a whole number from 0 to 2^53 - 1 as 8 bytes, big-endian. Returns the offset after it. */
export function writeUint53(target: Buffer, value: number, offset: number): number {
  target.writeUInt32BE(Math.floor(value / WORD), offset)
  return target.writeUInt32BE(value % WORD, offset + 4)
}

/** Reads one encoded value from front to back. Whatever is missing, left over or out of range throws {@link FormatError}. */
export class ByteReader {
  readonly #what: string
  readonly #bytes: Buffer
  #offset = 0

  /** @param what is read, for error messages. */
  constructor(what: string, bytes: Uint8Array) {
    this.#what = what
    this.#bytes = bufferOf(bytes)
  }

  uint8(): number {
    return this.#bytes.readUInt8(this.#take(1))
  }

  uint16(): number {
    return this.#bytes.readUInt16BE(this.#take(2))
  }

  uint32(): number {
    return this.#bytes.readUInt32BE(this.#take(4))
  }

  uint53(): number {
    const offset = this.#take(8)
    const value = this.#bytes.readUInt32BE(offset) * WORD + this.#bytes.readUInt32BE(offset + 4)
    if (!Number.isSafeInteger(value)) throw this.malformed('a number is above 2^53 - 1')
    return value
  }

  /** `length` bytes as a string of one character a byte. */
  latin1(length: number): string {
    const offset = this.#take(length)
    return this.#bytes.toString('latin1', offset, offset + length)
  }

  /** A view of the next `length` bytes. */
  view(length: number): Uint8Array {
    const offset = this.#take(length)
    return this.#bytes.subarray(offset, offset + length)
  }

  /** A view of all that is left. */
  rest(): Uint8Array {
    return this.view(this.#bytes.length - this.#offset)
  }

  /** Throws unless the first byte is the format version that this code reads. */
  expectVersion(version: number): void {
    const found = this.uint8()
    if (found !== version) throw this.malformed(`its format version is ${found}, and this release reads ${version}`)
  }

  /** Throws when bytes are left over. */
  expectEnd(): void {
    const left = this.#bytes.length - this.#offset
    if (left > 0) throw this.malformed(`${left} bytes are left over`)
  }

  malformed(why: string): FormatError {
    return new FormatError(this.#what, why)
  }

  #take(length: number): number {
    const offset = this.#offset
    if (offset + length > this.#bytes.length) throw this.malformed('it ends too early')
    this.#offset = offset + length
    return offset
  }
}
