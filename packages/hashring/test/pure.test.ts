import { expect, test } from 'vitest'
import { withoutTheWorld } from '../../../tooling/fixtures/without-the-world.ts'
import {
  createBoundedLoad,
  createJump,
  createKetama,
  createMaglev,
  createPartitionTable,
  createRendezvous,
  createRing,
  parsePlacement,
  plan,
} from '../src/index.ts'

const nodes = { a: 1, b: 1 }

test.each([
  ['ring', () => createRing({ nodes })],
  ['partition-table', () => createPartitionTable({ nodes, partitions: 16 })],
  ['ketama', () => createKetama({ nodes })],
  ['rendezvous', () => createRendezvous({ nodes })],
  ['jump', () => createJump({ nodes })],
  ['maglev', () => createMaglev({ nodes, slots: 101 })],
  ['bounded-load', () => createBoundedLoad({ nodes, slots: 64 })],
] as const)('%s needs no clock, timer, chance or cryptography', (_name, create) => {
  const same = withoutTheWorld(() => {
    const placement = create().with('c', { zone: 'z' }).without('a')
    placement.owners('k', 2)
    placement.diff(placement.with('d'))
    placement.stats()
    return parsePlacement(placement.serialize()).checksum === placement.checksum
  })
  expect(same).toBe(true)
})

test('a plan needs none of them either', () => {
  const table = createPartitionTable({ nodes, partitions: 16 })
  expect(withoutTheWorld(() => plan(table, table.with('c'))).length).toBeGreaterThan(0)
})
