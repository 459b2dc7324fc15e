import type { Random } from '@dsys/runtime'

/** How one direction between two nodes behaves. Every field is optional; a link without any is perfect. */
export interface LinkConditions {
  /** The share of frames that are lost, 0 to 1. Default 0. */
  readonly lossRate?: number
  /** The share of frames that arrive twice, 0 to 1. Default 0. */
  readonly duplicateRate?: number
  /**
   * The share of frames that are held back by a further delay of up to `maxDelayMs` (at least 1 ms), while later frames
   * overtake them, 0 to 1. The others keep their order. Default 0.
   */
  readonly reorderRate?: number
  /** The shortest time under way, in milliseconds, at most 2^31 - 1 (24 days). Default 0. */
  readonly minDelayMs?: number
  /** The longest time under way, in milliseconds; `minDelayMs` or more, and at most 2^31 - 1. Default `minDelayMs`. */
  readonly maxDelayMs?: number
}

/** One copy of a frame under way. */
export interface Passage {
  readonly delayMs: number
  /** Whether later frames may overtake this one. */
  readonly overtakable: boolean
}

const MOST_DELAY_MS = 2 ** 31 - 1
const PERFECT: readonly Passage[] = Object.freeze([Object.freeze({ delayMs: 0, overtakable: false })])

/** Draws what becomes of one frame: no passage when it is lost, two when it is duplicated. */
export function drawPassages(conditions: LinkConditions | undefined, random: Random): readonly Passage[] {
  if (conditions === undefined) return PERFECT
  const { lossRate, duplicateRate, reorderRate, minDelayMs, maxDelayMs } = resolveLink(conditions)
  if (happens(lossRate, random)) return []
  const copies = happens(duplicateRate, random) ? 2 : 1
  return Array.from({ length: copies }, () => {
    const delayMs = maxDelayMs === minDelayMs ? minDelayMs : minDelayMs + random.float() * (maxDelayMs - minDelayMs)
    if (!happens(reorderRate, random)) return { delayMs, overtakable: false }
    return { delayMs: delayMs + random.float() * Math.max(1, maxDelayMs), overtakable: true }
  })
}

/** Fills in the defaults. Throws RangeError for conditions out of their range. */
export function resolveLink(conditions: LinkConditions): Required<LinkConditions> {
  const { lossRate = 0, duplicateRate = 0, reorderRate = 0, minDelayMs = 0 } = conditions
  const maxDelayMs = conditions.maxDelayMs ?? minDelayMs
  // A frame that never arrives is lost: that has a rate of its own, and takes no room among those that are held.
  if (!(minDelayMs >= 0 && maxDelayMs >= minDelayMs && maxDelayMs <= MOST_DELAY_MS)) {
    throw new RangeError(
      `a link needs 0 <= minDelayMs <= maxDelayMs <= ${MOST_DELAY_MS}, got ${minDelayMs} and ${maxDelayMs}`,
    )
  }
  for (const [name, rate] of Object.entries({ lossRate, duplicateRate, reorderRate })) {
    if (!(rate >= 0 && rate <= 1)) throw new RangeError(`${name} must be a number from 0 to 1, got ${rate}`)
  }
  return { lossRate, duplicateRate, reorderRate, minDelayMs, maxDelayMs }
}

/** A rate of 0 draws nothing, so a fault that is off does not shift the draws of those that are on. */
function happens(rate: number, random: Random): boolean {
  return rate > 0 && random.float() < rate
}
