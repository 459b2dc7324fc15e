import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createPartitionTable, type PartitionTable, type PlanStep, plan } from '../src/index.ts'

const id = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g')
const nodes = fc.dictionary(id, fc.constantFrom(1, 1, 2, 5), { minKeys: 1, maxKeys: 7 })
const replicas = fc.integer({ min: 1, max: 5 })

const majority = (holders: ReadonlySet<string>): number => Math.floor(holders.size / 2) + 1

/** Goes through the plan, and looks at each partition before and after each step. */
function walk(old: PartitionTable, next: PartitionTable, steps: readonly PlanStep[]): void {
  const now = Array.from({ length: old.partitions }, (_, partition) => new Set(old.holders(partition)))
  for (const { kind, changes } of steps) {
    expect(new Set(changes.map((change) => change.partition)).size).toBe(changes.length)
    for (const { partition, node, holders } of changes) {
      const before = now[partition] as Set<string>
      const after = new Set(before)
      expect(after.has(node)).toBe(kind === 'remove')
      if (kind === 'add') after.add(node)
      else after.delete(node)
      expect(new Set(holders)).toEqual(after)
      expect(holders.length).toBe(after.size)
      if (before.size > 0 && after.size > 0) {
        // Two majorities that together are more than all nodes there are have one in common.
        const union = new Set([...before, ...after])
        expect(majority(before) + majority(after)).toBeGreaterThan(union.size)
        // A quorum of those that had the data has it still.
        expect([...before].filter((one) => after.has(one)).length).toBeGreaterThanOrEqual(
          kind === 'add' ? before.size : before.size - 1,
        )
      }
      const floor = Math.min(old.holders(partition).length, next.holders(partition).length)
      expect(after.size).toBeGreaterThanOrEqual(floor)
      now[partition] = after
    }
  }
  for (const [partition, holders] of now.entries()) expect(holders).toEqual(new Set(next.holders(partition)))
}

test('a plan leads from one table to the other, and the quorums of each step meet those of the step before (row 20)', () => {
  fc.assert(
    fc.property(nodes, nodes, replicas, replicas, (before, after, replicasBefore, replicasAfter) => {
      const old = createPartitionTable({ nodes: before, partitions: 12, replicas: replicasBefore })
      const leave = Object.keys(before).filter((key) => !(key in after))
      const join = Object.fromEntries(Object.entries(after).map(([key, weight]) => [key, { weight }]))
      const next = old.change({ join, leave, replicas: replicasAfter })
      walk(old, next, plan(old, next))
    }),
    { numRuns: 80 },
  )
})

test('the last holders of a partition stand in the order of the later table', () => {
  const old = createPartitionTable({ nodes: { a: 1, b: 1, c: 1, d: 1 }, partitions: 32 })
  const next = old.with('e').without('a')
  const last = new Map(plan(old, next).flatMap((step) => step.changes.map((change) => [change.partition, change])))
  expect(last.size).toBeGreaterThan(0)
  for (const [partition, { holders }] of last) expect(holders).toEqual(next.holders(partition))
})

test('between equal tables there is nothing to do', () => {
  const table = createPartitionTable({ nodes: { a: 1, b: 1 } })
  expect(plan(table, table.change({}))).toEqual([])
  expect(() => plan(table, createPartitionTable({ nodes: { a: 1 }, partitions: 2 }))).toThrow(RangeError)
})
