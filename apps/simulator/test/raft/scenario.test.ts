import { guard, type RunResult } from '@dsys/simulation'
import { describe, expect, test } from 'vitest'
import { raftScenario, raftScenarioWith } from '../../src/scenarios/raft/raft-scenario.ts'

const FIRST = 1
const SEEDS = 160
/** A few branches are rare. Where the fixed seeds miss one, it is looked for up to here. */
const MOST_SEEDS = 3_000
/** Chaos of a minute and more is for the command; the weathers with short timeouts keep all of theirs. */
const MOST_CHAOS_MS = 12_000

const planOf = (seed: number) => {
  const plan = raftScenario.plan(seed)
  return plan.chaosMs <= MOST_CHAOS_MS ? plan : raftScenario.plan(seed, { chaosMs: MOST_CHAOS_MS })
}

test('a fixed set of seeds keeps every promise, gives each hash twice, and between them everything occurs', async () => {
  const results: RunResult[] = []
  for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
    const plan = planOf(seed)
    const result = await raftScenario.run(plan)
    expect(result.violation, `seed ${seed}`).toBeUndefined()
    const again = await raftScenario.run(JSON.parse(JSON.stringify(plan)))
    expect([again.hash, again.steps, [...again.counts]], `seed ${seed}`).toEqual([
      result.hash,
      result.steps,
      [...result.counts],
    ])
    results.push(result)
  }
  expect(new Set(results.map(({ hash }) => hash)).size).toBe(SEEDS)
  for (let seed = FIRST + SEEDS; guard(raftScenario, results).length > 0 && seed < MOST_SEEDS; seed++) {
    const result = await raftScenario.run(planOf(seed))
    expect(result.violation, `seed ${seed}`).toBeUndefined()
    results.push(result)
  }
  expect(guard(raftScenario, results)).toEqual([])
}, 120_000)

describe('a driver with a bug is found in the same seeds', () => {
  test.each([
    { bug: 'vote-not-persisted', direct: true },
    { bug: 'durable-too-early', direct: true },
    { bug: 'durable-too-early', direct: false },
  ] as const)('$bug, looking at the disks: $direct', async (variant) => {
    const scenario = raftScenarioWith(variant)
    for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
      const { violation } = await scenario.run(planOf(seed))
      if (violation === undefined) continue
      expect(violation.rule).toBeTypeOf('string')
      return
    }
    expect.unreachable(`${SEEDS} seeds do not see it`)
  })
})

test('a plan is data, with what is held fast', () => {
  const plan = raftScenario.plan(7)
  expect(raftScenario.plan(7)).toEqual(plan)
  expect(JSON.parse(JSON.stringify(plan))).toEqual(plan)
  expect(raftScenario.plan(7, { nodes: 4, chaosMs: 1_000 })).toMatchObject({ nodes: 4, chaosMs: 1_000 })
})

test('a smaller plan runs as well: fewer nodes, no faults, no operations, exact crashes', async () => {
  const plan = planOf(9)
  const smaller = { ...plan, nodes: 1, faults: [], operations: [], aims: { type: 'exactly', crashes: [] } } as const
  expect((await raftScenario.run(smaller)).violation).toBeUndefined()
})

test('crashes at aimed moments can be had again exactly', async () => {
  for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
    const plan = planOf(seed)
    const { aimed: crashes, hash } = await raftScenario.run(plan)
    if (crashes.length === 0) continue
    expect((await raftScenario.run({ ...plan, aims: { type: 'exactly', crashes } })).hash).toBe(hash)
    return
  }
  expect.unreachable('no seed has an aimed crash')
})

test('a trace that is kept tells what was said, and changes nothing', async () => {
  const plan = planOf(3)
  const { hash } = await raftScenario.run(plan)
  const kept = await raftScenario.run(plan, { keepTrace: true })
  expect(kept.hash).toBe(hash)
  expect(kept.trace?.some(({ detail }) => detail?.includes('vote-request') === true)).toBe(true)
  expect(kept.histories?.get('registers')).toContain('\n')
})
