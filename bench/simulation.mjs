// Measures the simulator and the checkers on this machine. See docs/simulation.md.
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { FAULT_KINDS } from '../apps/simulator/dist/scenarios/raft/knobs.js'
import { machine } from './machine.mjs'
import { simulationPage } from './simulation-report.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const PAGE = join(ROOT, 'docs/simulation.md')
const SIMULATE = join(ROOT, 'apps/simulator/dist/main.js')
const HELP = `npm run bench:simulation -- [options]

  --minutes N   real time of each run that has no number of seeds (1)
  --write       write docs/simulation.md
`
/** What a run may print; a report goes into a file. */
const MAX_OUTPUT_BYTES = 16_777_216
const SCENARIOS = /** @type {const} */ (['raft', 'kv', 'membership'])
/** Seeds of the runs that have a number of them; the first is drawn anew, so they are fresh each time. */
const FRESH_SEEDS = 2_000
const TWICE_SEEDS = 200

const run = promisify(execFile)

/**
 * A sweep, as its report tells of it.
 *
 * @typedef {object} Measured
 * @property {string} what
 * @property {any} report the JSON of the simulator
 */

/**
 * Sweeps seeds with the command that users have.
 *
 * @param {string} what
 * @param {readonly string[]} args
 * @returns {Promise<Measured>}
 */
async function sweep(what, args) {
  const folder = mkdtempSync(join(tmpdir(), 'dsys-bench-'))
  try {
    process.stdout.write(`${what} …\n`)
    const command = [SIMULATE, ...args, '--report', join(folder, 'report')]
    await run(process.execPath, command, { cwd: ROOT, maxBuffer: MAX_OUTPUT_BYTES })
    return { what, report: JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8')) }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** @param {readonly string[]} command @returns {Promise<string>} what it prints */
async function output(command) {
  process.stdout.write(`${command.join(' ')} …\n`)
  const { stdout } = await run(process.execPath, command, { cwd: ROOT, maxBuffer: MAX_OUTPUT_BYTES })
  return stdout.trim()
}

async function main() {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '1' },
      write: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) return void process.stdout.write(HELP)
  const { minutes } = values
  const folder = mkdtempSync(join(tmpdir(), 'dsys-bench-'))
  const facts = machine(folder)
  rmSync(folder, { recursive: true })

  const everyFault = ['--knobs', `faultKinds=${JSON.stringify(FAULT_KINDS)}`]
  const fiveNodes = ['--scenario', 'raft', '--knobs', 'nodes=5', '--knobs', 'weather=production', ...everyFault]
  const speed = [
    await sweep('raft, five nodes with the timeouts of production and every kind of fault', [
      ...[...fiveNodes, '--minutes', minutes],
    ]),
    await sweep('raft, as drawn', ['--scenario', 'raft', '--minutes', minutes]),
    await sweep('kv, as drawn', ['--scenario', 'kv', '--minutes', minutes]),
    await sweep('membership, as drawn', ['--scenario', 'membership', '--minutes', minutes]),
    await sweep(`raft, ${FRESH_SEEDS} fresh seeds`, [
      ...['--scenario', 'raft', '--seeds', String(FRESH_SEEDS), '--workers', '1'],
    ]),
  ]
  const twice = []
  for (const name of SCENARIOS) {
    const seeds = ['--scenario', name, '--seeds', String(TWICE_SEEDS), '--from', '1']
    twice.push(await sweep(`${name}, each seed twice`, [...seeds, '--twice', '--guard']))
  }
  const hashes = await output([SIMULATE, 'hashes', '--seeds', String(TWICE_SEEDS)])
  const checkers = [
    await output(['packages/linearizability/bench/check.js']),
    await output(['packages/linearizability/bench/transactions.js']),
  ]
  const page = simulationPage({ facts, speed, twice, hashes, checkers, date: new Date().toISOString().slice(0, 10) })
  if (values.write) writeFileSync(PAGE, page)
  else process.stdout.write(page)
}

await main()
