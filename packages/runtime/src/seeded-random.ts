import { integerIn, type Random } from './random.ts'

/** splitmix32: turns one 32-bit seed into well-mixed words (after Steele, Lea and Flood, "Fast splittable pseudorandom number generators"). */
function splitMix32(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x9e3779b9) >>> 0
    let word = state
    word = Math.imul(word ^ (word >>> 16), 0x21f0aaad)
    word = Math.imul(word ^ (word >>> 15), 0x735a2d97)
    return (word ^ (word >>> 15)) >>> 0
  }
}

/**
 * The seed of a named stream: 32-bit FNV-1a (Fowler, Noll, Vo) over the UTF-16 code units, from a mixed seed. Mixed,
 * because otherwise seed 1 with name "b" would give what seed 2 with name "a" gives.
 */
function hashName(seed: number, name: string): number {
  let hash = splitMix32(seed)()
  for (let i = 0; i < name.length; i++) {
    hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193) >>> 0
  }
  return hash
}

const rotateLeft = (word: number, by: number): number => ((word << by) | (word >>> (32 - by))) >>> 0

/**
 * Chance from a seed: xoshiro128** (Blackman and Vigna). The same seed gives the same draws on every platform and
 * version. Not fit for secrets.
 */
export class SeededRandom implements Random {
  readonly #seed: number
  #a: number
  #b: number
  #c: number
  #d: number

  /** @param seed a whole number; its low 32 bits count. */
  constructor(seed: number) {
    if (!Number.isSafeInteger(seed)) throw new RangeError(`seed must be a whole number, got ${seed}`)
    this.#seed = seed >>> 0
    const next = splitMix32(this.#seed)
    this.#a = next()
    this.#b = next()
    this.#c = next()
    this.#d = next()
  }

  #word(): number {
    const result = Math.imul(rotateLeft(Math.imul(this.#b, 5) >>> 0, 7), 9) >>> 0
    const shifted = (this.#b << 9) >>> 0
    this.#c ^= this.#a
    this.#d ^= this.#b
    this.#b = (this.#b ^ this.#c) >>> 0
    this.#a = (this.#a ^ this.#d) >>> 0
    this.#c = (this.#c ^ shifted) >>> 0
    this.#d = rotateLeft(this.#d >>> 0, 11)
    return result
  }

  float(): number {
    return this.#word() / 2 ** 32
  }

  integer(min: number, max: number): number {
    return integerIn(this.float(), min, max)
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length)
    for (let i = 0; i < length; i++) bytes[i] = this.#word() >>> 24
    return bytes
  }

  stream(name: string): Random {
    return new SeededRandom(hashName(this.#seed, name))
  }
}
