import { compareText } from '../core/record.ts'
import type { SurvivalLease } from './lease.ts'

/** How a side of a split cluster decides whether it goes on. */
export type SplitBrainStrategy =
  /** The side with more than half of the members; of two halves the one with the smallest id. */
  | { readonly kind: 'keep-majority'; readonly role: string | undefined }
  /** A side with at least `quorum` members. */
  | { readonly kind: 'static-quorum'; readonly quorum: number; readonly role: string | undefined }
  /** The side that gets the lease. */
  | {
      readonly kind: 'lease'
      readonly lease: SurvivalLease
      readonly minorityDelayMs: number
      readonly holdMs: number
      readonly role: string | undefined
    }

/** Which members count. */
export interface StrategyOptions {
  /** Only those that have this role; all where it is not given. */
  readonly role?: string
}

/**
 * The side with more than half of the members goes on; of two halves the one with the smallest id. It needs no number to be set, and follows the cluster
 * as it grows and shrinks: those that a side lost are not counted any more once it has decided to go on.
 */
export function keepMajority({ role }: StrategyOptions = {}): SplitBrainStrategy {
  return Object.freeze({ kind: 'keep-majority', role })
}

/**
 * A side with at least `quorum` members goes on, whatever this process knows of the others: one that started while the cluster was split decides right as well, once it
 * loses somebody. Until then nobody asks: who starts on a side without a quorum is told nothing. Take more than half of the members that there may ever be; where there are twice as many or more, no side goes on.
 *
 * @param options `quorum`: a whole number from 1. Throws RangeError for anything else.
 */
export function staticQuorum({ quorum, role }: StrategyOptions & { readonly quorum: number }): SplitBrainStrategy {
  if (!(Number.isSafeInteger(quorum) && quorum >= 1))
    throw new RangeError(`quorum must be a whole number from 1, got ${quorum}`)
  return Object.freeze({ kind: 'static-quorum', quorum, role })
}

/**
 * The side that gets `lease` goes on. A side without a majority lets the others go first.
 *
 * @param options `minorityDelayMs`: how long it lets them, from 0 to 600,000; default 2,000. `holdMs`: for how long the lease is asked for, from 1,000 to
 * 86,400,000; longer than it can take until the other side asks as well; default 600,000; a `ChainedLease` has no use for it. Throws RangeError out of these limits.
 */
export function leaseMajority(
  lease: SurvivalLease,
  options: StrategyOptions & { readonly minorityDelayMs?: number; readonly holdMs?: number } = {},
): SplitBrainStrategy {
  const { minorityDelayMs = 2_000, holdMs = 600_000, role } = options
  if (!(minorityDelayMs >= 0 && minorityDelayMs <= 600_000))
    throw new RangeError(`minorityDelayMs must be from 0 to 600000 milliseconds, got ${minorityDelayMs}`)
  if (!(holdMs >= 1_000 && holdMs <= 86_400_000))
    throw new RangeError(`holdMs must be from 1000 to 86400000 milliseconds, got ${holdMs}`)
  return Object.freeze({ kind: 'lease', lease, minorityDelayMs, holdMs, role })
}

/** A cluster that has lost members, as one node sees it once nothing changes any more. Ids, in their order. */
export interface Split {
  /** Those that counted before. */
  readonly counted: readonly string[]
  /** Those of them that are here. */
  readonly reachable: readonly string[]
  /** Those of them that are lost, and did not leave. */
  readonly unreachable: readonly string[]
  /** All that are here and have the role, those included that came since. */
  readonly present: readonly string[]
}

/** What a strategy says of a split. `lease`: that the lease decides, asked for in the name of `owner` after `delayMs`. */
export type Ruling =
  | { readonly outcome: 'survive' | 'down'; readonly because: string }
  | { readonly outcome: 'lease'; readonly owner: string; readonly delayMs: number }

/** Decides by nothing but the split, so all nodes that see the same one decide the same. */
export function rule(strategy: SplitBrainStrategy, split: Split): Ruling {
  const { counted, reachable, unreachable, present } = split
  switch (strategy.kind) {
    case 'keep-majority': {
      const because = `${reachable.length} of ${counted.length} members are here`
      if (2 * reachable.length !== counted.length)
        return { outcome: 2 * reachable.length > counted.length ? 'survive' : 'down', because }
      const [smallest] = [...counted].sort(compareText)
      const isHere = smallest !== undefined && reachable.includes(smallest)
      const where = isHere ? `${smallest} among them` : `${smallest} is not`
      return { outcome: isHere ? 'survive' : 'down', because: `${because}, ${where}` }
    }
    case 'static-quorum': {
      const { quorum } = strategy
      const all = present.length + unreachable.length
      if (all >= 2 * quorum)
        return { outcome: 'down', because: `with ${all} members both sides may have a quorum of ${quorum}` }
      const because = `${present.length} members are here, and the quorum is ${quorum}`
      return { outcome: present.length >= quorum ? 'survive' : 'down', because }
    }
    case 'lease': {
      // All of one side ask in the same name, and two sides have no member in common.
      const [owner] = [...present].sort(compareText)
      if (owner === undefined) return { outcome: 'down', because: 'nobody here counts' }
      return { outcome: 'lease', owner, delayMs: 2 * reachable.length > counted.length ? 0 : strategy.minorityDelayMs }
    }
  }
}
