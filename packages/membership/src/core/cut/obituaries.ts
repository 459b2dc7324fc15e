import { majorityOf } from './watermarks.ts'

/** Who says of this node that it is dead: whether the others have removed it, and go on without it. */
export class Obituaries {
  readonly #lastMs = new Map<string, number>()
  #sinceMs: number | undefined

  /** Since when the majority of the observers of this node has held it for dead; `undefined` where it does not. */
  get sinceMs(): number | undefined {
    return this.#sinceMs
  }

  heard(from: string, nowMs: number): void {
    this.#lastMs.set(from, nowMs)
  }

  /** @param lastsMs so long somebody is taken to be of the same opinion still. */
  count(observers: readonly string[], lastsMs: number, nowMs: number): void {
    for (const [from, lastMs] of this.#lastMs) if (nowMs - lastMs >= lastsMs) this.#lastMs.delete(from)
    const agree = observers.filter((id) => this.#lastMs.has(id)).length
    // One that hears nobody holds all others for dead, and says so to each of them.
    if (agree === 0 || agree < majorityOf(observers.length)) this.#sinceMs = undefined
    else this.#sinceMs ??= nowMs
  }
}
