import type { ZoneTable } from './nodes.ts'
import { firstPointAt, type Points } from './points.ts'
import { zoneQuota } from './zones.ts'

/**
 * The indexes of `count` distinct nodes for `position`: the first of each zone in the order of the circle, then the second of
 * each zone, and so on. So zones differ by at most one node until one of them has no more.
 */
export function preferenceList(points: Points, zones: ZoneTable, position: number, count: number): number[] {
  return zones.ofNode.length === 0 ? [] : spread(fromPoint(points, position), zones, count)
}

function* fromPoint(points: Points, position: number): Generator<number, never> {
  const { positions, nodeIndexes } = points
  for (let i = firstPointAt(points, position); ; i = i + 1 === positions.length ? 0 : i + 1) {
    yield nodeIndexes[i] as number
  }
}

/** The same for candidates in any order of preference: they may repeat, and all nodes come at some time. */
export function spread(candidates: Iterable<number>, zones: ZoneTable, count: number): number[] {
  const wanted = Math.min(count, zones.ofNode.length)
  let { rounds, extra } = zoneQuota(zones.sizes, wanted)
  const taken = new Set<number>()
  const takenOfZone = new Uint32Array(zones.sizes.length)
  const byRound: number[][] = []
  for (const node of candidates) {
    const zone = zones.ofNode[node] as number
    const round = takenOfZone[zone] as number
    if (taken.has(node) || round > rounds || (round === rounds && extra === 0)) continue
    if (round === rounds) extra -= 1
    taken.add(node)
    takenOfZone[zone] = round + 1
    const list = byRound[round]
    if (list === undefined) byRound[round] = [node]
    else list.push(node)
    if (taken.size === wanted) break
  }
  return byRound.flat()
}

/** Throws a RangeError unless a list of `count` nodes can be asked for. */
export function checkCount(count: number): void {
  if (!Number.isInteger(count) || count < 1) throw new RangeError(`count must be a whole number from 1, got ${count}`)
}
