/**
 * kv's state machine alone, beside one that is a plain Map and takes its snapshots in one piece: what an operation costs at many keys, and
 * how long a snapshot holds up everything else. Build first, then run `node packages/kv/bench/machine.js`. Each measurement is a process of its own.
 */
import { execFileSync } from 'node:child_process'
import { cpus, loadavg } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { table } from '../../../bench/table.mjs'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    keys: { type: 'string', default: '10000,100000,1000000' },
    bytes: { type: 'string', default: '256' },
  },
})
const rounds = Number(values.rounds)
const WORKER = fileURLToPath(new URL('machine-worker.js', import.meta.url))
const MACHINES = ['kv', 'plain']

/** @param {string} machine @param {string} keys @returns {Record<string, number>} */
function run(machine, keys) {
  const options = ['--machine', machine, '--keys', keys, '--bytes', values.bytes]
  return JSON.parse(execFileSync(process.execPath, ['--expose-gc', WORKER, ...options], { encoding: 'utf8' }))
}

/** @param {readonly number[]} list */
const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)] ?? Number.NaN
/** @param {number} value */
const short = (value) => (value === 0 ? '0' : value >= 100 ? `${Math.round(value)}` : value.toPrecision(2))

const loadBefore = loadavg()[0] ?? Number.NaN
const COSTS = ['fill', 'get', 'put', 'put under a view', 'scan', 'encode', 'decode']
const PAUSES = ['fill', 'encode', 'decode']
/** @type {string[][]} */
const costs = []
/** @type {string[][]} */
const pauses = []
for (const keys of values.keys.split(',')) {
  /** @type {Record<string, number>[][]} */
  const runs = MACHINES.map(() => [])
  // One machine after the other in each round, so that what else the computer does meets both.
  for (let round = 0; round < rounds; round++) MACHINES.forEach((machine, i) => void runs[i]?.push(run(machine, keys)))
  const figure = (/** @type {number} */ machine, /** @type {string} */ name) =>
    median((runs[machine] ?? []).map((each) => each[name] ?? Number.NaN))
  for (const name of COSTS) {
    const [kv, plain] = [figure(0, name), figure(1, name)]
    costs.push([Number(keys).toLocaleString('en'), name, short(kv), short(plain), short(kv / plain)])
  }
  const [kv, plain] = [figure(0, 'memory'), figure(1, 'memory')]
  costs.push([Number(keys).toLocaleString('en'), 'memory, bytes', short(kv), short(plain), short(kv / plain)])
  for (const name of PAUSES) {
    const row = ['stepMs', 'minorMs', 'majorMs'].map((pause) => short(figure(0, `${name} ${pause}`)))
    pauses.push([Number(keys).toLocaleString('en'), name, ...row, short(figure(1, `${name} stepMs`))])
  }
  pauses.push([Number(keys).toLocaleString('en'), 'freeze', short(figure(0, 'freezeUs') / 1_000), '', '', ''])
}

const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
console.log(`${new Date().toISOString().slice(0, 10)}, ${commit}, ${cpus().length} × ${cpus()[0]?.model.trim()}, Node.js ${process.version}
Load before and behind (average of one minute): ${loadBefore.toFixed(2)}, ${(loadavg()[0] ?? Number.NaN).toFixed(2)}. Medians of ${rounds} rounds, keys of 17 bytes, values of ${values.bytes}.

Microseconds of the processor for each key, collections of garbage included:

${table(['keys', '', 'kv', 'one Map', 'ratio'], costs)}

The longest pauses, in milliseconds by the clock. A step encodes or decodes one part, or applies 500 puts; collections of garbage are not part of it:

${table(['keys', '', 'step', 'minor collection', 'major collection', 'step of one Map'], pauses)}`)
