import { checkLinearizability, collectOperations, type HistoryEvent } from '@dsys/linearizability'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isLinearizable } from './brute-force.ts'
import { histories } from './histories.ts'
import { SPECIFICATIONS, type Specification } from './specifications.ts'

const NUM_RUNS = Number(process.env['DSYS_RUNS'] ?? 400)

describe.each(SPECIFICATIONS.map((one) => [one.model.name, one] as const))('%s', (_name, specification) => {
  const manyUnknown = histories(specification, { keys: ['a'], maxOperations: 7, unknown: 6 })

  test('the verdict is that of trying every order, and both verdicts are common', () => {
    const verdicts = { linearizable: 0, 'not-linearizable': 0 }
    fc.assert(
      fc.property(fc.oneof(histories(specification), manyUnknown), (history) => {
        const { verdict } = checkLinearizability(specification.model, history)
        const truth = isLinearizable(specification, collectOperations(history)) ? 'linearizable' : 'not-linearizable'
        expect(verdict).toBe(truth)
        verdicts[truth] += 1
      }),
      { numRuns: NUM_RUNS },
    )
    expect(Math.min(verdicts.linearizable, verdicts['not-linearizable'])).toBeGreaterThan(NUM_RUNS / 20)
  })

  test('a yes comes with an order that proves it', () => {
    fc.assert(
      fc.property(histories(specification, { maxOperations: 12, lies: 0 }), (history) => {
        const result = checkLinearizability(specification.model, history)
        expect(result.verdict).toBe('linearizable')
        const orders = result.partitions.map(({ order }) => order ?? [])
        for (const order of orders) expect(isProof(specification, history, order)).toBe(true)
        const returned = collectOperations(history).filter(({ outcome }) => outcome === 'ok')
        expect(orders.flat()).toEqual(expect.arrayContaining(returned.map(({ op }) => op)))
      }),
      { numRuns: NUM_RUNS / 4 },
    )
  })

  test('a no comes with the smallest prefix that has no order', () => {
    fc.assert(
      fc.property(histories(specification, { lies: 5 }), (history) => {
        const { failure } = checkLinearizability(specification.model, history)
        if (failure === undefined) return
        const judge = (events: number): boolean =>
          isLinearizable(
            specification,
            // One part alone: another one may have failed earlier.
            collectOperations(history.slice(0, events)).filter(
              ({ key }) => specification.isWhole === true || key === failure.partition,
            ),
          )
        expect(failure.smallest).toBe(true)
        expect(judge(failure.prefixEvents)).toBe(false)
        expect(judge(failure.prefixEvents - 1)).toBe(true)
        const { operation, unplaced, placed, operations } = failure
        expect(unplaced).toEqual(operation.outcome === 'fail' ? [] : [operation])
        const hasPlace = new Set(placed.map((one) => one.operation))
        const others = operations.filter((one) => one.outcome === 'ok' && one !== operation)
        expect(others.filter((one) => !hasPlace.has(one))).toEqual([])
      }),
      { numRuns: NUM_RUNS / 2 },
    )
  })
})

/** Replays an order: it respects real time, and the model allows each step. */
function isProof(specification: Specification, history: readonly HistoryEvent[], order: readonly number[]): boolean {
  const operations = new Map(collectOperations(history).map((operation) => [operation.op, operation]))
  let states: readonly unknown[] = [specification.model.init()]
  let latestInvoke = -1
  for (const op of order) {
    const operation = operations.get(op)
    if (operation === undefined || (operation.outcome === 'ok' && operation.endedAt < latestInvoke)) return false
    latestInvoke = Math.max(latestInvoke, operation.invokedAt)
    const { input, output, key } = operation
    states = states.flatMap((state) => specification.model.step(state, input, output, key))
    if (states.length === 0) return false
  }
  return true
}
