import { mixHash } from '../json.ts'

/**
 * Which operations of one kind are linearized: a bit each, in the order of their calls, and a hash of the whole that changes by one
 * exclusive-or per operation (Zobrist).
 *
 * Nearly all of the early ones are in the set and nearly all of the late ones are not, so what distinguishes two sets is a few words
 * in the middle: {@link writeWindow} gives those, and where they begin.
 */
export class LinearizedSet {
  readonly #words: Uint32Array
  readonly #keys: Int32Array
  /** Invariant: every operation before `#base` is in the set, and `#base` is not. */
  #base = 0
  /** Invariant: no operation behind `#top` is in the set, and `#top` is; -1 when the set is empty. */
  #top = -1
  hash = 0
  size = 0

  constructor(operations: number) {
    this.#words = new Uint32Array((operations >>> 5) + 1)
    this.#keys = Int32Array.from({ length: operations }, (_, index) => mixHash(0x6a09e667, index + 1))
  }

  add(operation: number): void {
    this.#words[operation >>> 5] = (this.#words[operation >>> 5] as number) | (1 << (operation & 31))
    this.hash ^= this.#keys[operation] as number
    this.size += 1
    if (operation > this.#top) this.#top = operation
    while (this.has(this.#base)) this.#base += 1
  }

  remove(operation: number): void {
    this.#words[operation >>> 5] = (this.#words[operation >>> 5] as number) & ~(1 << (operation & 31))
    this.hash ^= this.#keys[operation] as number
    this.size -= 1
    if (operation < this.#base) this.#base = operation
    while (this.#top >= 0 && !this.has(this.#top)) this.#top -= 1
  }

  has(operation: number): boolean {
    return (((this.#words[operation >>> 5] as number) >>> (operation & 31)) & 1) === 1
  }

  /** How many numbers {@link writeWindow} writes. */
  get windowLength(): number {
    return 2 + Math.max(0, 1 + (this.#top >> 5) - (this.#base >>> 5))
  }

  /** Writes the words that tell this set from all others: how many there are, where they begin, and the words. */
  writeWindow(target: Int32Array, offset: number): void {
    const begin = this.#base >>> 5
    target[offset] = this.windowLength - 2
    target[offset + 1] = begin
    for (let word = begin; word <= this.#top >> 5; word++)
      target[offset + 2 + word - begin] = this.#words[word] as number
  }

  /** Whether the set that was written to `source` has all operations of this one. */
  isWithin(source: Int32Array, offset: number): boolean {
    const [words, begin] = [source[offset] as number, source[offset + 1] as number]
    for (let word = begin; word <= this.#top >> 5; word++) {
      const written = word - begin < words ? (source[offset + 2 + word - begin] as number) : 0
      if (((this.#words[word] as number) & ~written) !== 0) return false
    }
    return true
  }
}
