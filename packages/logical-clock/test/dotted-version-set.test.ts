import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type Actor,
  ActorForgotError,
  actorId,
  CounterExhaustedError,
  DottedVersionSet,
  nodeOfActor,
  raiseFloor,
  VectorClock,
} from '../src/index.ts'

const actor = (id: string, floor = 0): Actor => ({ id, floor })
const A = actor('a')
const B = actor('b')
const NONE = VectorClock.empty
const empty = (): DottedVersionSet<string> => DottedVersionSet.empty<string>()

describe('a write', () => {
  test('takes the place of what its writer has read, and stands beside what it has not', () => {
    const first = empty().update(A, NONE, 'v1')
    const second = first.update(A, NONE, 'v2')
    expect(second.read()).toEqual({ values: ['v2', 'v1'], context: VectorClock.of({ a: 2 }) })
    const third = second.update(A, first.context, 'v3')
    expect(third.values).toEqual(['v3', 'v2'])
    expect(third.update(B, third.context, 'v4').values).toEqual(['v4'])
    expect(first.values).toEqual(['v1'])
  })

  test('also of what its writer has read elsewhere, and this replica has never heard of', () => {
    const there = empty().update(B, NONE, 'there')
    const here = empty().update(A, there.context, 'here')
    expect(here.sync(there).values).toEqual(['here'])
    expect(there.sync(here).values).toEqual(['here'])
  })

  // The example of "Scalable and Accurate Causality Tracking", figures 1 to 3: a vector clock with an entry for each
  // server takes v2 for older than v3, or both for concurrent with v1.
  test('of two clients that have read the same does not hide the other', () => {
    const v1 = empty().update(A, NONE, 'v1')
    const v2 = v1.update(A, v1.context, 'v2')
    const v3 = v2.update(A, v1.context, 'v3')
    expect(v3.values).toEqual(['v3', 'v2'])
    expect(v3.siblings.map(({ actor: by, counter }) => [by, counter])).toEqual([
      ['a', 3],
      ['a', 2],
    ])
  })
})

describe('pitfalls of stores', () => {
  // Both have read the same, and both write: with one counter for the server, the second write cannot say that it has not seen the
  // first one, so each round leaves one sibling more, or one write hides the other.
  test('KV-3: two clients who write a hundred times in turn, each without the last write of the other, leave two siblings', () => {
    let set = empty().update(A, NONE, 'first')
    for (let i = 0; i < 100; i++) {
      const { context } = set
      set = set.update(A, context, `mine ${i}`).update(A, context, `yours ${i}`)
      expect(set.values).toEqual([`yours ${i}`, `mine ${i}`])
    }
  })

  test('KV-3: nor do clients who never read, and pass what their own last write gave them, leave more than one each', () => {
    const contexts = [NONE, NONE, NONE]
    let set = empty()
    for (let i = 0; i < 300; i++) {
      set = set.update(i % 2 === 0 ? A : B, contexts[i % 3] as VectorClock, `by ${i % 3}: ${i}`)
      contexts[i % 3] = set.context
      expect(set.size).toBeLessThanOrEqual(3)
    }
  })

  test('KV-4: ten thousand clients make no more entries than there are replicas', () => {
    const replicas = ['a', 'b', 'c'].map((id) => actor(id))
    let set = empty()
    for (let client = 0; client < 10_000; client++) {
      set = set.update(replicas[client % 3] as Actor, set.context, `by client ${client}`)
    }
    expect([set.entries.length, set.context.size, set.size]).toEqual([3, 3, 1])
  })
})

describe('a replica that forgot', () => {
  const given = empty().update(A, NONE, 'v1').update(A, NONE, 'v2')

  test('is told so by the context of a client, and gives no dot', () => {
    expect(() => empty().update(A, given.context, 'v3')).toThrow(ActorForgotError)
    expect(empty().hasForgotten(A, given.context)).toBe(true)
    expect(given.hasForgotten(A, given.context)).toBe(false)
    expect(empty().hasForgotten(actor('a', 2), given.context)).toBe(false)
  })

  test('goes on as a new actor, and loses nothing', () => {
    const later = actor(actorId('a', 2 ** 45))
    const next = empty().update(later, given.context, 'v3').update(later, NONE, 'v4')
    expect(given.sync(next).values.sort()).toEqual(['v3', 'v4'])
    expect(nodeOfActor(later.id)).toBe('a')
  })

  // What would happen without: the dot (a, 1) stands for two values, and the client who read the old one discards the new one.
  test('gives no dot twice after a key was deleted for good, where its floor was raised', () => {
    const old = empty().update(A, NONE, 'old')
    const floored = raiseFloor(A, old.discard(old.context).context.get('a'))
    const fresh = empty().update(floored, NONE, 'fresh')
    expect(fresh.siblings).toEqual([{ actor: 'a', counter: 2, value: 'fresh' }])
    expect(fresh.update(floored, old.context, 'by one who has not seen it').values).toEqual([
      'by one who has not seen it',
      'fresh',
    ])
    expect(fresh.sync(old).values).toEqual(['fresh'])
  })

  test('a floor only grows', () => {
    expect(raiseFloor(actor('a', 5), 3)).toEqual({ id: 'a', floor: 5 })
    expect(raiseFloor(actor('a', 5), 8)).toEqual({ id: 'a', floor: 8 })
    expect(() => raiseFloor(A, 0.5)).toThrow(RangeError)
  })

  test('an id of an actor is refused where it cannot be written', () => {
    expect(() => empty().update(actor(''), NONE, 'v')).toThrow(RangeError)
    expect(() => empty().update(actor('a', -1), NONE, 'v')).toThrow(RangeError)
    expect(() => actorId('n', 1.5)).toThrow(RangeError)
    expect(nodeOfActor('plain')).toBe('plain')
    expect(() => empty().update(actor('a', Number.MAX_SAFE_INTEGER), NONE, 'v')).toThrow(CounterExhaustedError)
  })
})

/** Some history of three replicas, as three sets. Steps: update by a replica with the context of another, discard, or sync. */
const histories = fc
  .array(fc.tuple(fc.constantFrom('put', 'blind', 'discard', 'sync'), fc.nat(2), fc.nat(2)), { maxLength: 30 })
  .map((steps) => {
    const sets = [0, 1, 2].map(() => DottedVersionSet.empty<number>())
    const contexts = [NONE, NONE, NONE]
    steps.forEach(([what, at, other], i) => {
      const set = sets[at] as DottedVersionSet<number>
      const context = contexts[other] as VectorClock
      // The value is greater than all before it, as a timestamp would be.
      if (what === 'put') sets[at] = set.update(actor(`r${at}`), context, i)
      else if (what === 'blind') sets[at] = set.update(actor(`r${at}`), NONE, i)
      else if (what === 'discard') sets[at] = set.discard(context)
      else sets[at] = set.sync(sets[other] as DottedVersionSet<number>)
      if (i % 3 === 0) contexts[at] = (sets[at] as DottedVersionSet<number>).context
    })
    return sets as [DottedVersionSet<number>, DottedVersionSet<number>, DottedVersionSet<number>]
  })

describe('sync', () => {
  test('is commutative, associative and idempotent, and above both', () => {
    fc.assert(
      fc.property(histories, ([a, b, c]) => {
        expect(a.sync(b)).toEqual(b.sync(a))
        expect(a.sync(b).sync(c)).toEqual(a.sync(b.sync(c)))
        expect(a.sync(b).sync(a)).toEqual(a.sync(b))
        expect([a.isWithin(a.sync(b)), b.isWithin(a.sync(b))]).toEqual([true, true])
      }),
      { numRuns: 300 },
    )
  })

  test('gives the same object where there is nothing new, so there is nothing to store', () => {
    fc.assert(
      fc.property(histories, ([a, b]) => {
        const both = a.sync(b)
        expect(both.sync(a)).toBe(both)
        expect(both.discard(NONE)).toBe(both)
        if (b.isWithin(a)) expect(a.sync(b)).toBe(a)
      }),
      { numRuns: 200 },
    )
  })

  test('values can be changed for others, as when they are decoded', () => {
    fc.assert(
      fc.property(histories, ([a, b]) => {
        const text = (set: DottedVersionSet<number>) => set.map((value) => `${value}`)
        expect(text(a).sync(text(b))).toEqual(text(a.sync(b)))
        expect(text(a).values).toEqual(a.values.map(String))
      }),
      { numRuns: 50 },
    )
  })
})

describe('keepGreatest', () => {
  test('keeps one of the siblings and the whole context', () => {
    const set = empty().update(A, NONE, 'x').update(A, NONE, 'z').update(B, NONE, 'y')
    const kept = set.keepGreatest((a, b) => (a < b ? -1 : a > b ? 1 : 0))
    expect(kept.siblings).toEqual([{ actor: 'a', counter: 2, value: 'z' }])
    expect(kept.context).toEqual(set.context)
    expect(kept.keepGreatest(() => 0)).toBe(kept)
    // The one that was dropped does not come back from a replica that has it, though it is not the last of its actor.
    expect(kept.sync(set).values).toEqual(['z'])
  })

  test('by an order in which each write is above what it has seen, the greatest of all is at every replica in the end', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom('put', 'sync'), fc.nat(2), fc.nat(2)), { minLength: 1, maxLength: 40 }),
        (steps) => {
          const order = (a: number, b: number): number => a - b
          const sets = [0, 1, 2].map(() => DottedVersionSet.empty<number>())
          const at = (i: number): DottedVersionSet<number> => sets[i] as DottedVersionSet<number>
          let greatest = -1
          steps.forEach(([what, to, from], i) => {
            if (what === 'put') {
              // The clocks of the three run apart by a hundred; each has observed what it replaces.
              const time = Math.max(i + to * 100, ...at(to).values.map((value) => value + 1))
              sets[to] = at(to).update(actor(`r${to}`), at(to).context, time)
              greatest = Math.max(greatest, time)
            } else sets[to] = at(to).sync(at(from)).keepGreatest(order)
          })
          const all = at(0).sync(at(1)).sync(at(2)).keepGreatest(order)
          expect(all.values).toEqual(greatest < 0 ? [] : [greatest])
        },
      ),
      { numRuns: 300 },
    )
  })
})

describe('prune', () => {
  test('forgets actors that have no value left, and no other', () => {
    const set = empty()
      .update(A, NONE, 'x')
      .update(B, VectorClock.of({ a: 1 }), 'y')
    expect(set.prune(() => true).context.toJSON()).toEqual({ b: 1 })
    expect(set.prune((id) => id === 'b')).toBe(set)
  })

  // Why the page says that it is not sound: here one replica has not confirmed.
  test('too early brings back what was overwritten', () => {
    const stale = empty().update(A, NONE, 'x')
    const set = stale.update(B, stale.context, 'y')
    expect(set.sync(stale).values).toEqual(['y'])
    expect(set.prune((id) => id === 'a').sync(stale).values).toEqual(['x', 'y'])
  })
})
