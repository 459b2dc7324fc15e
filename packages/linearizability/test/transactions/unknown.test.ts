import { checkTransactions } from '@dsys/linearizability'
import { describe, expect, test } from 'vitest'
import { append, inSequence, ok, read, together, unknown, write } from './histories.ts'

describe('unknown outcomes', () => {
  test('a write that was read took effect, and the other writes of its transaction with it', () => {
    const events = together(unknown(0, append('x', 1), append('y', 1)), ok(1, read('x', [1]), read('y', [])))
    const report = checkTransactions(events, { model: 'list-append' })
    expect(Object.keys(report.counts)).toEqual(['G-single'])
    expect(report.transactions).toEqual({ total: 2, ok: 1, failed: 0, unknown: 1, seen: 1 })
  })

  test('a write that was not read may never have happened', () => {
    const events = inSequence(unknown(0, append('x', 1)), ok(1, read('x', [])))
    expect(checkTransactions(events, { model: 'list-append' })).toMatchObject({ valid: true, counts: {} })
  })

  test('it may take effect after all that follows', () => {
    const events = inSequence(unknown(0, append('x', 1)), ok(1, read('x', [])), ok(2, read('x', [1])))
    expect(checkTransactions(events, { model: 'list-append' }).counts).toEqual({})
    const backwards = inSequence(ok(2, read('x', [1])), unknown(0, append('x', 1)))
    expect(checkTransactions(backwards, { model: 'list-append' }).counts).toEqual({ 'G1c-realtime': 1 })
  })

  test('an invocation without a completion is one', () => {
    const events = together(unknown(0, write('x', 1)), ok(1, read('x', 1)))
    const cut = events.filter(({ type }) => type !== 'unknown')
    expect(checkTransactions(cut, { model: 'register' })).toMatchObject({ valid: true, transactions: { seen: 1 } })
  })
})
