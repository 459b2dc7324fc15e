import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { markBuilt, removeOrphans } from './build.mjs'
import { ROOT } from './environment.mjs'
import { readIfThere, removeAll } from './files.mjs'
import { ensureNatsServer } from './nats.mjs'
import { run } from './process.mjs'
import { REPORTS, TEST_PROJECTS } from './tasks.mjs'

/**
 * @typedef {object} Stage of `npm test`
 * @property {string} name
 * @property {'passed' | 'failed' | 'cached' | 'not run'} result
 * @property {number} ms
 */

const RUNS = join(ROOT, '.turbo/runs')

/**
 * The turbo tasks, in the order of the summary. Those of one phase run at once; packing and real processes, which have
 * deadlines to meet, do not share the machine with other tests.
 */
const PHASES = [['build', 'lint', 'typecheck', 'test:unit'], ['test:publish'], ['test:e2e']]

/**
 * Builds, checks and tests everything; goes on after a failure, so that one run shows all that is wrong. The last line of
 * the output is `N passed, N failed, N skipped`, over all test runs.
 *
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<number>} the exit code
 */
export async function testEverything(env) {
  removeOrphans()
  // A stale report must not be counted when a run dies before it writes its own.
  removeAll(REPORTS)
  const nats = await prepareNats(env)
  const testEnv = { ...env, ...nats.env }
  /** @type {Stage[]} */
  const done = []
  let failed = false
  for (const tasks of PHASES) {
    const { exitCode, stages } = await runTurbo(tasks, testEnv)
    done.push(...stages)
    failed ||= exitCode !== 0
  }
  const byTask = new Map(done.map((stage) => [stage.name, stage]))
  const stages = [nats.stage, ...PHASES.flat().map((name) => byTask.get(name) ?? notRun(name))]
  if (byTask.get('build')?.result !== 'failed') markBuilt()

  const counts = countTests()
  print(stages, counts)
  return failed || stages.some(isBad) || counts.failed > 0 ? 1 : 0
}

/** @param {Stage} stage */
function isBad(stage) {
  return stage.result === 'failed' || stage.result === 'not run'
}

/**
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<{ stage: Stage, env: NodeJS.ProcessEnv }>}
 */
async function prepareNats(env) {
  const startMs = performance.now()
  /** @type {Stage['result']} */
  let result = 'passed'
  /** @type {NodeJS.ProcessEnv} */
  let found = {}
  try {
    found = await ensureNatsServer(env)
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
    result = 'failed'
  }
  return { stage: { name: 'nats-server', result, ms: performance.now() - startMs }, env: found }
}

/**
 * @param {readonly string[]} tasks
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<{ exitCode: number, stages: Stage[] }>}
 */
async function runTurbo(tasks, env) {
  removeAll(RUNS)
  const names = tasks.map((task) => `//#${task}`)
  const args = ['run', ...names, '--continue=dependencies-successful', '--output-logs=new-only', '--summarize']
  const exitCode = await run('turbo', args, { env })
  return { exitCode, stages: readStages(tasks) }
}

/**
 * What turbo says about the run that has just ended.
 *
 * @param {readonly string[]} tasks
 * @returns {Stage[]}
 */
function readStages(tasks) {
  const newest = readdirSync(RUNS)
    .map((name) => join(RUNS, name))
    .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)[0]
  if (newest === undefined) return []
  const summary = JSON.parse(readFileSync(newest, 'utf8'))
  return summary.tasks
    .filter((/** @type {any} */ task) => tasks.includes(task.task))
    .map((/** @type {any} */ task) => ({ name: task.task, ...outcomeOf(task) }))
}

/**
 * @param {any} task of turbo's summary
 * @returns {Omit<Stage, 'name'>}
 */
function outcomeOf({ execution, cache }) {
  if (execution === undefined || execution === null) return { result: 'not run', ms: 0 }
  const ms = execution.endTime - execution.startTime
  if (execution.exitCode !== 0) return { result: 'failed', ms }
  return { result: cache.status === 'HIT' ? 'cached' : 'passed', ms }
}

/**
 * @param {string} name
 * @returns {Stage}
 */
function notRun(name) {
  return { name, result: 'not run', ms: 0 }
}

/** The sums over the reports of vitest. A run that left no report counts as one failure. */
function countTests() {
  const counts = { passed: 0, failed: 0, skipped: 0 }
  for (const project of TEST_PROJECTS) {
    const text = readIfThere(join(REPORTS, `${project}.json`))
    const report = text === undefined ? undefined : JSON.parse(text)
    if (report === undefined) {
      counts.failed += 1
      continue
    }
    counts.passed += report.numPassedTests
    counts.failed += report.numFailedTests + brokenFiles(report)
    counts.skipped += report.numPendingTests + report.numTodoTests
  }
  return counts
}

/**
 * Files that failed before they had a test to count.
 *
 * @param {{ testResults: { status: string, assertionResults: { status: string }[] }[] }} report
 */
function brokenFiles(report) {
  return report.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  ).length
}

/**
 * @param {readonly Stage[]} stages
 * @param {{ passed: number, failed: number, skipped: number }} counts
 */
function print(stages, counts) {
  const rows = stages.map(
    ({ name, result, ms }) => `  ${name.padEnd(14)}${result.padEnd(10)}${(ms / 1_000).toFixed(1).padStart(7)} s`,
  )
  process.stdout.write(`\n${rows.join('\n')}\n\n`)
  process.stdout.write(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`)
}
