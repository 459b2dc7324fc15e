import { type CycleClass, type CycleKind, ORDERS, type OrderSuffix } from './anomalies.ts'
import { type Components, findComponents } from './components.ts'
import { type Graph, ONWARD, PROCESS, REALTIME, RW, WR, WW } from './graph.ts'
import { nonadjacentGraph } from './nonadjacent.ts'
import { PathFinder } from './paths.ts'
import { edgesThatReturn } from './reach.ts'

/** Edges that the search for the shortest cycle of one component may look at before it is content with the shortest found. */
const MAX_STEPS = 2_000_000

const ORDER_BITS: Readonly<Record<OrderSuffix, number>> = { '': 0, '-process': PROCESS, '-realtime': REALTIME }

/** A cycle: its edges in order, beginning at the transaction with the lowest number. */
export interface Cycle {
  readonly kind: CycleKind
  readonly edges: readonly number[]
}

/**
 * The cycles of a graph by class, one for each component that has one: G0 (ww), G1c (ww and at least one wr), G-single (one rw),
 * G-nonadjacent (several rw, no two in a row), G2-item (several rw, two in a row).
 *
 * A variant with process or real-time order is looked for only where the class was not found with less order, since the plain class
 * rules out all that its variants rule out. G0, G1c and G-single are found whenever they exist, and so is G-nonadjacent when no worse
 * class does. G2-item is looked for through every rw edge; it is found whenever its component has nothing worse. So every cycle of the
 * graph leads to at least one report.
 */
export function findCycles(graph: Graph, orders: readonly OrderSuffix[] = ORDERS): Cycle[] {
  const search = new CycleSearch(graph)
  for (const order of ORDERS) if (orders.includes(order)) search.run(order)
  return search.found
}

class CycleSearch {
  readonly found: Cycle[] = []
  readonly #graph: Graph
  readonly #finder: PathFinder
  readonly #classes = new Set<CycleClass>()

  constructor(graph: Graph) {
    this.#graph = graph
    this.#finder = new PathFinder(graph)
  }

  run(order: OrderSuffix): void {
    const extra = ORDER_BITS[order] | ONWARD
    const whole = findComponents(this.#graph, WW | WR | RW | extra)
    if (whole.cyclic.length === 0) return
    const written = findComponents(this.#graph, WW | extra, whole)
    const seen = findComponents(this.#graph, WW | WR | extra, whole)
    const before = new Set(this.#classes)
    const search = (name: CycleClass, cycles: () => (readonly number[])[]): void => {
      if (before.has(name)) return
      for (const edges of cycles()) this.#report(name, order, edges)
    }
    search('G0', () => this.#through(WW, WW | extra, written))
    search('G1c', () => this.#through(WR, WW | WR | extra, seen))
    search('G-single', () => this.#singles(WW | WR | extra, whole))
    // Any worse class rules out all that G-nonadjacent rules out, and without one the search is exact.
    if (!['G0', 'G1c', 'G-single'].some((name) => this.#classes.has(name as CycleClass)))
      search('G-nonadjacent', () => this.#nonadjacent(WW | WR | RW | extra, whole))
    search('G2-item', () => this.#items(WW | WR | RW | extra, whole, order))
  }

  #report(name: CycleClass, order: OrderSuffix, edges: readonly number[]): void {
    this.#classes.add(name)
    this.found.push({ kind: `${name}${order}`, edges: rotate(this.#graph, edges) })
  }

  /** In each component, a shortest cycle through an edge of this relation. */
  #through(relation: number, mask: number, components: Components): number[][] {
    return components.cyclic.flatMap((members) => {
      const cycle = this.#shortest(this.#edgesInside(members, relation, components), mask, components)
      return cycle === undefined ? [] : [cycle]
    })
  }

  /** In each component, a shortest cycle with exactly one rw edge. */
  #singles(mask: number, whole: Components): number[][] {
    const order = findComponents(this.#graph, mask, whole)
    return whole.cyclic.flatMap((members) => {
      const edges = this.#edgesInside(members, RW, whole)
      const returning = edgesThatReturn(this.#graph, mask, whole, members, order, edges)
      const cycle = this.#shortest(returning, mask, whole)
      return cycle === undefined ? [] : [cycle]
    })
  }

  /** In each component, a shortest cycle with rw edges, no two of them in a row. Called where no cycle has fewer than two. */
  #nonadjacent(mask: number, whole: Components): number[][] {
    const { graph, edges } = nonadjacentGraph(this.#graph, mask, whole)
    const components = findComponents(graph, mask)
    const search = new CycleSearch(graph)
    return components.cyclic.flatMap((members) => {
      const cycle = search.#shortest(search.#edgesInside(members, RW, components), mask, components)
      return cycle === undefined ? [] : [cycle.map((edge) => edges[edge] as number)]
    })
  }

  /** In each component, the shortest of those cycles that have two rw edges in a row and need the order. */
  #items(mask: number, whole: Components, order: OrderSuffix): number[][] {
    return whole.cyclic.flatMap((members) => {
      const edges = this.#edgesInside(members, RW, whole)
      const cycle = this.#shortest(edges, mask, whole, (found) => this.#isItem(found, order))
      return cycle === undefined ? [] : [cycle]
    })
  }

  #isItem(cycle: readonly number[], order: OrderSuffix): boolean {
    const relations = cycle.map((edge) => this.#graph.relation[edge] as number).filter((bit) => bit !== ONWARD)
    const adjacent = relations.some((bit, i) => bit === RW && relations[(i + 1) % relations.length] === RW)
    const several = relations.filter((bit) => bit === RW).length > 1
    return several && adjacent && (order === '' || relations.includes(ORDER_BITS[order]))
  }

  #edgesInside(members: readonly number[], relation: number, { of }: Components): number[] {
    const edges: number[] = []
    for (const node of members) {
      const end = this.#graph.start[node + 1] as number
      for (let edge = this.#graph.start[node] as number; edge < end; edge++)
        if (this.#graph.relation[edge] === relation && of[this.#graph.target[edge] as number] === of[node])
          edges.push(edge)
    }
    return edges
  }

  /** The shortest cycle that consists of one of the edges and a path back over the mask. */
  #shortest(
    edges: readonly number[],
    mask: number,
    components: Components,
    accept: (cycle: readonly number[]) => boolean = () => true,
  ): number[] | undefined {
    const { source, target } = this.#graph
    const end = this.#finder.steps + MAX_STEPS
    let best: number[] | undefined
    let length = Number.POSITIVE_INFINITY
    for (const edge of edges) {
      if (length === 2 || (best !== undefined && this.#finder.steps > end)) break
      const limit = length - 2
      const path = this.#finder.find(target[edge] as number, source[edge] as number, mask, components, limit)
      if (path === undefined) continue
      const cycle = [edge, ...path]
      if (!accept(cycle)) continue
      best = cycle
      length = cycle.filter((one) => (source[one] as number) < this.#graph.transactionCount).length
    }
    return best
  }
}

/** The same cycle, begun at its lowest transaction. */
function rotate({ source }: Graph, edges: readonly number[]): number[] {
  let first = 0
  edges.forEach((edge, i) => {
    if ((source[edge] as number) < (source[edges[first] as number] as number)) first = i
  })
  return [...edges.slice(first), ...edges.slice(0, first)]
}
