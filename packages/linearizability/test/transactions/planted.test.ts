import { describe, expect, test } from 'vitest'
import { ANOMALY_KINDS } from '../../src/transactions/anomalies.ts'
import { checkTransactions, type TransactionCheckOptions } from '../../src/transactions/check.ts'
import { append, inSequence, ok, read } from './histories.ts'
import type { Planted } from './planted-histories.ts'
import { LISTS } from './planted-lists.ts'
import { REGISTERS } from './planted-registers.ts'

const check = (model: TransactionCheckOptions['model'], { events, kinds, not, cycle, options }: Planted): void => {
  const report = checkTransactions(events, { model, ...options })
  expect(Object.keys(report.counts)).toEqual(kinds)
  expect(report.weakestRuledOut).toEqual(not)
  const found = report.anomalies.find((anomaly) => anomaly.cycle !== undefined)?.cycle
  expect(found?.map(({ from, relation, to }) => `T${from} ${relation} T${to}`).join(', ')).toBe(cycle)
  expect(report.valid).toBe(false)
}

describe('planted anomalies in lists', () => {
  test.each(LISTS)('$name', (planted) => check('list-append', planted))
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
