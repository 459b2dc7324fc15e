import { mixHash } from '../json.ts'
import type { LinearizedSet } from './linearized-set.ts'
import type { UnknownSets } from './unknown-sets.ts'

const INITIAL_SLOTS = 64
const INITIAL_WORDS = 256

/** Where the fields of a configuration are in the arena; its window of linearized changes follows. */
const HASH = 0
const STATE = 1
const LATEST = 2
const CHANGES = 3

/** Where the fields of a variant are; its window of linearized reads follows. */
const BEFORE = 0
const USED = 1
const READS = 2

/**
 * The configurations that the search has been in (Lowe 2017, §4). One is the changes that are linearized and the state that they led to;
 * of each, the cache keeps its variants: the reads that are linearized, and the operations of unknown outcome that were used.
 *
 * To come back with fewer of the reads, or with more of the unknown ones used up, is no better than it was before, so only
 * what is better in one or the other is new.
 *
 * Everything is in typed arrays: some fifty bytes a configuration.
 */
export class ConfigurationCache {
  readonly #changes: LinearizedSet
  readonly #reads: LinearizedSet
  readonly #unknown: UnknownSets
  /** Open addressing: where in the arena a configuration begins, plus one; 0 is free. */
  #slots = new Int32Array(INITIAL_SLOTS)
  #arena = new Int32Array(INITIAL_WORDS)
  #end = 0
  #configurations = 0
  /** How many variants were compared since the search began: they cost time like a step does. */
  comparisons = 0

  constructor(changes: LinearizedSet, reads: LinearizedSet, unknown: UnknownSets) {
    this.#changes = changes
    this.#reads = reads
    this.#unknown = unknown
  }

  /** Whether the search has not been in this configuration, or in one at least as good. Remembers it. */
  add(state: number, used: number): boolean {
    const configuration = this.#find(state)
    const latest = this.#arena[configuration + LATEST] as number
    for (let next = latest; next !== 0; next = this.#arena[next - 1 + BEFORE] as number) {
      this.comparisons += 1
      const variant = next - 1
      if (
        this.#reads.isWithin(this.#arena, variant + READS) &&
        this.#unknown.isSubset(this.#arena[variant + USED] as number, used)
      ) {
        return false
      }
    }
    const variant = this.#end
    this.#end += READS + this.#reads.windowLength
    this.#reserve()
    this.#arena[variant + BEFORE] = latest
    this.#arena[variant + USED] = used
    this.#reads.writeWindow(this.#arena, variant + READS)
    this.#arena[configuration + LATEST] = variant + 1
    return true
  }

  /** Where the configuration is in the arena; a new one has no variants yet. */
  #find(state: number): number {
    const hash = mixHash(this.#changes.hash, state)
    const candidate = this.#end
    // Written at the end of the arena, where it stays if it is new.
    this.#end += CHANGES + this.#changes.windowLength
    this.#reserve()
    this.#arena[candidate + HASH] = hash
    this.#arena[candidate + STATE] = state
    this.#arena[candidate + LATEST] = 0
    this.#changes.writeWindow(this.#arena, candidate + CHANGES)
    let slot = hash & (this.#slots.length - 1)
    for (let known = this.#slots[slot] as number; known !== 0; known = this.#slots[slot] as number) {
      if (this.#same(known - 1, candidate)) {
        this.#end = candidate
        return known - 1
      }
      slot = (slot + 1) & (this.#slots.length - 1)
    }
    this.#slots[slot] = candidate + 1
    this.#configurations += 1
    if (this.#configurations * 2 > this.#slots.length) this.#growSlots()
    return candidate
  }

  #same(a: number, b: number): boolean {
    const arena = this.#arena
    if (arena[a + HASH] !== arena[b + HASH] || arena[a + STATE] !== arena[b + STATE]) return false
    const length = 2 + (arena[a + CHANGES] as number)
    for (let word = CHANGES; word < CHANGES + length; word++) {
      if (arena[a + word] !== arena[b + word]) return false
    }
    return true
  }

  #reserve(): void {
    if (this.#end <= this.#arena.length) return
    const larger = new Int32Array(Math.max(this.#arena.length * 2, this.#end))
    larger.set(this.#arena)
    this.#arena = larger
  }

  #growSlots(): void {
    const slots = new Int32Array(this.#slots.length * 2)
    for (const known of this.#slots) {
      if (known === 0) continue
      let slot = (this.#arena[known - 1 + HASH] as number) & (slots.length - 1)
      while (slots[slot] !== 0) slot = (slot + 1) & (slots.length - 1)
      slots[slot] = known
    }
    this.#slots = slots
  }
}
