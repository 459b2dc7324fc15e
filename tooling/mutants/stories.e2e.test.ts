import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { MUTANTS } from './all.mjs'
import { runChild } from './children.mjs'
import { ROOT, VARIABLE } from './mutant.mjs'

const STORIES = join(ROOT, 'apps/simulator/stories')
const SIMULATE = join(ROOT, 'apps/simulator/dist/main.js')
const REGISTER = pathToFileURL(join(ROOT, 'tooling/mutants/register.mjs')).href
const TIMEOUT_MS = 60_000

/** Each story and the planted bug that it finds, from the table of their README. */
const rows = readFileSync(join(STORIES, 'README.md'), 'utf8')
  .split('\n')
  .map((line) => /^\| `(.+\.json)` \|.*\| ([^|]+) \|$/.exec(line)?.slice(1) as [story: string, bug: string] | undefined)
  .filter((row) => row !== undefined)

async function stories(bug: string, ...files: string[]): Promise<{ exitCode: number | null; output: string }> {
  const command = [process.execPath, '--import', REGISTER, SIMULATE, 'stories', ...files]
  return await runChild(command, { env: { ...process.env, [VARIABLE]: bug }, timeoutMs: TIMEOUT_MS })
}

test('every story is in the table, with a planted bug that there is', () => {
  expect(rows.map(([story]) => story)).toEqual(readdirSync(STORIES).filter((name) => name.endsWith('.json')))
  const names = MUTANTS.map(({ name }) => name)
  for (const [, bug] of rows) expect(names).toContain(bug)
})

test.each(rows)('%s finds that %s', async (story, bug) => {
  const { exitCode, output } = await stories(bug, join(STORIES, story))
  expect([exitCode, output]).toEqual([1, expect.stringMatching(/^BROKEN.*^1 story, 1 violation$/ms)])
})

test('with no bug planted none of them finds anything', async () => {
  const { exitCode, output } = await stories('none')
  expect([exitCode, output]).toEqual([0, expect.stringContaining(`${rows.length} stories, 0 violations`)])
})
