import { MAX_POINTS, type PlacementHash, type PlacementNode } from '../options.ts'

/** Every virtual node of a ring, in the order of the circle. */
export interface Points {
  /** Ascending. Two virtual nodes may share a position; the node with the smaller id then comes first, and owns it. */
  readonly positions: Uint32Array
  /** Index into the ring's nodes (which are ordered by id), for each position. */
  readonly nodeIndexes: Uint32Array
  /** Of each stretch of 2^shift positions, the first point at or behind its beginning; and one more, for the end. */
  readonly starts: Uint32Array
  readonly shift: number
}

const encoder = new TextEncoder()

/** How many virtual nodes a weight is worth. */
export function virtualNodeCount(weight: number, virtualNodes: number): number {
  return Math.max(1, Math.round(weight * virtualNodes))
}

/**
 * Places the virtual nodes of `nodes`, which must be ordered by id.
 *
 * The name of a virtual node is its number in four bytes, then the id: the fixed length of the number makes two
 * different pairs two different names, whatever the ids are. The number comes first because two ids that met in the
 * middle of the hash would otherwise share every position. A greater weight only adds numbers, so a change of weight moves keys to
 * or from that node alone.
 */
export function placePoints(nodes: readonly PlacementNode[], virtualNodes: number, hash: PlacementHash): Points {
  let count = 0
  for (const node of nodes) count += virtualNodeCount(node.weight, virtualNodes)
  if (count > MAX_POINTS) {
    throw new RangeError(
      `${count} virtual nodes are over the limit of ${MAX_POINTS}: lower virtualNodes or the weights`,
    )
  }
  // One number holds position and node, so that a numeric sort orders both: 32 bits and at most 21 make 53.
  const keys = new Float64Array(count)
  let at = 0
  for (const [nodeIndex, node] of nodes.entries()) {
    const id = encoder.encode(node.id)
    const name = new Uint8Array(4 + id.length)
    const view = new DataView(name.buffer)
    name.set(id, 4)
    const own = virtualNodeCount(node.weight, virtualNodes)
    for (let number = 0; number < own; number++) {
      view.setUint32(0, number, true)
      keys[at++] = checkPosition(hash.hash(name), hash) * 2 ** 21 + nodeIndex
    }
  }
  return sortedPoints(keys)
}

/** Points out of numbers that are each a position times 2^21, and the index of a node. */
export function sortedPoints(keys: Float64Array): Points {
  keys.sort()
  const positions = new Uint32Array(keys.length)
  const nodeIndexes = new Uint32Array(keys.length)
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as number
    const position = Math.floor(key / 2 ** 21)
    positions[i] = position
    nodeIndexes[i] = key - position * 2 ** 21
  }
  return { positions, nodeIndexes, ...startsOf(positions) }
}

/** About as many stretches as there are points, so that a lookup looks at one or two of them and not at a logarithm of all. */
function startsOf(positions: Uint32Array): Pick<Points, 'starts' | 'shift'> {
  const bits = Math.min(20, Math.max(1, 32 - Math.clz32(positions.length)))
  const shift = 32 - bits
  const starts = new Uint32Array(2 ** bits + 1)
  let at = 0
  for (let stretch = 0; stretch < starts.length; stretch++) {
    while (at < positions.length && (positions[at] as number) < stretch * 2 ** shift) at += 1
    starts[stretch] = at
  }
  return { starts, shift }
}

function checkPosition(position: number, hash: PlacementHash): number {
  if (position >>> 0 !== position) {
    throw new RangeError(`hash "${hash.name}" must give whole numbers from 0 to 2^32 - 1, got ${position}`)
  }
  return position
}

/** The index of the first point at or after `position`, around the circle. There must be at least one point. */
export function firstPointAt({ positions, starts, shift }: Points, position: number): number {
  const stretch = position >>> shift
  let low = starts[stretch] as number
  let high = starts[stretch + 1] as number
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((positions[middle] as number) < position) low = middle + 1
    else high = middle
  }
  return low === positions.length ? 0 : low
}
