import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Causality, CounterExhaustedError, VectorClock } from '../src/index.ts'

const counters = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd', 'é', '__proto__'), fc.integer({ min: 0, max: 3 }), {
  noNullPrototype: true,
})
const clocks = counters.map((each) => VectorClock.of(each))
const ACTORS = ['a', 'b', 'c', 'd', 'é', '__proto__']

/** By the definition: every event of one is known to the other. */
function expected(a: VectorClock, b: VectorClock): Causality {
  const isWithin = ACTORS.every((actor) => a.get(actor) <= b.get(actor))
  const contains = ACTORS.every((actor) => a.get(actor) >= b.get(actor))
  return isWithin ? (contains ? 'equal' : 'before') : contains ? 'after' : 'concurrent'
}

describe('a vector clock', () => {
  test('knows an event more after each increment, and the earlier clock stays as it is', () => {
    const one = VectorClock.empty.increment('n2').increment('n1')
    const two = one.increment('n2')
    expect(one.toJSON()).toEqual({ n1: 1, n2: 1 })
    expect(two.toJSON()).toEqual({ n1: 1, n2: 2 })
    expect([one.compare(two), two.compare(one), two.covers('n2', 2), two.covers('n2', 3)]).toEqual([
      'before',
      'after',
      true,
      false,
    ])
  })

  test('compares and merges by the definition', () => {
    fc.assert(
      fc.property(clocks, clocks, (a, b) => {
        expect(a.compare(b)).toBe(expected(a, b))
        expect(a.equals(b)).toBe(expected(a, b) === 'equal')
        const merged = a.merge(b)
        for (const actor of ACTORS) expect(merged.get(actor)).toBe(Math.max(a.get(actor), b.get(actor)))
        expect(merged.actors).toEqual([...merged.actors].sort())
        expect(merged).toEqual(VectorClock.of(merged.toJSON()))
      }),
      { numRuns: 300 },
    )
  })

  test('merging is commutative, associative and idempotent, and gives the same object where it changes nothing', () => {
    fc.assert(
      fc.property(clocks, clocks, clocks, (a, b, c) => {
        expect(a.merge(b)).toEqual(b.merge(a))
        expect(a.merge(b).merge(c)).toEqual(a.merge(b.merge(c)))
        const merged = a.merge(b)
        expect(merged.merge(a)).toBe(merged)
        if (b.isWithin(a)) expect(a.merge(b)).toBe(a)
      }),
      { numRuns: 200 },
    )
  })

  test('forgets whom it is told to, and nobody else', () => {
    const clock = VectorClock.of({ a: 1, b: 2, c: 3 })
    expect(clock.prune((actor) => actor === 'b').toJSON()).toEqual({ a: 1, c: 3 })
    expect(clock.prune(() => false)).toBe(clock)
    expect(clock.prune(() => true)).toBe(VectorClock.empty)
  })

  test.each([
    ['an empty id', () => VectorClock.empty.increment('')],
    ['an id that is too long', () => VectorClock.empty.increment('é'.repeat(65))],
    ['half of a character', () => VectorClock.empty.increment('\ud800')],
    ['a counter below 0', () => VectorClock.of({ a: -1 })],
    ['a counter that is not whole', () => VectorClock.of({ a: 1.5 })],
    [
      'an actor named twice',
      () =>
        VectorClock.of([
          ['a', 1],
          ['a', 2],
        ]),
    ],
  ])('refuses %s', (_what, make) => {
    expect(make).toThrow(RangeError)
  })

  test('takes the longest id', () => {
    expect(VectorClock.empty.increment('é'.repeat(64)).size).toBe(1)
  })

  test('says so when an actor can count no further', () => {
    const full = VectorClock.of({ a: Number.MAX_SAFE_INTEGER })
    expect(() => full.increment('a')).toThrow(CounterExhaustedError)
  })
})
