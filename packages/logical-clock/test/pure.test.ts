import { expect, test } from 'vitest'
import { withoutTheWorld } from '../../../tooling/fixtures/without-the-world.ts'
import {
  DottedVersionSet,
  decodeDottedVersionSet,
  decodeVectorClock,
  encodeDottedVersionSet,
  encodeVectorClock,
  VectorClock,
} from '../src/index.ts'

test('clocks need no clock, timer, chance or cryptography', () => {
  const codec = { encode: (value: Uint8Array) => value, decode: (bytes: Uint8Array) => bytes }
  const same = withoutTheWorld(() => {
    const set = DottedVersionSet.empty<Uint8Array>()
      .update({ id: 'a', floor: 0 }, VectorClock.of({ b: 2 }), Uint8Array.of(1))
      .update({ id: 'b', floor: 2 }, VectorClock.empty, Uint8Array.of(2))
    const context = decodeVectorClock(encodeVectorClock(set.context))
    const again = decodeDottedVersionSet(encodeDottedVersionSet(set, codec), codec)
    return again.context.equals(context) && again.sync(set) === again && again.discard(context).size === 0
  })
  expect(same).toBe(true)
})
