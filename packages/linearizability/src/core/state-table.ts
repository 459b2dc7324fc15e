import { hashJson, sameJson } from '../json.ts'
import type { AnyModel } from '../model.ts'

/** Gives equal states of a model one small number, so that the search compares numbers. */
export class StateTable {
  readonly #model: AnyModel
  readonly #states: unknown[] = []
  /** The latest state with a hash, and for each state the one before it with the same hash. */
  readonly #latest = new Map<number, number>()
  readonly #before: number[] = []

  constructor(model: AnyModel) {
    this.#model = model
  }

  idOf(state: unknown): number {
    const hash = (this.#model.hash === undefined ? hashJson(state) : this.#model.hash(state)) | 0
    const latest = this.#latest.get(hash)
    for (let id = latest ?? -1; id >= 0; id = this.#before[id] as number) {
      if (this.#equal(this.#states[id], state)) return id
    }
    const id = this.#states.length
    this.#states.push(state)
    this.#before.push(latest ?? -1)
    this.#latest.set(hash, id)
    return id
  }

  stateOf(id: number): unknown {
    return this.#states[id]
  }

  #equal(a: unknown, b: unknown): boolean {
    return a === b || (this.#model.equals === undefined ? sameJson(a, b) : this.#model.equals(a, b))
  }
}
