/**
 * Nodes in one process, over memory: what the protocol itself costs. Build first, then run `node packages/raft/bench/in-process.js`, with
 * `--write` to write the part of docs/benchmarks.md. Each measurement is a process of its own.
 */
import { execFileSync } from 'node:child_process'
import { cpus, loadavg } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { writePart } from '../../../bench/page.mjs'
import { hashicorpVersion } from '../../../bench/raft/hashicorp.mjs'
import { table } from '../../../bench/table.mjs'
import { hashicorpInMemory } from './in-process-peer.js'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '2' },
    bytes: { type: 'string', default: '256' },
    write: { type: 'boolean', default: false },
  },
})
const rounds = Number(values.rounds)
const SIZES = /** @type {const} */ ([3, 5, 7])
const PEER_NODES = 3
const WORKER = fileURLToPath(new URL('in-process-worker.js', import.meta.url))
/** Room for all that is counted, so that nothing is collected meanwhile. */
const ROOMY = ['--expose-gc', '--min-semi-space-size=512', '--max-semi-space-size=512']

/** @typedef {import('./in-process-peer.js').Rate} Rate */
/** @typedef {{ collections: number, heap: number, buffers: number, keptHeap: number, keptBuffers: number }} Allocated */

/**
 * @param {number} nodes
 * @param {string} measure
 * @param {readonly string[]} [flags] of Node
 */
function run(nodes, measure, flags = []) {
  const options = ['--nodes', `${nodes}`, '--measure', measure, '--seconds', values.seconds, '--bytes', values.bytes]
  return JSON.parse(execFileSync(process.execPath, [...flags, WORKER, ...options], { encoding: 'utf8' }))
}

/** @param {readonly number[]} list */
const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)] ?? Number.NaN
/** @param {number} value */
const whole = (value) => Math.round(value).toLocaleString('en')
/** @param {number} value */
const short = (value) => value.toPrecision(3)

const loadBefore = loadavg()[0] ?? Number.NaN
/** @type {Map<number, Record<string, Rate>[]>} */
const speeds = new Map(SIZES.map((size) => [size, []]))
/** @type {Record<string, Rate>[]} */
const peer = []
const measurePeer = hashicorpInMemory()
// One after the other in each round, so that what else the machine does meets all of them.
for (let round = 0; round < rounds; round++) {
  for (const size of SIZES) speeds.get(size)?.push(run(size, 'speed'))
  if (measurePeer !== undefined) peer.push(await measurePeer(PEER_NODES, Number(values.seconds)))
}
const memory = SIZES.map((size) => ({
  size,
  allocated: /** @type {Allocated} */ (run(size, 'allocated', ROOMY)),
  idle: /** @type {{ replica: number }} */ (run(size, 'idle', ['--expose-gc'])),
}))

/** @param {number} size @param {string} row @param {keyof Rate} figure */
const figure = (size, row, figure) => middle(speeds.get(size) ?? [], row, figure)
/** @param {readonly Record<string, Rate>[]} measured @param {string} row @param {keyof Rate} figure */
const middle = (measured, row, figure) => median(measured.map((each) => each[row]?.[figure] ?? Number.NaN))

const rows = Object.keys(speeds.get(3)?.[0] ?? {})
const rates = table(
  ['operation, callers', ...SIZES.map((size) => `${size} nodes, per s`), '3 nodes, p50 ms', 'p99 ms', 'CPU µs each'],
  rows.map((row) => [
    row,
    ...SIZES.map((size) => whole(figure(size, row, 'perSecond'))),
    short(figure(3, row, 'medianMs')),
    short(figure(3, row, 'p99Ms')),
    short(figure(3, row, 'cpuUs')),
  ]),
)
const beside = table(
  [
    '3 nodes',
    'dsys, per s',
    'p50 ms',
    'p99 ms',
    'CPU µs',
    'hashicorp/raft, per s',
    'p50 ms',
    'p99 ms',
    'CPU µs',
    'dsys / it',
  ],
  Object.keys(peer[0] ?? {}).map((row) => {
    const ours = speeds.get(PEER_NODES) ?? []
    const figures = [ours, peer].map((measured) => [
      whole(middle(measured, row, 'perSecond')),
      short(middle(measured, row, 'medianMs')),
      short(middle(measured, row, 'p99Ms')),
      short(middle(measured, row, 'cpuUs')),
    ])
    const ratio = middle(ours, row, 'perSecond') / middle(peer, row, 'perSecond')
    return [row, ...figures.flat(), `**${ratio.toFixed(2)}**`]
  }),
)
const peerText =
  peer.length === 0
    ? ''
    : `### Beside hashicorp/raft

hashicorp/raft ${hashicorpVersion()}, three nodes in one process in the same rounds, over the transport and the stores in memory that come with it.
It runs on all processors, dsys on one thread. Its read is \`VerifyLeader\`, the part of a linearizable read that it has: whoever calls it still has to
wait until the state machine is as far as the commit index was. It has no call that proposes many commands at once. Its latencies are whole microseconds.

${beside}

`
const bytes = table(
  ['bytes', ...SIZES.map((size) => `${size} nodes`)],
  [
    ['allocated for one proposal on all nodes, heap', ...memory.map(({ allocated }) => whole(allocated.heap))],
    ['and outside of the heap, in buffers', ...memory.map(({ allocated }) => whole(allocated.buffers))],
    ['of these kept with the log, heap', ...memory.map(({ allocated }) => whole(Math.max(0, allocated.keptHeap)))],
    ['and in buffers', ...memory.map(({ allocated }) => whole(allocated.keptBuffers))],
    ['an idle group, one replica', ...memory.map(({ idle }) => whole(idle.replica))],
    ['an idle group, all replicas', ...memory.map(({ idle, size }) => whole(idle.replica * size))],
  ],
)
for (const { size, allocated } of memory) {
  if (allocated.collections > 0)
    console.warn(`${size} nodes: memory was collected while it was counted, so the count is too low`)
}

const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
// Then the bench has to share its processors.
const busy =
  loadBefore > cpus().length / 2
    ? '**Other programs used the machine meanwhile, so rates and latencies are not those of a machine of its own.** Processor time is less disturbed: 1,000,000 µs by that ' +
      'of one call is about how many one processor makes in a second.\n\n'
    : ''
const text = `## Raft alone, in one process

All nodes of a group in one process and on one thread, over transports and storages in memory: no network, no disk, no codec, and a state machine that
counts. So this is what the protocol costs, for all nodes together, at ${values.bytes} bytes a command. Figures are medians of ${rounds} rounds of ${values.seconds} s each, behind
a quarter as much of the same load; each caller asks again when it has its answer. CPU is that of the whole process, garbage collection included.

${busy}A \`proposeAll\` of 64 commands is one entry of the log: its rows count commands, and a sixty-fourth of that are entries. Small ones have 16 bytes each.

|  |  |
|---|---|
| date, commit | ${new Date().toISOString().slice(0, 10)}, ${commit} |
| processors | ${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown'} |
| versions | Node.js ${process.version} |
| load before and behind | ${loadBefore.toFixed(2)}, ${(loadavg()[0] ?? Number.NaN).toFixed(2)} (average of one minute) |

${rates}

${peerText}Memory is counted from outside: \`process.memoryUsage()\` before and behind 5,120 proposals of 256 callers, in a young heap so large that nothing was
collected meanwhile, and again behind a collection for what is kept. It is kept until the next snapshot. An idle group is one of 200 that share transports and
storages, with a leader and one entry each.

${bytes}

\`node packages/raft/bench/in-process.js --write\` takes about ${Math.ceil((rounds * (3 * 12 + 6) * 1.25 * Number(values.seconds)) / 60 + 1)} minutes after a build, and writes this part.`
console.log(text)
if (values.write) writePart('raft-in-process', text)
