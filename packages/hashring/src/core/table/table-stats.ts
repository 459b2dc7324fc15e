import type { PlacementNode } from '../../options.ts'
import type { PlacementNodeStats, PlacementStats } from '../../placement.ts'
import { ratiosOf } from '../stats.ts'

/** How one node of a partition table fares. */
export interface TableNodeStats extends PlacementNodeStats {
  /** How many partitions it has at each place of their preference lists: the first number says how many it owns. */
  readonly places: readonly number[]
  /** How many replicas it has in all: the sum of `places`. */
  readonly replicas: number
  /** How many it is due. Replicas are always the whole number below or above. */
  readonly fairReplicas: number
}

/** How evenly a partition table spreads partitions. `share` speaks of first places, as for every placement. */
export interface TableStats extends PlacementStats {
  readonly nodes: readonly TableNodeStats[]
  readonly partitions: number
  /** Replicas of each partition: fewer than asked for where there are fewer nodes. */
  readonly replicas: number
}

/** `fair` is what each node is due of all replicas, `width` how many replicas a partition has. */
export function tableStats(
  nodes: readonly PlacementNode[],
  rows: Int32Array,
  fair: Float64Array,
  partitions: number,
  width: number,
): TableStats {
  const places = nodes.map(() => Array.from({ length: width }, () => 0))
  for (const [slot, node] of rows.entries()) {
    const own = places[node] as number[]
    own[slot % width] = (own[slot % width] as number) + 1
  }
  const list = nodes.map((node, i): TableNodeStats => {
    const own = places[i] as number[]
    return {
      ...node,
      share: (own[0] ?? 0) / partitions,
      fairShare: (fair[i] as number) / (partitions * width),
      places: own,
      replicas: own.reduce((sum, count) => sum + count, 0),
      fairReplicas: fair[i] as number,
    }
  })
  return { nodes: list, partitions, replicas: width, ...ratiosOf(list), isExact: true }
}
