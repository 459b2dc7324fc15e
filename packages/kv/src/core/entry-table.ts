/** A chunk holds 2^7 entries. */
const CHUNK_BITS = 7
const CHUNK_ENTRIES = 1 << CHUNK_BITS
const CHUNK_MASK = CHUNK_ENTRIES - 1

/**
 * The index is this many Maps and not one, as a Map copies itself whole where it grows: at a million keys that is a pause of 100 ms and
 * more. Of so many each is small, and few grow at once.
 */
const SHARDS = 256

/** Some entries that follow each other: each value beside its key. */
export interface EntryRun<V> {
  readonly keys: readonly string[]
  readonly values: readonly V[]
}

/** Invariant: all chunks but the last are full, and none is empty. */
interface Chunk<V> {
  /** Which state of a table may change it in place. */
  readonly owner: object
  readonly keys: string[]
  readonly values: V[]
}

/** FNV-1a, which is small and spreads well, of what a key has in its characters. */
function shardOf(key: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193)
  return (hash ^ (hash >>> 16)) & (SHARDS - 1)
}

/**
 * A map from strings to values of which a view costs next to nothing. The entries stand in chunks, which are copied before they change for
 * the first time after a view was taken; an index, which no view needs, says at which place a key stands.
 *
 * A new key comes last, and the last entry takes the place of one that is deleted. So the order follows from the changes alone, and a
 * table that was filled in the order of another goes on like it.
 */
export class EntryTable<V> implements Iterable<[key: string, value: V]> {
  #owner: object = {}
  readonly #chunks: Chunk<V>[] = []
  readonly #index: (Map<string, number> | undefined)[] = new Array(SHARDS).fill(undefined)
  #size = 0

  get size(): number {
    return this.#size
  }

  get(key: string): V | undefined {
    const place = this.#index[shardOf(key)]?.get(key)
    return place === undefined ? undefined : this.#chunks[place >>> CHUNK_BITS]?.values[place & CHUNK_MASK]
  }

  set(key: string, value: V): void {
    const shard = this.#shard(key)
    const place = shard.get(key)
    if (place !== undefined) {
      this.#own(place >>> CHUNK_BITS).values[place & CHUNK_MASK] = value
      return
    }
    shard.set(key, this.#size)
    if ((this.#size & CHUNK_MASK) === 0) this.#chunks.push({ owner: this.#owner, keys: [], values: [] })
    const { keys, values } = this.#own(this.#size >>> CHUNK_BITS)
    keys.push(key)
    values.push(value)
    this.#size++
  }

  /** Returns whether it was there. */
  delete(key: string): boolean {
    const shard = this.#shard(key)
    const place = shard.get(key)
    if (place === undefined) return false
    shard.delete(key)
    this.#size--
    const last = this.#own(this.#size >>> CHUNK_BITS)
    const lastKey = last.keys.pop() as string
    const lastValue = last.values.pop() as V
    if (last.keys.length === 0) this.#chunks.pop()
    if (place === this.#size) return true
    const { keys, values } = this.#own(place >>> CHUNK_BITS)
    keys[place & CHUNK_MASK] = lastKey
    values[place & CHUNK_MASK] = lastValue
    this.#shard(lastKey).set(lastKey, place)
    return true
  }

  /** The entries as they are now, however the table changes. It copies the list of the chunks: 64 KiB for a million entries. */
  freeze(): readonly EntryRun<V>[] {
    this.#owner = {}
    return this.#chunks.slice()
  }

  /** The table must not change meanwhile. */
  *[Symbol.iterator](): Iterator<[key: string, value: V], void, undefined> {
    for (const { keys, values } of this.#chunks) {
      for (let i = 0; i < keys.length; i++) yield [keys[i] as string, values[i] as V]
    }
  }

  #shard(key: string): Map<string, number> {
    const number = shardOf(key)
    const known = this.#index[number]
    if (known !== undefined) return known
    const shard = new Map<string, number>()
    this.#index[number] = shard
    return shard
  }

  /** The chunk itself where no view has it, else a copy. */
  #own(number: number): Chunk<V> {
    const chunk = this.#chunks[number] as Chunk<V>
    if (chunk.owner === this.#owner) return chunk
    const copy = { owner: this.#owner, keys: chunk.keys.slice(), values: chunk.values.slice() }
    this.#chunks[number] = copy
    return copy
  }
}
