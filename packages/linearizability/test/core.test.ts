import { type AnyModel, checkLinearizability, queueModel, registerModel } from '@dsys/linearizability'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ConfigurationCache } from '../src/core/configuration-cache.ts'
import { EventList, type SearchOperation } from '../src/core/event-list.ts'
import { LinearizedSet } from '../src/core/linearized-set.ts'
import { Marks } from '../src/core/marks.ts'
import { StateTable } from '../src/core/state-table.ts'
import { EMPTY_SET, UnknownSets } from '../src/core/unknown-sets.ts'
import { history, inSequence, ok, unknown } from './events.ts'

describe('the cache of configurations', () => {
  const make = (operations: number) => {
    const [changes, reads] = [new LinearizedSet(operations), new LinearizedSet(operations)]
    const unknown = new UnknownSets(operations)
    return { changes, reads, unknown, cache: new ConfigurationCache(changes, reads, unknown) }
  }

  test('a configuration is its changes and its state', () => {
    const { changes, cache } = make(100)
    expect(cache.add(0, EMPTY_SET)).toBe(true)
    expect(cache.add(0, EMPTY_SET)).toBe(false)
    expect(cache.add(1, EMPTY_SET)).toBe(true)
    changes.add(70)
    expect(cache.add(0, EMPTY_SET)).toBe(true)
    expect(cache.add(0, EMPTY_SET)).toBe(false)
    changes.remove(70)
    expect(cache.add(1, EMPTY_SET)).toBe(false)
  })

  test('with fewer reads it is nothing new, with another read it is', () => {
    const { reads, cache } = make(100)
    reads.add(3)
    expect(cache.add(0, EMPTY_SET)).toBe(true)
    reads.remove(3)
    expect(cache.add(0, EMPTY_SET)).toBe(false)
    reads.add(90)
    expect(cache.add(0, EMPTY_SET)).toBe(true)
    reads.add(3)
    expect(cache.add(0, EMPTY_SET)).toBe(true)
  })

  test('with more unknown operations used it is nothing new, with fewer or others it is', () => {
    const { unknown, cache } = make(100)
    const [first, second] = [unknown.with(EMPTY_SET, 1), unknown.with(EMPTY_SET, 50)]
    expect(cache.add(0, first)).toBe(true)
    expect(cache.add(0, unknown.with(first, 99))).toBe(false)
    expect(cache.add(0, second)).toBe(true)
    expect(cache.add(0, EMPTY_SET)).toBe(true)
    expect(cache.add(0, second)).toBe(false)
  })

  test('more reads do not make up for more unknown operations', () => {
    const { reads, unknown, cache } = make(10)
    expect(cache.add(0, EMPTY_SET)).toBe(true)
    const used = unknown.with(EMPTY_SET, 1)
    reads.add(1)
    expect(cache.add(0, used)).toBe(true)
    reads.remove(1)
    expect(cache.add(0, used)).toBe(false)
  })

  test('grows without forgetting', () => {
    const { changes, cache } = make(2_000)
    const visit = (expected: boolean): void => {
      for (let operation = 0; operation < 2_000; operation++) {
        changes.add(operation)
        expect(cache.add(operation % 7, EMPTY_SET)).toBe(expected)
      }
      for (let operation = 1_999; operation >= 0; operation--) changes.remove(operation)
    }
    visit(true)
    visit(false)
  })
})

test('a linearized set is a set, and its windows tell sets apart', () => {
  const command = fc.tuple(fc.boolean(), fc.nat(129))
  fc.assert(
    fc.property(fc.array(command, { maxLength: 60 }), fc.array(command, { maxLength: 60 }), (one, other) => {
      const [left, right] = [play(one), play(other)]
      const isSame = left.truth.size === right.truth.size && [...left.truth].every((each) => right.truth.has(each))
      expect([...left.window].join() === [...right.window].join()).toBe(isSame)
      expect(left.set.hash === right.set.hash).toBe(isSame)
      const isWithin = [...left.truth].every((each) => right.truth.has(each))
      expect(left.set.isWithin(right.window, 0)).toBe(isWithin)
    }),
  )
})

/** Adds (true) and removes operations, and compares with a plain set. */
function play(commands: readonly (readonly [add: boolean, operation: number])[]): {
  readonly set: LinearizedSet
  readonly truth: ReadonlySet<number>
  readonly window: Int32Array
} {
  const set = new LinearizedSet(130)
  const truth = new Set<number>()
  for (const [add, operation] of commands) {
    if (add === truth.has(operation)) continue
    if (add) set.add(operation)
    else set.remove(operation)
    if (add) truth.add(operation)
    else truth.delete(operation)
    expect(set.size).toBe(truth.size)
  }
  for (let operation = 0; operation < 130; operation++) expect(set.has(operation)).toBe(truth.has(operation))
  const window = new Int32Array(set.windowLength)
  set.writeWindow(window, 0)
  return { set, truth, window }
}

test('states with one hash are told apart, and equal ones are one', () => {
  const clashing = { ...registerModel(), hash: () => 1 } as AnyModel
  const states = new StateTable(clashing)
  const [one, two] = [states.idOf({ a: 1 }), states.idOf({ a: 2 })]
  expect(one).not.toBe(two)
  expect(states.idOf({ a: 1 })).toBe(one)
  expect(states.stateOf(two)).toEqual({ a: 2 })
})

test('what is lifted from the list comes back to its place', () => {
  const operations = [0, 1, 2].map((op): SearchOperation => {
    return { op, key: 'x', input: null, output: null, invokedAt: op, endedAt: 5 - op, readOnly: false }
  })
  const list = new EventList(operations)
  const nodes = (): number[] => {
    const found: number[] = []
    for (let node = list.first; node !== list.head; node = list.after(node)) found.push(node)
    return found
  }
  const all = [0, 2, 4, 5, 3, 1]
  expect(nodes()).toEqual(all)
  list.lift(1)
  expect(nodes()).toEqual([0, 4, 5, 1])
  list.lift(0)
  list.putBack(0)
  list.putBack(1)
  expect(nodes()).toEqual(all)
})

test('operations of unknown outcome that are alike count as many times as they were called', () => {
  const lost = unknown('a', { op: 'enqueue', value: 0 })
  const taken = ok('b', { op: 'dequeue' }, { value: 0 })
  const verdict = (calls: number, gifts: number): string => {
    const steps = [...Array.from({ length: calls }, () => lost), ...Array.from({ length: gifts }, () => taken)]
    return checkLinearizability(queueModel(), history(inSequence(...steps.map((step) => ({ ...step }))))).verdict
  }
  expect(verdict(3, 3)).toBe('linearizable')
  expect(verdict(2, 3)).toBe('not-linearizable')
})

test('a mark is fatal to leave while it is needed and nothing brings it back, also after an operation was undone', () => {
  const operation = (op: number, input: object, output: unknown): SearchOperation => {
    return { op, key: 'x', input, output, invokedAt: op, endedAt: op + 1, readOnly: false }
  }
  const read = operation(0, { op: 'read' }, 1)
  const again = operation(1, { op: 'write', value: 1 }, null)
  const away = operation(2, { op: 'write', value: 2 }, null)
  const marks = new Marks(registerModel() as AnyModel, [read, again, away])
  expect(marks.isFatal(1, away, 2)).toBe(false)
  marks.linearize(again)
  expect(marks.isFatal(1, away, 2)).toBe(true)
  expect(marks.isFatal(1, away, 1)).toBe(false)
  marks.linearize(read)
  expect(marks.isFatal(1, away, 2)).toBe(false)
  marks.undo(read)
  expect(marks.isFatal(1, away, 2)).toBe(true)
  marks.undo(again)
  expect(marks.isFatal(1, away, 2)).toBe(false)
})
