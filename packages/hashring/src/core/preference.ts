import type { ZoneTable } from './nodes.ts'
import { firstPointAt, type Points } from './points.ts'
import { zoneQuota } from './zones.ts'

/**
 * The indexes of `count` distinct nodes for `position`: the first of each zone in the order of the circle, then the second of
 * each zone, and so on. So zones differ by at most one node until one of them has no more.
 */
export function preferenceList(
  points: Points,
  { ofNode: zoneOfNode, sizes: zoneSizes }: ZoneTable,
  position: number,
  count: number,
): number[] {
  const { positions, nodeIndexes } = points
  const wanted = Math.min(count, zoneOfNode.length)
  if (wanted === 0) return []
  let { rounds, extra } = zoneQuota(zoneSizes, wanted)
  const taken = new Set<number>()
  const takenOfZone = new Uint32Array(zoneSizes.length)
  const byRound: number[][] = []
  for (let i = firstPointAt(positions, position); taken.size < wanted; i = i + 1 === positions.length ? 0 : i + 1) {
    const node = nodeIndexes[i] as number
    const zone = zoneOfNode[node] as number
    const round = takenOfZone[zone] as number
    if (taken.has(node) || round > rounds || (round === rounds && extra === 0)) continue
    if (round === rounds) extra -= 1
    taken.add(node)
    takenOfZone[zone] = round + 1
    const list = byRound[round]
    if (list === undefined) byRound[round] = [node]
    else list.push(node)
  }
  return byRound.flat()
}

/** Throws a RangeError unless a list of `count` nodes can be asked for. */
export function checkCount(count: number): void {
  if (!Number.isInteger(count) || count < 1) throw new RangeError(`count must be a whole number from 1, got ${count}`)
}
