import type { Scenario } from '@dsys/simulation'
import { expect, test } from 'vitest'
import { computeHashes, differences, digestOf, HASH_SEEDS, RENEW_COMMAND, readHashes } from '../src/hash-table.ts'
import { loadScenarios } from '../src/load-scenarios.ts'
import { SCENARIOS } from '../src/scenarios/scenarios.ts'
import { TINY } from './session-double.ts'

test.each(SCENARIOS.map((scenario) => [scenario.name, scenario] as const))(
  'the seeds of %s give the traces that were kept',
  async (name, scenario) => {
    const kept = { [name]: readHashes()[name] ?? {} }
    const changed = differences(kept, await computeHashes([scenario]))
    const hint = `What the simulation does has changed. When that was meant: ${RENEW_COMMAND}`
    expect(changed, hint).toEqual([])
  },
)

test('no scenario is kept that is gone', () => {
  expect(Object.keys(readHashes()).toSorted()).toEqual(SCENARIOS.map(({ name }) => name).toSorted())
})

test('one hash stands for many seeds', async () => {
  const [tiny] = await loadScenarios(TINY)
  const digest = async (seeds: number): Promise<string> => await digestOf(tiny as Scenario, seeds)
  expect(await digest(3)).toBe(await digest(3))
  expect(await digest(3)).not.toBe(await digest(4))
})

test('a difference is named by its seed', () => {
  const kept = { raft: { '1': 'aa', '2': 'bb' }, gone: { '1': 'cc' } }
  const found = { raft: { '1': 'aa', '2': 'xx', '3': 'dd' } }
  expect(differences(kept, found)).toEqual([
    'raft, seed 2: bb was kept, xx was found',
    'gone, seed 1: cc was kept, none was found',
    'raft, seed 3: none was kept, dd was found',
  ])
  expect(differences(kept, kept)).toEqual([])
  expect(HASH_SEEDS.length).toBeGreaterThan(0)
})
