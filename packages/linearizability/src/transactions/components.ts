import type { Graph } from './graph.ts'

/** The strongly connected components of a part of a graph. */
export interface Components {
  /**
   * The component of each node, -1 for nodes that were left out. An edge leads into the same component or into one with a smaller
   * number.
   */
  readonly of: Int32Array
  /** The components with more than one node, each with its nodes in growing order; the first node decides their order. */
  readonly cyclic: readonly (readonly number[])[]
}

/**
 * Tarjan's algorithm with an explicit stack, over the edges whose relation is in the mask and whose ends are both in the given part.
 * Tarjan, "Depth-first search and linear graph algorithms" (1972).
 */
export function findComponents(graph: Graph, mask: number, part?: Components): Components {
  const { nodeCount, start, target, relation } = graph
  const of = new Int32Array(nodeCount).fill(-1)
  const cyclicPart = part === undefined ? undefined : cyclicNodes(nodeCount, part)
  const inside = (node: number): boolean => cyclicPart === undefined || cyclicPart[node] === 1
  const order = new Int32Array(nodeCount)
  const low = new Int32Array(nodeCount)
  const cursor = new Int32Array(nodeCount)
  const path: number[] = []
  const stack: number[] = []
  const cyclic: number[][] = []
  let counter = 0
  let components = 0

  const enter = (node: number): void => {
    counter++
    order[node] = counter
    low[node] = counter
    cursor[node] = start[node] as number
    path.push(node)
    stack.push(node)
  }
  /** The next node that is to be entered from this one, or -1 when all of its edges are done. */
  const advance = (node: number): number => {
    const end = start[node + 1] as number
    for (let edge = cursor[node] as number; edge < end; edge++) {
      const to = target[edge] as number
      if (((relation[edge] as number) & mask) === 0 || !inside(to)) continue
      if (part !== undefined && part.of[to] !== part.of[node]) continue
      if (order[to] === 0) {
        cursor[node] = edge
        return to
      }
      if (of[to] === -1 && (order[to] as number) < (low[node] as number)) low[node] = order[to] as number
    }
    cursor[node] = end
    return -1
  }
  const leave = (node: number): void => {
    path.pop()
    const parent = path.at(-1)
    if (parent !== undefined && (low[node] as number) < (low[parent] as number)) low[parent] = low[node] as number
    if (low[node] !== order[node]) return
    const members: number[] = []
    for (let member = stack.pop() as number; ; member = stack.pop() as number) {
      of[member] = components
      members.push(member)
      if (member === node) break
    }
    components++
    if (members.length > 1) cyclic.push(members.sort((a, b) => a - b))
  }

  for (let root = 0; root < nodeCount; root++) {
    if (order[root] !== 0 || !inside(root)) continue
    enter(root)
    for (let node = path.at(-1); node !== undefined; node = path.at(-1)) {
      const next = advance(node)
      if (next === -1) leave(node)
      else enter(next)
    }
  }
  cyclic.sort((a, b) => (a[0] as number) - (b[0] as number))
  return { of, cyclic }
}

function cyclicNodes(nodeCount: number, { cyclic }: Components): Uint8Array {
  const inside = new Uint8Array(nodeCount)
  for (const members of cyclic) for (const node of members) inside[node] = 1
  return inside
}
