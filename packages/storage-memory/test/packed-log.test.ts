import { appendEntries, type LogEntry } from '@dsys/storage'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { PackedEntries, PackedLog } from '../src/packed-log.ts'

function written(first: number, count: number, term: number): LogEntry[] {
  return Array.from({ length: count }, (_, i) => {
    const data = new Uint8Array(i % 5).fill(first + i)
    return { index: first + i, term, kind: (first + i) % 256, data }
  })
}

test('holds what a list of entries would, whatever is written, forgotten and cleared', () => {
  const step = fc.oneof(
    fc.record({
      type: fc.constant('append' as const),
      first: fc.integer({ min: 1, max: 30 }),
      count: fc.integer({ min: 1, max: 6 }),
    }),
    fc.record({ type: fc.constant('compact' as const), index: fc.integer({ min: 1, max: 30 }) }),
    fc.record({ type: fc.constant('clear' as const) }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const log = new PackedLog()
      let model: LogEntry[] = []
      for (const [i, each] of steps.entries()) {
        if (each.type === 'append') {
          const entries = written(each.first, each.count, i + 1)
          log.append(new PackedEntries(entries))
          appendEntries(model, entries)
        } else if (each.type === 'compact') {
          log.compact(each.index)
          model = model.filter(({ index }) => index > each.index)
        } else {
          log.clear()
          model = []
        }
        expect(log.entries()).toEqual(model)
      }
    }),
  )
})

test('has bytes of its own, and gives out copies', () => {
  const data = Uint8Array.of(1, 2, 3)
  const log = new PackedLog()
  log.append(new PackedEntries([{ index: 1, term: 1, kind: 0, data }]))
  data.fill(9)
  log.entries()[0]?.data.fill(7)
  expect(log.entries()[0]?.data).toEqual(Uint8Array.of(1, 2, 3))
})
