import { DsysError } from '@dsys/runtime'
import { ReadFailedError, StateCorruptionError } from '@dsys/storage'
import type { StoredPairs } from './engine.ts'
import { checkedValue, keyOf } from './pairs.ts'

type Pair = readonly [key: Uint8Array, value: Uint8Array]

/** How many pairs are read at once: reading happens on another thread, and between two readings the event loop goes on. */
const PAIRS_AT_ONCE = 256

/** What an {@link Iteration} works with. */
export interface IterationParts {
  readonly directory: string
  readonly source: StoredPairs
  /** Is called before each step, and may throw. */
  readonly check: () => void
}

/** What an engine throws where it reads, as an error of the port. */
export function readError(directory: string, error: unknown): Error {
  if (error instanceof DsysError) return error
  const { code } = error instanceof Error ? (error as { code?: unknown }) : {}
  if (code === 'LEVEL_CORRUPTION') return new StateCorruptionError(directory, String(error))
  return new ReadFailedError(`reading ${directory}`, error)
}

/** Goes through pairs, and lets go of their state at the end, where it is left, and where it never began. */
export class Iteration implements AsyncIterableIterator<Pair> {
  readonly #parts: IterationParts
  readonly #steps: AsyncGenerator<Pair, undefined>

  constructor(parts: IterationParts) {
    this.#parts = parts
    this.#steps = this.#run()
  }

  next(): Promise<IteratorResult<Pair>> {
    return this.#steps.next()
  }

  async return(): Promise<IteratorResult<Pair>> {
    await this.#steps.return(undefined)
    // A generator that never began has run nothing, not even its end.
    await this.#parts.source.close()
    return { done: true, value: undefined }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async *#run(): AsyncGenerator<Pair, undefined> {
    const { directory, source, check } = this.#parts
    try {
      for (;;) {
        check()
        const pairs = await this.#read()
        if (pairs.length === 0) return undefined
        for (const [stored, value] of pairs) {
          check()
          const key = keyOf(stored)
          yield [key, checkedValue(directory, key, value)]
        }
      }
    } finally {
      await source.close()
    }
  }

  async #read(): Promise<readonly Pair[]> {
    try {
      return await this.#parts.source.next(PAIRS_AT_ONCE)
    } catch (error) {
      this.#parts.check()
      throw readError(this.#parts.directory, error)
    }
  }
}
