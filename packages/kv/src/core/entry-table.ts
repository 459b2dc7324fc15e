/** A chunk holds 2^7 items. */
const CHUNK_BITS = 7
const CHUNK_ITEMS = 1 << CHUNK_BITS
const CHUNK_MASK = CHUNK_ITEMS - 1

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

/** A list in chunks, of which a view costs a list of them: a chunk is copied before it changes for the first time after a view was taken. */
class Chunks<T> {
  /** Invariant: all but the last are full, and none is empty. */
  readonly #chunks: T[][] = []
  /** For each chunk how many views were taken before it was made: it is in none of them. */
  readonly #madeAfter: number[] = []
  #views = 0

  get(place: number): T {
    return this.#chunks[place >>> CHUNK_BITS]?.[place & CHUNK_MASK] as T
  }

  set(place: number, item: T): void {
    this.#own(place >>> CHUNK_BITS)[place & CHUNK_MASK] = item
  }

  /** Puts an item behind the last. */
  push(place: number, item: T): void {
    const number = place >>> CHUNK_BITS
    if ((place & CHUNK_MASK) !== 0) {
      this.#own(number).push(item)
      return
    }
    this.#chunks.push([item])
    this.#madeAfter.push(this.#views)
  }

  /** Takes away the last item, which is at `place`. */
  pop(place: number): T {
    const item = this.#own(place >>> CHUNK_BITS).pop() as T
    if ((place & CHUNK_MASK) === 0) {
      this.#chunks.pop()
      this.#madeAfter.pop()
    }
    return item
  }

  view(): readonly (readonly T[])[] {
    this.#views++
    return this.#chunks.slice()
  }

  /** The chunk itself where no view has it, else a copy. */
  #own(number: number): T[] {
    const chunk = this.#chunks[number] as T[]
    if (this.#madeAfter[number] === this.#views) return chunk
    const copy = chunk.slice()
    this.#chunks[number] = copy
    this.#madeAfter[number] = this.#views
    return copy
  }
}

/** FNV-1a, which is small and spreads well, of what a key has in its characters. */
function shardOf(key: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193)
  return (hash ^ (hash >>> 16)) & (SHARDS - 1)
}

/** The chunks of two lists side by side. */
function* runsOf<V>(
  keys: readonly (readonly string[])[],
  values: readonly (readonly V[])[],
): Generator<EntryRun<V>, void, undefined> {
  for (let i = 0; i < keys.length; i++) yield { keys: keys[i] as readonly string[], values: values[i] as readonly V[] }
}

/**
 * A map from strings to values of which a view costs next to nothing: keys and values stand in chunks, and an index, which no view needs,
 * says at which place a key stands.
 *
 * A new key comes last, and the last entry takes the place of one that is deleted. So the order follows from the changes alone, and a
 * table that was filled in the order of another goes on like it.
 */
export class EntryTable<V> implements Iterable<[key: string, value: V]> {
  readonly #keys = new Chunks<string>()
  readonly #values = new Chunks<V>()
  readonly #index: (Map<string, number> | undefined)[] = new Array(SHARDS).fill(undefined)
  #size = 0

  get size(): number {
    return this.#size
  }

  get(key: string): V | undefined {
    const place = this.#index[shardOf(key)]?.get(key)
    return place === undefined ? undefined : this.#values.get(place)
  }

  set(key: string, value: V): void {
    const shard = this.#shard(key)
    const place = shard.get(key)
    if (place !== undefined) {
      this.#values.set(place, value)
      return
    }
    shard.set(key, this.#size)
    this.#keys.push(this.#size, key)
    this.#values.push(this.#size, value)
    this.#size++
  }

  /** Returns whether it was there. */
  delete(key: string): boolean {
    const shard = this.#shard(key)
    const place = shard.get(key)
    if (place === undefined) return false
    shard.delete(key)
    this.#size--
    const lastKey = this.#keys.pop(this.#size)
    const lastValue = this.#values.pop(this.#size)
    if (place === this.#size) return true
    this.#keys.set(place, lastKey)
    this.#values.set(place, lastValue)
    this.#shard(lastKey).set(lastKey, place)
    return true
  }

  /** The entries as they are now, however the table changes. It copies the lists of the chunks: 128 KiB for a million entries. */
  freeze(): Iterable<EntryRun<V>> {
    const keys = this.#keys.view()
    const values = this.#values.view()
    return runsOf(keys, values)
  }

  /** The table must not change meanwhile. */
  *[Symbol.iterator](): Iterator<[key: string, value: V], void, undefined> {
    for (let place = 0; place < this.#size; place++) yield [this.#keys.get(place), this.#values.get(place)]
  }

  #shard(key: string): Map<string, number> {
    const number = shardOf(key)
    const known = this.#index[number]
    if (known !== undefined) return known
    const shard = new Map<string, number>()
    this.#index[number] = shard
    return shard
  }
}
