import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runChild } from './children.mjs'
import { ROOT, unitOf, VARIABLE } from './mutant.mjs'

const VITEST = join(ROOT, 'node_modules/vitest/vitest.mjs')
const TIMEOUT_MS = 120_000

/**
 * Runs the unit tests of the mutant's package with the bug in it.
 *
 * @param {import('./mutant.mjs').Mutant} mutant
 * @returns {Promise<string | undefined>} the first test that fails, or nothing when all pass
 */
export async function killedBySuite(mutant) {
  const folder = await mkdtemp(join(tmpdir(), 'dsys-mutant-'))
  try {
    const report = join(folder, 'report.json')
    const command = [
      ...[process.execPath, VITEST, 'run', '--project', 'unit', `${unitOf(mutant.file)}/test`],
      ...['--bail=1', '--reporter=json', `--outputFile=${report}`],
    ]
    const { exitCode, output, hung } = await runChild(command, {
      env: { ...process.env, [VARIABLE]: mutant.name },
      timeoutMs: TIMEOUT_MS,
    })
    if (hung) return 'the tests do not end'
    if (exitCode === 0) return undefined
    return (
      firstFailure(await readFile(report, 'utf8').catch(() => undefined)) ?? `the tests fail: ${output.slice(-200)}`
    )
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** @param {string | undefined} text */
function firstFailure(text) {
  if (text === undefined) return undefined
  /** @type {{ testResults: { name: string, assertionResults: { status: string, fullName: string }[] }[] }} */
  const report = JSON.parse(text)
  for (const file of report.testResults) {
    const failed = file.assertionResults.find(({ status }) => status === 'failed')
    if (failed !== undefined) return `${file.name.slice(ROOT.length)}: ${failed.fullName}`
  }
  return undefined
}
