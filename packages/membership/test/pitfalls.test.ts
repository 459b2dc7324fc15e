import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const PACKAGES = fileURLToPath(new URL('../../', import.meta.url))
const MUTANTS = fileURLToPath(new URL('../../../tooling/mutants/', import.meta.url))
/** Where tests name pitfalls of membership. */
const TESTED = ['membership', 'transport-nats', 'transport-tcp', 'transport', 'storage-file']
/** Ids for which there is no test, and why. */
const WITHOUT_TEST: Readonly<Record<string, string>> = {}
/** Ids for which no bug is planted, and why. */
const WITHOUT_MUTANT: Readonly<Record<string, string>> = {}

const ALL = Array.from({ length: 38 }, (_, i) => `M-${String(i + 1).padStart(2, '0')}`)
const page = readFileSync(join(PACKAGES, 'membership/PITFALLS.md'), 'utf8')
const rows = [...page.matchAll(/^\| (M-\d\d) \| (.+) \| (.+) \| (.+) \|$/gm)].map(([, id, , , where = '']) => ({
  id,
  places: [...where.matchAll(/`([^`]+)`/g)].map(([, path = '']) => path),
}))

/** The ids in strings of the tests: titles, and names of rows. What is said in comments does not count. */
function namedByTests(): Set<string> {
  const named = new Set<string>()
  for (const name of TESTED) {
    const folder = join(PACKAGES, name, 'test')
    for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.test.ts') || file === 'pitfalls.test.ts') continue
      const lines = readFileSync(join(folder, file), 'utf8').split('\n')
      const code = lines.filter((line) => !/^\s*(\/\/|\/?\*)/.test(line)).join('\n')
      for (const [id] of code.matchAll(/\bM-\d\d\b/g)) named.add(id)
    }
  }
  return named
}

function namedByMutants(): Set<string> {
  const lists = readdirSync(MUTANTS).filter((file) => file.endsWith('.mjs'))
  const sources = lists.flatMap((file) => [
    ...readFileSync(join(MUTANTS, file), 'utf8').matchAll(/^ +source: ['"](.+)['"],$/gm),
  ])
  return new Set(sources.flatMap(([, source = '']) => source.match(/\bM-\d\d\b/g) ?? []))
}

/** Those of all that `named` lacks and `excused` does not explain. */
function missing(named: ReadonlySet<string>, excused: Readonly<Record<string, string>>): string[] {
  for (const why of Object.values(excused)) expect(why).toMatch(/^[A-Z].+\.$/)
  expect(Object.keys(excused).filter((id) => named.has(id))).toEqual([])
  return ALL.filter((id) => !named.has(id) && excused[id] === undefined)
}

describe('known pitfalls', () => {
  test('each is on the page once, in order, with files that are there', () => {
    expect(rows.map(({ id }) => id)).toEqual(ALL)
    for (const { id, places } of rows) {
      expect(places, id).not.toEqual([])
      for (const path of places) {
        const file = join(PACKAGES, path.includes('/src/') ? path : `membership/src/${path}`)
        expect(existsSync(file), `${id}: ${path}`).toBe(true)
      }
    }
  })

  test('each is named by a test, or says why by none', () => {
    expect(missing(namedByTests(), WITHOUT_TEST)).toEqual([])
  })

  test('each is named by a planted bug, or says why by none', () => {
    expect(missing(namedByMutants(), WITHOUT_MUTANT)).toEqual([])
  })

  test('tests and planted bugs name none that is not there', () => {
    expect([...namedByTests(), ...namedByMutants()].filter((id) => !ALL.includes(id))).toEqual([])
  })
})
