import type { Violation } from '@dsys/simulation'

/** The first promise that was broken in a run. Whoever sees one says it here, since a throw would end in the product's own hands. */
export class Verdict {
  readonly #nowMs: () => number
  #violation: Violation | undefined

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  get violation(): Violation | undefined {
    return this.#violation
  }

  get broken(): boolean {
    return this.#violation !== undefined
  }

  /** @param atMs when it happened, where that is not now. */
  break(rule: string, message: string, atMs: number = this.#nowMs()): void {
    this.#violation ??= { rule, message, atMs }
  }

  /** Breaks `rule` unless `condition` holds. */
  keep(condition: boolean, rule: string, message: () => string): void {
    if (!condition) this.break(rule, message())
  }
}
