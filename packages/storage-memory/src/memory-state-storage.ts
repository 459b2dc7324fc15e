import { Lifecycle, type StartOptions } from '@dsys/runtime'
import type { StateChange, StateRange, StateStorage } from '@dsys/storage'

type Pair = readonly [key: Uint8Array, value: Uint8Array]

/** {@link StateStorage} in memory: an array sorted by key. What it holds is gone when it is stopped. */
export class MemoryStateStorage implements StateStorage {
  /** Sorted by key. Shared with iterations under way, so copied before the next change once one has begun. */
  #pairs: Pair[] = []
  #shared = false
  readonly #lifecycle: Lifecycle = new Lifecycle('MemoryStateStorage', {
    start: async () => undefined,
    stop: async () => {
      this.#pairs = []
    },
  })

  start(options?: StartOptions): Promise<void> {
    return this.#lifecycle.start(options)
  }

  stop(): Promise<void> {
    return this.#lifecycle.stop()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    this.#lifecycle.assertRunning()
    const pair = this.#pairs[firstAtOrAfter(this.#pairs, key)]
    return pair !== undefined && Buffer.compare(pair[0], key) === 0 ? pair[1].slice() : undefined
  }

  async write(changes: readonly StateChange[]): Promise<void> {
    this.#lifecycle.assertRunning()
    if (this.#shared) {
      this.#pairs = [...this.#pairs]
      this.#shared = false
    }
    for (const change of changes) {
      const position = firstAtOrAfter(this.#pairs, change.key)
      const found = this.#pairs[position]
      const replaced = found !== undefined && Buffer.compare(found[0], change.key) === 0 ? 1 : 0
      if (change.type === 'delete') this.#pairs.splice(position, replaced)
      else this.#pairs.splice(position, replaced, [change.key.slice(), change.value.slice()])
    }
  }

  entries(range: StateRange = {}): AsyncIterableIterator<Pair> {
    this.#lifecycle.assertRunning()
    const { from, to, reverse = false, limit } = range
    if (limit !== undefined && !(Number.isSafeInteger(limit) && limit >= 0)) {
      throw new RangeError(`limit is a whole number from 0, got ${limit}`)
    }
    this.#shared = true
    const pairs = this.#pairs
    const begin = from === undefined ? 0 : firstAtOrAfter(pairs, from)
    const end = to === undefined ? pairs.length : firstAtOrAfter(pairs, to)
    return iterate(pairs, begin, end, reverse, limit ?? Number.POSITIVE_INFINITY)
  }
}

async function* iterate(
  pairs: readonly Pair[],
  begin: number,
  end: number,
  reverse: boolean,
  limit: number,
): AsyncIterableIterator<Pair> {
  const count = Math.min(end - begin, limit)
  for (let i = 0; i < count; i++) {
    const pair = pairs[reverse ? end - 1 - i : begin + i]
    if (pair !== undefined) yield [pair[0].slice(), pair[1].slice()]
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
