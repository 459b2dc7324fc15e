import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { CycleStep } from '../../src/transactions/anomalies.ts'
import { checkTransactions } from '../../src/transactions/check.ts'
import type { Transaction, TransactionEvent, TransactionModel } from '../../src/transactions/history.ts'
import { pairTransactions } from '../../src/transactions/pairing.ts'
import { hasSerialOrder } from './brute-force.ts'
import { corrupt, type Generation, generate } from './generate.ts'

const ORDERS = ['none', 'process', 'realtime'] as const
const ALL = ['serial', 'snapshot', 'dirty', 'stale'] as const
const RUNS = 250

interface Sample {
  readonly options: Generation
  readonly spoil: number
}

/** Small histories of right and wrong stores; in some of them one read is changed afterwards. */
const sample = (model: TransactionModel, stores: readonly Generation['store'][] = ALL): fc.Arbitrary<Sample> =>
  fc.record({
    options: fc.record({
      seed: fc.integer(),
      model: fc.constant(model),
      transactions: fc.constantFrom(3, 4, 5, 6, 7),
      processes: fc.constantFrom(2, 3, 4),
      keys: fc.constantFrom(1, 2, 3),
      operations: fc.constantFrom(2, 3, 4),
      store: fc.constantFrom(...stores),
      fail: fc.constantFrom(0, 20),
      lose: fc.constantFrom(0, 30),
    }),
    spoil: fc.constantFrom(0, 0, 1, 2, 3),
  })

const historyOf = ({ options, spoil }: Sample): TransactionEvent[] =>
  spoil === 0 ? generate(options) : corrupt(generate(options), options.seed + spoil)

describe('against a search through all orders', () => {
  test.each(ORDERS)('lists, order %s: an anomaly is reported exactly where no order explains the reads', (order) => {
    const verdicts = { valid: 0, invalid: 0 }
    fc.assert(
      fc.property(sample('list-append'), (drawn) => {
        const events = historyOf(drawn)
        const { valid, counts } = checkTransactions(events, { model: 'list-append', order })
        verdicts[valid ? 'valid' : 'invalid']++
        expect(valid).toBe(Object.keys(counts).length === 0)
        expect(valid).toBe(hasSerialOrder(pairTransactions(events, 'list-append'), 'list-append', order))
      }),
      { numRuns: RUNS },
    )
    expect(Math.min(verdicts.valid, verdicts.invalid)).toBeGreaterThan(RUNS / 10)
  })

  test.each([
    ...ORDERS.map((order) => ({ order, linearizableKeys: false })),
    { order: 'realtime' as const, linearizableKeys: true },
  ])(
    'registers, $order, linearizable keys $linearizableKeys: an anomaly is reported only where none does',
    (options) => {
      let found = 0
      fc.assert(
        fc.property(sample('register'), (drawn) => {
          const events = historyOf(drawn)
          if (checkTransactions(events, { model: 'register', ...options }).valid) return
          found++
          expect(hasSerialOrder(pairTransactions(events, 'register'), 'register', options.order)).toBe(false)
        }),
        { numRuns: RUNS },
      )
      expect(found).toBeGreaterThan(RUNS / 10)
    },
  )
})

describe('stores that keep a promise', () => {
  const models = ['list-append', 'register'] as const
  const larger = (model: TransactionModel, store: Generation['store'], seed: number): TransactionEvent[] =>
    generate({ seed, model, store, transactions: 80, processes: 8, keys: 4, operations: 4, fail: 5, lose: 5 })

  test.each(models)('%s: a serial execution shows nothing', (model) => {
    const linearizableKeys = model === 'register'
    for (let seed = 0; seed < 40; seed++) {
      const report = checkTransactions(larger(model, 'serial', seed), { model, linearizableKeys })
      expect(report).toMatchObject({
        valid: true,
        counts: {},
        ruledOut: [],
        strongestPossible: ['strict-serializable'],
      })
    }
  })

  test.each(models)('%s: snapshot isolation shows nothing but write skew', (model) => {
    const kinds = new Set<string>()
    for (let seed = 0; seed < 40; seed++) {
      const report = checkTransactions(larger(model, 'snapshot', seed), {
        model,
        expected: 'strong-snapshot-isolation',
      })
      expect(report.valid).toBe(true)
      for (const kind of Object.keys(report.counts)) kinds.add(kind.replace(/-(process|realtime)$/, ''))
    }
    expect([...kinds]).toEqual(['G2-item'])
  })
})

/** Whether a step holds, judged by the two transactions alone. */
function holds({ from, to, relation, key, why }: CycleStep, all: readonly Transaction[]): boolean {
  const [first, second] = [all[from - 1], all[to - 1]] as [Transaction, Transaction]
  expect(why).toContain(`T${from}`)
  expect(why).toContain(`T${to}`)
  if (relation === 'process' && first.process !== second.process) return false
  if (relation === 'process' || relation === 'realtime')
    return first.outcome === 'ok' && (first.completedAt as number) < second.invokedAt
  const of = (one: Transaction, f: 'read' | 'write'): unknown[][] =>
    one.operations.flatMap(([name, other, value]) =>
      other === key && (name === 'r') === (f === 'read') ? [[value].flat()] : [],
    )
  const written = of(second, 'write').flat()
  if (relation === 'wr')
    return of(second, 'read').some((seen) => of(first, 'write').some(([value]) => seen.includes(value)))
  if (relation === 'ww') return of(first, 'write').length > 0 && written.length > 0
  expect(written.some((value) => why.includes(`the ${value} that T${to} `))).toBe(true)
  return of(first, 'read').some((seen) => written.some((value) => !seen.includes(value)))
}

test.each(['list-append', 'register'] as const)(
  '%s: every step of every cycle holds, and the steps form a circle',
  (model) => {
    let cycles = 0
    fc.assert(
      fc.property(sample(model, ['snapshot', 'dirty', 'stale']), ({ options, spoil }) => {
        const events = historyOf({ options: { ...options, transactions: 30 }, spoil })
        const all = pairTransactions(events, model)
        for (const { cycle, kind, transactions } of checkTransactions(events, { model }).anomalies) {
          if (cycle === undefined) continue
          cycles++
          expect(new Set(transactions).size).toBe(cycle.length)
          cycle.forEach((step, i) => {
            expect(step.to).toBe(cycle[(i + 1) % cycle.length]?.from)
            expect([kind, step, holds(step, all)]).toEqual([kind, step, true])
          })
        }
      }),
      { numRuns: RUNS },
    )
    expect(cycles).toBeGreaterThan(RUNS / 2)
  },
)

test('the same history gives the same report', () => {
  fc.assert(
    fc.property(sample('list-append', ['dirty', 'stale']), ({ options }) => {
      const report = (): string =>
        JSON.stringify(checkTransactions(generate({ ...options, transactions: 40 }), { model: 'list-append' }))
      expect(report()).toBe(report())
    }),
    { numRuns: 30 },
  )
})
