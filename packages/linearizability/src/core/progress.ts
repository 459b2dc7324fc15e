import type { Foresight } from '../model.ts'
import type { SearchOperation } from './event-list.ts'

/**
 * How far the state may be while operations remain that it must not have passed. Those are kept by how far it may be for each, and the
 * first one that remains is the bound for all.
 */
export class Progress {
  readonly #of: (state: unknown) => number
  /** For each known operation its place among the bounds, -1 for one that has none. */
  readonly #places: Int32Array
  readonly #bounds: Float64Array
  readonly #remains: Uint8Array
  /** Invariant: nothing before it remains. */
  #first = 0

  constructor(
    progress: NonNullable<Foresight<unknown, unknown, unknown>['progress']>,
    known: readonly SearchOperation[],
  ) {
    this.#of = (state) => progress.of(state)
    const latest = known.map(({ input, output }) => progress.latest(input, output))
    const bounded = [...latest.keys()].filter((index) => latest[index] !== undefined)
    bounded.sort((a, b) => (latest[a] as number) - (latest[b] as number))
    this.#places = new Int32Array(known.length).fill(-1)
    bounded.forEach((index, place) => {
      this.#places[index] = place
    })
    this.#bounds = Float64Array.from(bounded, (index) => latest[index] as number)
    this.#remains = new Uint8Array(bounded.length).fill(1)
  }

  linearize(known: number): void {
    const place = this.#places[known] as number
    if (place < 0) return
    this.#remains[place] = 0
    while (this.#remains[this.#first] === 0) this.#first += 1
  }

  undo(known: number): void {
    const place = this.#places[known] as number
    if (place < 0) return
    this.#remains[place] = 1
    if (place < this.#first) this.#first = place
  }

  /** Whether the state has passed an operation that remains, other than this one (-1 for none). */
  isFatal(state: unknown, known: number): boolean {
    const own = known < 0 ? -1 : (this.#places[known] as number)
    let first = this.#first
    if (first === own) for (first += 1; this.#remains[first] === 0; first += 1);
    return first < this.#bounds.length && this.#of(state) > (this.#bounds[first] as number)
  }
}
