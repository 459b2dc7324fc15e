import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type EntryRun, EntryTree } from '../src/core/entry-tree.ts'

const sorted = (model: ReadonlyMap<string, number>): [string, number][] =>
  [...model].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))

const entriesOf = (runs: Iterable<EntryRun<number>>): [string, number][] =>
  [...runs].flatMap(({ keys, values }) => keys.map((key, i): [string, number] => [key, values[i] as number]))

/** One step of a program: at random, in order, or backwards. */
const step = fc.record({
  op: fc.constantFrom('set', 'set', 'set', 'delete', 'delete', 'freeze'),
  key: fc.nat(600),
  times: fc.integer({ min: 1, max: 120 }),
  stride: fc.constantFrom(1, -1, 7, 101),
})

test('is a sorted map, and what was frozen stays as it was', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const tree = new EntryTree<number>()
      const model = new Map<string, number>()
      const frozen: [Iterable<EntryRun<number>>, [string, number][]][] = []
      let value = 0
      for (const { op, key: from, times, stride } of steps) {
        if (op === 'freeze') frozen.push([tree.freeze(), sorted(model)])
        for (let i = 0; i < times && op !== 'freeze'; i++) {
          const key = String((((from + i * stride) % 1_000) + 1_000) % 1_000)
          if (op === 'delete') expect(tree.delete(key)).toBe(model.delete(key))
          else {
            tree.set(key, ++value)
            model.set(key, value)
          }
        }
        expect(tree.size).toBe(model.size)
        for (const key of ['0', '50', '500', '999', 'x']) expect(tree.get(key)).toBe(model.get(key))
      }
      expect([...tree]).toEqual(sorted(model))
      for (const [view, then] of frozen) expect(entriesOf(view)).toEqual(then)
      for (const key of model.keys()) expect(tree.get(key)).toBe(model.get(key))
    }),
    { numRuns: 60 },
  )
})

test('holds many in any order, and none after all are gone', () => {
  const COUNT = 6_000
  for (const keyOf of [(i: number) => i, (i: number) => COUNT - i, (i: number) => (i * 7_919) % COUNT]) {
    const tree = new EntryTree<number>()
    const keys = Array.from({ length: COUNT }, (_, i) => String(keyOf(i)).padStart(6, '0'))
    for (const [i, key] of keys.entries()) tree.set(key, i)
    expect(tree.size).toBe(COUNT)
    const view = tree.freeze()
    for (const key of keys) if (!tree.delete(key)) throw new Error(`${key} is not there`)
    expect([...tree]).toEqual([])
    let before = ''
    let count = 0
    for (const [key] of entriesOf(view)) {
      if (key <= before) throw new Error(`${key} comes after ${before}`)
      before = key
      count++
    }
    expect(count).toBe(COUNT)
  }
})
