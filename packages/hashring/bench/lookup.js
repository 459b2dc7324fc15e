/** Lookups per second of the ring, and the cost of making one. Build first, then run `node bench/lookup.js`. */
import { cpus } from 'node:os'
import { createRing } from '@dsys/hashring'

const ROUNDS = 15
const KEYS = 65_536

/** @param {() => number} work does some operations and says how many */
function measure(work) {
  /** @type {number[]} */
  const rates = []
  for (let round = 0; round < ROUNDS; round++) {
    const started = process.hrtime.bigint()
    const done = work()
    rates.push((done * 1e9) / Number(process.hrtime.bigint() - started))
  }
  rates.sort((a, b) => b - a)
  return { median: rates[Math.floor(ROUNDS / 2)] ?? 0, slowest: rates.at(-1) ?? 0 }
}

const strings = Array.from({ length: KEYS }, (_, i) => `user:${i * 7919}`)
const bytes = strings.map((key) => new TextEncoder().encode(key))
/** @type {Record<string, object>} */
const rows = {}
let sink = 0

/**
 * @param {string} name
 * @param {() => number} work
 */
function row(name, work) {
  const { median, slowest } = measure(work)
  const show = (/** @type {number} */ rate) => Math.round(rate).toLocaleString('en')
  rows[name] = { 'median/s': show(median), 'slowest round/s': show(slowest) }
}

for (const size of [3, 10, 100]) {
  const nodes = Object.fromEntries(Array.from({ length: size }, (_, i) => [`node-${i}`, 1]))
  const ring = createRing({ nodes })
  row(`owner(string), ${size} nodes`, () => {
    for (let again = 0; again < 8; again++) for (const key of strings) sink += ring.owner(key)?.length ?? 0
    return 8 * KEYS
  })
  row(`owner(bytes), ${size} nodes`, () => {
    for (let again = 0; again < 8; again++) for (const key of bytes) sink += ring.owner(key)?.length ?? 0
    return 8 * KEYS
  })
  row(`owners(string, 3), ${size} nodes`, () => {
    for (const key of strings) sink += ring.owners(key, 3).length
    return KEYS
  })
  row(`createRing, ${size} nodes`, () => {
    sink += createRing({ nodes }).nodes.length
    return 1
  })
}

console.log(`${cpus()[0]?.model ?? 'unknown processor'}, Node ${process.version}, ${ROUNDS} rounds (${sink} checked)`)
console.table(rows)
