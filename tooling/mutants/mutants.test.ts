import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { MUTANTS } from './all.mjs'
import { type Mutant, plant, ROOT } from './mutant.mjs'
import { foundByBoth, page, scoreOfPitfalls } from './page.mjs'
import { readScore } from './record.mjs'

describe('planted bugs', () => {
  test('each has a name of its own', () => {
    expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length)
  })

  test.each(MUTANTS.map((mutant) => [mutant.name, mutant] as const))('fits the code: %s', (_name, mutant) => {
    const text = readFileSync(join(ROOT, mutant.file), 'utf8')
    expect(plant(mutant, text)).not.toBe(text)
  })

  test('of the known pitfalls of Raft at least 30 have one that both a test and the simulation have found', () => {
    const scores = scoreOfPitfalls(MUTANTS, readScore().deaths)
    expect(foundByBoth(scores).length).toBeGreaterThanOrEqual(30)
  })

  test('a pitfall counts only when its bugs were run, and found in both ways', () => {
    const mutant = { file: 'packages/raft/src/a.ts', from: 'a', to: 'b', scenario: 'raft' } as const
    const sources = ['P-01', 'P-01; P-02', 'P-02', 'P-03', 'P-04']
    const mutants: Mutant[] = sources.map((source) => ({ ...mutant, name: source, source }))
    const deaths = {
      'P-01': { test: 'a.test.ts: x', seed: 7, rule: 'r' },
      'P-01; P-02': { test: 'a.test.ts: x' },
      'P-02': { seed: 7, rule: 'r' },
      'P-03': { seeds: 100 },
    }
    expect(foundByBoth(scoreOfPitfalls(mutants, deaths)).map(({ id }) => id)).toEqual(['P-01'])
    const text = page(mutants, { commit: 'c', deaths })
    expect(text).toContain('3 of 4 planted bugs died: 2 by the tests of their package, 2 of 4 by simulation.')
    expect(text).toContain('tests found one for 2, the simulation for 2,\nand both found the same one for 1.')
    expect(text).toContain('| P-03 | P-03 | `packages/raft` | not within 100 seeds | no |')
    expect(text).not.toContain('P-04')
    expect(text).toContain('| P-01 | P-01; P-01; P-02 | 2 of 2 | 1 of 2 |')
  })

  test('a text that does not occur once is refused, with what to do', () => {
    const mutant = { name: 'x', file: 'a.ts', from: 'a', to: 'b' }
    expect(plant(mutant, 'xax')).toBe('xbx')
    expect(() => plant(mutant, 'none')).toThrow(/0 times in a\.ts.*mend the mutant/s)
    expect(() => plant(mutant, 'aa')).toThrow(/2 times/)
  })
})
