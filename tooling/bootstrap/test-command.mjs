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

/** The stages in the order of the summary, by the turbo task behind each. */
const STAGES = ['build', 'lint', 'typecheck', 'test:unit', 'test:publish', 'test:e2e']

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
  // The end-to-end tests measure real processes against real deadlines: nothing else runs beside them.
  const first = await runTurbo(STAGES.slice(0, -1), testEnv)
  const second = await runTurbo(STAGES.slice(-1), testEnv)
  const byTask = new Map([...first.stages, ...second.stages].map((stage) => [stage.name, stage]))
  const stages = [nats.stage, ...STAGES.map((name) => byTask.get(name) ?? notRun(name))]
  if (byTask.get('build')?.result !== 'failed') markBuilt()

  const counts = countTests()
  const failed = first.exitCode !== 0 || second.exitCode !== 0 || stages.some(isBad) || counts.failed > 0
  print(stages, counts)
  return failed ? 1 : 0
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
