import { explainText, guard, type RunResult, runDifference, type Scenario, shrink } from '@dsys/simulation'
import { expect, test } from 'vitest'
import { scenarios } from './readme-scenario.ts'

const auction = scenarios[0] as Scenario

test('the scenario of the README finds the bug of its service, says the same twice, and gets smaller', async () => {
  const results: RunResult[] = []
  for (let seed = 1; seed <= 20; seed++) results.push(await auction.run(auction.plan(seed)))
  expect(guard(auction, results)).toEqual([])
  expect(results.some(({ violation }) => violation === undefined)).toBe(true)
  const failing = results.findIndex(({ violation }) => violation !== undefined) + 1
  expect(failing).toBeGreaterThan(0)
  const plan = auction.plan(failing)
  expect(runDifference(results[failing - 1] as RunResult, await auction.run(plan))).toBeUndefined()
  const { plan: small } = await shrink(auction, plan)
  expect([small.faults.length, small.operations.length]).toEqual([1, 1])
  const kept = await auction.run(small, { keepTrace: true })
  expect(kept.violation?.rule).toBe('everybody knows the highest bid')
  expect(explainText(kept)).toContain('everybody knows the highest bid')
})

test('the calls of its clients wait while a process is paused', async () => {
  const plan = { ...auction.plan(1), operations: [{ atMs: 1_000, node: 0, amount: 9 }] }
  const paused = { kind: 'pause', atMs: 500, forMs: 2_000, node: 0, seed: 1 }
  const { trace = [], violation } = await auction.run({ ...plan, faults: [paused] }, { keepTrace: true })
  expect(violation).toBeUndefined()
  expect(trace.find(({ what }) => what === 'send')?.atMs).toBe(2_500)
})
