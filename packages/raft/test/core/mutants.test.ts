import { describe, expect, test } from 'vitest'
import { MUTANTS } from './support/mutant-list.ts'
import { plant } from './support/mutants.ts'
import { type SimulationOptions, simulate } from './support/simulation.ts'

/** A change elsewhere moves the seed that finds a bug; then it is looked for from there on. */
const SEEDS_TO_TRY = 300

function isFound(options: Omit<SimulationOptions, 'seed'>, firstSeed: number): boolean {
  for (let seed = firstSeed; seed < firstSeed + SEEDS_TO_TRY; seed++) {
    try {
      simulate({ ...options, seed })
    } catch {
      return true
    }
  }
  return false
}

describe('bugs that are planted into the core are found by the simulation', () => {
  test.each(MUTANTS)('$name ($source)', { timeout: 60_000 }, async (mutant) => {
    await using mutated = await plant(mutant)
    const { fixed = {}, seed } = mutant
    expect(isFound({ makeCore: mutated.makeCore, fixed }, seed)).toBe(true)
  })

  test.each(['vote-not-persisted', 'durable-too-early'] as const)('a driver with this bug: %s', (bug) => {
    expect(isFound({ bug }, 1)).toBe(true)
  })

  test('an unchanged copy of the core breaks no rule, so it is not the copying that is found', async () => {
    const unchanged = { name: 'none', file: 'quorum.ts', from: 'How a vote stands.', to: 'How a vote stands.' }
    await using copy = await plant(unchanged)
    for (let seed = 1; seed <= 20; seed++) simulate({ seed, makeCore: copy.makeCore })
  })
})
