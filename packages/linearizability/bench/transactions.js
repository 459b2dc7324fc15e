/**
 * The time that the transaction checker needs. Build first, then run `node bench/transactions.js [transactions]`; one argument more than
 * 10,000 shows how the time grows. The histories are those of a store in memory, made from a seed.
 */
import { cpus } from 'node:os'
import { checkTransactions, TransactionRecorder } from '@dsys/linearizability'

const ROUNDS = 7
const COUNT = Number(process.argv[2] ?? 10_000)

/** @typedef {import('@dsys/linearizability').MicroOperation} MicroOperation */
/** @typedef {{ process: number, operations: MicroOperation[], pending: import('@dsys/linearizability').PendingTransaction, steps: number }} Running */
/** @typedef {'serial' | 'snapshot' | 'lost updates' | 'stale'} Store */

/** @param {number} seed */
function numbers(seed) {
  let state = seed
  return (/** @type {number} */ below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
    return (state >>> 8) % below
  }
}

/**
 * Clients run transactions of one to four operations on ten active keys; a key retires after 100 writes.
 * @param {'list-append' | 'register'} model
 * @param {Store} store
 * @param {number} processes
 */
function history(model, store, processes) {
  const random = numbers(7)
  const recorder = new TransactionRecorder()
  /** @type {Map<string, number[]>} */
  let data = new Map()
  /** @type {Map<string, number[]>} */
  let old = data
  /** @type {(Running & { view?: Map<string, number[]> })[]} */
  const running = []
  /** @type {number[]} */
  const written = Array.from({ length: 10 }, () => 0)
  const retired = written.map(() => 0)
  let begun = 0
  let unique = 0
  const draw = () => {
    const slot = random(10)
    if ((written[slot] ?? 0) >= 100) {
      written[slot] = 0
      retired[slot] = (retired[slot] ?? 0) + 1
    }
    return { slot, key: `k${slot}-${retired[slot]}` }
  }
  /** @param {Running} one @param {Map<string, number[]>} view @param {Map<string, number[]>} base */
  const run = (one, view, base) => {
    const seen = new Map(view)
    const next = new Map(base)
    /** @type {MicroOperation[]} */
    const results = one.operations.map(([f, key, value]) => {
      const name = String(key)
      if (f === 'r') return ['r', key, model === 'register' ? seen.get(name)?.at(-1) : (seen.get(name) ?? [])]
      for (const map of [seen, next])
        map.set(name, f === 'w' ? [Number(value)] : [...(map.get(name) ?? []), Number(value)])
      return /** @type {MicroOperation} */ ([f, key, value])
    })
    return { next, results }
  }
  while (begun < COUNT || running.length > 0) {
    const process = random(processes)
    const one = running.find((candidate) => candidate.process === process)
    if (one === undefined) {
      if (begun++ >= COUNT) continue
      /** @type {MicroOperation[]} */
      const operations = Array.from({ length: 1 + random(4) }, () => {
        const { slot, key } = draw()
        if (random(2) === 0) return ['r', key]
        written[slot] = (written[slot] ?? 0) + 1
        return [model === 'register' ? 'w' : 'append', key, ++unique]
      })
      running.push({ process, operations, pending: recorder.invoke(process, operations), steps: 0 })
      continue
    }
    one.steps++
    if (one.steps === 1 && store !== 'serial') one.view = store === 'stale' && random(500) === 0 ? old : data
    if (one.steps < 3) continue
    running.splice(running.indexOf(one), 1)
    const view = one.view ?? data
    const writes = one.operations.filter(([f]) => f !== 'r').map(([, key]) => String(key))
    if (store !== 'lost updates' && writes.some((key) => view.get(key) !== data.get(key))) {
      one.pending.fail()
      continue
    }
    const { next, results } = run(one, view, data)
    if (random(50) === 0) old = data
    data = next
    if (random(100) === 0) one.pending.unknown()
    else one.pending.ok(results)
  }
  return recorder.events()
}

/** @type {Record<string, object>} */
const rows = {}
for (const model of /** @type {const} */ (['list-append', 'register'])) {
  for (const store of /** @type {const} */ (['serial', 'snapshot', 'lost updates', 'stale'])) {
    for (const processes of [10, 100]) {
      const events = history(model, store, processes)
      /** @type {number[]} */
      const times = []
      let found = ''
      for (let round = 0; round < ROUNDS; round++) {
        const started = process.hrtime.bigint()
        const report = checkTransactions(events, { model })
        times.push(Number(process.hrtime.bigint() - started) / 1e6)
        found = Object.entries(report.counts)
          .map(([kind, count]) => `${kind} ${count}`)
          .join(', ')
      }
      times.sort((a, b) => a - b)
      rows[`${model}, ${store}, ${processes} processes`] = {
        'median ms': Math.round(times[Math.floor(ROUNDS / 2)] ?? 0),
        'slowest ms': Math.round(times.at(-1) ?? 0),
        found: found.length > 60 ? `${found.slice(0, 59)}…` : found,
      }
    }
  }
}

console.log(
  `${cpus()[0]?.model ?? 'unknown processor'}, Node ${process.version}, ${COUNT} transactions, ${ROUNDS} rounds`,
)
console.table(rows)
