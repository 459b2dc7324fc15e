// How long operations on clocks take, and how many bytes they are. Run it after a build: node packages/logical-clock/bench/clocks.js, with
// --write to write its part of docs/benchmarks.md.
import { execFileSync } from 'node:child_process'
import { cpus } from 'node:os'
import {
  DottedVersionSet,
  decodeDottedVersionSet,
  encodeDottedVersionSet,
  encodeVectorClock,
  HybridClock,
  packTimestamp,
  VectorClock,
  writeTimestamp,
} from '@dsys/logical-clock'
import { writePart } from '../../../bench/page.mjs'

const ROUNDS = 5
const COUNT = 500_000
const CODEC = {
  encode: (/** @type {Uint8Array} */ value) => value,
  decode: (/** @type {Uint8Array} */ bytes) => bytes,
}

/** @type {unknown} */
let kept

/** @param {(i: number) => unknown} operation Median nanoseconds of one. */
function measure(operation) {
  const rounds = []
  for (let round = 0; round <= ROUNDS; round++) {
    const beganMs = performance.now()
    for (let i = 0; i < COUNT; i++) kept = operation(i)
    rounds.push(((performance.now() - beganMs) * 1e6) / COUNT)
  }
  // The first round warms up.
  return rounds.slice(1).sort((a, b) => a - b)[ROUNDS >> 1] ?? 0
}

const actors = ['n1', 'n2', 'n3'].map((node, i) => ({ id: `${node}#${(2 ** 40 + i).toString(36)}`, floor: 0 }))
const [first, second] = /** @type {[typeof actors[0], typeof actors[0]]} */ (actors)
const value = new Uint8Array(64)
const whole = actors.reduce(
  (set, actor) => set.update(actor, set.context, value),
  /** @type {DottedVersionSet<Uint8Array>} */ (DottedVersionSet.empty()),
)
const here = whole.update(first, whole.context, value)
const there = whole.update(second, whole.context, value)
const both = here.sync(there)
const bytes = encodeDottedVersionSet(both, CODEC)
const plain = encodeDottedVersionSet(whole, CODEC)
const context = VectorClock.of(both.context.toJSON())

const WALL_MS = 1_700_000_000_000
const clock = new HybridClock('n1', undefined)
clock.reserved(WALL_MS + 100 * COUNT)
let wallMs = WALL_MS
/** A wall clock on which an event comes each microsecond. */
const nextWallMs = () => {
  wallMs += 0.001
  return wallMs
}
const stamp = () => {
  clock.tick(nextWallMs())
  return clock.timestamp()
}
const view = new DataView(new ArrayBuffer(8))

/** @type {[string, (i: number) => unknown][]} */
const cases = [
  ['set: `update` with the context of a reader', () => here.update(first, context, value)],
  ['set: `sync`, two siblings from two replicas', () => here.sync(there)],
  ['set: `sync` with one that says nothing new', () => both.sync(there)],
  ['set: `compare`', () => here.compare(there)],
  ['set: encode, two siblings of 64 bytes', () => encodeDottedVersionSet(both, CODEC)],
  ['set: decode, the same', () => decodeDottedVersionSet(bytes, CODEC)],
  ['hybrid clock: `reservation` and `tick`', () => clock.reservation(wallMs) ?? clock.tick(nextWallMs())],
  ['hybrid clock: `tick`, and `timestamp` as a value', stamp],
  ['timestamp: `writeTimestamp`, eight bytes by two numbers', (i) => writeTimestamp(view, 0, WALL_MS + i, 3)],
  ['timestamp: `packTimestamp`, a bigint', (i) => packTimestamp({ ms: WALL_MS + i, counter: 3 })],
]
const rows = cases.map(([name, operation]) => {
  const ns = measure(operation)
  return `| ${name} | ${ns.toFixed(0)} | ${(1e3 / ns).toFixed(1)} |`
})
const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
const text = `## Logical clocks

Three replicas, each with an id of ${first.id.length} letters, one key with an entry for each. Medians of ${ROUNDS} rounds of ${COUNT.toLocaleString('en')}, after one to warm up, on one thread.

| operation | ns | million/s |
|---|---:|---:|
${rows.join('\n')}

A set of three entries and one value of 64 bytes takes ${plain.length} bytes, which is ${plain.length - 64} for the clock; with two siblings ${bytes.length}. The context that a client gets takes ${encodeVectorClock(context).length}.

Commit ${commit}, Node.js ${process.version}, ${cpus()[0]?.model}. \`node packages/logical-clock/bench/clocks.js --write\` writes this part, after a build.`
process.stdout.write(`${text}\n`)
if (process.argv.includes('--write')) writePart('logical-clock', text)
if (kept === undefined) process.exitCode = 0
