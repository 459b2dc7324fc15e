import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { MUTANTS } from './all.mjs'
import { pitfallsOf, plant, ROOT } from './mutant.mjs'

describe('planted bugs', () => {
  test('each has a name of its own', () => {
    expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length)
  })

  test.each(MUTANTS.map((mutant) => [mutant.name, mutant] as const))('fits the code: %s', (_name, mutant) => {
    const text = readFileSync(join(ROOT, mutant.file), 'utf8')
    expect(plant(mutant, text)).not.toBe(text)
  })

  test('of the known pitfalls of Raft more than 30 have one that the simulation can see', () => {
    const seen = MUTANTS.filter(({ scenario }) => scenario !== undefined).flatMap(pitfallsOf)
    expect(new Set(seen).size).toBeGreaterThan(30)
  })

  test('a text that does not occur once is refused, with what to do', () => {
    const mutant = { name: 'x', file: 'a.ts', from: 'a', to: 'b' }
    expect(plant(mutant, 'xax')).toBe('xbx')
    expect(() => plant(mutant, 'none')).toThrow(/0 times in a\.ts.*mend the mutant/s)
    expect(() => plant(mutant, 'aa')).toThrow(/2 times/)
  })
})
