import type { NodeSet } from '../nodes.ts'
import type { ZoneRule } from '../zones.ts'

/** How many replicas each node may have, so that all are within one of their fair share. */
export interface Quotas {
  /** The fair share itself; not whole. */
  readonly fair: Float64Array
  /** The whole numbers around it: its floor and its ceiling. */
  readonly least: Int32Array
  readonly most: Int32Array
}

/** What is this near to a whole number is meant to be one: sums of shares are off by rounding, a million times less than this. */
const SNAP = 1e-6
/** Halvings of the interval in which the level is sought: afterwards its ends are neighbouring numbers. */
const BISECTIONS = 1_100

/**
 * Fair shares by filling up: each node gets replicas in proportion to its weight, but no node more than one of each partition, and no
 * zone fewer or more than the zone rule lets it have in all partitions together. What one may not take goes to the others, in proportion.
 */
export function fairQuotas(set: NodeSet, rule: ZoneRule, partitions: number, width: number): Quotas {
  const zones = byZone(set)
  const fair = new Float64Array(set.size)
  const shares = zoneShares(zones, rule, partitions, width)
  for (const [zone, members] of zones.entries()) {
    let left = shares[zone] as number
    let weightLeft = members.reduce((sum, { weight }) => sum + weight, 0)
    // The heaviest come first: once one gets its part in proportion, so do all behind it.
    for (const { index, weight } of members) {
      const share = Math.min(partitions, (left * weight) / weightLeft)
      fair[index] = snapped(share)
      left -= share
      weightLeft -= weight
    }
  }
  return { fair, least: Int32Array.from(fair, Math.floor), most: Int32Array.from(fair, Math.ceil) }
}

interface Weighted {
  readonly index: number
  readonly weight: number
}

/** The nodes of each zone, the heaviest first. */
function byZone({ nodes, zones }: NodeSet): Weighted[][] {
  const members = zones.sizes.map((): Weighted[] => [])
  for (const [index, { weight }] of nodes.entries()) members[zones.ofNode[index] as number]?.push({ index, weight })
  for (const zone of members) zone.sort((a, b) => b.weight - a.weight || a.index - b.index)
  return members
}

/** How many replicas each zone has, for the one level at which all zones together have as many as there are. */
function zoneShares(zones: readonly Weighted[][], rule: ZoneRule, partitions: number, width: number): number[] {
  const total = partitions * width
  const at = (level: number): number[] =>
    zones.map((members, zone) => {
      let sum = 0
      for (const { weight } of members) sum += Math.min(partitions, level * weight)
      return Math.min(
        (rule.most[zone] as number) * partitions,
        Math.max((rule.least[zone] as number) * partitions, sum),
      )
    })
  const sumAt = (level: number): number => at(level).reduce((sum, share) => sum + share, 0)
  let low = 0
  let high = 1
  while (sumAt(high) < total && Number.isFinite(high)) high *= 2
  for (let i = 0; i < BISECTIONS; i++) {
    const middle = low + (high - low) / 2
    if (middle <= low || middle >= high) break
    if (sumAt(middle) < total) low = middle
    else high = middle
  }
  return at(high)
}

function snapped(share: number): number {
  const whole = Math.round(share)
  return Math.abs(share - whole) < SNAP ? whole : share
}

/** Whole numbers with the sum of the fair shares, each next to its share: those with the greatest remainders are rounded up. */
export function wholeShares(shares: readonly number[], sum: number): Int32Array {
  const whole = Int32Array.from(shares, (share) => Math.floor(snapped(share)))
  const remainder = (i: number): number => (shares[i] as number) - (whole[i] as number)
  const order = shares.map((_, i) => i).filter((i) => remainder(i) > SNAP)
  order.sort((a, b) => remainder(b) - remainder(a) || a - b)
  let left = sum - whole.reduce((all, one) => all + one, 0)
  for (const i of order) {
    if (left <= 0) break
    whole[i] = (whole[i] as number) + 1
    left -= 1
  }
  return whole
}
