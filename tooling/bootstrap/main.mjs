import { join } from 'node:path'
import { ensureBuilt, removeOrphans } from './build.mjs'
import { ExpectedError, ROOT } from './environment.mjs'
import { isThere, removeAll, workspaceFolders } from './files.mjs'
import { ensureInstalled } from './install.mjs'
import { ensureNatsServer } from './nats.mjs'
import { run, runApplication } from './process.mjs'
import { TASK_COMMANDS } from './tasks.mjs'
import { testEverything } from './test-command.mjs'

/** Programs that run from the build, by the name of their script. */
const APPLICATIONS = /** @type {Readonly<Record<string, string>>} */ ({
  start: 'apps/reference-node/dist/cluster.js',
  tour: 'apps/reference-node/dist/tour.js',
  bench: 'bench/main.mjs',
  'bench:raft': 'bench/raft/main.mjs',
  'bench:failover': 'bench/failover/main.mjs',
  'bench:membership': 'bench/membership/main.mjs',
  'bench:simulation': 'bench/simulation.mjs',
  interleavings: 'packages/membership/bench/interleavings.js',
  simulate: 'apps/simulator/dist/main.js',
  mutants: 'tooling/mutants/main.mjs',
})

/**
 * Runs one of the scripts of package.json.
 *
 * @param {readonly string[]} argv the name of the script, and its arguments
 * @returns {Promise<number>} the exit code
 */
export async function main(argv) {
  const [script = 'help', ...args] = argv
  const task = TASK_COMMANDS[script]
  // Inside turbo everything is installed and on the path: run the task itself.
  if (task !== undefined && process.env['TURBO_HASH'] !== undefined) return await runTask(task, [], process.env)

  const application = APPLICATIONS[script]
  if (application !== undefined) return await runBuilt(application, args)
  if (task !== undefined) return await runThroughTurbo(script, task, args)
  const env = await ensureInstalled()
  switch (script) {
    case 'test':
      if (args.length > 0)
        throw new ExpectedError('npm test takes no arguments. For some tests: npm run test:unit -- packages/raft')
      return await testEverything(env)
    case 'format':
      return await run('biome', ['check', '--write', ...args], { env })
    case 'changeset':
      return await run('changeset', args, { env })
    case 'clean':
      return clean()
    default:
      throw new ExpectedError(
        `There is no script "${script}". Try npm start, npm test, npm run tour, or see CONTRIBUTING.md.`,
      )
  }
}

/**
 * @param {string} application
 * @param {readonly string[]} args
 */
async function runBuilt(application, args) {
  const env = await ensureInstalled()
  await ensureBuilt(env)
  const file = join(ROOT, application)
  if (!isThere(file))
    throw new ExpectedError(
      `${application} is missing, although the build is current. Run npm run clean, then try again.`,
    )
  return await runApplication(process.execPath, [file, ...args], { env })
}

/**
 * @param {string} script
 * @param {readonly string[]} task
 * @param {readonly string[]} args that narrow the task down; with any, the result is not cached
 */
async function runThroughTurbo(script, task, args) {
  const installed = await ensureInstalled()
  const needsNats = script === 'test:unit' || script === 'test:e2e'
  const env = needsNats ? { ...installed, ...(await ensureNatsServer(installed)) } : installed
  if (script === 'build') removeOrphans()
  if (args.length === 0) return await run('turbo', ['run', `//#${script}`, '--output-logs=new-only'], { env })
  if (script === 'test:e2e' || script === 'test:publish') await ensureBuilt(env)
  return await runTask(task, args, env)
}

/**
 * @param {readonly string[]} task
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} env
 */
async function runTask(task, args, env) {
  const [command = '', ...fixed] = task
  return await run(command, [...fixed, ...args], { env })
}

function clean() {
  for (const folder of workspaceFolders()) removeAll(join(ROOT, folder, 'dist'))
  for (const name of ['.turbo', '.tools/built', '.tools/reports']) removeAll(join(ROOT, name))
  return 0
}
