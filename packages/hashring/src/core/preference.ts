import { firstPointAt, type Points } from './points.ts'

/** How many nodes each zone gives to a list: `rounds` from every zone that has them, one more from the first `extra` zones met. */
interface ZoneQuota {
  readonly rounds: number
  readonly extra: number
}

function zoneQuota(zoneSizes: readonly number[], wanted: number): ZoneQuota {
  let left = wanted
  for (let rounds = 0; ; rounds++) {
    let zonesLeft = 0
    for (const size of zoneSizes) if (size > rounds) zonesLeft += 1
    if (zonesLeft === 0 || left < zonesLeft) return { rounds, extra: zonesLeft === 0 ? 0 : left }
    left -= zonesLeft
  }
}

/**
 * The indexes of `count` distinct nodes for `position`: the first of each zone in the order of the circle, then the second of
 * each zone, and so on. So zones differ by at most one node until one of them has no more.
 */
export function preferenceList(
  points: Points,
  zoneOfNode: Uint32Array,
  zoneSizes: readonly number[],
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
