import { type GraphBuilder, ONWARD, PROCESS, REALTIME } from './graph.ts'
import type { Transaction } from './history.ts'

/**
 * Each process does one transaction after the other: an edge from its last transaction that was ok to its next. A transaction with an
 * unknown outcome comes after those before it, but nothing comes after it for certain.
 */
export function addProcessOrder(
  graph: GraphBuilder,
  transactions: readonly Transaction[],
  committed: readonly boolean[],
): void {
  const last = new Map<string | number, number>()
  transactions.forEach(({ process, outcome }, node) => {
    if (!committed[node]) return
    const before = last.get(process)
    if (before !== undefined) graph.edge(before, node, PROCESS)
    if (outcome === 'ok') last.set(process, node)
  })
}

/**
 * A transaction that completed before another was invoked comes before it. The completions between two invocations share one junction,
 * and the junctions form a chain, so that there are at most three edges for each transaction however many ran at once.
 */
export function addRealTimeOrder(
  graph: GraphBuilder,
  transactions: readonly Transaction[],
  committed: readonly boolean[],
): void {
  const moments: { at: number; node: number; begins: boolean }[] = []
  transactions.forEach(({ invokedAt, completedAt }, node) => {
    if (!committed[node]) return
    moments.push({ at: invokedAt, node, begins: true })
    if (completedAt !== undefined) moments.push({ at: completedAt, node, begins: false })
  })
  moments.sort((a, b) => a.at - b.at)
  let past: number | undefined
  let growing = false
  for (const { node, begins } of moments) {
    if (begins) {
      if (past !== undefined) graph.edge(past, node, ONWARD)
      growing = false
      continue
    }
    if (!growing) {
      const next = graph.junction()
      if (past !== undefined) graph.edge(past, next, ONWARD)
      past = next
      growing = true
    }
    graph.edge(node, past as number, REALTIME)
  }
}
