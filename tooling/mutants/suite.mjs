import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runChild } from './children.mjs'
import { pitfallsOf, ROOT, unitOf, VARIABLE } from './mutant.mjs'

const VITEST = join(ROOT, 'node_modules/vitest/vitest.mjs')
const TIMEOUT_MS = 120_000

/**
 * Runs the unit tests of the mutant's package with the bug in it: first the one that found it the last time, then those that name its
 * pitfall, then all.
 *
 * @param {import('./mutant.mjs').Mutant} mutant
 * @param {string | undefined} known the test that found it the last time
 * @returns {Promise<string | undefined>} the first test that fails, its file and its title, or nothing when all pass
 */
export async function killedBySuite(mutant, known) {
  const all = `${unitOf(mutant.file)}/test`
  const [file, title] = known?.split(/: (.*)/s) ?? []
  const ids = pitfallsOf(mutant)
  return (
    (file !== undefined && title !== undefined ? await firstFailure(mutant, file, exactly(title)) : undefined) ??
    (ids.length > 0 ? await firstFailure(mutant, all, ids.join('|')) : undefined) ??
    (await firstFailure(mutant, all, '.'))
  )
}

/** @param {string} title */
const exactly = (title) => `^${title.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`

/**
 * @param {import('./mutant.mjs').Mutant} mutant
 * @param {string} path of a file or a folder
 * @param {string} pattern of the titles
 */
async function firstFailure(mutant, path, pattern) {
  const folder = await mkdtemp(join(tmpdir(), 'dsys-mutant-'))
  try {
    const report = join(folder, 'report.json')
    const command = [
      ...[process.execPath, VITEST, 'run', '--project', 'unit', path, '--testNamePattern', pattern],
      ...['--bail=1', '--passWithNoTests', '--reporter=json', `--outputFile=${report}`],
    ]
    const { exitCode, output, hung } = await runChild(command, {
      env: { ...process.env, [VARIABLE]: mutant.name },
      timeoutMs: TIMEOUT_MS,
    })
    if (hung) return 'the tests do not end'
    if (exitCode === 0) return undefined
    return failureIn(await readFile(report, 'utf8').catch(() => undefined)) ?? `the tests fail: ${output.slice(-200)}`
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** @param {string | undefined} text */
function failureIn(text) {
  if (text === undefined) return undefined
  /** @type {{ testResults: { name: string, assertionResults: { status: string, fullName: string }[] }[] }} */
  const report = JSON.parse(text)
  for (const file of report.testResults) {
    const failed = file.assertionResults.find(({ status }) => status === 'failed')
    if (failed !== undefined) return `${file.name.slice(ROOT.length)}: ${failed.fullName}`
  }
  return undefined
}
