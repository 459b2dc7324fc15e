import type { Violation } from '@dsys/simulation'

/**
 * Keeps the first promise that is broken. Nothing is thrown: most checks run inside calls of the product, which catches
 * what is thrown there and goes on differently.
 */
export class Verdict {
  readonly #nowMs: () => number
  #violation: Violation | undefined

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  get violation(): Violation | undefined {
    return this.#violation
  }

  broken(rule: string, message: string): void {
    this.#violation ??= { rule, message, atMs: this.#nowMs() }
  }
}
