import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AlertBook, type AlertStatement, compareStatements } from '../src/core/cut/alert-book.ts'
import { statementBytes } from '../src/core/cut/alert-codec.ts'
import { AlertNews, statementsInParts } from '../src/core/cut/alert-news.ts'
import { Edge } from '../src/core/cut/edge.ts'
import { Obituaries } from '../src/core/cut/obituaries.ts'
import { ObserverRings } from '../src/core/cut/observer-rings.ts'
import { Quarantine } from '../src/core/cut/quarantine.ts'
import { type Case, judge } from '../src/core/cut/verdict.ts'
import { watermarksFor } from '../src/core/cut/watermarks.ts'
import type { MemberRecord } from '../src/core/record.ts'
import { resolveOptions } from '../src/options.ts'

const options = resolveOptions({ cluster: 'test' })
const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `n${i}`)
const ringsOf = (ids: Iterable<string>, count = 10): ObserverRings => {
  const rings = new ObserverRings(count)
  for (const id of ids) rings.add(id)
  return rings
}

describe('observers', () => {
  test('each member has ten different observers, or all others, and they agree on whom they observe', () => {
    for (const count of [1, 2, 3, 5, 10, 11, 12, 16, 40, 200]) {
      const ids = names(count)
      const rings = ringsOf(ids)
      const pairs = (of: (id: string) => [string, string][]): Set<string> =>
        new Set(ids.flatMap(of).map((pair) => pair.join('>')))
      for (const id of ids) {
        const observers = rings.observersOf(id)
        expect(new Set(observers).size).toBe(Math.min(10, count - 1))
        expect(observers).not.toContain(id)
      }
      const observed = pairs((id) => rings.observersOf(id).map((observer) => [observer, id]))
      const observing = pairs((id) => rings.subjectsOf(id).map((subject) => [id, subject]))
      expect(observing).toEqual(observed)
    }
  })

  test('they depend on the members alone, not on the order in which these came and went', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 2, maxLength: 30 }),
        fc.infiniteStream(fc.nat()),
        (ids, chance) => {
          const others = names(5).map((id) => `gone ${id}`)
          const shuffled = [...ids, ...others]
            .map((id) => [chance.next().value, id] as const)
            .sort(([a], [b]) => a - b)
            .map(([, id]) => id)
          const rings = ringsOf(shuffled)
          for (const id of others) rings.remove(id)
          for (const id of shuffled) if (!others.includes(id)) rings.add(id)
          const expected = ringsOf(ids)
          expect(rings.size).toBe(ids.length)
          for (const id of [...ids, ...others]) expect(rings.observersOf(id)).toEqual(expected.observersOf(id))
        },
      ),
      { numRuns: 50 },
    )
  })

  test('everybody observes about as many as observe it, and one that goes changes few pairs', () => {
    const ids = names(100)
    const rings = ringsOf(ids)
    const loads = ids.map((id) => rings.subjectsOf(id).length)
    expect(Math.max(...loads)).toBeLessThanOrEqual(14)
    expect(Math.min(...loads)).toBeGreaterThanOrEqual(6)
    const before = new Map(ids.map((id) => [id, rings.observersOf(id)]))
    rings.remove('n7')
    const kept = ids.filter((id) => id !== 'n7')
    const changed = kept.reduce((sum, id) => {
      return sum + rings.observersOf(id).filter((observer) => before.get(id)?.includes(observer) !== true).length
    }, 0)
    expect(changed).toBeLessThan(20)
  })
})

test('watermarks are the same share of few observers as of all', () => {
  const table = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((count) => watermarksFor(options, count))
  expect(table.map(({ high }) => high)).toEqual([1, 2, 3, 4, 4, 5, 6, 7, 8, 8])
  expect(table.map(({ low }) => low)).toEqual([1, 1, 2, 2, 2, 2, 3, 3, 3, 3])
  expect(watermarksFor({ ...options, lowWatermark: 1 }, 4).low).toBe(1)
})

test('options out of their limits are refused', () => {
  const resolve = (more: object) => () => resolveOptions({ cluster: 'test', ...more })
  expect(resolve({ removal: 'rapid' })).toThrow(RangeError)
  for (const observers of [2, 33, 5.5]) expect(resolve({ observers })).toThrow(RangeError)
  for (const highWatermark of [5, 11, 8.5]) expect(resolve({ highWatermark })).toThrow(RangeError)
  for (const lowWatermark of [0, 8, 2.5]) expect(resolve({ lowWatermark })).toThrow(RangeError)
  for (const value of [9, Number.NaN]) {
    expect(resolve({ reinforceAfterMs: value })).toThrow(RangeError)
    expect(resolve({ readmitAfterMs: value })).toThrow(RangeError)
  }
  expect(resolve({ removal: 'cut', gossipIntervalMs: 501 })).toThrow(RangeError)
  expect(resolve({ gossipIntervalMs: 501 })).not.toThrow()
  expect(resolve({ removal: 'cut', observers: 3, highWatermark: 2, lowWatermark: 1 })).not.toThrow()
})

/** Cases of a cluster in which everybody observes, as the rings say, and `reaches` says who gets an answer from whom. */
function casesOf(
  ids: readonly string[],
  reaches: (observer: string, subject: string) => boolean,
  more: { isRipe?: boolean; heard?: (observer: string) => boolean } = {},
): Case[] {
  const { isRipe = false, heard = () => true } = more
  const rings = ringsOf(ids)
  return ids.flatMap((subject) => {
    const observers = rings.observersOf(subject)
    const alerting = new Set(observers.filter((observer) => heard(observer) && !reaches(observer, subject)))
    const vouching = new Set(observers.filter((observer) => isRipe && heard(observer) && reaches(observer, subject)))
    return alerting.size === 0 ? [] : [{ subject, observers, alerting, vouching, isRipe }]
  })
}

describe('the verdict', () => {
  test('whoever goes out is not looked for in all cases: the work grows with the cases, not with their square', () => {
    let looks = 0
    class Counted extends Set<string> {
      override has(id: string): boolean {
        looks += 1
        return super.has(id)
      }
    }
    const ids = names(300)
    const far = new Set(ids.slice(0, 120))
    const cases = casesOf(ids, (observer, subject) => far.has(observer) || !far.has(subject))
    const counted = cases.map((one) => ({ ...one, alerting: new Counted(one.alerting) }))
    expect(judge(counted, options).out).toHaveLength(120)
    expect(looks).toBeLessThan(120 * 10 * 3)
  })

  test('it does not depend on the order of the cases', () => {
    const ids = names(14)
    const bit = fc.integer({ min: 0, max: 99 })
    fc.assert(
      fc.property(
        fc.array(bit, { minLength: 196, maxLength: 196 }),
        fc.nat(99),
        fc.boolean(),
        (chance, badness, isRipe) => {
          const cases = casesOf(ids, (a, b) => (chance[ids.indexOf(a) * 14 + ids.indexOf(b)] ?? 0) >= badness, {
            isRipe,
          })
          const verdict = judge(cases, options)
          expect(judge([...cases].reverse(), options)).toEqual(verdict)
          expect(judge([...cases, ...cases.slice(0, 3)], options)).toEqual(verdict)
          expect(verdict.out.filter((id) => verdict.doubted.includes(id))).toEqual([])
        },
      ),
      { numRuns: 200 },
    )
  })

  test('members that hear nothing are out, and those whom they take for dead are not, however many they are', () => {
    for (const count of [3, 4, 5, 8, 16, 64]) {
      const ids = names(count)
      for (let faulty = 1; faulty < count / 2; faulty++) {
        const deaf = new Set(ids.slice(0, faulty))
        const verdict = judge(
          casesOf(ids, (a, b) => !deaf.has(a) && !deaf.has(b)),
          options,
        )
        // With all observers of a member among the faulty ones, nobody can tell; with ten observers that does not happen here.
        expect(verdict, `${faulty} of ${count}`).toEqual({ out: [...deaf].sort(), doubted: [] })
      }
    }
  })

  test('M-26: a link that fails removes nobody, in a cluster of any size', () => {
    for (const count of [3, 4, 5, 8, 16, 64]) {
      const ids = names(count)
      for (const isRipe of [false, true]) {
        // Neither gets an answer, since the ack of the one goes the way on which the ping of the other is lost.
        const broken = (a: string, b: string): boolean => [a, b].sort().join() === 'n0,n1'
        expect(
          judge(
            casesOf(ids, (a, b) => !broken(a, b), { isRipe }),
            options,
          ).out,
        ).toEqual([])
      }
    }
  })

  test('two halves that lost each other are not told apart by who reaches both of them', () => {
    const ids = ['a1', 'a2', 'b1', 'b2', 'c']
    const isCut = (a: string, b: string): boolean => a[0] !== b[0] && a !== 'c' && b !== 'c'
    for (const isRipe of [false, true]) {
      expect(
        judge(
          casesOf(ids, (a, b) => !isCut(a, b), { isRipe }),
          options,
        ).out,
      ).toEqual([])
    }
  })

  test('the larger side of a partition removes the other one, though that takes its observers away as well', () => {
    const ids = names(16)
    for (const lost of [1, 3, 5, 7]) {
      const far = new Set(ids.slice(0, lost))
      const cases = casesOf(ids, (_a, b) => !far.has(b), { heard: (observer) => !far.has(observer) })
      expect(judge(cases, options), `${lost} of 16`).toEqual({ out: [...far].sort(), doubted: [] })
    }
  })

  test('a few that are left do not remove all others at once, but when nothing is heard of these for long', () => {
    const ids = names(16)
    const near = new Set(['n1', 'n2'])
    const far = { heard: (observer: string) => near.has(observer) }
    const reaches = (_a: string, b: string): boolean => near.has(b)
    expect(judge(casesOf(ids, reaches, far), options).out).toEqual([])
    const ripe = judge(casesOf(ids, reaches, { ...far, isRipe: true }), options).out
    expect(ripe.length).toBeGreaterThan(8)
    expect(ripe.filter((id) => near.has(id))).toEqual([])
  })

  test('a member between the watermarks is in doubt, and the majority of those that spoke decides when it is ripe', () => {
    const ids = names(11)
    const against = (count: number) => (a: string, b: string) => b !== 'n0' || Number(a.slice(1)) > count
    const outcome = (count: number, isRipe: boolean) => judge(casesOf(ids, against(count), { isRipe }), options)
    expect(outcome(2, false)).toEqual({ out: [], doubted: [] })
    expect(outcome(3, false)).toEqual({ out: [], doubted: ['n0'] })
    expect(outcome(7, false)).toEqual({ out: [], doubted: ['n0'] })
    expect(outcome(8, false)).toEqual({ out: ['n0'], doubted: [] })
    expect(outcome(5, true)).toEqual({ out: [], doubted: ['n0'] })
    expect(outcome(6, true)).toEqual({ out: ['n0'], doubted: [] })
  })
})

describe('alerts', () => {
  const id = fc.constantFrom('a', 'b', 'c')
  const statement: fc.Arbitrary<AlertStatement> = fc.record({
    observer: id,
    generation: fc.integer({ min: 1, max: 2 }),
    subject: id,
    subjectGeneration: fc.integer({ min: 1, max: 2 }),
    version: fc.integer({ min: 1, max: 3 }),
    raised: fc.boolean(),
  })

  test('the outcome does not depend on the order of statements, nor on how often they come', () => {
    fc.assert(
      fc.property(fc.array(statement, { maxLength: 12 }), fc.infiniteStream(fc.nat()), (statements, chance) => {
        const book = new AlertBook()
        for (const one of statements) book.merge(one, 0)
        const other = new AlertBook()
        const shuffled = [...statements, ...statements].map((one) => [chance.next().value, one] as const)
        for (const [, one] of shuffled.sort(([a], [b]) => a - b)) other.merge(one, 5)
        expect(other.all()).toEqual(book.all())
        expect(other.sum()).toBe(book.sum())
        for (const one of statements) expect(other.merge(one, 9)).toBe(false)
      }),
    )
  })

  test('the newest statement counts: by the life of the observer, that of the subject, then the version', () => {
    const one = { observer: 'a', generation: 1, subject: 'b', subjectGeneration: 1, version: 5, raised: true }
    expect(compareStatements({ ...one, generation: 2, version: 1 }, one)).toBeGreaterThan(0)
    expect(compareStatements({ ...one, subjectGeneration: 2, version: 1 }, one)).toBeGreaterThan(0)
    expect(compareStatements({ ...one, version: 6, raised: false }, one)).toBeGreaterThan(0)
  })

  test('who is forgotten is neither spoken of nor heard; and nobody says more than is remembered', () => {
    const book = new AlertBook()
    const one = { observer: 'a', generation: 1, subject: 'b', subjectGeneration: 1, version: 1, raised: true }
    book.merge(one, 0)
    book.merge({ ...one, observer: 'c' }, 0)
    book.merge({ ...one, observer: 'b', subject: 'c' }, 0)
    book.forget('b')
    expect(book.all()).toEqual([])
    for (let i = 0; i < 2_000; i++) book.merge({ ...one, subject: `s${i}` }, 0)
    expect(book.all().length).toBe(1_024)
  })

  test('a book in parts is the same book, and a frame has room for each part', () => {
    const all = Array.from({ length: 50 }, (_, i) => {
      return { observer: `observer ${i}`, generation: 1, subject: 'b', subjectGeneration: 1, version: i, raised: true }
    })
    const parts = statementsInParts(all, 200)
    expect(parts.flat()).toEqual(all)
    for (const part of parts) expect(part.reduce((sum, one) => sum + statementBytes(one), 0)).toBeLessThanOrEqual(200)
    expect(statementsInParts([], 200)).toEqual([[]])
  })

  test('news is told so many times, the newest instead of older of the same pair', () => {
    const news = new AlertNews()
    const one = { observer: 'a', generation: 1, subject: 'b', subjectGeneration: 1, version: 1, raised: true }
    news.add(one)
    news.add({ ...one, version: 2 })
    expect(news.take(1_000, 2)).toEqual([{ ...one, version: 2 }])
    news.add({ ...one, observer: 'c' })
    // Only one fits: the one told less often.
    expect(news.take(10, 2).map(({ observer }) => observer)).toEqual(['c'])
    expect(news.take(1_000, 2)).toHaveLength(2)
    expect(news.size).toBe(0)
  })
})

describe('the link to a subject', () => {
  const after = (outcomes: string): Edge => {
    const edge = new Edge(1)
    for (const outcome of outcomes) edge.record(outcome === '+')
    return edge
  }

  test('five of six failed probes raise the alert', () => {
    expect(after('+++++-----').isRaised).toBe(true)
    expect(after('----').isRaised).toBe(false)
    expect(after('---+--').isRaised).toBe(true)
    expect(after('--+-+-').isRaised).toBe(false)
  })

  test('it is withdrawn when eight of ten were answered, so that a link that loses much does not raise and withdraw in turn', () => {
    expect(after('-----+++++++').isRaised).toBe(true)
    expect(after('-----++++++++').isRaised).toBe(false)
    expect(after(`-----${'++-'.repeat(6)}`).isRaised).toBe(true)
  })

  test('only who is answered now vouches for somebody', () => {
    expect(after('').isGood).toBe(false)
    expect(after('+++').isGood).toBe(true)
    expect(after('+++-').isGood).toBe(false)
    expect(after('-----+++').isGood).toBe(false)
  })
})

test('a node is removed when the majority of its observers say so, and as long as they do', () => {
  const obituaries = new Obituaries()
  const observers = ['a', 'b', 'c', 'd']
  obituaries.heard('a', 0)
  obituaries.heard('b', 0)
  obituaries.heard('x', 0)
  obituaries.heard('y', 0)
  obituaries.count(observers, 100, 1)
  expect(obituaries.sinceMs).toBeUndefined()
  obituaries.heard('c', 10)
  obituaries.count(observers, 100, 11)
  obituaries.count(observers, 100, 20)
  expect(obituaries.sinceMs).toBe(11)
  obituaries.count(observers, 100, 105)
  expect(obituaries.sinceMs).toBeUndefined()
  obituaries.count([], 100, 200)
  expect(obituaries.sinceMs).toBeUndefined()
})

describe('quarantine', () => {
  const record = (incarnation: number, state: MemberRecord['state'], generation = 1): MemberRecord => {
    return { id: 'f', generation, incarnation, state, metadata: [] }
  }

  test('what a removed member says is held back until it was reached for long enough, and the newest of it counts', () => {
    const quarantine = new Quarantine(20_000, 3_600_000)
    expect(quarantine.holdsBack(record(1, 'alive'))).toBe(false)
    quarantine.remove(record(0, 'dead'), 1_000)
    expect(quarantine.holdsBack(record(2, 'alive'))).toBe(true)
    expect(quarantine.holdsBack(record(1, 'alive'))).toBe(true)
    quarantine.unreachable('f', 5_000)
    expect(quarantine.admit(24_999)).toEqual([])
    expect(quarantine.waitMs('f', 24_000)).toBe(1_000)
    expect(quarantine.admit(25_000)).toEqual([record(2, 'alive')])
    expect(quarantine.holdsBack(record(3, 'alive'))).toBe(false)
    expect(quarantine.isWaitedFor).toBe(false)
  })

  test('a farewell and a later life are not held back', () => {
    const quarantine = new Quarantine(20_000, 3_600_000)
    quarantine.remove(record(0, 'dead'), 0)
    expect(quarantine.holdsBack(record(1, 'left'))).toBe(false)
    expect(quarantine.holdsBack(record(0, 'alive', 2))).toBe(false)
  })

  test('the wait doubles with each removal of the same life, up to 32 times, and begins anew after a long time inside', () => {
    const quarantine = new Quarantine(10, 1_000)
    const waits: number[] = []
    for (let nowMs = 0, incarnation = 0; waits.length < 8; incarnation++) {
      quarantine.remove(record(incarnation, 'dead'), nowMs)
      // That others tell of the same removal is no further one.
      quarantine.remove(record(incarnation, 'dead'), nowMs)
      quarantine.holdsBack(record(incarnation + 1, 'alive'))
      waits.push(quarantine.waitMs('f', nowMs) ?? -1)
      nowMs += waits.at(-1) ?? 0
      expect(quarantine.admit(nowMs)).toHaveLength(1)
      if (waits.length === 7) nowMs += 1_000
    }
    expect(waits).toEqual([10, 20, 40, 80, 160, 320, 320, 10])
  })
})
