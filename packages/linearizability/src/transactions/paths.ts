import type { Components } from './components.ts'
import type { Graph } from './graph.ts'

/** Finds shortest paths inside of a component. The length of a path is the number of its edges, where passing a junction is free. */
export class PathFinder {
  /** Edges looked at up to now, by which a caller can bound its work. */
  steps = 0
  readonly #graph: Graph
  readonly #seen: Int32Array
  readonly #arrival: Int32Array
  #search = 0

  constructor(graph: Graph) {
    this.#graph = graph
    this.#seen = new Int32Array(graph.nodeCount)
    this.#arrival = new Int32Array(graph.nodeCount)
  }

  /**
   * The edges of a shortest path between two different nodes of one component, over the relations in the mask; `undefined` when there
   * is none of at most this length.
   */
  find(from: number, to: number, mask: number, components: Components, limit: number): number[] | undefined {
    const { transactionCount } = this.#graph
    this.#search++
    this.#seen[from] = this.#search
    let level = [from]
    for (let length = 0; length <= limit && level.length > 0; length++) {
      // What a junction leads to belongs to the same level, so junctions come first.
      const junctions = level.filter((node) => node >= transactionCount)
      const transactions = level.filter((node) => node < transactionCount)
      for (let node = junctions.pop(); node !== undefined; node = junctions.pop()) {
        const reached: number[] = []
        if (this.#expand(node, to, mask, components, reached)) return this.#walkBack(from, to)
        for (const one of reached) (one < transactionCount ? transactions : junctions).push(one)
      }
      if (length === limit) return undefined
      level = []
      for (const node of transactions)
        if (this.#expand(node, to, mask, components, level)) return this.#walkBack(from, to)
    }
    return undefined
  }

  /** Collects the nodes that are new; whether the wanted one is among them. */
  #expand(node: number, to: number, mask: number, { of }: Components, reached: number[]): boolean {
    const { start, target, relation } = this.#graph
    const end = start[node + 1] as number
    for (let edge = start[node] as number; edge < end; edge++) {
      this.steps++
      const next = target[edge] as number
      if (((relation[edge] as number) & mask) === 0 || of[next] !== of[node] || this.#seen[next] === this.#search)
        continue
      this.#seen[next] = this.#search
      this.#arrival[next] = edge
      if (next === to) return true
      reached.push(next)
    }
    return false
  }

  #walkBack(from: number, to: number): number[] {
    const { source } = this.#graph
    const edges: number[] = []
    let node = to
    do {
      const edge = this.#arrival[node] as number
      edges.push(edge)
      node = source[edge] as number
    } while (node !== from)
    return edges.reverse()
  }
}
