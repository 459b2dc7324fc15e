const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

/** Up to this length reading letter by letter is faster than the decoder: that is nearly every id and key. */
const SHORT_TEXT = 24

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

  /** The length in UTF-8, then the text. */
  text(value: string): void {
    const length = utf8Length(value)
    this.number(length)
    this.#reserve(length)
    if (length === value.length) {
      for (let i = 0; i < length; i++) this.#bytes[this.#length + i] = value.charCodeAt(i)
    } else {
      encoder.encodeInto(value, this.#bytes.subarray(this.#length))
    }
    this.#length += length
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
    const short = bytes.length <= SHORT_TEXT ? asciiText(bytes) : undefined
    if (short !== undefined) return short
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

/** The text of `bytes` where all of them are ASCII. */
function asciiText(bytes: Uint8Array): string | undefined {
  let text = ''
  for (const byte of bytes) {
    if (byte >= 0x80) return undefined
    text += String.fromCharCode(byte)
  }
  return text
}

/** Bytes that `text` takes in UTF-8. Half of a surrogate pair counts as what the encoder puts in its place. */
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

/** Bytes that {@link Writer.number} takes. */
export function numberBytes(value: number): number {
  let bytes = 1
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 0x80)) bytes += 1
  return bytes
}

/** Bytes that {@link Writer.text} takes. */
export function textBytes(text: string): number {
  const length = utf8Length(text)
  return numberBytes(length) + length
}
