import { SeededRandom } from '@dsys/runtime'
import { expect, test } from 'vitest'
import { SuspectDeadlines } from '../src/core/suspect-deadlines.ts'
import type { SuspicionTimes } from '../src/core/suspicion.ts'
import type { Entry } from '../src/core/view.ts'

test('what ends first is known exactly but after a refutation, and then it is never too late', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = new SeededRandom(seed)
    const ends = new Map<string, number>()
    const suspects = new Map<string, Entry>()
    let times: SuspicionTimes = { minMs: 1_000, maxMs: 6_000, expected: 3 }
    const endOf = ({ record }: Entry): number => (ends.get(record.id) ?? 0) + times.minMs
    const deadlines = new SuspectDeadlines(suspects, () => times, endOf)
    let exact = true
    for (let step = 0; step < 300; step++) {
      const id = `n${random.integer(0, 12)}`
      switch (random.integer(0, 5)) {
        case 0:
          ends.set(id, random.integer(0, 10_000))
          if (suspects.has(id)) exact = false
          suspects.set(id, { record: { id } } as Entry)
          deadlines.changed(id)
          break
        case 1:
          if (suspects.delete(id)) exact = false
          break
        case 2:
          if (!suspects.has(id)) break
          ends.set(id, (ends.get(id) ?? 0) - random.integer(1, 500))
          deadlines.changed(id)
          break
        case 3:
          for (const [each, endMs] of ends) ends.set(each, endMs + 300)
          deadlines.moved()
          exact = true
          break
        default:
          times = { ...times, minMs: random.integer(900, 1_100) + step / 1_000 }
          exact = true
          break
      }
      const first = Math.min(...[...suspects.values()].map(endOf), Number.POSITIVE_INFINITY)
      if (exact) expect(deadlines.firstMs()).toBe(first)
      else expect(deadlines.firstMs()).toBeLessThanOrEqual(first)
    }
  }
})
