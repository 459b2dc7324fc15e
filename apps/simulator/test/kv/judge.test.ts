import type { HistoryEvent } from '@dsys/linearizability'
import { describe, expect, test } from 'vitest'
import { judge, toldByReplicas } from '../../src/scenarios/kv/judge.ts'

type Call = readonly [op: string, input: object, output: object | 'unknown' | 'fail']

/** Calls of one key, one after the other. */
function inTurn(...calls: readonly Call[]): HistoryEvent[] {
  return calls.flatMap(([, input, output], op): HistoryEvent[] => [
    { type: 'invoke', op, client: `c${op}`, key: 'k', input: input as never },
    typeof output === 'string' ? { type: output as 'unknown', op } : { type: 'ok', op, output: output as never },
  ])
}

const put = (value: string, output: Call[2]): Call => ['put', { op: 'put', value }, output]
const nobody = { revisionOf: () => undefined }

describe('a history', () => {
  test('is judged by what clients saw alone, where that suffices', () => {
    const good = inTurn(put('v1', { revision: 1 }), put('v2', 'unknown'), [
      'get',
      { op: 'get' },
      { value: 'v2', revision: 2, createRevision: 1 },
    ])
    expect(judge(good, nobody).verdict).toBe('linearizable')
    const stale = inTurn(put('v1', { revision: 1 }), put('v2', { revision: 2 }), [
      'get',
      { op: 'get' },
      { value: 'v1', revision: 1, createRevision: 1 },
    ])
    expect(judge(stale, nobody)).toMatchObject({ verdict: 'not-linearizable' })
  })

  test('with what replicas know: a change that took effect ends behind all, with its revision; one that did not has failed', () => {
    const history = inTurn(put('v1', 'unknown'), put('v2', 'unknown'), ['delete', { op: 'delete' }, 'unknown'])
    const told = toldByReplicas(history, {
      revisionOf: (key, value) => (key === 'k' && value === 'v1' ? 7 : undefined),
    })
    expect(told.filter(({ type }) => type !== 'invoke')).toEqual([
      { type: 'fail', op: 1 },
      { type: 'unknown', op: 2 },
      { type: 'ok', op: 0, output: { revision: 7 } },
    ])
    expect(told.at(-1)).toMatchObject({ type: 'ok', op: 0 })
  })
})
