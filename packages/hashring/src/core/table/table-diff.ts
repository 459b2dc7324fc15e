import type { PlacementDiff, PlacementMove } from '../../placement.ts'
import { compareIds } from '../compare-ids.ts'

/** One replica of a partition that goes from one node to another. */
export interface ReplicaMove {
  readonly partition: number
  /** `undefined` where the partition gets one more replica than before. */
  readonly from: string | undefined
  /** `undefined` where the partition gets one replica less. */
  readonly to: string | undefined
}

/** Partitions of which the first owner changes. */
export interface TableMove extends PlacementMove {
  readonly partitions: readonly number[]
}

/** How two partition tables differ. */
export interface TableDiff extends PlacementDiff {
  readonly moves: readonly TableMove[]
  /** Every replica that moves, by ascending partition: what it costs, whoever serves first. */
  readonly replicas: readonly ReplicaMove[]
  /** Share of all replicas of the later table that have to be copied, from 0 to 1. */
  readonly copiedShare: number
}

/** A table as the difference sees it. */
export interface TableSide {
  readonly partitions: number
  readonly width: number
  /** The holders of a partition, the first owner first. */
  holders(partition: number): readonly string[]
  zoneOf(id: string): string | undefined
}

export function diffTables(before: TableSide, after: TableSide): TableDiff {
  const moves = new Map<string, { from: string | undefined; to: string | undefined; partitions: number[] }>()
  const replicas: ReplicaMove[] = []
  let moved = 0
  let copies = 0
  for (let partition = 0; partition < after.partitions; partition++) {
    const [old, now] = [before.holders(partition), after.holders(partition)]
    const [from, to] = [old[0], now[0]]
    if (from !== to) {
      moved += 1
      const pair = JSON.stringify([from ?? null, to ?? null])
      const move = moves.get(pair) ?? { from, to, partitions: [] }
      moves.set(pair, move)
      move.partitions.push(partition)
    }
    for (const move of movesOf(partition, old, now, (id) => after.zoneOf(id) ?? before.zoneOf(id))) {
      replicas.push(move)
      if (move.to !== undefined) copies += 1
    }
  }
  const list = [...moves.values()].map((move) => ({ ...move, share: move.partitions.length / after.partitions }))
  list.sort((a, b) => compareIds(a.from, b.from) || compareIds(a.to, b.to))
  const replicaCount = after.partitions * after.width
  return {
    movedShare: moved / after.partitions,
    moves: list,
    isExact: true,
    replicas,
    copiedShare: replicaCount === 0 ? 0 : copies / replicaCount,
  }
}

/** The moves of one partition. A node that goes is paired with one of its zone that comes, so that no zone is doubled in between where that can be. */
function movesOf(
  partition: number,
  old: readonly string[],
  now: readonly string[],
  zoneOf: (id: string) => string | undefined,
): ReplicaMove[] {
  const coming = now.filter((id) => !old.includes(id))
  if (coming.length === 0 && old.length === now.length) return []
  const going = old.filter((id) => !now.includes(id))
  const moves: ReplicaMove[] = []
  const rest: string[] = []
  for (const to of coming) {
    const at = going.findIndex((id) => zoneOf(id) === zoneOf(to))
    if (at === -1) rest.push(to)
    else moves.push({ partition, from: going.splice(at, 1)[0], to })
  }
  for (const to of rest) moves.push({ partition, from: going.shift(), to })
  for (const from of going) moves.push({ partition, from, to: undefined })
  return moves
}
