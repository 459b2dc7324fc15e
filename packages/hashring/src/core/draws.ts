/**
 * Numbers that look random and are the same everywhere, for choices among equals: mulberry32 (Tommy Ettinger, public domain), one
 * 32-bit counter whose bits are mixed. Nobody can rely on them being unpredictable, and nobody has to.
 */
export class Draws {
  #state: number

  constructor(seed: number) {
    this.#state = seed | 0
  }

  /** A whole number from 0 to `limit` - 1, for a `limit` of at most 2^21. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let t = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return Math.floor((((t ^ (t >>> 14)) >>> 0) * limit) / 2 ** 32)
  }
}
