import { expect, test } from 'vitest'
import { withoutTheWorld } from '../../../tooling/fixtures/without-the-world.ts'
import { createRing, parseRing } from '../src/index.ts'

test('the ring needs no clock, timer, chance or cryptography', () => {
  const same = withoutTheWorld(() => {
    const ring = createRing({ nodes: { a: 1, b: 2 }, zones: { a: 'z' } })
      .with('c')
      .without('a')
    ring.owners('k', 2)
    ring.diff(ring.with('d'))
    ring.stats()
    return parseRing(ring.serialize()).checksum === ring.checksum
  })
  expect(same).toBe(true)
})
