import { describe, expect, test } from 'vitest'
import { ANOMALY_KINDS } from '../../src/transactions/anomalies.ts'
import { checkTransactions, type TransactionCheckOptions } from '../../src/transactions/check.ts'
import type { MicroOperation, TransactionEvent } from '../../src/transactions/history.ts'
import { append, around, fail, inSequence, ok, read, together, write } from './histories.ts'

interface Planted {
  readonly name: string
  readonly events: readonly TransactionEvent[]
  /** Exactly the kinds that are found. */
  readonly kinds: readonly string[]
  /** The weakest models that are ruled out. */
  readonly not: readonly string[]
  /** The steps of the first cycle. */
  readonly cycle?: string
  readonly options?: Partial<TransactionCheckOptions>
}

const check = (model: TransactionCheckOptions['model'], { events, kinds, not, cycle, options }: Planted): void => {
  const report = checkTransactions(events, { model, ...options })
  expect(Object.keys(report.counts)).toEqual(kinds)
  expect(report.weakestRuledOut).toEqual(not)
  const found = report.anomalies.find((anomaly) => anomaly.cycle !== undefined)?.cycle
  expect(found?.map(({ from, relation, to }) => `T${from} ${relation} T${to}`).join(', ')).toBe(cycle)
  expect(report.valid).toBe(false)
}

/** T3 is done before T4 begins; T4 misses T1, whose write T2 sees, and T2 misses T3. T1 and T2 are under way all the time. */
function forkOverTime(
  writeX: MicroOperation,
  writeY: MicroOperation,
  noX: MicroOperation,
  noY: MicroOperation,
  seeY: MicroOperation,
): TransactionEvent[] {
  return around([ok(1, writeY), ok(2, seeY, noX)], ...inSequence(ok(0, writeX), ok(3, noY)))
}

const LISTS: readonly Planted[] = [
  {
    name: 'duplicate-elements: an append that was applied twice',
    events: inSequence(ok(0, append('x', 1)), ok(0, read('x', [1, 1]))),
    kinds: ['duplicate-elements'],
    not: ['read-uncommitted'],
  },
  {
    name: 'thin-air-read: an element that nobody appended',
    events: inSequence(ok(0, append('x', 1)), ok(0, read('x', [1, 9]))),
    kinds: ['thin-air-read'],
    not: ['read-committed'],
  },
  {
    name: 'G1a: a read of a failed append',
    events: inSequence(fail(0, append('x', 1)), ok(1, read('x', [1]))),
    kinds: ['G1a'],
    not: ['read-committed'],
  },
  {
    name: 'dirty-update: an append upon a failed one',
    events: inSequence(fail(0, append('x', 1)), ok(1, append('x', 2)), ok(2, read('x', [1, 2]))),
    kinds: ['G1a', 'dirty-update'],
    not: ['read-committed'],
  },
  {
    name: 'incompatible-order: two lists of which neither begins with the other',
    events: together(ok(0, append('x', 1)), ok(1, append('x', 2)), ok(2, read('x', [1, 2])), ok(3, read('x', [2, 1]))),
    kinds: ['incompatible-order'],
    not: ['read-committed'],
  },
  {
    name: 'incompatible-order: appends of one transaction in the wrong order',
    events: inSequence(ok(0, append('x', 1), append('x', 2)), ok(1, append('x', 3)), ok(2, read('x', [2, 1, 3]))),
    kinds: ['incompatible-order'],
    not: ['read-committed'],
  },
  {
    name: 'G1b: a read between two appends of one transaction',
    events: together(ok(0, append('x', 1), append('x', 2)), ok(1, read('x', [1])), ok(2, read('x', [1, 2]))),
    kinds: ['G1b', 'G-single'],
    not: ['read-committed'],
    cycle: 'T1 wr T2, T2 rw T1',
  },
  {
    name: 'future-read: a read of an own append that comes later',
    events: inSequence(ok(0, read('x', [1]), append('x', 1))),
    kinds: ['future-read'],
    not: ['read-committed'],
  },
  {
    name: 'internal: a read without the own append',
    events: inSequence(ok(0, append('x', 1), read('x', []))),
    kinds: ['internal'],
    not: ['read-atomic'],
  },
  {
    name: 'internal: two reads that differ',
    events: together(ok(0, read('x', []), read('x', [1])), ok(1, append('x', 1))),
    kinds: ['internal', 'G-single'],
    not: ['read-atomic', 'consistent-view', 'repeatable-read'],
    cycle: 'T1 rw T2, T2 wr T1',
  },
  {
    name: 'lost-update: two transactions read and append to the same version',
    events: inSequence(ok(9, append('x', 1))).concat(
      together(ok(0, read('x', [1]), append('x', 2)), ok(1, read('x', [1]), append('x', 3))),
      inSequence(ok(2, read('x', [1, 2, 3]))),
    ),
    kinds: ['lost-update', 'G-single'],
    not: ['cursor-stability'],
    cycle: 'T2 ww T3, T3 rw T2',
  },
  {
    name: 'lost-update: an append that is gone for good',
    events: together(ok(0, read('x', []), append('x', 2)), ok(1, read('x', []), append('x', 3))).concat(
      inSequence(ok(2, read('x', [2]))),
    ),
    kinds: ['lost-update', 'G-single', 'G2-item'],
    not: ['cursor-stability'],
    cycle: 'T1 ww T2, T2 rw T1',
  },
  {
    name: 'G0: writes of two transactions in opposite orders',
    events: together(
      ok(0, append('x', 1), append('y', 1)),
      ok(1, append('x', 2), append('y', 2)),
      ok(2, read('x', [1, 2]), read('y', [2, 1])),
    ),
    kinds: ['G0'],
    not: ['read-uncommitted'],
    cycle: 'T1 ww T2, T2 ww T1',
  },
  {
    name: 'G1c: two transactions that see each other',
    events: together(ok(0, append('x', 1), read('y', [1])), ok(1, append('y', 1), read('x', [1]))),
    kinds: ['G1c'],
    not: ['read-committed'],
    cycle: 'T1 wr T2, T2 wr T1',
  },
  {
    name: 'G-single: one half of a transaction is seen',
    events: together(ok(0, append('x', 1), append('y', 1)), ok(1, read('x', []), read('y', [1]))),
    kinds: ['G-single'],
    not: ['consistent-view', 'repeatable-read'],
    cycle: 'T1 wr T2, T2 rw T1',
  },
  {
    name: 'G-nonadjacent: a long fork',
    events: together(
      ok(0, append('x', 1)),
      ok(1, append('y', 1)),
      ok(2, read('x', [1]), read('y', [])),
      ok(3, read('x', []), read('y', [1])),
    ),
    kinds: ['G-nonadjacent'],
    not: ['repeatable-read', 'snapshot-isolation'],
    cycle: 'T1 wr T3, T3 rw T2, T2 wr T4, T4 rw T1',
  },
  {
    name: 'G2-item: write skew',
    events: together(ok(0, read('x', []), append('y', 1)), ok(1, read('y', []), append('x', 1))),
    kinds: ['G2-item'],
    not: ['repeatable-read'],
    cycle: 'T1 rw T2, T2 rw T1',
  },
  {
    name: 'G0-process: an append stands before an earlier one of the same process',
    events: inSequence(ok(0, append('x', 1)), ok(0, append('x', 2)), ok(1, read('x', [2, 1]))),
    kinds: ['G0-process'],
    not: ['strong-session-read-uncommitted'],
    cycle: 'T1 process T2, T2 ww T1',
  },
  {
    name: 'G0-realtime: an append stands before one that was done',
    events: inSequence(ok(0, append('x', 1)), ok(1, append('x', 2)), ok(2, read('x', [2, 1]))),
    kinds: ['G0-realtime'],
    not: ['strong-read-uncommitted'],
    cycle: 'T1 realtime T2, T2 ww T1',
  },
  {
    name: 'G1c-process: a read of what the process does later',
    events: inSequence(ok(0, read('x', [1])), ok(0, append('x', 1))),
    kinds: ['G1c-process'],
    not: ['strong-session-read-committed'],
    cycle: 'T1 process T2, T2 wr T1',
  },
  {
    name: 'G1c-realtime: a read of what somebody does later',
    events: inSequence(ok(0, read('x', [1])), ok(1, append('x', 1))),
    kinds: ['G1c-realtime'],
    not: ['strong-read-committed'],
    cycle: 'T1 realtime T2, T2 wr T1',
  },
  {
    name: 'G-single-process: a process does not see its own append',
    events: inSequence(ok(0, append('x', 1)), ok(0, read('x', []))),
    kinds: ['G-single-process'],
    not: ['strong-session-snapshot-isolation'],
    cycle: 'T1 process T2, T2 rw T1',
  },
  {
    name: 'G-single-process: the steps of a process on the way count as one',
    events: inSequence(ok(0, append('x', 1)), ok(0, append('z', 1)), ok(0, read('x', []))),
    kinds: ['G-single-process'],
    not: ['strong-session-snapshot-isolation'],
    cycle: 'T1 process T3, T3 rw T1',
  },
  {
    name: 'G-single-realtime: a stale read',
    events: inSequence(ok(0, append('x', 1)), ok(1, read('x', []))),
    kinds: ['G-single-realtime'],
    not: ['strong-snapshot-isolation'],
    cycle: 'T1 realtime T2, T2 rw T1',
  },
  {
    name: 'G-nonadjacent-process: two processes that both miss the other',
    events: together(ok(0, append('x', 1)), ok(1, append('y', 1))).concat(
      together(ok(0, read('y', [])), ok(1, read('x', []))),
    ),
    kinds: ['G-nonadjacent-process'],
    not: ['strong-session-snapshot-isolation'],
    cycle: 'T1 process T3, T3 rw T2, T2 process T4, T4 rw T1',
    options: { order: 'process' },
  },
  {
    name: 'G-nonadjacent-realtime: a long fork over time',
    events: forkOverTime(append('x', 1), append('y', 1), read('x', []), read('y', []), read('y', [1])),
    kinds: ['G-nonadjacent-realtime'],
    not: ['strong-snapshot-isolation'],
    cycle: 'T1 wr T2, T2 rw T3, T3 realtime T4, T4 rw T1',
  },
  {
    name: 'G2-item-process: two stale reads around a process',
    events: around([ok(1, append('y', 1), read('x', []))], ...inSequence(ok(0, append('x', 1)), ok(0, read('y', [])))),
    kinds: ['G2-item-process'],
    not: ['strong-session-serializable'],
    cycle: 'T1 rw T2, T2 process T3, T3 rw T1',
  },
  {
    name: 'G2-item-realtime: two stale reads in real time',
    events: around([ok(1, append('y', 1), read('x', []))], ...inSequence(ok(0, append('x', 1)), ok(2, read('y', [])))),
    kinds: ['G2-item-realtime'],
    not: ['strict-serializable'],
    cycle: 'T1 rw T2, T2 realtime T3, T3 rw T1',
  },
]

const linearizableKeys = true

/** Where the lists contradict each other, the last element of each still shows who was seen. */
const CONTRADICTION: Planted = {
  name: 'G1c: two transactions that see each other, one in a list that contradicts another',
  events: together(
    ok(0, append('x', 1), read('y', [1])),
    ok(1, append('y', 1), read('x', [9, 1])),
    ok(2, append('x', 2)),
    ok(3, append('x', 9), read('x', [2, 1, 9])),
    ok(4, read('x', [2, 1])),
  ),
  kinds: ['incompatible-order', 'G1c'],
  not: ['read-committed'],
  cycle: 'T1 wr T2, T2 wr T1',
}

const REGISTERS: readonly Planted[] = [
  {
    name: 'cyclic-versions: two transactions that each write upon the other',
    events: together(ok(0, read('x', 2), write('x', 1)), ok(1, read('x', 1), write('x', 2))),
    kinds: ['cyclic-versions', 'G1c'],
    not: ['read-uncommitted'],
    cycle: 'T1 wr T2, T2 wr T1',
  },
  {
    name: 'cyclic-versions-realtime: an old value comes back',
    events: inSequence(ok(0, write('x', 1)), ok(0, write('x', 2)), ok(1, read('x', 1))),
    kinds: ['cyclic-versions-realtime'],
    not: ['strict-serializable'],
    options: { linearizableKeys },
  },
  {
    name: 'cyclic-versions-realtime: the initial state comes back',
    events: inSequence(ok(0, write('x', 1)), ok(0, read('x'))),
    kinds: ['cyclic-versions-realtime', 'G-single-process'],
    not: ['strong-session-snapshot-isolation'],
    cycle: 'T1 process T2, T2 rw T1',
    options: { linearizableKeys },
  },
  {
    name: 'thin-air-read: a value that nobody wrote',
    events: inSequence(ok(0, read('x', 1))),
    kinds: ['thin-air-read'],
    not: ['read-committed'],
  },
  {
    name: 'G1a: a read of a failed write',
    events: inSequence(fail(0, write('x', 1)), ok(1, read('x', 1))),
    kinds: ['G1a'],
    not: ['read-committed'],
  },
  {
    name: 'dirty-update: a write upon a failed one',
    events: inSequence(fail(0, write('x', 1)), ok(1, read('x', 1), write('x', 2))),
    kinds: ['G1a', 'dirty-update'],
    not: ['read-committed'],
  },
  {
    name: 'G1b: a read between two writes of one transaction',
    events: together(ok(0, write('x', 1), write('x', 2)), ok(1, read('x', 1))),
    kinds: ['G1b', 'G-single'],
    not: ['read-committed'],
    cycle: 'T1 wr T2, T2 rw T1',
  },
  {
    name: 'future-read: a read of an own write that comes later',
    events: inSequence(ok(0, read('x', 1), write('x', 1))),
    kinds: ['future-read'],
    not: ['read-committed'],
  },
  {
    name: 'internal: a read after a write that returns something else',
    events: inSequence(ok(0, write('x', 1)), ok(0, write('x', 2), read('x', 1))),
    kinds: ['internal'],
    not: ['read-atomic'],
  },
  {
    name: 'internal: a read after a write that returns what was written upon it',
    events: together(ok(0, write('x', 1), read('x', 2)), ok(1, read('x', 1), write('x', 2))),
    kinds: ['internal', 'G1c'],
    not: ['read-committed'],
    cycle: 'T1 wr T2, T2 wr T1',
  },
  {
    name: 'G1a: what stands behind a failed write is behind the initial state too',
    events: together(
      fail(0, write('x', 1)),
      ok(1, read('x', 1), write('x', 2), write('y', 1)),
      ok(2, read('y', 1), read('x')),
    ),
    kinds: ['G1a', 'dirty-update', 'G-single'],
    not: ['read-committed'],
    cycle: 'T2 wr T3, T3 rw T2',
  },
  {
    name: 'internal: two reads that differ',
    events: inSequence(ok(0, write('x', 1)), ok(0, write('x', 2)), ok(0, read('x', 1), read('x', 2))),
    kinds: ['internal'],
    not: ['read-atomic'],
  },
  {
    name: 'lost-update: two transactions read and write the same version',
    events: inSequence(ok(9, write('x', 1))).concat(
      together(ok(0, read('x', 1), write('x', 2)), ok(1, read('x', 1), write('x', 3))),
    ),
    kinds: ['lost-update', 'G2-item'],
    not: ['cursor-stability'],
    cycle: 'T2 rw T3, T3 rw T2',
  },
  {
    name: 'G0: two transactions overwrite each other in opposite orders',
    events: together(
      ok(0, write('x', 1), read('y', 1), write('y', 2)),
      ok(1, write('y', 1), read('x', 1), write('x', 2)),
    ),
    kinds: ['G0', 'G1c'],
    not: ['read-uncommitted'],
    cycle: 'T1 ww T2, T2 ww T1',
  },
  {
    name: 'G1c: two transactions that see each other',
    events: together(ok(0, write('x', 1), read('y', 1)), ok(1, write('y', 1), read('x', 1))),
    kinds: ['G1c'],
    not: ['read-committed'],
    cycle: 'T1 wr T2, T2 wr T1',
  },
  {
    name: 'G-single: one half of a transaction is seen',
    events: together(ok(0, write('x', 1), write('y', 1)), ok(1, read('x'), read('y', 1))),
    kinds: ['G-single'],
    not: ['consistent-view', 'repeatable-read'],
    cycle: 'T1 wr T2, T2 rw T1',
  },
  {
    name: 'G-single: only where keys are declared linearizable',
    events: around(
      [ok(2, read('x', 1), read('y', 2))],
      ...inSequence(ok(0, write('x', 1), write('y', 1)), ok(1, write('x', 2), write('y', 2))),
    ),
    kinds: ['G-single'],
    not: ['consistent-view', 'repeatable-read'],
    cycle: 'T1 rw T3, T3 wr T1',
    options: { linearizableKeys },
  },
  {
    name: 'G-nonadjacent: a long fork',
    events: together(
      ok(0, write('x', 1)),
      ok(1, write('y', 1)),
      ok(2, read('x', 1), read('y')),
      ok(3, read('x'), read('y', 1)),
    ),
    kinds: ['G-nonadjacent'],
    not: ['repeatable-read', 'snapshot-isolation'],
    cycle: 'T1 wr T3, T3 rw T2, T2 wr T4, T4 rw T1',
  },
  {
    name: 'G2-item: write skew',
    events: together(ok(0, read('x'), write('y', 1)), ok(1, read('y'), write('x', 1))),
    kinds: ['G2-item'],
    not: ['repeatable-read'],
    cycle: 'T1 rw T2, T2 rw T1',
  },
  {
    name: 'G0-process: an earlier transaction overwrote a later one of its process',
    events: inSequence(ok(0, read('x', 1), write('x', 2)), ok(0, write('x', 1))),
    kinds: ['G0-process', 'G1c-process'],
    not: ['strong-session-read-uncommitted'],
    cycle: 'T1 process T2, T2 ww T1',
  },
  {
    name: 'G0-realtime: an earlier transaction overwrote a later one',
    events: inSequence(ok(0, read('x', 1), write('x', 2)), ok(1, write('x', 1))),
    kinds: ['G0-realtime', 'G1c-realtime'],
    not: ['strong-read-uncommitted'],
    cycle: 'T1 realtime T2, T2 ww T1',
  },
  {
    name: 'G1c-process: a read of what the process does later',
    events: inSequence(ok(0, read('x', 1)), ok(0, write('x', 1))),
    kinds: ['G1c-process'],
    not: ['strong-session-read-committed'],
    cycle: 'T1 process T2, T2 wr T1',
  },
  {
    name: 'G1c-realtime: a read of what somebody does later',
    events: inSequence(ok(0, read('x', 1)), ok(1, write('x', 1))),
    kinds: ['G1c-realtime'],
    not: ['strong-read-committed'],
    cycle: 'T1 realtime T2, T2 wr T1',
  },
  {
    name: 'G-single-process: a process does not see its own write',
    events: inSequence(ok(0, write('x', 1)), ok(0, read('x'))),
    kinds: ['G-single-process'],
    not: ['strong-session-snapshot-isolation'],
    cycle: 'T1 process T2, T2 rw T1',
  },
  {
    name: 'G-single-realtime: a stale read',
    events: inSequence(ok(0, write('x', 1)), ok(1, read('x'))),
    kinds: ['G-single-realtime'],
    not: ['strong-snapshot-isolation'],
    cycle: 'T1 realtime T2, T2 rw T1',
  },
  {
    name: 'G-nonadjacent-process: two processes that both miss the other',
    events: together(ok(0, write('x', 1)), ok(1, write('y', 1))).concat(together(ok(0, read('y')), ok(1, read('x')))),
    kinds: ['G-nonadjacent-process'],
    not: ['strong-session-snapshot-isolation'],
    cycle: 'T1 process T3, T3 rw T2, T2 process T4, T4 rw T1',
    options: { order: 'process' },
  },
  {
    name: 'G-nonadjacent-realtime: a long fork over time',
    events: forkOverTime(write('x', 1), write('y', 1), read('x'), read('y'), read('y', 1)),
    kinds: ['G-nonadjacent-realtime'],
    not: ['strong-snapshot-isolation'],
    cycle: 'T1 wr T2, T2 rw T3, T3 realtime T4, T4 rw T1',
  },
  {
    name: 'G2-item-process: two stale reads around a process',
    events: around([ok(1, write('y', 1), read('x'))], ...inSequence(ok(0, write('x', 1)), ok(0, read('y')))),
    kinds: ['G2-item-process'],
    not: ['strong-session-serializable'],
    cycle: 'T1 rw T2, T2 process T3, T3 rw T1',
  },
  {
    name: 'G2-item-realtime: two stale reads in real time',
    events: around([ok(1, write('y', 1), read('x'))], ...inSequence(ok(0, write('x', 1)), ok(2, read('y')))),
    kinds: ['G2-item-realtime'],
    not: ['strict-serializable'],
    cycle: 'T1 rw T2, T2 realtime T3, T3 rw T1',
  },
]

describe('planted anomalies in lists', () => {
  test.each([...LISTS, CONTRADICTION])('$name', (planted) => check('list-append', planted))
})

describe('planted anomalies in registers', () => {
  test.each(REGISTERS)('$name', (planted) => check('register', planted))
})

test('every kind that the checker knows is planted for every model that can show it', () => {
  const names = (all: readonly Planted[]): string[] => [...new Set(all.map(({ name }) => name.split(':')[0] as string))]
  const listsOnly = ['duplicate-elements', 'incompatible-order']
  const registersOnly = ['cyclic-versions', 'cyclic-versions-realtime']
  expect(names(LISTS).sort()).toEqual(ANOMALY_KINDS.filter((kind) => !registersOnly.includes(kind)).sort())
  expect(names(REGISTERS).sort()).toEqual(ANOMALY_KINDS.filter((kind) => !listsOnly.includes(kind)).sort())
})

describe('what is not found', () => {
  test('blind writes to a register have no order, unless keys are declared linearizable', () => {
    const { events } = REGISTERS.find(({ name }) => name.includes('declared')) as Planted
    expect(checkTransactions(events, { model: 'register' }).counts).toEqual({})
  })

  test('without real time a stale read is none', () => {
    const events = inSequence(ok(0, append('x', 1)), ok(1, read('x', [])), ok(0, read('x', [])))
    const counts = (order: 'none' | 'process' | 'realtime') =>
      checkTransactions(events, { model: 'list-append', order }).counts
    expect(counts('none')).toEqual({})
    expect(counts('process')).toEqual({ 'G-single-process': 1 })
    expect(counts('realtime')).toEqual({ 'G-single-process': 1 })
  })
})
