import { SeededRandom, utf8 } from '@dsys/runtime'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  ClockFormatError,
  type ClockLimits,
  ClockTooLargeError,
  DottedVersionSet,
  decodeActor,
  decodeDottedVersionSet,
  decodeVectorClock,
  encodeActor,
  encodeDottedVersionSet,
  encodeVectorClock,
  VectorClock,
} from '../src/index.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const bytes = (text: string): Uint8Array => Buffer.from(text, 'hex')

const clock = VectorClock.of({ 'n1#a': 1, é: 300, n2: Number.MAX_SAFE_INTEGER })
const A = { id: 'a', floor: 0 }
const B = { id: 'b', floor: 9 }
const set = DottedVersionSet.empty<string>()
  .update(A, VectorClock.empty, 'one')
  .update(A, VectorClock.empty, '')
  .update(A, VectorClock.of({ c: 200 }), 'three')
  .update(B, VectorClock.empty, 'é')
  .update(A, VectorClock.of({ a: 1 }), 'four')
  .discard(VectorClock.of({ d: 1 }))
const gap = set.keepGreatest((a, b) => (a === 'three' ? 1 : b === 'three' ? -1 : 0))

// What replicas have stored, and clients hold: a format that changes gets another version, and these stay readable.
const GOLDEN = {
  clock: '1103046e31236101026e32ffffffffffffff0f02c3a9ac02',
  nothing: '1100',
  set: '2104016104030004666f757200057468726565000001620a010002c3a90163c8010001640100',
  gap: '2104016104010105746872656501620a000163c8010001640100',
  empty: '2100',
  actor: '3101618002',
}

describe('bytes', () => {
  test('are those of version 1', () => {
    expect({
      clock: hex(encodeVectorClock(clock)),
      nothing: hex(encodeVectorClock(VectorClock.empty)),
      set: hex(encodeDottedVersionSet(set, utf8)),
      gap: hex(encodeDottedVersionSet(gap, utf8)),
      empty: hex(encodeDottedVersionSet(DottedVersionSet.empty<string>(), utf8)),
      actor: hex(encodeActor({ id: 'a', floor: 256 })),
    }).toEqual(GOLDEN)
  })

  test('are read as what was written', () => {
    expect(decodeVectorClock(bytes(GOLDEN.clock))).toEqual(clock)
    expect(decodeVectorClock(bytes(GOLDEN.nothing))).toBe(VectorClock.empty)
    expect(decodeDottedVersionSet(bytes(GOLDEN.set), utf8)).toEqual(set)
    expect(decodeDottedVersionSet(bytes(GOLDEN.gap), utf8)).toEqual(gap)
    expect(decodeDottedVersionSet(bytes(GOLDEN.empty), utf8).size).toBe(0)
    expect(decodeActor(bytes(GOLDEN.actor))).toEqual({ id: 'a', floor: 256 })
  })
})

describe('bytes that nobody wrote', () => {
  test.each([
    ['none', ''],
    ['another version', '1200'],
    ['another kind', '2100'],
    ['a count without entries', '1101'],
    ['a huge count', '11ffffffffffffff0f'],
    ['a count above 2^53', '11ffffffffffffffffff'],
    ['something left over', '110000'],
    ['a counter of 0', '1101016100'],
    ['a number longer than it has to be', '110101618100'],
    ['no id', '1101000101'],
    ['an id that is not UTF-8', '110101ff01'],
    ['an actor twice', '1102016101016102'],
    ['actors out of order', '1102016201016101'],
    ['an id that is too long', `11018101${'61'.repeat(129)}01`],
  ])('are no clock: %s', (_what, text) => {
    expect(() => decodeVectorClock(bytes(text))).toThrow(ClockFormatError)
  })

  test.each([
    ['a clock', '1100'],
    ['a sibling with a counter below 1', '2101016101010100'],
    ['two siblings of one write', '21010161010200000000'],
    ['a value that is cut', '210101610101000561'],
    ['a count of siblings without them', '2101016101ff01'],
  ])('are no set: %s', (_what, text) => {
    expect(() => decodeDottedVersionSet(bytes(text), utf8)).toThrow(ClockFormatError)
  })

  test('are refused, or are the very bytes of what they are read as', () => {
    const random = new SeededRandom(1)
    let read = 0
    for (let i = 0; i < 4_000; i++) {
      const text = i % 2 === 0 ? GOLDEN.set : GOLDEN.clock
      const changed = Buffer.from(text, 'hex')
      for (let n = random.integer(1, 3); n > 0; n--) changed[random.integer(1, changed.length)] = random.integer(0, 256)
      try {
        const again =
          i % 2 === 0
            ? encodeDottedVersionSet(decodeDottedVersionSet(changed, utf8), utf8)
            : encodeVectorClock(decodeVectorClock(changed))
        read++
        expect(hex(again)).toBe(hex(changed))
      } catch (error) {
        // Values are UTF-8 in this test, which their codec checks with a TypeError of its own.
        if (!(error instanceof ClockFormatError || error instanceof TypeError)) throw error
      }
    }
    expect(read).toBeGreaterThan(100)
  })

  test('of any kind are refused with a code, and nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.constantFrom(0x11, 0x21, 0x31), (some, kind) => {
        const attempts = [decodeVectorClock, decodeActor, (b: Uint8Array) => decodeDottedVersionSet(b, { decode: hex })]
        for (const attempt of attempts) {
          try {
            attempt(Buffer.concat([Buffer.of(kind), some]))
          } catch (error) {
            expect(error).toBeInstanceOf(ClockFormatError)
          }
        }
      }),
      { numRuns: 500 },
    )
  })
})

describe('limits', () => {
  const two = VectorClock.of({ a: 1, b: 1 })

  test('hold in both directions, so that nothing is stored that cannot be read', () => {
    expect(() => encodeVectorClock(two, { maxActors: 1 })).toThrow(ClockTooLargeError)
    expect(() => decodeVectorClock(encodeVectorClock(two), { maxActors: 1 })).toThrow(ClockTooLargeError)
    expect(decodeVectorClock(encodeVectorClock(two, { maxActors: 2 }), { maxActors: 2 })).toEqual(two)
    const all: ClockLimits = { maxSiblings: 3 }
    expect(set.size).toBe(4)
    expect(() => encodeDottedVersionSet(set, utf8, all)).toThrow(ClockTooLargeError)
    expect(() => decodeDottedVersionSet(encodeDottedVersionSet(set, utf8), utf8, all)).toThrow(ClockTooLargeError)
    expect(() => encodeDottedVersionSet(set, utf8, { maxActors: 3 })).toThrow(ClockTooLargeError)
  })

  test.each([{ maxActors: 0 }, { maxActors: 65_537 }, { maxSiblings: 1.5 }, { maxSiblings: 1_000_001 }])(
    'are checked: %o',
    (limits) => {
      expect(() => encodeVectorClock(two, limits)).toThrow(RangeError)
    },
  )
})
