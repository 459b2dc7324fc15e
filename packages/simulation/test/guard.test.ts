import { expect, test } from 'vitest'
import { guard } from '../src/index.ts'

const result = (counts: Record<string, number>): { counts: Map<string, number> } => ({
  counts: new Map(Object.entries(counts)),
})

test('what occurred in one run or another is not missing', () => {
  const scenario = { expected: ['fault.crash', 'message.vote', 'buggify.slow'] }
  expect(guard(scenario, [result({ 'fault.crash': 1 }), result({ 'message.vote': 7 })])).toEqual(['buggify.slow'])
  expect(guard(scenario, [result({ 'fault.crash': 1, 'message.vote': 1, 'buggify.slow': 1, other: 1 })])).toEqual([])
})

test('a count of zero is no occurrence, and no run shows nothing', () => {
  expect(guard({ expected: ['fault.crash'] }, [result({ 'fault.crash': 0 })])).toEqual(['fault.crash'])
  expect(guard({ expected: ['b', 'a'] }, [])).toEqual(['b', 'a'])
})
