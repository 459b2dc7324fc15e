import { guard, type Plan, type RunResult, type Scenario } from '@dsys/simulation'
import { expect, test } from 'vitest'

/** The seeds of a scenario that every run of the tests goes through, and what is special about it. */
export interface FixedSeeds {
  readonly scenario: Scenario
  readonly first: number
  readonly seeds: number
  /** Where these seeds miss something rare, it is looked for up to this one. Default: they miss nothing. */
  readonly lastSeed?: number
  /** The plan of one of these seeds: short enough to be run every day. */
  readonly plan: (seed: number) => Plan
  /** What occurs in none of these seeds, though it may elsewhere. */
  readonly never?: readonly string[]
  /** Knobs to hold fast, and what a plan then is like. */
  readonly held: { readonly knobs: Plan['knobs']; readonly plan: object }
  /** A seed to run with one node and nothing that happens to it. */
  readonly small: number
  /** What a trace that was kept tells. */
  readonly told: { readonly plan: Plan; readonly check: (kept: RunResult) => void }
}

const TIMEOUT_MS = 120_000

/** What holds for every scenario, each of which says which seeds show it. */
export function testFixedSeeds(fixed: FixedSeeds): void {
  test(
    'a fixed set of seeds keeps every promise, gives each hash twice, and between them everything occurs',
    async () => {
      await everythingOccurs(fixed)
    },
    TIMEOUT_MS,
  )

  const { scenario, held, small, told } = fixed

  test('a plan is data: the same for the same seed, with what is held fast', () => {
    const plan = scenario.plan(7)
    expect(scenario.plan(7)).toEqual(plan)
    expect(JSON.parse(JSON.stringify(plan))).toEqual(plan)
    expect(scenario.plan(7, held.knobs)).toMatchObject(held.plan)
  })

  test('a smaller plan runs as well: one node, no faults, no operations, exact crashes', async () => {
    const plan = fixed.plan(small)
    const smaller = { ...plan, nodes: 1, faults: [], operations: [], aims: { type: 'exactly', crashes: [] } } as const
    expect((await scenario.run(smaller)).violation).toBeUndefined()
  })

  test('crashes at aimed moments can be had again exactly', async () => {
    for (const seed of seedsOf(fixed)) {
      const plan = fixed.plan(seed)
      const { aimed: crashes, hash } = await scenario.run(plan)
      if (crashes.length === 0) continue
      expect((await scenario.run({ ...plan, aims: { type: 'exactly', crashes } })).hash).toBe(hash)
      return
    }
    expect.unreachable('no seed has an aimed crash')
  })

  test('a trace that is kept tells what happened, and changes nothing', async () => {
    const { hash } = await scenario.run(told.plan)
    const kept = await scenario.run(told.plan, { keepTrace: true })
    expect(kept.hash).toBe(hash)
    told.check(kept)
  })
}

const seedsOf = ({ first, seeds }: FixedSeeds): number[] => Array.from({ length: seeds }, (_, i) => first + i)

async function everythingOccurs(fixed: FixedSeeds): Promise<void> {
  const { scenario, first, seeds, lastSeed = 0, never = [] } = fixed
  const results: RunResult[] = []
  const run = async (plan: Plan): Promise<RunResult> => {
    const result = await scenario.run(plan)
    expect(result.violation, `seed ${plan.seed}`).toBeUndefined()
    return result
  }
  for (const seed of seedsOf(fixed)) {
    const plan = fixed.plan(seed)
    const result = await run(plan)
    const again = await run(JSON.parse(JSON.stringify(plan)))
    expect(essence(again), `seed ${seed}`).toEqual(essence(result))
    results.push(result)
  }
  expect(new Set(results.map(({ hash }) => hash)).size).toBe(seeds)
  for (const name of never)
    expect(
      results.filter(({ counts }) => counts.has(name)),
      name,
    ).toEqual([])
  for (let seed = first + seeds; guard(scenario, results).length > 0 && seed <= lastSeed; seed++) {
    results.push(await run(fixed.plan(seed)))
  }
  expect(guard(scenario, results)).toEqual([])
}

const essence = ({ hash, steps, counts }: RunResult): unknown[] => [hash, steps, [...counts]]
