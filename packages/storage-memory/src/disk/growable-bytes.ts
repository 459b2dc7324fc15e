const SMALLEST_BYTES = 256

/**
 * Bytes that grow at little cost: a write copies what is written, not what is there.
 *
 * Invariant: what was reserved behind the end is zero, so growing shows zeros.
 */
export class GrowableBytes {
  #bytes: Buffer
  #length: number

  constructor(bytes: Buffer = Buffer.alloc(0)) {
    this.#bytes = bytes
    this.#length = bytes.length
  }

  get length(): number {
    return this.#length
  }

  /** A copy of at most `length` bytes from `position`; fewer only at the end. */
  read(position: number, length: number): Uint8Array {
    const end = Math.min(position + length, this.#length)
    return end <= position ? new Uint8Array(0) : new Uint8Array(this.#bytes.subarray(position, end))
  }

  /** What is there, not a copy: valid until the next change. */
  view(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  /** Puts `data` at `position`, with zeros between it and the end where it lies further. */
  write(position: number, data: Uint8Array): void {
    if (data.length === 0) return
    const end = position + data.length
    this.#reserve(end)
    this.#bytes.set(data, position)
    if (end > this.#length) this.#length = end
  }

  /** Cuts, or extends with zeros. */
  resize(length: number): void {
    this.#reserve(length)
    if (length < this.#length) this.#bytes.fill(0, length, this.#length)
    this.#length = length
  }

  clone(): GrowableBytes {
    return new GrowableBytes(Buffer.from(this.view()))
  }

  #reserve(length: number): void {
    if (length <= this.#bytes.length) return
    const larger = Buffer.alloc(Math.max(SMALLEST_BYTES, length, 2 * this.#bytes.length))
    this.#bytes.copy(larger, 0, 0, this.#length)
    this.#bytes = larger
  }
}
