/** Three nodes in one process, over memory: what the protocol itself costs. Build first, then run `node bench/in-process.js`. */
import { execFileSync } from 'node:child_process'
import { cpus } from 'node:os'
import { RaftNode } from '@dsys/raft'
import { rawBytes, systemRuntime } from '@dsys/runtime'
import { MemoryLogStorage } from '@dsys/storage-memory'
import { MemoryNetwork } from '@dsys/transport-memory'

const SECONDS = Number(process.env.BENCH_SECONDS ?? 2)
const VOTERS = ['n1', 'n2', 'n3']
const COMMAND = Buffer.alloc(Number(process.env.BENCH_BYTES ?? 256), 7)

const machine = {
  initial: () => ({ count: 0 }),
  apply: (/** @type {{ count: number }} */ state) => ({ state, result: ++state.count }),
  commandCodec: rawBytes,
}

const network = new MemoryNetwork({}, { maxQueuedBytes: 2 ** 30 })
const nodes = await Promise.all(
  VOTERS.map(async (id) => {
    const transport = network.endpoint(id)
    const log = new MemoryLogStorage()
    await Promise.all([transport.start(), log.start()])
    const raft = new RaftNode({ ...systemRuntime(), transport, log, machine }, { id, group: 'bench', voters: VOTERS })
    await raft.start()
    return raft
  }),
)
for (const node of nodes) await node.propose(COMMAND, { timeoutMs: 10_000 })
const leader = nodes.find((node) => node.status().role === 'leader')
const follower = nodes.find((node) => node !== leader)
if (leader === undefined || follower === undefined) throw new Error('the group has no leader')

/** @type {Record<string, object>} */
const rows = {}

/**
 * Calls `call` from `width` callers at once, each again as soon as it was answered.
 *
 * @param {string} name
 * @param {number} width
 * @param {() => Promise<unknown>} call
 */
async function row(name, width, call) {
  for (const seconds of [SECONDS / 4, SECONDS]) {
    /** @type {number[]} */
    const latencies = []
    const begun = performance.now()
    const until = begun + seconds * 1_000
    const caller = async () => {
      for (let now = performance.now(); now < until; ) {
        await call()
        const after = performance.now()
        latencies.push(after - now)
        now = after
      }
    }
    await Promise.all(Array.from({ length: width }, caller))
    const took = (performance.now() - begun) / 1_000
    latencies.sort((a, b) => a - b)
    const at = (/** @type {number} */ share) => (latencies[Math.floor(latencies.length * share)] ?? 0).toFixed(2)
    rows[name] = {
      'per second': Math.round(latencies.length / took).toLocaleString('en'),
      'median ms': at(0.5),
      'p99 ms': at(0.99),
    }
  }
}

for (const width of [1, 64, 256, 1_024])
  await row(`propose at the leader, ${width}`, width, () => leader.propose(COMMAND))
for (const width of [1, 256]) await row(`propose at a follower, ${width}`, width, () => follower.propose(COMMAND))
for (const width of [1, 256])
  await row(`read at the leader, ${width}`, width, () => leader.read((state) => state.count))
for (const width of [1, 256])
  await row(`read at a follower, ${width}`, width, () => follower.read((state) => state.count))

const commit = (() => {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
  } catch {
    return 'unknown'
  }
})()
console.log(
  `${cpus()[0]?.model ?? 'unknown processor'}, Node ${process.version}, commit ${commit}, ${COMMAND.length} bytes, ${SECONDS} s each`,
)
console.table(rows)
await Promise.all(nodes.map((node) => node.stop()))
