/** One process of the bench in `machine.js`: measures one state machine with so many keys, and prints what it found as JSON. */
import { constants, PerformanceObserver } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import { kvMachine } from '@dsys/kv'
import { plain } from './plain-machine.js'

const { values } = parseArgs({
  options: {
    machine: { type: 'string', default: 'kv' },
    keys: { type: 'string', default: '10000' },
    bytes: { type: 'string', default: '256' },
  },
})
const KEYS = Number(values.keys)
/** As many as are timed at once: a step as long as that of a node which applies what is committed. */
const PUTS_OF_A_STEP = 500
const OPERATIONS = 200_000
const KEYSPACE = 'bench'
const value = Buffer.alloc(Number(values.bytes), 7)

/** kv's state machine, in the form of the plain one. */
const kv = {
  initial: kvMachine.initial,
  /** @param {ReturnType<typeof kvMachine.initial>} state @param {string} key @param {Uint8Array} value */
  put: (state, key, value) => {
    kvMachine.apply(state, { op: 'put', keyspace: KEYSPACE, key, value }, { index: 1, term: 1, position: 0 })
  },
  /** @param {ReturnType<typeof kvMachine.initial>} state */
  entries: (state) => state.keyspaces.get(KEYSPACE)?.entries ?? new Map(),
  snapshot: { ...kvMachine.snapshot, encode: (/** @type {Iterable<Uint8Array>} */ view) => view },
}
const machine = /** @type {any} */ (values.machine === 'plain' ? plain : kv)

/** @typedef {{ from: number, to: number }} Span */
/** @type {(Span & { isMajor: boolean })[]} */
const collections = []
new PerformanceObserver((list) => {
  for (const { startTime, duration, detail } of list.getEntries()) {
    const isMajor = /** @type {any} */ (detail).kind !== constants.NODE_PERFORMANCE_GC_MINOR
    collections.push({ from: startTime, to: startTime + duration, isMajor })
  }
}).observe({ entryTypes: ['gc'] })

let seed = 1
function anyNumber() {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
  return Math.floor((seed / 2 ** 32) * KEYS)
}

const text = Buffer.from('user/000000000000')
/**
 * A key as it comes out of a command: a string that nobody has seen yet. They are in no order.
 *
 * @param {number} number
 */
function keyOf(number) {
  let rest = Math.imul(number, 0x9e3779b1) >>> 0
  for (let at = text.length - 1; at > 4; at--) {
    text[at] = 48 + (rest % 10)
    rest = Math.floor(rest / 10)
  }
  return text.toString('latin1')
}

/** Microseconds of the processor, collections of garbage included, so that other programs disturb less. */
function cpuUs() {
  const { user, system } = process.cpuUsage()
  return user + system
}

/** @param {() => void} once */
function each(once) {
  const before = cpuUs()
  for (let i = 0; i < OPERATIONS; i++) once()
  return (cpuUs() - before) / OPERATIONS
}

/** Lets the observer hear of all collections. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 50))

/** @param {Span} a @param {Span} b */
const overlap = (a, b) => Math.max(0, Math.min(a.to, b.to) - Math.max(a.from, b.from))

/**
 * What many steps take in all, the longest of them without the collections of garbage in it, and the longest collections.
 *
 * @param {Iterable<unknown>} work makes a step whenever it is asked for the next value
 */
async function inSteps(work) {
  await settle()
  collections.length = 0
  /** @type {Span[]} */
  const steps = []
  const before = cpuUs()
  const iterator = work[Symbol.iterator]()
  for (let done = false; !done; ) {
    const from = performance.now()
    done = iterator.next().done === true
    steps.push({ from, to: performance.now() })
  }
  const totalMs = (cpuUs() - before) / 1_000
  await settle()
  let stepMs = 0
  for (const step of steps) {
    const collecting = collections.reduce((sum, collection) => sum + overlap(step, collection), 0)
    stepMs = Math.max(stepMs, step.to - step.from - collecting)
  }
  const longest = (/** @type {boolean} */ isMajor) =>
    Math.max(0, ...collections.filter((each) => each.isMajor === isMajor).map(({ from, to }) => to - from))
  return { totalMs, stepMs, minorMs: longest(false), majorMs: longest(true) }
}

let state = machine.initial()
let found = 0
/** @type {Record<string, number>} */
const rows = {}
/** @param {string} name @param {{ totalMs: number, stepMs: number, minorMs: number, majorMs: number }} steps */
function note(name, { totalMs, ...pauses }) {
  rows[name] = (totalMs * 1_000) / KEYS
  for (const [pause, ms] of Object.entries(pauses)) rows[`${name} ${pause}`] = ms
}

function* fill() {
  for (let i = 0; i < KEYS; i++) {
    machine.put(state, keyOf(i), value)
    if (i % PUTS_OF_A_STEP === 0) yield
  }
}
note('fill', await inSteps(fill()))

const get = () => {
  found += machine.entries(state).get(keyOf(anyNumber())).value.length
}
const put = () => machine.put(state, keyOf(anyNumber()), value)
// The first calls run code that is not compiled yet.
for (let round = 0; round < 2; round++) {
  rows.get = each(get)
  rows.put = each(put)
}
const before = cpuUs()
for (const [key, entry] of machine.entries(state)) found += key.length + entry.revision
rows.scan = (cpuUs() - before) / KEYS

/** @type {unknown[]} */
const kept = []
const freezing = Array.from({ length: 21 }, () => {
  const from = performance.now()
  kept[0] = machine.snapshot.freeze(state)
  return performance.now() - from
})
rows.freezeUs = 1_000 * Number(freezing.sort((a, b) => a - b)[10])
rows['put under a view'] = each(put)
/** @type {Uint8Array[]} */
const parts = []
function* encode() {
  for (const part of machine.snapshot.encode(kept.pop())) {
    parts.push(part)
    yield
  }
}
note('encode', await inSteps(encode()))

state = undefined
globalThis.gc?.()
// The bytes of a million values are given back in the background, and the next collection waits for that: it is not what decoding takes.
await new Promise((resolve) => setTimeout(resolve, 3_000))
function* decode() {
  const decoder = machine.snapshot.decoder()
  for (const part of parts) {
    decoder.add(part)
    yield
  }
  state = decoder.finish()
}
note('decode', await inSteps(decode()))

parts.length = 0
globalThis.gc?.()
const { heapUsed, arrayBuffers } = process.memoryUsage()
rows.memory = (heapUsed + arrayBuffers) / KEYS
if (machine.entries(state).size !== KEYS || found === 0) throw new Error('the machine has lost something')
console.log(JSON.stringify(rows))
