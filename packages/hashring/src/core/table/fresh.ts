import { Draws } from '../draws.ts'
import type { NodeSet } from '../nodes.ts'
import type { ZoneRule } from '../zones.ts'
import { QuotaDraw } from './quota-draw.ts'
import { type Quotas, wholeShares } from './quotas.ts'

const SEED = 0x7ab1e

/**
 * The holders of every partition of a first table, `width` in a row for each. Partitions are filled one after the other, zones first, then
 * the nodes in each; ALGORITHM.md has the proof that this never ends in a corner. Who is together with whom is left to chance, so that
 * what a node loses comes back from many others.
 */
export function freshRows(set: NodeSet, rule: ZoneRule, quotas: Quotas, partitions: number, width: number): Int32Array {
  const rows = new Int32Array(partitions * width)
  if (width === 0) return rows
  const { sizes, ofNode } = set.zones
  const members = sizes.map((): number[] => [])
  for (let node = 0; node < set.size; node++) members[ofNode[node] as number]?.push(node)
  const zoneFair = members.map((nodes) => nodes.reduce((sum, node) => sum + (quotas.fair[node] as number), 0))
  const zoneTotals = wholeShares(zoneFair, partitions * width)
  const draws = new Draws(SEED)
  const extras = new QuotaDraw(
    sizes.map((_, zone) => (zoneTotals[zone] as number) - (rule.least[zone] as number) * partitions),
  )
  const nodeDraws = members.map((nodes, zone) => {
    const fair = nodes.map((node) => quotas.fair[node] as number)
    return new QuotaDraw(wholeShares(fair, zoneTotals[zone] as number))
  })
  const drawn: number[] = []
  const luckyZones: number[] = []
  const zoneCounts = new Int32Array(sizes.length)
  for (let partition = 0; partition < partitions; partition++) {
    const roundsLeft = partitions - partition
    zoneCounts.set(rule.least)
    luckyZones.length = 0
    extras.draw(rule.extra, roundsLeft, draws, luckyZones)
    for (const zone of luckyZones) zoneCounts[zone] = (zoneCounts[zone] as number) + 1
    let at = partition * width
    for (const [zone, nodes] of members.entries()) {
      const count = zoneCounts[zone] as number
      if (count === 0) continue
      drawn.length = 0
      nodeDraws[zone]?.draw(count, roundsLeft, draws, drawn)
      for (const item of drawn) rows[at++] = nodes[item] as number
    }
  }
  return rows
}
