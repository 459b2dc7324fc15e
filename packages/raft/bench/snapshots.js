/**
 * What a large snapshot does to a group that is busy: the longest pause of the event loop and the latency of commits while one is taken, and
 * while one is sent to a new member and installed there. Four nodes in one process, over files. Build first, then run `node bench/snapshots.js`.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { RaftNode } from '@dsys/raft'
import { rawBytes, silentLogger, systemRuntime } from '@dsys/runtime'
import { FileLogStorage } from '@dsys/storage-file'
import { MemoryNetwork } from '@dsys/transport-memory'

const MIB = 1_024 * 1_024
const STATE_MIB = Number(process.env.BENCH_MIB ?? 256)
const CLIENTS = Number(process.env.BENCH_CLIENTS ?? 16)
/** Only the codec of the whole state, as a machine has it that knows nothing of parts. */
const WHOLE = process.env.BENCH_WHOLE === '1'
const VALUE_BYTES = 1_024
const PAGE_VALUES = 64
const PAGE_BYTES = VALUE_BYTES * PAGE_VALUES
const PAGES = (STATE_MIB * MIB) / PAGE_BYTES

/** @typedef {{ pages: { epoch: number, bytes: Uint8Array }[], epoch: number }} Pages */

/** Pages of values, each copied when it changes for the first time after a snapshot was frozen. */
const inParts = {
  /** @param {Pages} state */
  freeze: (state) => {
    state.epoch++
    return state.pages.map(({ bytes }) => bytes)
  },
  decoder: () => {
    /** @type {Pages} */
    const state = { pages: [], epoch: 0 }
    return {
      /** @param {Uint8Array} part */
      add: (part) => void state.pages.push({ epoch: 0, bytes: new Uint8Array(part) }),
      finish: () => state,
    }
  },
}

const machine = {
  /** @returns {Pages} */
  initial: () => ({
    pages: Array.from({ length: PAGES }, (_, page) => ({ epoch: 0, bytes: new Uint8Array(PAGE_BYTES).fill(page) })),
    epoch: 0,
  }),
  /** Command: the number of the value in four bytes, then the value. */
  apply: (/** @type {Pages} */ state, /** @type {Uint8Array} */ command) => {
    const number = Buffer.from(command.buffer, command.byteOffset, 4).readUInt32BE()
    const at = Math.floor(number / PAGE_VALUES) % PAGES
    let page = state.pages[at]
    if (page === undefined) throw new Error(`there is no page ${at}`)
    if (page.epoch !== state.epoch) {
      page = { epoch: state.epoch, bytes: page.bytes.slice() }
      state.pages[at] = page
    }
    page.bytes.set(command.subarray(4), (number % PAGE_VALUES) * VALUE_BYTES)
    return { state, result: number }
  },
  commandCodec: rawBytes,
  stateCodec: {
    encode: (/** @type {Pages} */ state) => Buffer.concat(state.pages.map(({ bytes }) => bytes)),
    decode: (/** @type {Uint8Array} */ bytes) => ({
      pages: Array.from({ length: PAGES }, (_, page) => ({
        epoch: 0,
        bytes: new Uint8Array(bytes.subarray(page * PAGE_BYTES, (page + 1) * PAGE_BYTES)),
      })),
      epoch: 0,
    }),
  },
  ...(WHOLE ? {} : { snapshot: inParts }),
}

const directory = mkdtempSync(join(tmpdir(), 'dsys-bench-snapshots-'))
const network = new MemoryNetwork({}, { maxQueuedBytes: 2 ** 30 })
const runtime = { ...systemRuntime(), logger: silentLogger }
/** @type {(() => Promise<void>)[]} */
const closing = []

/**
 * @param {string} id
 * @param {string[]} voters
 */
async function begin(id, voters) {
  const transport = network.endpoint(id)
  const log = new FileLogStorage(runtime, { directory: join(directory, id) })
  await Promise.all([transport.start(), log.start()])
  const raft = new RaftNode(
    { ...runtime, transport, log, machine },
    { id, group: 'bench', voters, snapshotEveryBytes: 16 * MIB, keepEntries: 100 },
  )
  await raft.start()
  closing.push(async () => {
    await raft.stop()
    await log.stop()
  })
  return raft
}

/**
 * @param {RaftNode<Pages, Uint8Array, number>} node
 * @param {string} type
 */
async function happened(node, type) {
  for await (const event of node.events({ capacity: 100_000 })) if (event.type === type) return event
  throw new Error(`the node ended before ${type}`)
}

/** @type {Record<string, object>} */
const rows = {}
let number = 0

/**
 * Puts values from all clients until `until` is done, and notes how long that took, the latencies and the pauses.
 *
 * @param {string} name
 * @param {RaftNode<Pages, Uint8Array, number>} leader
 * @param {Promise<unknown>} until
 */
async function row(name, leader, until) {
  let over = false
  const begun = performance.now()
  let took = 0
  const ended = until.then(() => {
    over = true
    took = performance.now() - begun
  })
  /** @type {number[]} */
  const latencies = []
  const pauses = monitorEventLoopDelay({ resolution: 1 })
  pauses.enable()
  const client = async () => {
    while (!over) {
      const command = Buffer.alloc(4 + VALUE_BYTES, number)
      command.writeUInt32BE((number++ * 7_919) % (PAGES * PAGE_VALUES))
      const asked = performance.now()
      await leader.propose(command, { timeoutMs: 120_000 })
      latencies.push(performance.now() - asked)
    }
  }
  await Promise.all([ended, ...Array.from({ length: CLIENTS }, client)])
  pauses.disable()
  latencies.sort((a, b) => a - b)
  const at = (/** @type {number} */ share) =>
    (latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0).toFixed(1)
  rows[name] = {
    seconds: (took / 1_000).toFixed(1),
    'commits/s': Math.round(latencies.length / (took / 1_000)).toLocaleString('en'),
    'commit p50 ms': at(0.5),
    'commit p99 ms': at(0.99),
    'commit max ms': at(1),
    'longest pause ms': (pauses.max / 1e6).toFixed(1),
  }
  return took
}

try {
  const voters = ['n1', 'n2', 'n3']
  const nodes = await Promise.all(voters.map((id) => begin(id, voters)))
  await nodes[0]?.propose(Buffer.alloc(4 + VALUE_BYTES), { timeoutMs: 20_000 })
  const leader = nodes.find((node) => node.status().role === 'leader')
  if (leader === undefined) throw new Error('the group has no leader')
  const taken = nodes.map((node) => happened(node, 'SnapshotTaken'))
  await row('nothing else', leader, new Promise((resolve) => setTimeout(resolve, 1_500)))
  const first = await Promise.all([row('three nodes take one', leader, Promise.all(taken)), ...taken])
  const sizeMib = /** @type {{ sizeBytes: number }} */ (first[1]).sizeBytes / MIB
  const late = await begin('n4', [])
  const installed = happened(late, 'SnapshotInstalled')
  const joined = leader.reconfigure({ voters, learners: ['n4'] }, { timeoutMs: 300_000 })
  const tookMs = await row('one is sent and installed', leader, Promise.all([installed, joined]))
  const changes = nodes.filter((node) => node.status().term !== leader.status().term).length
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
  console.log(
    `${cpus()[0]?.model ?? 'unknown processor'}, Node ${process.version}, commit ${commit}, ${WHOLE ? 'whole' : 'in parts'}`,
  )
  console.log(
    `snapshot ${sizeMib.toFixed(0)} MiB, ${CLIENTS} clients, ${((sizeMib * 1_000) / tookMs).toFixed(0)} MiB/s sent and installed`,
  )
  console.log(`the leader leads term ${leader.status().term}, ${changes} nodes are in another`)
  console.table(rows)
} finally {
  await Promise.allSettled(closing.map((close) => close()))
  rmSync(directory, { recursive: true, force: true })
}
