import type { ClientOperation } from './operations.ts'

/** Remembers what clients were told, as far as the end of a run and the guard of many ask for it. */
export class Served {
  readonly #newest = { write: 0, read: 0 }
  readonly #times = { write: 0, read: 0 }

  /** A client was told that its operation on the register `key` has taken effect. */
  add(type: ClientOperation['type'], key: number): void {
    this.#times[type]++
    this.#newest[type] = Math.max(this.#newest[type], key)
  }

  /** How many operations of this type have taken effect. */
  times(type: ClientOperation['type']): number {
    return this.#times[type]
  }

  /** Whether one of this type has, on the register `key` or on one that came into use later. */
  since(type: ClientOperation['type'], key: number): boolean {
    return this.#newest[type] >= key
  }
}
