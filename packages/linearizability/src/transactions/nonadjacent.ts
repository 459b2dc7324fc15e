import type { Components } from './components.ts'
import { type Graph, GraphBuilder, ONWARD, RW } from './graph.ts'

/**
 * A graph whose cycles are those closed walks of the given graph in which no rw edge follows an rw edge: each node stands there twice,
 * once as reached by an rw edge and once as reached otherwise, and only the latter has rw edges. `edges` gives, for each of its
 * edges, the edge of the given graph.
 *
 * Where a closed walk visits a node twice, one of its two parts is such a walk again. So a shortest one is a simple cycle.
 */
export function nonadjacentGraph(
  graph: Graph,
  mask: number,
  { of, cyclic }: Components,
): { readonly graph: Graph; readonly edges: readonly number[] } {
  const builder = new GraphBuilder(graph.transactionCount * 2)
  for (let node = graph.transactionCount * 2; node < graph.nodeCount * 2; node++) builder.junction()
  for (const node of cyclic.flat()) {
    const end = graph.start[node + 1] as number
    for (let edge = graph.start[node] as number; edge < end; edge++) {
      const to = graph.target[edge] as number
      const relation = graph.relation[edge] as number
      if ((relation & mask) === 0 || of[to] !== of[node]) continue
      for (const after of [0, 1]) {
        if (relation === RW && after === 1) continue
        const next = relation === ONWARD ? after : relation === RW ? 1 : 0
        builder.edge(node * 2 + after, to * 2 + next, relation, { key: edge, before: undefined, after: 0 })
      }
    }
  }
  const built = builder.build()
  return { graph: built, edges: built.reasons.map((reason) => reason?.key as number) }
}
