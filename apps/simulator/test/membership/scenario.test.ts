import { guard, type RunResult } from '@dsys/simulation'
import { expect, test } from 'vitest'
import { membershipScenario } from '../../src/scenarios/membership/membership-scenario.ts'

const FIRST = 121
const SEEDS = 40
const FIXED = { chaosMs: 6_000 }

test('forty seeds keep every promise, give their hash twice, and between them everything occurs', async () => {
  const results: RunResult[] = []
  for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
    const plan = membershipScenario.plan(seed, FIXED)
    const result = await membershipScenario.run(plan)
    expect(result.violation, `seed ${seed}`).toBeUndefined()
    const again = await membershipScenario.run(JSON.parse(JSON.stringify(plan)))
    expect([again.hash, again.steps, [...again.counts]], `seed ${seed}`).toEqual([
      result.hash,
      result.steps,
      [...result.counts],
    ])
    results.push(result)
  }
  expect(guard(membershipScenario, results)).toEqual([])
  expect(new Set(results.map(({ hash }) => hash)).size).toBe(SEEDS)
}, 120_000)

test('a plan is data: the same for the same seed, with what is held fast', () => {
  const plan = membershipScenario.plan(7)
  expect(membershipScenario.plan(7)).toEqual(plan)
  expect(JSON.parse(JSON.stringify(plan))).toEqual(plan)
  const fixed = membershipScenario.plan(7, { nodes: 4, chaosMs: 1_000, broadcast: true })
  expect(fixed).toMatchObject({ nodes: 4, chaosMs: 1_000, knobs: { broadcast: true } })
  expect(fixed.knobs).not.toHaveProperty('nodes')
  for (let seed = 0; seed < 100; seed++) expect(membershipScenario.plan(seed).nodes).toBeGreaterThanOrEqual(3)
})

test('a smaller plan runs as well: fewer nodes than its knobs speak of, no faults, exact crashes', async () => {
  const plan = membershipScenario.plan(9, { chaosMs: 2_000 })
  const smaller = { ...plan, nodes: 1, faults: [], aims: { type: 'exactly', crashes: [] } } as const
  expect((await membershipScenario.run(smaller)).violation).toBeUndefined()
})

test('crashes at aimed moments can be had again exactly', async () => {
  const plan = membershipScenario.plan(FIRST, FIXED)
  for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
    const aimed = membershipScenario.plan(seed, FIXED)
    const { aimed: crashes, hash } = await membershipScenario.run(aimed)
    if (crashes.length === 0) continue
    const again = await membershipScenario.run({ ...aimed, aims: { type: 'exactly', crashes } })
    expect(again.hash).toBe(hash)
    return
  }
  expect.unreachable(`no crash in the plans from ${plan.seed} on`)
})

test('a trace that is kept tells who said what, and changes nothing', async () => {
  const plan = membershipScenario.plan(FIRST, { ...FIXED, nodes: 3 })
  const { hash } = await membershipScenario.run(plan)
  const kept = await membershipScenario.run(plan, { keepTrace: true })
  expect(kept.hash).toBe(hash)
  const details = kept.trace?.map(({ detail }) => detail) ?? []
  expect(details.some((detail) => detail?.includes('n1/') === true && detail.includes('alive'))).toBe(true)
  expect(kept.trace?.some(({ what, detail }) => what === 'MemberUp' && detail !== undefined)).toBe(true)
})
