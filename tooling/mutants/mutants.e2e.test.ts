import { describe, expect, test } from 'vitest'
import { MUTANTS } from './all.mjs'
import { readFound } from './score.mjs'
import { hunt } from './simulator.mjs'

/** Every so many of them; `npm run mutants` plants all. */
const EVERY = 4
/** A change elsewhere moves the seed that finds a bug; then it is looked for from there on. */
const SEEDS_TO_TRY = 400
const TIMEOUT_MS = 100_000

const found = readFound()
const sample = MUTANTS.filter(({ name, scenario }) => scenario !== undefined && found[name] !== undefined).filter(
  (_mutant, i) => i % EVERY === 0,
)

describe('a sample of the planted bugs dies by simulation', () => {
  let died = 0

  test.each(sample.map((mutant) => [mutant.name, mutant] as const))('%s', async (name, mutant) => {
    const hunted = await hunt(mutant, { first: found[name] ?? 1, count: SEEDS_TO_TRY, timeoutMs: TIMEOUT_MS })
    expect(hunted?.rule).toBeTypeOf('string')
    died++
  })

  test('the score', () => {
    process.stdout.write(`\nplanted bugs: ${died} of a sample of ${sample.length} died (${MUTANTS.length} in all)\n`)
    expect(died).toBe(sample.length)
  })

  test('code without a planted bug breaks no promise in these seeds, so it is not the planting that is found', async () => {
    const unchanged = { name: 'none', source: '', file: 'packages/raft/src/core/quorum.ts', from: '', to: '' }
    const hunted = await hunt({ ...unchanged, scenario: 'raft' }, { first: 1, count: 40, timeoutMs: TIMEOUT_MS })
    expect(hunted).toEqual({ seeds: 40 })
  })
})
