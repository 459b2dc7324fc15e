import { createPartitionTable, plan } from '@dsys/hashring'

const table = createPartitionTable({ nodes: { a: 1, b: 1, c: 1, d: 1 }, partitions: 256, replicas: 3 })
console.log(
  table.owners('user:1001', 3).length,
  table
    .stats()
    .nodes.map((node) => node.replicas)
    .join(' '),
)

const later = table.with('e')
const { replicas } = table.diff(later)
console.log(`${replicas.length} of 768 replicas move, all to ${[...new Set(replicas.map((move) => move.to))]}`)
console.log(
  plan(table, later)
    .map((step) => `${step.kind} ${step.changes.length}`)
    .join(', then '),
)
