import type { TransactionValue } from './history.ts'

/** A version of a register; `undefined` is the initial state. */
export type Version = TransactionValue | undefined

/** What is known of the order of the versions of one key: each version with those that come after it. */
export class VersionOrder {
  readonly #after = new Map<Version, Set<TransactionValue>>()
  readonly #hasBefore = new Set<Version>()

  /** A version that was found to come before the initial state, which nothing does. */
  #beforeInitial: Version

  /** The first version comes before the second. */
  add(before: Version, after: Version): void {
    if (before === after) return
    if (after === undefined) {
      this.#beforeInitial ??= before
      return
    }
    const successors = this.#after.get(before)
    if (successors === undefined) this.#after.set(before, new Set([after]))
    else successors.add(after)
    if (before !== undefined) this.#hasBefore.add(after)
  }

  /**
   * The nearest later versions that count: a version that does not count is passed over. Behind the initial state come all versions
   * that no other is known to precede.
   */
  next(
    version: Version,
    all: Iterable<TransactionValue>,
    counts: (version: TransactionValue) => boolean,
  ): TransactionValue[] {
    const found: TransactionValue[] = []
    const seen = new Set<TransactionValue>()
    const look = (versions: Iterable<TransactionValue>): TransactionValue[] => {
      const passed: TransactionValue[] = []
      for (const one of versions) {
        if (seen.has(one)) continue
        seen.add(one)
        if (counts(one)) found.push(one)
        else passed.push(one)
      }
      return passed
    }
    const first = version === undefined ? [...all].filter((one) => !this.#hasBefore.has(one)) : this.#after.get(version)
    for (let passed = look(first ?? []); passed.length > 0; )
      passed = passed.flatMap((one) => look(this.#after.get(one) ?? []))
    return found
  }

  /** Versions that come after each other in a circle, or `undefined`. */
  cycle(): Version[] | undefined {
    if (this.#beforeInitial !== undefined) return [undefined, this.#beforeInitial]
    const state = new Map<TransactionValue, 'open' | 'done'>()
    for (const root of this.#after.keys()) {
      if (root === undefined || state.has(root)) continue
      const path: { version: TransactionValue; rest: TransactionValue[] }[] = []
      const enter = (version: TransactionValue): void => {
        state.set(version, 'open')
        path.push({ version, rest: [...(this.#after.get(version) ?? [])] })
      }
      enter(root)
      for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
        const next = top.rest.shift()
        if (next === undefined) {
          state.set(top.version, 'done')
          path.pop()
        } else if (state.get(next) === 'open')
          return path.map(({ version }) => version).slice(path.findIndex(({ version }) => version === next))
        else if (!state.has(next)) enter(next)
      }
    }
    return undefined
  }

  copy(): VersionOrder {
    const copy = new VersionOrder()
    for (const [before, successors] of this.#after) for (const after of successors) copy.add(before, after)
    return copy
  }
}
