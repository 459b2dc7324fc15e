import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { MUTANTS } from './all.mjs'
import { PAGE, page } from './page.mjs'
import { died, readScore } from './record.mjs'
import { hunt } from './simulator.mjs'

/** Every so many of them; `npm run mutants` plants all. */
const EVERY = 4
/** A change elsewhere moves the seed that finds a bug; then it is looked for from there on ... */
const SEEDS_TO_TRY = 400
/** ... and those that one seed in many finds could be missed by that. */
const COMMON_SEED = 150
const TIMEOUT_MS = 100_000

const score = readScore()
const sample = MUTANTS.flatMap((mutant) => {
  const seed = score.deaths[mutant.name]?.seed
  return seed === undefined || seed > COMMON_SEED ? [] : [{ mutant, seed }]
}).filter((_each, i) => i % EVERY === 0)

test('every planted bug that was run has died', () => {
  expect(Object.keys(score.deaths).filter((name) => !died(score.deaths[name]))).toEqual([])
})

test('the page tells what the runs have found; DSYS_REWRITE=1 writes it anew', () => {
  const expected = page(MUTANTS, score)
  if (process.env['DSYS_REWRITE'] === '1') writeFileSync(PAGE, expected)
  expect(readFileSync(PAGE, 'utf8')).toBe(expected)
})

describe('a sample of the planted bugs dies by simulation', () => {
  let found = 0

  test.each(sample.map((each) => [each.mutant.name, each] as const))('%s', async (_name, { mutant, seed }) => {
    const hunted = await hunt(mutant, { first: seed, count: SEEDS_TO_TRY, timeoutMs: TIMEOUT_MS })
    expect(hunted?.rule).toBeTypeOf('string')
    found++
  })

  test('the score', () => {
    const fresh = MUTANTS.filter(({ name }) => score.deaths[name] === undefined).length
    process.stdout.write(
      `\nplanted bugs: ${found} of a sample of ${sample.length} died; of ${MUTANTS.length} in all ${fresh} were never run, ` +
        'which npm run mutants -- --new --write does\n',
    )
    expect(found).toBe(sample.length)
  })

  test('code without a planted bug breaks no promise in these seeds, so it is not the planting that is found', async () => {
    const unchanged = { name: 'none', source: '', file: 'packages/raft/src/core/quorum.ts', from: '', to: '' }
    const hunted = await hunt({ ...unchanged, scenario: 'raft' }, { first: 1, count: 40, timeoutMs: TIMEOUT_MS })
    expect(hunted).toEqual({ seeds: 40 })
  })
})
