/**
 * Lookups per second of every strategy beside the npm package `hashring`, how even they are, and what a join moves; and what a large partition table takes.
 * Build first, then run `node packages/hashring/bench/placement.js`; `--write` writes its part of docs/benchmarks.md.
 */
import { execFileSync } from 'node:child_process'
import { cpus } from 'node:os'
import {
  createBoundedLoad,
  createJump,
  createKetama,
  createMaglev,
  createPartitionTable,
  createRendezvous,
  createRing,
} from '@dsys/hashring'
import { writePart } from '../../../bench/page.mjs'
import { table } from '../../../bench/table.mjs'

const ROUNDS = 9
const KEYS = 65_536
const NODES = 100
/** A name in a variable: the peer may be missing, and has no types. */
const PEER = 'hashring'

/** @typedef {{ owner: (key: string) => string | undefined, with: (id: string) => Asked }} Asked */

const keys = Array.from({ length: KEYS }, (_, i) => `user:${i * 7919}`)
const ids = Array.from({ length: NODES }, (_, i) => `10.0.${i >> 8}.${i & 255}:7000`)
const nodes = Object.fromEntries(ids.map((id) => [id, 1]))
let sink = 0

/** @param {number[]} values */
const median = (values) => values.sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN

/** @param {() => void} work @returns median time of a call in nanoseconds */
function time(work, rounds = ROUNDS) {
  const times = []
  for (let round = 0; round < rounds; round++) {
    const began = process.hrtime.bigint()
    work()
    times.push(Number(process.hrtime.bigint() - began))
  }
  return median(times)
}

/** @param {(key: string) => string | undefined} owner @param {readonly string[]} asked */
function lookupsPerSecond(owner, asked) {
  const repeats = 4
  const ns = time(() => {
    for (let again = 0; again < repeats; again++) for (const key of asked) sink += owner(key)?.length ?? 0
  })
  return (repeats * asked.length * 1e9) / ns
}

/** Bytes that a lookup leaves behind: the median of runs during which no garbage was collected. @param {(key: string) => string | undefined} owner */
function bytesPerLookup(owner) {
  const grown = []
  for (let run = 0; run < 30; run++) {
    let characters = 0
    const before = process.memoryUsage().heapUsed
    for (let i = 0; i < KEYS; i++) characters += owner(keys[i] ?? '')?.length ?? 0
    const bytes = process.memoryUsage().heapUsed - before
    sink += characters
    // The first runs still compile.
    if (run > 14 && bytes >= 0) grown.push(bytes / KEYS)
  }
  return median(grown)
}

/** @param {{ partitions: number }} one */
function built(one) {
  sink += one.partitions
}

/** @param {number} value */
const whole = (value) => Math.round(value).toLocaleString('en')
/** @param {number} value */
const percent = (value) => `${(value * 100).toFixed(2)} %`

/** @param {string} name @param {Asked} before */
function row(name, before) {
  const owner = (/** @type {string} */ key) => before.owner(key)
  const rate = lookupsPerSecond(owner, keys)
  const bytes = bytesPerLookup(owner)
  const counts = new Map()
  for (let i = 0; i < 1_000_000; i++) {
    const id = before.owner(`key-${i}`)
    counts.set(id, (counts.get(id) ?? 0) + 1)
  }
  const peak = Math.max(...counts.values()) / (1_000_000 / NODES)
  const after = before.with('newcomer:7000')
  let moved = 0
  let needless = 0
  for (let i = 0; i < 200_000; i++) {
    const [from, to] = [before.owner(`key-${i}`), after.owner(`key-${i}`)]
    if (from !== to) moved += 1
    if (from !== to && to !== 'newcomer:7000') needless += 1
  }
  return [
    name,
    whole(rate),
    bytes < 1 ? 'none' : bytes.toFixed(0),
    peak.toFixed(3),
    percent(moved / 200_000),
    percent(needless / 200_000),
  ]
}

/** @param {any} HashRing @param {readonly string[]} all @returns {Asked} the peer with its cache of recent keys off */
function peer(HashRing, all, options = { 'max cache size': 1 }) {
  const ring = new HashRing([...all], 'md5', options)
  return { owner: (key) => ring.get(key), with: (id) => peer(HashRing, [...all, id], options) }
}

const rows = [
  row('partition table, 16,384 partitions', createPartitionTable({ nodes, partitions: 16_384 })),
  row('ring', createRing({ nodes })),
  row('maglev', createMaglev({ nodes })),
  row('bounded loads, 1.25', createBoundedLoad({ nodes })),
  row('jump', createJump({ nodes })),
  row('rendezvous', createRendezvous({ nodes })),
  row('ketama', createKetama({ nodes })),
]
const peerModule = await import(PEER).catch(() => undefined)
if (peerModule === undefined) process.stderr.write(`the npm package ${PEER} is not installed: it is left out\n`)
else {
  rows.push(row('`hashring` 3.2.0 of npm, keys not in its cache', peer(peerModule.default, ids)))
  const cached = peer(peerModule.default, ids, { 'max cache size': 5_000 })
  const few = keys.slice(0, 1_000)
  rows.push([
    'the same, 1,000 keys that are in its cache',
    whole(lookupsPerSecond((key) => cached.owner(key), few)),
    '',
    '',
    '',
    '',
  ])
  const ring = createRing({ nodes })
  rows.push(['our ring, the same 1,000 keys', whole(lookupsPerSecond((key) => ring.owner(key), few)), '', '', '', ''])
}

const many = Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`n${i}`, 1]))
const zones = Object.fromEntries(Object.keys(many).map((id, i) => [id, `z${i % 5}`]))
const large = { nodes: many, zones, partitions: 65_536 }
const big = createPartitionTable(large)
const after = big.with('newcomer', { zone: 'z1' })
const { replicas } = big.diff(after)
const buildRows = [
  ['a first table', whole(time(() => built(createPartitionTable(large)), 5) / 1e6)],
  ['a join', whole(time(() => built(big.with('newcomer', { zone: 'z1' })), 5) / 1e6)],
  ['a leave', whole(time(() => built(big.without('n7')), 5) / 1e6)],
]
const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
const part = `## Placement, beside \`hashring\` of npm

${NODES} nodes of equal weight at default settings, unless said otherwise; lookups of ${whole(KEYS)} strings like \`user:7919\` on one thread, medians of ${ROUNDS} rounds. Peak is the most loaded node to the average, over 1,000,000 other keys. A join
moves 1/${NODES + 1} = ${percent(1 / (NODES + 1))} at least; needless is what moved between nodes that stay. Of the partition table that is who comes first among the holders: nothing is copied for it.

${table(['strategy', 'lookups per s', 'bytes allocated each', 'peak to average', 'moved by a join', 'of it needless'], rows)}

The aim is 5,000,000 lookups per second without allocation for the partition table and the ring. \`hashring\` keeps the answers for keys that it saw lately; with more keys than that it reckons MD5 each time.

A partition table of 1,000 nodes in 5 zones and 65,536 partitions of 3 replicas, ms, medians of 5; the aim is a second for the first one. The join copies ${replicas.length} replicas, ${replicas.filter((move) => move.to !== 'newcomer').length} of them between nodes that stay:

${table(['what', 'ms'], buildRows)}

${cpus().length} × ${cpus()[0]?.model.trim()}, Node.js ${process.version}, commit ${commit}. \`node packages/hashring/bench/placement.js --write\` writes this part after a build.`

process.stdout.write(`${part}\n\n(${sink} checked)\n`)
if (process.argv.includes('--write')) writePart('placement', part)
