import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const PACKAGES = fileURLToPath(new URL('../../', import.meta.url))
/** Where tests name pitfalls of Raft. */
const TESTED = ['raft', 'storage-file', 'kv']
/** Ids for which there is no test, and why. */
const WITHOUT_TEST: Readonly<Record<string, string>> = {}

const ALL = Array.from({ length: 48 }, (_, i) => `P-${String(i + 1).padStart(2, '0')}`)
const page = readFileSync(join(PACKAGES, 'raft/PITFALLS.md'), 'utf8')
const rows = [...page.matchAll(/^\| (P-\d\d) \| (.+) \| (.+) \|$/gm)].map(([, id, problem, answer]) => ({
  id,
  problem,
  answer,
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
      for (const [id] of code.matchAll(/\bP-\d\d\b/g)) named.add(id)
    }
  }
  return named
}

describe('known pitfalls', () => {
  test('each is on the page once, in order, with what goes wrong and what is done', () => {
    expect(rows.map(({ id }) => id)).toEqual(ALL)
  })

  test('each is named by a test, or says why by none', () => {
    const named = namedByTests()
    expect(ALL.filter((id) => !named.has(id) && WITHOUT_TEST[id] === undefined)).toEqual([])
    for (const why of Object.values(WITHOUT_TEST)) expect(why).toMatch(/^[A-Z].+\.$/)
  })

  test('tests name none that is not there', () => {
    expect([...namedByTests()].filter((id) => !ALL.includes(id))).toEqual([])
  })
})
