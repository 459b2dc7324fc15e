import { type DiffSide, POSITIONS } from './diff.ts'
import { virtualNodeCount } from './points.ts'

/** How one node fares. */
export interface RingNodeStats {
  readonly id: string
  readonly weight: number
  readonly zone: string | undefined
  readonly virtualNodes: number
  /** Share of all positions that it owns, from 0 to 1. */
  readonly share: number
  /** The share that its weight entitles it to. */
  readonly fairShare: number
}

/** How evenly a ring spreads the positions. */
export interface RingStats {
  readonly nodes: readonly RingNodeStats[]
  readonly virtualNodes: number
  /** Virtual nodes that share their position with another one. */
  readonly collisions: number
  /** The greatest `share / fairShare` of a node: 1 is perfect, 0 means an empty ring. */
  readonly peakToFair: number
  /** The smallest `share / fairShare` of a node. */
  readonly lowToFair: number
}

/** Measures the exact shares: no sampling. */
export function ringStats(ring: DiffSide, virtualNodes: number): RingStats {
  const { positions, nodeIndexes } = ring.points
  const owned = new Float64Array(ring.nodes.length)
  let collisions = 0
  for (let i = 0; i < positions.length; i++) {
    const previous = i === 0 ? (positions[positions.length - 1] as number) - POSITIONS : (positions[i - 1] as number)
    const span = (positions[i] as number) - previous
    const node = nodeIndexes[i] as number
    owned[node] = (owned[node] as number) + span
    if (span === 0) collisions += 1
  }
  const totalWeight = ring.nodes.reduce((sum, node) => sum + node.weight, 0)
  const nodes = ring.nodes.map(
    (node, i): RingNodeStats => ({
      ...node,
      virtualNodes: virtualNodeCount(node.weight, virtualNodes),
      share: (owned[i] as number) / POSITIONS,
      fairShare: node.weight / totalWeight,
    }),
  )
  const ratios = nodes.map((node) => node.share / node.fairShare)
  return {
    nodes,
    virtualNodes: positions.length,
    collisions,
    peakToFair: ratios.reduce((most, ratio) => Math.max(most, ratio), 0),
    lowToFair: ratios.length === 0 ? 0 : ratios.reduce((least, ratio) => Math.min(least, ratio)),
  }
}
