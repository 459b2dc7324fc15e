import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { withoutTheWorld } from '../../../tooling/fixtures/without-the-world.ts'
import {
  BoundNotReservedError,
  ClockAheadError,
  compareTimestamps,
  HybridClock,
  type HybridTimestamp,
  packTimestamp,
  RemoteAheadError,
  readTimestampCounter,
  readTimestampMs,
  unpackTimestamp,
  writeTimestamp,
} from '../src/index.ts'

const WALL = 1_700_000_000_000

/** Reserves as a driver whose disk is at once durable. Returns what the disk has then. */
function reserve(clock: HybridClock, wallMs: number): number {
  const boundMs = clock.reservation(wallMs)
  if (boundMs !== undefined) clock.reserved(boundMs)
  return clock.boundMs
}

function started(node = 'n1', boundMs?: number): HybridClock {
  const clock = new HybridClock(node, boundMs)
  reserve(clock, WALL)
  return clock
}

const stateOf = ({ ms, counter }: HybridClock): [number, number] => [ms - WALL, counter]

describe('a hybrid clock', () => {
  // Kulkarni et al. 2014, algorithm 1, case by case.
  test('follows the wall clock, counts while that stands still, and is after what it hears', () => {
    const clock = started()
    clock.tick(WALL)
    expect(stateOf(clock)).toEqual([0, 0])
    clock.tick(WALL + 0.9)
    expect(stateOf(clock)).toEqual([0, 1])
    clock.tick(WALL - 5)
    expect(stateOf(clock)).toEqual([0, 2])
    clock.observe(WALL, 7, WALL)
    expect(stateOf(clock)).toEqual([0, 8])
    clock.observe(WALL - 1, 9, WALL)
    expect(stateOf(clock)).toEqual([0, 9])
    clock.observe(WALL + 3, 4, WALL)
    expect(stateOf(clock)).toEqual([3, 5])
    clock.observe(WALL + 3, 4, WALL + 10)
    expect(stateOf(clock)).toEqual([10, 0])
    expect(clock.aheadMs(WALL)).toBe(10)
  })

  test('KV-2: refuses a remote time beyond its bound, and is as it was', () => {
    const clock = started()
    clock.tick(WALL)
    expect(() => clock.observe(WALL + 501, 0, WALL)).toThrow(RemoteAheadError)
    expect(() => clock.observe(WALL + 3_600_000, 0, WALL)).toThrow(RemoteAheadError)
    expect(stateOf(clock)).toEqual([0, 0])
    clock.reserved(WALL + 600)
    clock.observe(WALL + 500, 0, WALL)
    expect(stateOf(clock)).toEqual([500, 1])
  })

  test('KV-2: a life that begins with an earlier wall clock goes on after all that the last one gave', () => {
    const clock = started()
    clock.tick(WALL + 200)
    const last = clock.timestamp()
    const next = new HybridClock('n1', clock.boundMs)
    reserve(next, WALL + 10)
    next.tick(WALL + 10)
    expect(compareTimestamps(next.timestamp(), last)).toBe(1)
  })

  test('KV-2: nothing is given beyond what was made durable', () => {
    const clock = new HybridClock('n1', undefined)
    expect(() => clock.tick(WALL)).toThrow(BoundNotReservedError)
    expect(reserve(clock, WALL)).toBe(WALL + 500)
    clock.tick(WALL + 499)
    expect(() => clock.tick(WALL + 500)).toThrow(BoundNotReservedError)
    expect(stateOf(clock)).toEqual([499, 0])
  })

  test('reserves ahead, so that a second of events is a few writes', () => {
    const clock = new HybridClock('n1', undefined)
    let writes = 0
    for (let ms = 0; ms < 1_000; ms += 0.25) {
      const boundMs = clock.reservation(WALL + ms)
      if (boundMs !== undefined) {
        clock.reserved(boundMs)
        writes++
      }
      clock.tick(WALL + ms)
    }
    expect(writes).toBeLessThanOrEqual(5)
  })

  test('starting again and again takes it a millisecond or two ahead each time, and not a whole reservation', () => {
    let boundMs = started().boundMs
    for (let life = 0; life < 20; life++) {
      const clock = new HybridClock('n1', boundMs, { maxOffsetMs: 1_000, reserveMs: 500 })
      boundMs = reserve(clock, WALL)
      clock.tick(WALL)
    }
    expect(boundMs - WALL).toBeLessThanOrEqual(500 + 40)
  })

  test('a counter that is full goes on in the next millisecond', () => {
    const clock = started()
    clock.observe(WALL + 1, 65_535, WALL)
    expect(stateOf(clock)).toEqual([2, 0])
  })

  test('gives nothing that others would refuse', () => {
    const clock = started()
    clock.tick(WALL + 400)
    expect(() => clock.tick(WALL - 101)).toThrow(ClockAheadError)
    expect(stateOf(clock)).toEqual([400, 0])
    clock.tick(WALL - 100)
    expect(stateOf(clock)).toEqual([400, 1])
  })

  test.each([
    ['a wall time that is none', (clock: HybridClock) => clock.tick(Number.NaN)],
    ['a wall time that is none, beside a remote one', (clock: HybridClock) => clock.observe(WALL, 0, Number.NaN)],
    ['a time that is not whole', (clock: HybridClock) => clock.observe(WALL + 0.5, 0, WALL)],
    ['a counter of 17 bits', (clock: HybridClock) => clock.observe(WALL, 65_536, WALL)],
    ['a bound that is none', (clock: HybridClock) => clock.reserved(Number.NaN)],
    ['a node without an id', () => new HybridClock('', undefined)],
    ['an offset of nothing', () => new HybridClock('n', undefined, { maxOffsetMs: 0 })],
    ['a reservation above the offset', () => new HybridClock('n', undefined, { maxOffsetMs: 10, reserveMs: 11 })],
  ])('refuses %s', (_what, attempt) => {
    const clock = started()
    clock.tick(WALL)
    expect(() => attempt(clock)).toThrow(RangeError)
    expect(stateOf(clock)).toEqual([0, 0])
  })

  test('needs no clock, timer or chance', () => {
    expect(withoutTheWorld(() => started().boundMs)).toBe(WALL + 500)
  })

  test('with walls that jump, crashes and messages: what comes later is later, and never beyond what is durable', () => {
    const steps = fc.array(
      fc.tuple(
        fc.constantFrom('tick', 'send', 'crash', 'jump'),
        fc.nat(2),
        fc.nat(2),
        fc.integer({ min: -300, max: 300 }),
      ),
      { maxLength: 60 },
    )
    fc.assert(
      fc.property(steps, (all) => {
        const walls = [WALL, WALL, WALL]
        const clocks = walls.map((_wall, i) => new HybridClock(`n${i}`, undefined))
        const durable: number[] = [0, 0, 0]
        const latest: (HybridTimestamp | undefined)[] = [undefined, undefined, undefined]
        for (const [what, at, other, byMs] of all) {
          const clock = clocks[at] as HybridClock
          if (what === 'jump') walls[at] = (walls[at] as number) + byMs
          if (what === 'crash') clocks[at] = new HybridClock(`n${at}`, durable[at] === 0 ? undefined : durable[at])
          if (what !== 'tick' && what !== 'send') continue
          const wallMs = walls[at] as number
          durable[at] = reserve(clock, wallMs)
          const heard = what === 'send' ? latest[other] : undefined
          try {
            if (heard === undefined) clock.tick(wallMs)
            else clock.observe(heard.ms, heard.counter, wallMs)
          } catch (error) {
            const isExpected = [RemoteAheadError, ClockAheadError, BoundNotReservedError].some(
              (each) => error instanceof each,
            )
            if (!isExpected) throw error
            continue
          }
          const now = clock.timestamp()
          for (const before of [latest[at], heard]) {
            if (before !== undefined && !(before === heard && at === other))
              expect(compareTimestamps(before, now)).toBe(-1)
          }
          expect(now.ms).toBeLessThan(durable[at] as number)
          expect(now.ms - Math.floor(wallMs)).toBeLessThanOrEqual(500)
          latest[at] = now
        }
      }),
      { numRuns: 400 },
    )
  })
})

describe('timestamps', () => {
  const parts = fc.record({
    ms: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
    counter: fc.integer({ min: 0, max: 65_535 }),
  })
  const timestamps = fc.tuple(parts, fc.constantFrom('a', 'b', 'é')).map(([part, node]) => ({ ...part, node }))

  test('are packed into 64 bits exactly, as a bigint and as bytes, in the same order', () => {
    fc.assert(
      fc.property(parts, parts, (a, b) => {
        expect(unpackTimestamp(packTimestamp(a))).toEqual(a)
        const view = new DataView(new ArrayBuffer(8))
        writeTimestamp(view, 0, a.ms, a.counter)
        expect(view.getBigUint64(0)).toBe(packTimestamp(a))
        expect({ ms: readTimestampMs(view, 0), counter: readTimestampCounter(view, 0) }).toEqual(a)
        const order = compareTimestamps({ ...a, node: '' }, { ...b, node: '' })
        expect(packTimestamp(a) < packTimestamp(b) ? -1 : packTimestamp(a) > packTimestamp(b) ? 1 : 0).toBe(order)
      }),
      { numRuns: 300 },
    )
  })

  test('at the ends of their range', () => {
    expect(packTimestamp({ ms: 2 ** 48 - 1, counter: 65_535 })).toBe(2n ** 64n - 1n)
    expect(packTimestamp({ ms: 2 ** 47 + 1, counter: 1 })).toBe(((2n ** 47n + 1n) << 16n) | 1n)
    expect(unpackTimestamp(0n)).toEqual({ ms: 0, counter: 0 })
    for (const packed of [-1n, 2n ** 64n]) expect(() => unpackTimestamp(packed)).toThrow(RangeError)
    expect(() => packTimestamp({ ms: 2 ** 48, counter: 0 })).toThrow(RangeError)
  })

  test('have one total order, in which the node decides last', () => {
    fc.assert(
      fc.property(timestamps, timestamps, timestamps, (a, b, c) => {
        // `+ 0`, as minus nothing is another nothing.
        expect(compareTimestamps(a, b)).toBe(-compareTimestamps(b, a) + 0)
        const [first, second, third] = [a, b, c].sort(compareTimestamps) as [
          HybridTimestamp,
          HybridTimestamp,
          HybridTimestamp,
        ]
        expect(compareTimestamps(first, third)).toBeLessThanOrEqual(compareTimestamps(second, third) === 0 ? 0 : 1)
        if (compareTimestamps(a, b) === 0) expect(a).toEqual(b)
      }),
    )
    expect(compareTimestamps({ ms: 1, counter: 1, node: 'a' }, { ms: 1, counter: 1, node: 'b' })).toBe(-1)
  })
})
