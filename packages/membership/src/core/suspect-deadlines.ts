import type { SuspicionTimes } from './suspicion.ts'
import type { Entry } from './view.ts'

/**
 * When the first suspicion ends, known without a look at all of them: they are looked at with each tick, when somebody has answered, and when
 * the number of members changed. Each frame asks for it, and many members may be suspected at once.
 *
 * Invariant: no suspicion ends before `#firstMs`. It may be too early, after a refutation: then all are looked at once more.
 */
export class SuspectDeadlines {
  readonly #suspects: ReadonlyMap<string, Entry>
  readonly #times: () => SuspicionTimes
  readonly #endOf: (entry: Entry) => number
  #firstMs = Number.POSITIVE_INFINITY
  /** By which `#firstMs` was taken; `undefined` where it is to be taken anew. */
  #takenBy: SuspicionTimes | undefined

  /**
   * @param times another object with each change of the number of members.
   * @param endOf when the suspicion of a member ends, by what is known now.
   */
  constructor(suspects: ReadonlyMap<string, Entry>, times: () => SuspicionTimes, endOf: (entry: Entry) => number) {
    this.#suspects = suspects
    this.#times = times
    this.#endOf = endOf
  }

  firstMs(): number {
    const times = this.#times()
    if (this.#takenBy !== times) {
      this.#firstMs = Number.POSITIVE_INFINITY
      for (const entry of this.#suspects.values()) this.#firstMs = Math.min(this.#firstMs, this.#endOf(entry))
    }
    this.#takenBy = times
    return this.#firstMs
  }

  /** The node `id` is suspected, or something new is known of that. */
  changed(id: string): void {
    const entry = this.#suspects.get(id)
    if (entry !== undefined) this.#firstMs = Math.min(this.#firstMs, this.#endOf(entry))
  }

  /** All suspicions may end at other times than before. */
  moved(): void {
    this.#takenBy = undefined
  }
}
