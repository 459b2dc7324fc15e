/**
 * Sets of the operations of unknown outcome that were made to take effect, by number. The empty set is {@link EMPTY_SET}.
 *
 * Sets are made rarely, and shared by all configurations that follow until the next one is made.
 */
export class UnknownSets {
  readonly #words: number
  #bits: Uint32Array
  #sets = 1

  constructor(operations: number) {
    this.#words = (operations >>> 5) + 1
    this.#bits = new Uint32Array(this.#words * 4)
  }

  has(set: number, operation: number): boolean {
    return (((this.#bits[set * this.#words + (operation >>> 5)] as number) >>> (operation & 31)) & 1) === 1
  }

  /** The number of a new set: `set` and `operation`. */
  with(set: number, operation: number): number {
    const made = this.#sets++
    if (this.#sets * this.#words > this.#bits.length) {
      const larger = new Uint32Array(this.#bits.length * 2)
      larger.set(this.#bits)
      this.#bits = larger
    }
    const [from, to] = [set * this.#words, made * this.#words]
    this.#bits.copyWithin(to, from, from + this.#words)
    this.#bits[to + (operation >>> 5)] = (this.#bits[to + (operation >>> 5)] as number) | (1 << (operation & 31))
    return made
  }

  /** Forgets the set that was made last, which nobody may use any more. */
  dropLatest(set: number): void {
    if (set === this.#sets - 1 && set > EMPTY_SET) this.#sets -= 1
  }

  /** Whether everything in `a` is in `b`. */
  isSubset(a: number, b: number): boolean {
    if (a === b || a === EMPTY_SET) return true
    const [left, right] = [a * this.#words, b * this.#words]
    for (let word = 0; word < this.#words; word++) {
      if (((this.#bits[left + word] as number) & ~(this.#bits[right + word] as number)) !== 0) return false
    }
    return true
  }
}

export const EMPTY_SET = 0
