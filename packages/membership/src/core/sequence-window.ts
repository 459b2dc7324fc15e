/** How far behind the newest one a message may be. */
export const SEQUENCE_WINDOW = 256
const WORD_BITS = 32

/**
 * Remembers which messages of one sender were here, at a cost that is always the same: each of the last {@link SEQUENCE_WINDOW} numbers has
 * one bit. What is older than these cannot be told from what was here, and counts as that.
 */
export class SequenceWindow {
  #highest = 0
  readonly #words = new Uint32Array(SEQUENCE_WINDOW / WORD_BITS)

  /** Takes the number in. False when it was here before, or is too old to know. */
  accepts(sequence: number): boolean {
    if (sequence <= this.#highest - SEQUENCE_WINDOW) return false
    if (sequence > this.#highest) {
      const skipped = Math.min(sequence - this.#highest, SEQUENCE_WINDOW)
      for (let i = 0; i < skipped; i++) this.#put(sequence - i, false)
      this.#highest = sequence
    }
    if (this.#has(sequence)) return false
    this.#put(sequence, true)
    return true
  }

  #has(sequence: number): boolean {
    const place = sequence % SEQUENCE_WINDOW
    return (((this.#words[Math.floor(place / WORD_BITS)] as number) >>> (place % WORD_BITS)) & 1) === 1
  }

  #put(sequence: number, value: boolean): void {
    const place = sequence % SEQUENCE_WINDOW
    const word = Math.floor(place / WORD_BITS)
    const bit = 1 << (place % WORD_BITS)
    this.#words[word] = value ? (this.#words[word] as number) | bit : (this.#words[word] as number) & ~bit
  }
}
