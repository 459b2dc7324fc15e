import type { PlacementNode } from '../options.ts'
import type { PlacementDiff, PlacementMove } from '../placement.ts'
import { compareIds } from './compare-ids.ts'
import { firstPointAt, type Points } from './points.ts'

/** A stretch of positions, both ends included. */
export interface RingRange {
  readonly first: number
  readonly last: number
}

/** What goes from one owner to another. */
export interface RingMove extends PlacementMove {
  /** The positions, in ascending order; adjacent ranges are joined. */
  readonly ranges: readonly RingRange[]
}

/** How the owners of two rings differ. */
export interface RingDiff extends PlacementDiff {
  readonly moves: readonly RingMove[]
}

/** A ring as the difference sees it. */
export interface DiffSide {
  readonly nodes: readonly PlacementNode[]
  readonly points: Points
}

export const POSITIONS: number = 2 ** 32

const ownerAt = (side: DiffSide, position: number): string | undefined => {
  const { positions, nodeIndexes } = side.points
  if (positions.length === 0) return undefined
  return side.nodes[nodeIndexes[firstPointAt(side.points, position)] as number]?.id
}

/** Compares the owners before and after at every stretch between two neighbouring points of either ring. */
export function diffRings(before: DiffSide, after: DiffSide): RingDiff {
  // A stretch ends at a point (which owns it), and the last one at the end of the number range.
  const ends = new Set<number>([POSITIONS - 1])
  for (const position of before.points.positions) ends.add(position)
  for (const position of after.points.positions) ends.add(position)
  const moves = new Map<string, { from: string | undefined; to: string | undefined; ranges: RingRange[] }>()
  let first = 0
  for (const last of Float64Array.from(ends).sort()) {
    const from = ownerAt(before, last)
    const to = ownerAt(after, last)
    if (from !== to) {
      const pair = JSON.stringify([from ?? null, to ?? null])
      const move = moves.get(pair) ?? { from, to, ranges: [] }
      moves.set(pair, move)
      append(move.ranges, { first, last })
    }
    first = last + 1
  }
  return summarize([...moves.values()])
}

function append(ranges: RingRange[], range: RingRange): void {
  const previous = ranges.at(-1)
  if (previous !== undefined && previous.last + 1 === range.first) {
    ranges[ranges.length - 1] = { first: previous.first, last: range.last }
  } else ranges.push(range)
}

function summarize(moves: { from: string | undefined; to: string | undefined; ranges: RingRange[] }[]): RingDiff {
  const sized = moves.map(({ from, to, ranges }) => {
    const positions = ranges.reduce((sum, range) => sum + range.last - range.first + 1, 0)
    return { positions, move: { from, to, share: positions / POSITIONS, ranges } }
  })
  sized.sort((a, b) => compareIds(a.move.from, b.move.from) || compareIds(a.move.to, b.move.to))
  const moved = sized.reduce((sum, { positions }) => sum + positions, 0)
  return { movedShare: moved / POSITIONS, moves: sized.map(({ move }) => move), isExact: true }
}
