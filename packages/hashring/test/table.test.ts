import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  createPartitionTable,
  type PartitionTable,
  PlacementFormatError,
  type PlacementNodeOptions,
  parsePartitionTable,
} from '../src/index.ts'
import { everyTable, fewestCopies } from './table-oracle.ts'

const id = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i')
const node = fc.record({ weight: fc.constantFrom(1, 1, 1, 2, 3.5, 0.25), zone: fc.constantFrom('x', 'y', 'z') })
const cluster = fc.dictionary(id, node, { minKeys: 1, maxKeys: 8 })
const sizes = fc.record({ partitions: fc.integer({ min: 1, max: 60 }), replicas: fc.integer({ min: 1, max: 5 }) })

type Members = Record<string, PlacementNodeOptions>

function tableOf(members: Members, size: { partitions: number; replicas: number }): PartitionTable {
  const entries = Object.entries(members)
  return createPartitionTable({
    nodes: Object.fromEntries(entries.map(([key, { weight = 1 }]) => [key, weight])),
    zones: Object.fromEntries(entries.flatMap(([key, { zone }]) => (zone === undefined ? [] : [[key, zone]]))),
    ...size,
  })
}

/** Everything that a table promises of itself, whatever it was made from. */
function checkTable(table: PartitionTable): void {
  const zoneOf = new Map(table.nodes.map((one) => [one.id, one.zone]))
  const zoneSizes = new Map<string | undefined, number>()
  for (const zone of zoneOf.values()) zoneSizes.set(zone, (zoneSizes.get(zone) ?? 0) + 1)
  for (let partition = 0; partition < table.partitions; partition++) {
    const holders = table.holders(partition)
    expect(new Set(holders).size).toBe(Math.min(table.replicas, table.nodes.length))
    const taken = new Map([...zoneSizes.keys()].map((zone) => [zone, 0]))
    for (const holder of holders) {
      const own = taken.get(zoneOf.get(holder)) ?? 0
      for (const [zone, size] of zoneSizes) expect(Math.min(size, own)).toBeLessThanOrEqual(taken.get(zone) ?? 0)
      taken.set(zoneOf.get(holder), own + 1)
    }
  }
  for (const one of table.stats().nodes) {
    expect(Math.abs(one.replicas - one.fairReplicas)).toBeLessThan(1)
    const isSpread = zoneSizes.size === 1 || zoneSizes.size >= table.replicas
    if (!isSpread) continue
    for (const count of one.places) {
      expect(Math.abs(count - one.fairReplicas / Math.min(table.replicas, table.nodes.length))).toBeLessThan(1)
    }
  }
}

describe('every table', () => {
  test('is within one replica of all fair shares, in total and at each place, and spread over zones', () => {
    fc.assert(
      fc.property(cluster, sizes, fc.array(fc.tuple(id, fc.option(node)), { maxLength: 5 }), (members, size, steps) => {
        let table = tableOf(members, size)
        checkTable(table)
        for (const [key, options] of steps) {
          table = options === null ? table.without(key) : table.with(key, options)
          checkTable(table)
        }
      }),
      { numRuns: 100 },
    )
  })

  test('leaves no zone without a replica while another zone has two, also when a node comes into a small zone', () => {
    const zones = { a: 'x', e: 'x', h: 'z', c: 'y', g: 'y' }
    const nodes = { a: 1, e: 1, h: 1, c: 1, g: 1 }
    const table = createPartitionTable({ nodes, zones, partitions: 5, replicas: 4 })
    checkTable(table.with('f', { weight: 1, zone: 'z' }))
  })

  test('gives each node the share that its weight says, where neither zones nor partitions stand against it', () => {
    const table = createPartitionTable({ nodes: { a: 1, b: 2, c: 3, d: 4 }, partitions: 100, replicas: 2 })
    expect(table.stats().nodes.map((one) => one.fairReplicas)).toEqual([20, 40, 60, 80])
    expect(table.stats().nodes.map((one) => one.replicas)).toEqual([20, 40, 60, 80])
    expect(table.stats().nodes.map((one) => one.places)).toEqual([
      [10, 10],
      [20, 20],
      [30, 30],
      [40, 40],
    ])
  })

  test('gives nobody more than every partition once, and the rest to the others', () => {
    const table = createPartitionTable({ nodes: { a: 100, b: 1, c: 1, d: 2 }, partitions: 64, replicas: 2 })
    expect(table.stats().nodes.map((one) => one.replicas)).toEqual([64, 16, 16, 32])
  })

  test('spreads over zones first, also where a small zone gets more than its weight', () => {
    const zones = { a: 'x', b: 'x', c: 'x', d: 'y' }
    const table = createPartitionTable({ nodes: { a: 1, b: 1, c: 1, d: 1 }, zones, partitions: 30, replicas: 2 })
    expect(table.stats().nodes.map((one) => one.fairReplicas)).toEqual([10, 10, 10, 30])
    checkTable(table)
  })
})

describe('a change', () => {
  test('costs the fewest copies that any table within the bounds costs: compared with all of them', () => {
    const few = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), node, { minKeys: 1, maxKeys: 4 })
    const small = fc.record({ partitions: fc.integer({ min: 1, max: 4 }), replicas: fc.integer({ min: 1, max: 3 }) })
    const change = fc.tuple(fc.constantFrom('a', 'b', 'c', 'd', 'e'), fc.option(node))
    fc.assert(
      fc.property(few, small, fc.array(change, { minLength: 1, maxLength: 3 }), (members, size, changes) => {
        let table = tableOf(members, size)
        for (const [key, options] of changes) {
          const next = options === null ? table.without(key) : table.with(key, options)
          if (next.nodes.length === 0) return
          const copies = table.diff(next).replicas.filter((move) => move.to !== undefined).length
          expect(copies).toBe(fewestCopies(table, everyTable(next)))
          table = next
        }
      }),
      { numRuns: 150 },
    )
  })

  test('moves nothing between two nodes that both stay, in clusters with nodes and partitions enough', () => {
    const count = fc.integer({ min: 9, max: 14 })
    const steps = fc.array(fc.boolean(), { minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(count, fc.boolean(), steps, (size, isZoned, joins) => {
        const options = (i: number): PlacementNodeOptions => (isZoned ? { zone: `z${i % 3}` } : { weight: 1 + (i % 2) })
        const members = Object.fromEntries(Array.from({ length: size }, (_, i) => [`n${i}`, options(i)]))
        let table = tableOf(members, { partitions: 256, replicas: 3 })
        for (const [i, isJoin] of joins.entries()) {
          const key = isJoin || table.nodes.length < 9 ? `m${i}` : (table.nodes[0]?.id as string)
          const isLeave = table.has(key)
          const next = isLeave ? table.without(key) : table.with(key, options(i))
          const moves = table.diff(next).replicas
          const own = (isLeave ? table : next).stats().nodes.find((one) => one.id === key)?.replicas
          expect(moves.filter((move) => (isLeave ? move.from : move.to) !== key)).toEqual([])
          expect(moves.length).toBe(own)
          table = next
        }
      }),
      { numRuns: 40 },
    )
  })

  test('is the same in whatever order it is written, and on every machine', () => {
    const table = createPartitionTable({ nodes: { c: 1, a: 1, b: 1 }, partitions: 64 })
    expect(createPartitionTable({ nodes: { a: 1, b: 1, c: 1 }, partitions: 64 }).checksum).toBe(table.checksum)
    const one = table.change({ join: { d: {}, e: { weight: 2 } }, leave: ['a', 'b'] })
    const other = table.change({ leave: ['b', 'a'], join: { e: { weight: 2 }, d: {} } })
    expect(other.serialize()).toBe(one.serialize())
    expect([table.checksum, one.checksum]).toMatchInlineSnapshot(`
      [
        "7aa24caa1377e035",
        "f61a672462d70257",
      ]
    `)
  })

  test('of nothing moves nothing, not even a place', () => {
    fc.assert(
      fc.property(cluster, sizes, (members, size) => {
        const table = tableOf(members, size)
        expect(table.change({}).checksum).toBe(table.checksum)
      }),
      { numRuns: 60 },
    )
  })

  test('of the number of replicas copies only what is new', () => {
    const three = createPartitionTable({ nodes: { a: 1, b: 1, c: 1, d: 1, e: 1 }, partitions: 60 })
    const two = three.change({ replicas: 2 })
    checkTable(two)
    expect(three.diff(two).copiedShare).toBe(0)
    const again = two.change({ replicas: 3 })
    checkTable(again)
    expect(two.diff(again).replicas.filter((move) => move.to !== undefined).length).toBe(60)
    expect(() => three.change({ join: { a: {} }, leave: ['a'] })).toThrow(RangeError)
  })
})

describe('no table of the nodes alone', () => {
  test('moves the least at every join: some history always shows', () => {
    // Four partitions, one replica: a third node brings shares of 4/3, so one node has two and the others one each. Whoever has two would
    // have needed only one, had it come last. So what a table holds cannot follow from the set of its nodes.
    const after = (order: string[]): PartitionTable =>
      order.reduce((table, key) => table.with(key), createPartitionTable({ nodes: {}, partitions: 4, replicas: 1 }))
    const two = after(['a', 'b'])
    for (const last of ['a', 'b', 'c']) {
      const others = ['a', 'b', 'c'].filter((key) => key !== last)
      const table = after([...others, last])
      expect(table.stats().nodes.find((one) => one.id === last)?.replicas).toBe(1)
      expect(after(others).diff(table).replicas.length).toBe(1)
    }
    expect(two.nodes.length).toBe(2)
  })
})

describe('lookups and text', () => {
  const table = createPartitionTable({ nodes: { 'a:5': 1, a: 1, 'a:55': 1, 5: 1 }, partitions: 256 })

  test('a key, as text or bytes, belongs to the first holder of its partition; names that look alike are different nodes (row 22)', () => {
    for (const key of ['', 'user:42', 'Schlüssel', '🔑']) {
      expect(table.owner(new TextEncoder().encode(key))).toBe(table.owner(key))
      expect(table.owners(key, 2)).toEqual(table.holders(table.partition(key)).slice(0, 2))
    }
    checkTable(table)
    expect(() => table.owners('k', 0)).toThrow(RangeError)
    expect(() => table.holders(256)).toThrow(RangeError)
  })

  test('text and table are one; the checksum covers the holders', () => {
    const read = parsePartitionTable(table.serialize())
    expect(read.checksum).toBe(table.checksum)
    expect(read.with('z').checksum).toBe(table.with('z').checksum)
    expect(table.with('z').without('z').nodes).toEqual(table.nodes)
    expect(table.with('z').without('a').with('a').without('z').checksum).not.toBe(table.checksum)
  })

  test('an empty table owns nothing, and its first node everything', () => {
    const empty = createPartitionTable({ nodes: {}, partitions: 8 })
    expect(empty.owner('k')).toBeUndefined()
    expect(empty.owners('k', 3)).toEqual([])
    expect(empty.with('a').owner('k')).toBe('a')
    expect(empty.diff(empty.with('a')).copiedShare).toBe(1)
    expect(
      createPartitionTable({ nodes: { a: 1 }, partitions: 8 })
        .without('a')
        .owner('k'),
    ).toBeUndefined()
  })

  test.each([
    ['{"format":1,"nodes":[]}', 'strategy "ring"'],
    ['{"format":1,"strategy":"partition-table","hash":"md5"}', 'hash "md5"'],
    [text({ partitions: 0, holders: [] }), 'limits'],
    [text({ holders: [0, 1, 0] }), '3 holders'],
    [text({ holders: [0, 1, 0, 2] }), 'no node'],
    [text({ holders: [0, 1, 1, 1] }), 'partition 1 has a node twice'],
  ])('%s is refused', (serialized, why) => {
    expect(() => parsePartitionTable(serialized)).toThrow(PlacementFormatError)
    expect(() => parsePartitionTable(serialized)).toThrow(why)
  })

  test('tables that have no common measure are not compared', () => {
    expect(() => table.diff(createPartitionTable({ nodes: { a: 1 }, partitions: 8 }))).toThrow(RangeError)
  })
})

function text(fields: object): string {
  const nodes = [
    ['a', 1],
    ['b', 1],
  ]
  const base = { format: 1, strategy: 'partition-table', hash: 'murmur3-x86-32', partitions: 2, replicas: 2, nodes }
  return JSON.stringify({ ...base, ...fields })
}
