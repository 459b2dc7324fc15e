import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type EntryRun, EntryTable } from '../src/core/entry-table.ts'

type Entries = [string, number][]

const sorted = (entries: Iterable<[string, number]>): Entries =>
  [...entries].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))

function rebuilt(entries: Entries): EntryTable<number> {
  const table = new EntryTable<number>()
  for (const [key, value] of entries) table.set(key, value)
  return table
}

const entriesOf = (runs: Iterable<EntryRun<number>>): [string, number][] =>
  [...runs].flatMap(({ keys, values }) => keys.map((key, i): [string, number] => [key, values[i] as number]))

/** One step of a program: at random, in order, or backwards. */
const step = fc.record({
  op: fc.constantFrom('set', 'set', 'set', 'delete', 'delete', 'freeze'),
  key: fc.nat(600),
  times: fc.integer({ min: 1, max: 120 }),
  stride: fc.constantFrom(1, -1, 7, 101),
})

test('P-36: is a map, what was frozen stays as it was, and a table that was filled from a view goes on like it', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const table = new EntryTable<number>()
      let follower = new EntryTable<number>()
      const model = new Map<string, number>()
      const frozen: [Iterable<EntryRun<number>>, then: Entries][] = []
      let value = 0
      for (const { op, key: from, times, stride } of steps) {
        if (op === 'freeze') {
          const then = [...table]
          frozen.push([table.freeze(), then])
          follower = rebuilt(then)
        }
        for (let i = 0; i < times && op !== 'freeze'; i++) {
          const key = String((((from + i * stride) % 1_000) + 1_000) % 1_000)
          if (op === 'delete') {
            expect(table.delete(key)).toBe(model.delete(key))
            follower.delete(key)
          } else {
            table.set(key, ++value)
            follower.set(key, value)
            model.set(key, value)
          }
        }
        expect(table.size).toBe(model.size)
        for (const key of ['0', '50', '500', '999', 'x']) expect(table.get(key)).toBe(model.get(key))
      }
      expect(sorted(table)).toEqual(sorted(model))
      expect([...follower]).toEqual([...table])
      for (const [view, then] of frozen) expect(entriesOf(view)).toEqual(then)
      for (const key of model.keys()) expect(table.get(key)).toBe(model.get(key))
    }),
    { numRuns: 60 },
  )
})

test('holds many, changed and deleted in any order under a view, and none after all are gone', () => {
  const COUNT = 6_000
  for (const keyOf of [(i: number) => i, (i: number) => COUNT - i, (i: number) => (i * 7_919) % COUNT]) {
    const table = new EntryTable<number>()
    const keys = Array.from({ length: COUNT }, (_, i) => `${i}`)
    for (const [i, key] of keys.entries()) table.set(key, i)
    const view = table.freeze()
    for (let i = 0; i < COUNT; i += 2) table.set(`${keyOf(i) % COUNT}`, -1)
    for (let i = 0; i < COUNT; i++) if (!table.delete(`${keyOf(i) % COUNT}`)) throw new Error(`${i} is not there`)
    expect(table.size).toBe(0)
    expect([...table]).toEqual([])
    expect(table.get('1')).toBeUndefined()
    expect(entriesOf(view)).toEqual(keys.map((key, i) => [key, i]))
  }
})
