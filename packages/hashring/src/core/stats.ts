import type { PlacementNode } from '../options.ts'
import type { PlacementNodeStats, PlacementStats } from '../placement.ts'
import { type DiffSide, POSITIONS } from './diff.ts'
import type { Points } from './points.ts'

/** How one node fares. */
export interface RingNodeStats extends PlacementNodeStats {
  readonly virtualNodes: number
}

/** How evenly a ring spreads the positions. */
export interface RingStats extends PlacementStats {
  readonly nodes: readonly RingNodeStats[]
  readonly virtualNodes: number
  /** Virtual nodes that share their position with another one. */
  readonly collisions: number
}

/** The greatest and the smallest ratio of what nodes have to what they are due. */
export function ratiosOf(nodes: readonly PlacementNodeStats[]): Pick<PlacementStats, 'peakToFair' | 'lowToFair'> {
  const ratios = nodes.map((node) => node.share / node.fairShare)
  return {
    peakToFair: ratios.reduce((most, ratio) => Math.max(most, ratio), 0),
    lowToFair: ratios.length === 0 ? 0 : ratios.reduce((least, ratio) => Math.min(least, ratio)),
  }
}

/** How much of the circle the virtual nodes of each node own, as numbers of positions; and how many virtual nodes share one. */
export function ownedPositions(
  points: Points,
  nodes: number,
): { readonly owned: Float64Array; readonly collisions: number } {
  const { positions, nodeIndexes } = points
  const owned = new Float64Array(nodes)
  let collisions = 0
  for (let i = 0; i < positions.length; i++) {
    const previous = i === 0 ? (positions[positions.length - 1] as number) - POSITIONS : (positions[i - 1] as number)
    const span = (positions[i] as number) - previous
    const node = nodeIndexes[i] as number
    owned[node] = (owned[node] as number) + span
    if (span === 0) collisions += 1
  }
  return { owned, collisions }
}

/** Measures the exact shares: no sampling. `countOf` says how many virtual nodes a node has. */
export function ringStats(ring: DiffSide, countOf: (node: PlacementNode) => number): RingStats {
  const { owned, collisions } = ownedPositions(ring.points, ring.nodes.length)
  const totalWeight = ring.nodes.reduce((sum, node) => sum + node.weight, 0)
  const nodes = ring.nodes.map(
    (node, i): RingNodeStats => ({
      ...node,
      virtualNodes: countOf(node),
      share: (owned[i] as number) / POSITIONS,
      fairShare: node.weight / totalWeight,
    }),
  )
  return { nodes, virtualNodes: ring.points.positions.length, collisions, ...ratiosOf(nodes), isExact: true }
}
