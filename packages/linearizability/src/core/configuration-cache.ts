import { mixHash } from '../json.ts'
import type { LinearizedSet } from './linearized-set.ts'
import type { UnknownSets } from './unknown-sets.ts'

const INITIAL_SLOTS = 1024
const INITIAL_WORDS = 8192
const INITIAL_LINKS = 512

/** Where the fields of a configuration are in the arena; its window of linearized operations follows. */
const HASH = 0
const STATE = 1
const LINKS = 2
const WORDS = 3
const WINDOW = 4

/**
 * The configurations that the search has been in (Lowe 2017, §4): which operations are linearized, in which state, and which
 * operations of unknown outcome were used for it. To come back to one is useless, and so it is to come with more of those used: they
 * only get fewer. Of each configuration the cache therefore keeps the smallest sets of used ones.
 *
 * Everything is in typed arrays: some forty bytes a configuration.
 */
export class ConfigurationCache {
  readonly #linearized: LinearizedSet
  readonly #unknown: UnknownSets
  /** Open addressing: where in the arena a configuration begins, plus one; 0 is free. */
  #slots = new Int32Array(INITIAL_SLOTS)
  #arena = new Int32Array(INITIAL_WORDS)
  #arenaEnd = 0
  #configurations = 0
  /** Pairs: a set, and the link before it plus one. */
  #links = new Int32Array(INITIAL_LINKS)
  #linksEnd = 0
  /** How many sets were compared since the search began: they cost time like a step does. */
  comparisons = 0

  constructor(linearized: LinearizedSet, unknown: UnknownSets) {
    this.#linearized = linearized
    this.#unknown = unknown
  }

  /** Whether the search has not been in this configuration, or one at least as good. Remembers it. */
  add(state: number, used: number): boolean {
    const hash = mixHash(this.#linearized.hash, state)
    const words = this.#linearized.windowWords
    const begin = this.#arenaEnd
    this.#reserve(begin + WINDOW + words)
    // Written at the end of the arena, where it stays if it is new.
    this.#arena[begin + HASH] = hash
    this.#arena[begin + STATE] = state
    this.#arena[begin + LINKS] = 0
    this.#arena[begin + WORDS] = words
    this.#linearized.writeWindow(this.#arena, begin + WINDOW)
    let slot = hash & (this.#slots.length - 1)
    for (let known = this.#slots[slot] as number; known !== 0; known = this.#slots[slot] as number) {
      if (this.#same(known - 1, begin)) return this.#addSet(known - 1, used)
      slot = (slot + 1) & (this.#slots.length - 1)
    }
    this.#slots[slot] = begin + 1
    this.#arenaEnd = begin + WINDOW + words
    this.#configurations += 1
    if (this.#configurations * 2 > this.#slots.length) this.#growSlots()
    return this.#addSet(begin, used)
  }

  #same(a: number, b: number): boolean {
    const arena = this.#arena
    if (arena[a] !== arena[b] || arena[a + STATE] !== arena[b + STATE] || arena[a + WORDS] !== arena[b + WORDS])
      return false
    const words = arena[a + WORDS] as number
    for (let word = 0; word < words; word++) {
      if (arena[a + WINDOW + word] !== arena[b + WINDOW + word]) return false
    }
    return true
  }

  #addSet(configuration: number, used: number): boolean {
    const latest = this.#arena[configuration + LINKS] as number
    for (let link = latest; link !== 0; link = this.#links[2 * link - 1] as number) {
      this.comparisons += 1
      if (this.#unknown.isSubset(this.#links[2 * link - 2] as number, used)) return false
    }
    if (this.#linksEnd + 2 > this.#links.length) this.#links = grown(this.#links)
    this.#links[this.#linksEnd] = used
    this.#links[this.#linksEnd + 1] = latest
    this.#linksEnd += 2
    this.#arena[configuration + LINKS] = this.#linksEnd / 2
    return true
  }

  #reserve(words: number): void {
    while (words > this.#arena.length) this.#arena = grown(this.#arena)
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

function grown(array: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(array.length * 2)
  larger.set(array)
  return larger
}
