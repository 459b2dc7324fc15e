import { expect, test } from 'vitest'
import { IsolationGate } from '../src/core/isolation.ts'
import { MEMBERSHIP_DEFAULTS } from '../src/options.ts'

/** A connected gate to which the first of ten members asked has answered, and the other nine have not. */
function afterNineSilences(removal: 'swim' | 'cut'): IsolationGate {
  const ids = Array.from({ length: 10 }, (_, index) => `n${index}`)
  const gate = new IsolationGate({
    options: { ...MEMBERSHIP_DEFAULTS, removal, observers: ids.length },
    view: { live: new Map(ids.map((id) => [id, undefined])) },
    times: { now: () => ({ minMs: 1_000, maxMs: 6_000, expected: 3 }) },
  })
  gate.begin(0)
  gate.regained(0)
  for (const [index, id] of ids.entries()) {
    if (index === 0) gate.answered(id, 1)
    else gate.silent(id, 1 + index)
  }
  gate.judge(20)
  return gate
}

test('M-36: by probes a node is isolated when all that it asked in the last round are silent, whoever answered before', () => {
  expect(afterNineSilences('swim').isShut).toBe(true)
})

test('M-36: by a cut it is not, as long as one of all whom it observes answers', () => {
  expect(afterNineSilences('cut').isShut).toBe(false)
})

test('M-13: who left between a question and its answer says nothing of those who are asked later', () => {
  const live = new Map(['n1', 'n2', 'n3'].map((id) => [id, undefined]))
  const gate = new IsolationGate({
    options: MEMBERSHIP_DEFAULTS,
    view: { live },
    times: { now: () => ({ minMs: 1_000, maxMs: 6_000, expected: 3 }) },
  })
  gate.begin(0)
  gate.regained(0)
  live.delete('n3')
  gate.forget('n3')
  gate.answered('n3', 1)
  gate.silent('n1', 2)
  gate.silent('n2', 2)
  gate.judge(20)
  expect(gate.isShut).toBe(true)
  // It shows nevertheless that a refutation would have been heard.
  expect([gate.hasWitness(1), gate.hasWitness(2)]).toEqual([true, false])
})

test('M-36: one answer does not open the gate while as many of those asked last are silent as shut it', () => {
  const ids = ['n1', 'n2', 'n3', 'n4']
  const gate = new IsolationGate({
    options: { ...MEMBERSHIP_DEFAULTS, isolationShare: 0.75 },
    view: { live: new Map(ids.map((id) => [id, undefined])) },
    times: { now: () => ({ minMs: 1_000, maxMs: 6_000, expected: 3 }) },
  })
  gate.begin(0)
  gate.regained(0)
  for (const id of ids) gate.silent(id, 1)
  gate.judge(20)
  gate.answered('n1', 30)
  gate.tick(5_000)
  expect([gate.isShut, gate.isWaiting]).toEqual([true, true])
  gate.answered('n2', 5_010)
  expect([gate.isShut, gate.isWaiting]).toEqual([true, false])
  gate.tick(6_010)
  expect(gate.isShut).toBe(false)
})
