import type { StateChange, StateRange } from '@dsys/storage'

export type Pair = readonly [key: Uint8Array, value: Uint8Array]

/** An array of pairs, sorted by key as unsigned bytes. Iterations show it as it stood when they began. */
export class SortedPairs {
  /** Shared with iterations under way, so copied before the next change once one has begun. */
  #pairs: Pair[]
  #shared = false

  constructor(pairs: Pair[] = []) {
    this.#pairs = pairs
  }

  /** The same pairs, apart from this one. Keys and values are never changed, so they are not copied. */
  clone(): SortedPairs {
    return new SortedPairs([...this.#pairs])
  }

  get(key: Uint8Array): Uint8Array | undefined {
    const pair = this.#pairs[firstAtOrAfter(this.#pairs, key)]
    return pair !== undefined && Buffer.compare(pair[0], key) === 0 ? new Uint8Array(pair[1]) : undefined
  }

  /** Keeps the keys and values of `changes`: they must not change any more. */
  apply(changes: readonly StateChange[]): void {
    if (this.#shared) {
      this.#pairs = [...this.#pairs]
      this.#shared = false
    }
    for (const change of changes) {
      const position = firstAtOrAfter(this.#pairs, change.key)
      const found = this.#pairs[position]
      const replaced = found !== undefined && Buffer.compare(found[0], change.key) === 0 ? 1 : 0
      if (change.type === 'delete') this.#pairs.splice(position, replaced)
      else this.#pairs.splice(position, replaced, [change.key, change.value])
    }
  }

  /** @param check is called before each step, and may throw. */
  entries({ from, to, reverse = false, limit }: StateRange, check: () => void): AsyncIterableIterator<Pair> {
    if (limit !== undefined && !(Number.isSafeInteger(limit) && limit >= 0)) {
      throw new RangeError(`limit is a whole number from 0, got ${limit}`)
    }
    this.#shared = true
    const pairs = this.#pairs
    const begin = from === undefined ? 0 : firstAtOrAfter(pairs, from)
    const end = to === undefined ? pairs.length : firstAtOrAfter(pairs, to)
    const count = Math.min(end - begin, limit ?? Number.POSITIVE_INFINITY)
    return iterate({ pairs, first: reverse ? end - 1 : begin, step: reverse ? -1 : 1, count }, check)
  }
}

/** Copies of `changes`, which their caller may change afterwards. */
export function copyOf(changes: readonly StateChange[]): StateChange[] {
  return changes.map((change) =>
    change.type === 'delete'
      ? { type: 'delete', key: new Uint8Array(change.key) }
      : { type: 'put', key: new Uint8Array(change.key), value: new Uint8Array(change.value) },
  )
}

/** Pairs to go through, by position. */
interface Stretch {
  readonly pairs: readonly Pair[]
  readonly first: number
  readonly step: 1 | -1
  readonly count: number
}

async function* iterate({ pairs, first, step, count }: Stretch, check: () => void): AsyncIterableIterator<Pair> {
  for (let i = 0; i < count; i++) {
    check()
    const pair = pairs[first + i * step]
    if (pair !== undefined) yield [new Uint8Array(pair[0]), new Uint8Array(pair[1])]
  }
}

/** Position of the first key that is not below `key`. */
function firstAtOrAfter(pairs: readonly Pair[], key: Uint8Array): number {
  let low = 0
  let high = pairs.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const pair = pairs[middle]
    if (pair !== undefined && Buffer.compare(pair[0], key) < 0) low = middle + 1
    else high = middle
  }
  return low
}
