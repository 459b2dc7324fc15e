import type { Random } from '@dsys/runtime'

/** So many doublings at the most: the longest wait is some 64 to 128 times the shortest. */
const MAX_DOUBLINGS = 6

interface Refusal {
  readonly index: number
  /** How often in a row. */
  readonly times: number
  /** When it may be sent again. */
  readonly dueMs: number
}

/**
 * Who could not read the snapshots that this leader has sent. It may be that the bytes were damaged on their way, which the next attempt heals, or that
 * the state machine there cannot read what is written here, which no attempt does: so each wait is twice as long as the one before.
 */
export class SnapshotRefusals {
  readonly #random: Random
  readonly #shortestMs: number
  readonly #refusals = new Map<string, Refusal>()

  constructor(random: Random, shortestMs: number) {
    this.#random = random
    this.#shortestMs = shortestMs
  }

  /** `follower` could not read the snapshot at `index`. */
  add(follower: string, index: number, nowMs: number): Refusal {
    const times = (this.#refusals.get(follower)?.times ?? 0) + 1
    // Drawn, so that followers that fail alike do not come back together.
    const waitMs = this.#shortestMs * 2 ** Math.min(times - 1, MAX_DOUBLINGS) * (1 + this.#random.float())
    const refusal = { index, times, dueMs: nowMs + waitMs }
    this.#refusals.set(follower, refusal)
    return refusal
  }

  /** Whether `follower` must wait before it is sent a snapshot again. */
  holdsBack(follower: string, nowMs: number): boolean {
    return nowMs < (this.#refusals.get(follower)?.dueMs ?? 0)
  }

  /** Forgets those that have come as far, or are no members, by what `matchOf` says. */
  forget(matchOf: (follower: string) => number | undefined): void {
    for (const [follower, { index }] of this.#refusals)
      if ((matchOf(follower) ?? index) >= index) this.#refusals.delete(follower)
  }

  /** For those who ask why a follower does not catch up. */
  seen(nowMs: number): ReadonlyMap<string, { readonly index: number; readonly times: number; readonly inMs: number }> {
    return new Map(
      [...this.#refusals].map(([follower, { index, times, dueMs }]) => [
        follower,
        { index, times, inMs: Math.max(0, dueMs - nowMs) },
      ]),
    )
  }
}
