const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

/** Bytes that are not what they should be; caught where a frame is decoded. */
export class MalformedFrame extends Error {}

/** Writes the fields of a frame, growing as needed. */
export class Writer {
  #bytes: Uint8Array = new Uint8Array(256)
  #length = 0

  get length(): number {
    return this.#length
  }

  byte(value: number): void {
    this.#reserve(1)
    this.#bytes[this.#length++] = value
  }

  /** A whole number from 0 to 2^53 - 1, seven bits a byte, lowest first. */
  number(value: number): void {
    let rest = value
    while (rest > 0x7f) {
      this.byte((rest % 0x80) | 0x80)
      rest = Math.floor(rest / 0x80)
    }
    this.byte(rest)
  }

  text(value: string): void {
    this.bytes(encoder.encode(value))
  }

  /** The length, then the bytes. */
  bytes(value: Uint8Array): void {
    this.number(value.length)
    this.#reserve(value.length)
    this.#bytes.set(value, this.#length)
    this.#length += value.length
  }

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length)
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + more))
    larger.set(this.#bytes)
    this.#bytes = larger
  }
}

/** Reads what a {@link Writer} wrote; throws {@link MalformedFrame} on anything else. */
export class Reader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  byte(): number {
    const value = this.#bytes[this.#at]
    if (value === undefined) throw new MalformedFrame('it ends too early')
    this.#at += 1
    return value
  }

  number(): number {
    let value = 0
    for (let scale = 1; scale < 2 ** 53; scale *= 0x80) {
      const byte = this.byte()
      value += (byte & 0x7f) * scale
      if (value > Number.MAX_SAFE_INTEGER) throw new MalformedFrame('a number is too large')
      if (byte < 0x80) return value
    }
    throw new MalformedFrame('a number is too long')
  }

  text(maxBytes: number): string {
    const bytes = this.bytes(maxBytes)
    try {
      return decoder.decode(bytes)
    } catch {
      throw new MalformedFrame('a text is not UTF-8')
    }
  }

  bytes(maxBytes: number): Uint8Array {
    const length = this.number()
    if (length > maxBytes) throw new MalformedFrame(`a field has ${length} bytes, ${maxBytes} are allowed`)
    const end = this.#at + length
    if (end > this.#bytes.length) throw new MalformedFrame('it ends too early')
    const value = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return value
  }
}

/** Bytes that `text` takes in UTF-8. */
export function utf8Length(text: string): number {
  return encoder.encode(text).length
}
