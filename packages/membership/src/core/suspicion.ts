import type { ResolvedOptions } from '../options.ts'
import { MAX_ACCUSERS } from './record.ts'

/** Bits behind the point of a logarithm. Far more than any timeout can tell apart. */
const LOGARITHM_BITS = 24

/** How long a suspicion may last in a cluster of the size that it has now. */
export interface SuspicionTimes {
  /** With as many confirmations as are expected. */
  readonly minMs: number
  /** With none. */
  readonly maxMs: number
  /** How many confirmations are expected; 0 where there are too few who could confirm. */
  readonly expected: number
}

/**
 * SWIM §4.2 and Lifeguard: `suspicionTimeoutMs` times log10 of the number of members at least, `suspicionMaxFactor` times that at most. Where fewer
 * than `suspicionConfirmations` others are left to confirm, none is waited for.
 *
 * @param members how many there are, the observer and the suspected one included.
 */
export function suspicionTimes(
  options: Pick<ResolvedOptions, 'suspicionTimeoutMs' | 'suspicionMaxFactor' | 'suspicionConfirmations'>,
  members: number,
): SuspicionTimes {
  const minMs = options.suspicionTimeoutMs * Math.max(1, log10(members))
  const canConfirm = members - 2
  const expected = canConfirm < options.suspicionConfirmations ? 0 : options.suspicionConfirmations
  return { minMs, maxMs: minMs * options.suspicionMaxFactor, expected }
}

/**
 * How much of the way from the longest to the shortest timeout `c` confirmations go when `k` are expected: log(c + 1) / log(k + 1), by k and c. The
 * first confirmations say the most. As numbers, since `Math.log` differs between engines.
 */
const SHARES: readonly (readonly number[])[] = [
  [1],
  [0, 1],
  [0, 0.6309297535714574, 1],
  [0, 0.5, 0.7924812503605781, 1],
]

/** A rumor has room for the first accuser and so many others. */
export const MAX_CONFIRMATIONS: number = MAX_ACCUSERS - 1

/** How long a suspicion lasts that `confirmations` others share, in whole milliseconds, rounded down, as memberlist does it. */
export function suspicionTimeoutMs({ minMs, maxMs, expected }: SuspicionTimes, confirmations: number): number {
  const shares = SHARES[Math.min(expected, MAX_CONFIRMATIONS)] as readonly number[]
  const share = shares[Math.min(confirmations, shares.length - 1)] as number
  return Math.max(Math.floor(minMs), Math.floor(maxMs - share * (maxMs - minMs)))
}

/**
 * log10 of a whole number from 1, the same to the bit in every engine: bit by bit through squaring, which IEEE 754 defines, while `Math.log10`
 * may differ in the last digit.
 */
export function log10(count: number): number {
  let mantissa = count
  let binary = 0
  while (mantissa >= 2) {
    mantissa /= 2
    binary += 1
  }
  for (let bit = 0.5, bits = 0; bits < LOGARITHM_BITS; bit /= 2, bits++) {
    mantissa *= mantissa
    if (mantissa < 2) continue
    mantissa /= 2
    binary += bit
  }
  return (binary * Math.LN2) / Math.LN10
}

/** How long suspicions last now: made anew when the number of members has changed. */
export class SuspicionClock {
  readonly #options: Parameters<typeof suspicionTimes>[0]
  readonly #view: { readonly live: ReadonlyMap<string, unknown> }
  #times: (SuspicionTimes & { readonly members: number }) | undefined

  constructor(options: Parameters<typeof suspicionTimes>[0], view: { readonly live: ReadonlyMap<string, unknown> }) {
    this.#options = options
    this.#view = view
  }

  now(): SuspicionTimes {
    const members = this.#view.live.size + 1
    if (this.#times?.members !== members) this.#times = { members, ...suspicionTimes(this.#options, members) }
    return this.#times
  }
}

/** A suspicion under way: replaced as a whole, so an old timer never judges a new suspicion. */
export class Suspicion {
  readonly startedMs: number
  readonly #patience: number
  #excusedMs = 0
  #notBeforeMs: number

  /** @param patience how much longer than its timeout it lasts, as a factor from 1. */
  constructor(startedMs: number, patience: number) {
    this.startedMs = startedMs
    this.#patience = patience
    this.#notBeforeMs = startedMs
  }

  /** When it ends in a cluster as it is now, with so many confirmations. */
  deadlineMs(times: SuspicionTimes, confirmations: number): number {
    const timeoutMs = suspicionTimeoutMs(times, confirmations) * this.#patience
    return Math.max(this.#notBeforeMs, this.startedMs + this.#excusedMs + timeoutMs)
  }

  /** Nobody was listening for `lostMs`; it ends no earlier than `leastMs`. */
  excuse(lostMs: number, leastMs: number): void {
    this.#excusedMs += lostMs
    this.#notBeforeMs = Math.max(this.#notBeforeMs + lostMs, leastMs)
  }
}
