/** What happens to entries of a leader, one after the other. */
export const STAGES = ['durable', 'committed', 'applied'] as const

export type Stage = (typeof STAGES)[number]

/** Batches that are followed at once; more go unmeasured. */
const MAX_BATCHES = 1_024
/** So many are forgotten together when they have come to every stage, unless all have. */
const FORGOTTEN_AT_ONCE = 64

/**
 * How long the entries that a leader appends take to each stage, by what one turn appends together: a number and a time for each batch, and
 * a place in the list for each stage, so that following costs the same for one entry and for a thousand.
 */
export class StageTimes {
  readonly #record: (stage: Stage, durationMs: number) => void
  readonly #batches: { readonly lastIndex: number; readonly appendedMs: number }[] = []
  readonly #reached: Record<Stage, number> = { durable: 0, committed: 0, applied: 0 }
  #lastIndex = 0

  constructor(record: (stage: Stage, durationMs: number) => void) {
    this.#record = record
  }

  /** The log ends at `lastIndex` now, by what this leader has appended at `nowMs`. */
  appended(lastIndex: number, nowMs: number): void {
    if (lastIndex <= this.#lastIndex) return
    this.#lastIndex = lastIndex
    if (this.#batches.length < MAX_BATCHES) this.#batches.push({ lastIndex, appendedMs: nowMs })
  }

  /** Entries up to `index` have come to `stage`. */
  reached(stage: Stage, index: number, nowMs: number): void {
    let at = this.#reached[stage]
    for (let batch = this.#batches[at]; batch !== undefined && batch.lastIndex <= index; batch = this.#batches[at]) {
      this.#record(stage, nowMs - batch.appendedMs)
      at++
    }
    this.#reached[stage] = at
    const { durable, committed, applied } = this.#reached
    const done = Math.min(durable, committed, applied)
    if (done === this.#batches.length || done >= FORGOTTEN_AT_ONCE) this.#forget(done)
  }

  #forget(batches: number): void {
    if (batches === 0) return
    this.#batches.splice(0, batches)
    for (const stage of STAGES) this.#reached[stage] -= batches
  }

  /** This node leads no more, or has just begun to: what is in the log at `lastIndex` is not followed. */
  reset(lastIndex: number): void {
    this.#lastIndex = lastIndex
    this.#batches.length = 0
    for (const stage of STAGES) this.#reached[stage] = 0
  }
}
