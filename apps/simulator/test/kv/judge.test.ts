import type { HistoryEvent } from '@dsys/linearizability'
import { describe, expect, test } from 'vitest'
import { judge, toldByReplicas } from '../../src/scenarios/kv/judge.ts'

type Call = readonly [op: string, input: object, output: object | 'unknown' | 'fail']

/** Calls of one key, one after the other. */
function inTurn(...calls: readonly Call[]): HistoryEvent[] {
  return inTurnOf(() => 'k', calls)
}

function inTurnOf(keyOf: (op: number) => string, calls: readonly Call[]): HistoryEvent[] {
  return calls.flatMap(([, input, output], op): HistoryEvent[] => [
    { type: 'invoke', op, client: `c${op}`, key: keyOf(op), input: input as never },
    typeof output === 'string' ? { type: output as 'unknown', op } : { type: 'ok', op, output: output as never },
  ])
}

const put = (value: string, output: Call[2]): Call => ['put', { op: 'put', value }, output]
const remove = (output: Call[2]): Call => ['delete', { op: 'delete' }, output]
const times = (count: number, call: Call): Call[] => Array.from({ length: count }, () => call)
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

  describe('that no search decides', () => {
    /** No search gets anywhere with it. */
    const NO_BUDGET = 1
    const SEEN = put('v1', { revision: 1 })
    const verdict = (history: HistoryEvent[]) => judge(history, nobody, NO_BUDGET).verdict

    test('is excused from six unknown deletes of its key on, and from none below', () => {
      for (let deletes = 0; deletes < 6; deletes++) {
        expect(verdict(inTurn(SEEN, ...times(deletes, remove('unknown')))), `${deletes} deletes`).toBe('undecided')
      }
      expect(verdict(inTurn(SEEN, ...times(6, remove('unknown'))))).toBe('excused')
    })

    test('is not excused by deletes whose outcome is known, nor by other changes', () => {
      const five = [SEEN, ...times(5, remove('unknown'))]
      expect(verdict(inTurn(...five, ...times(5, remove('fail'))))).toBe('undecided')
      expect(verdict(inTurn(...five, ...times(5, remove({ deleted: false }))))).toBe('undecided')
      expect(verdict(inTurn(...five, ...times(5, put('v', 'unknown'))))).toBe('undecided')
    })

    test('is not excused by those of another key, and each key needs its own', () => {
      const calls = [SEEN, SEEN, ...times(11, remove('unknown'))]
      const judged = judge(
        inTurnOf((op) => (op % 2 === 0 ? 'a' : 'b'), calls),
        nobody,
        NO_BUDGET,
      )
      expect(judged).toEqual({ verdict: 'undecided', text: expect.stringMatching(/too tangled .*: a, b$/) })
      expect(verdict(inTurnOf((op) => (op % 2 === 0 ? 'a' : 'b'), [...calls, remove('unknown')]))).toBe('excused')
    })

    test('is as wrong as ever where a search decides it', () => {
      const deletes = times(8, remove('unknown'))
      const stale = inTurn(SEEN, put('v2', { revision: 2 }), ...deletes, [
        'get',
        { op: 'get' },
        { value: 'v1', revision: 1, createRevision: 1 },
      ])
      expect(judge(stale, nobody)).toMatchObject({ verdict: 'not-linearizable' })
    })
  })
})
