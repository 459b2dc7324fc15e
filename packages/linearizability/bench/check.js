/** How long a verdict takes. Build first, then run `node bench/check.js`; with a word, only the rows that contain it. */
import { cpus } from 'node:os'
import { checkLinearizability, modelByName } from '@dsys/linearizability'
import { makeHistory } from './histories.js'

const ROUNDS = 5
const BUDGET = 20_000_000

/** @type {[workload: string, operations: number, keys: number, clients: number, unknownPercent: number][]} */
const CASES = [
  ['register', 10_000, 100, 10, 0],
  ['register', 10_000, 100, 30, 5],
  ['key-value', 10_000, 100, 30, 5],
  ['list-append', 10_000, 100, 30, 5],
  ['register', 100_000, 50, 30, 0],
  ['register', 100_000, 50, 30, 1],
  ['key-value', 100_000, 50, 30, 1],
  ['cas-register', 10_000, 10, 10, 1],
  ['queue', 10_000, 100, 10, 1],
  ['register', 20_000, 2, 30, 0],
  ['register', 20_000, 2, 30, 5],
  ['key-value', 20_000, 2, 30, 5],
]

/** @type {Record<string, object>} */
const rows = {}
for (const [workload, operations, keys, clients, unknownPercent] of CASES) {
  const name = `${workload}, ${operations.toLocaleString('en')} on ${keys} keys, ${clients} clients, ${unknownPercent} % unknown`
  if (process.argv[2] !== undefined && !name.includes(process.argv[2])) continue
  const history = makeHistory({ workload, operations, keys, clients, unknownShare: unknownPercent / 100, seed: 42 })
  // The last read that is wrong: everything before it has to be searched, and every other order excluded.
  const broken = breakLastRead(history)
  rows[name] = { ...measure(workload, history), ...prefixed('broken: ', measure(workload, broken)) }
}
console.log(`${cpus()[0]?.model ?? 'unknown processor'}, Node ${process.version}, ${ROUNDS} rounds, budget ${BUDGET}`)
console.table(rows)

/**
 * @param {string} workload
 * @param {import('@dsys/linearizability').HistoryEvent[]} history
 */
function measure(workload, history) {
  const model = modelByName(workload)
  if (model === undefined) throw new TypeError(`no model ${workload}`)
  /** @type {number[]} */
  const times = []
  let result
  for (let round = 0; round < ROUNDS && (times[0] ?? 0) < 3000; round++) {
    const started = process.hrtime.bigint()
    result = checkLinearizability(model, history, { budget: BUDGET })
    times.push(Number(process.hrtime.bigint() - started) / 1e6)
  }
  times.sort((a, b) => a - b)
  const median = times[Math.floor(times.length / 2)] ?? 0
  return { verdict: result?.verdict, 'median ms': Math.round(median), steps: result?.steps }
}

/** @param {import('@dsys/linearizability').HistoryEvent[]} history */
function breakLastRead(history) {
  const reads = new Set(
    history.flatMap((event) =>
      event.type === 'invoke' && /** @type {any} */ (event.input).op.match(/read|get|dequeue/) ? [event.op] : [],
    ),
  )
  const last = history.findLastIndex((event) => event.type === 'ok' && event.output !== null && reads.has(event.op))
  return history.map((event, index) => {
    if (index !== last || event.type !== 'ok') return event
    return { ...event, output: wrong(event.output) }
  })
}

/**
 * @param {any} output
 * @returns {any} what nobody wrote, in the form of the output
 */
function wrong(output) {
  if (Array.isArray(output)) return [...output, -1]
  return output !== null && typeof output === 'object' ? { ...output, value: -1 } : -1
}

/**
 * @param {string} prefix
 * @param {object} row
 */
function prefixed(prefix, row) {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [prefix + name, value]))
}
