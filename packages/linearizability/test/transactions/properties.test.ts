import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkTransactions } from '../../src/transactions/check.ts'
import type { TransactionModel } from '../../src/transactions/history.ts'
import { pairTransactions } from '../../src/transactions/pairing.ts'
import { hasSerialOrder } from './brute-force.ts'
import { type Generation, generate } from './generate.ts'

const ORDERS = ['none', 'process', 'realtime'] as const

const generation = (model: TransactionModel, stores: readonly Generation['store'][]): fc.Arbitrary<Generation> =>
  fc.record({
    seed: fc.integer(),
    model: fc.constant(model),
    transactions: fc.integer({ min: 2, max: 7 }),
    processes: fc.integer({ min: 1, max: 4 }),
    keys: fc.integer({ min: 1, max: 3 }),
    operations: fc.integer({ min: 1, max: 4 }),
    store: fc.constantFrom(...stores),
    fail: fc.constantFrom(0, 20),
    lose: fc.constantFrom(0, 30),
  })

const STORES = ['serial', 'snapshot', 'dirty', 'stale'] as const

describe('against a search through all orders', () => {
  test.each(ORDERS)('lists, order %s: an anomaly is reported exactly where no order explains the reads', (order) => {
    const verdicts = { valid: 0, invalid: 0 }
    fc.assert(
      fc.property(generation('list-append', STORES), (options) => {
        const events = generate(options)
        const { valid } = checkTransactions(events, { model: 'list-append', order })
        verdicts[valid ? 'valid' : 'invalid']++
        expect(valid).toBe(hasSerialOrder(pairTransactions(events, 'list-append'), 'list-append', order))
      }),
      { numRuns: Number(process.env['RUNS'] ?? 500) },
    )
    expect(Math.min(verdicts.valid, verdicts.invalid)).toBeGreaterThan(50)
  })

  test.each(ORDERS)('registers, order %s: an anomaly is reported only where no order explains the reads', (order) => {
    let found = 0
    fc.assert(
      fc.property(generation('register', STORES), (options) => {
        const events = generate(options)
        const { valid } = checkTransactions(events, { model: 'register', order })
        if (valid) return
        found++
        expect(hasSerialOrder(pairTransactions(events, 'register'), 'register', order)).toBe(false)
      }),
      { numRuns: Number(process.env['RUNS'] ?? 500) },
    )
    expect(found).toBeGreaterThan(50)
  })
})
