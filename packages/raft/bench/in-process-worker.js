/** One process of the bench in `in-process.js`: measures a group of so many nodes, and prints what it found as JSON. */
import { PerformanceObserver } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import { startGroup, startGroups } from './in-process-group.js'

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '2' },
    bytes: { type: 'string', default: '256' },
    measure: { type: 'string', default: 'speed' },
  },
})
const size = Number(values.nodes)
const seconds = Number(values.seconds)
const command = Buffer.alloc(Number(values.bytes), 7)
const small = Buffer.alloc(16, 7)
const BATCH = 64
const IDLE_GROUPS = 200
/** So few that the young heap, which the bench makes large, holds all that they allocate. */
const COUNTED_PROPOSALS = 5_120

/**
 * Calls `call` from `width` callers at once, each again as soon as it was answered.
 *
 * @param {number} width
 * @param {() => Promise<unknown>} call
 */
async function rateOf(width, call) {
  let rate = { perSecond: 0, medianMs: 0, p99Ms: 0, cpuUs: 0 }
  for (const lengthMs of [250 * seconds, 1_000 * seconds]) {
    /** @type {number[]} */
    const latencies = []
    const cpu = process.cpuUsage()
    const begun = performance.now()
    const until = begun + lengthMs
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
    const { user, system } = process.cpuUsage(cpu)
    latencies.sort((a, b) => a - b)
    const at = (/** @type {number} */ share) => latencies[Math.floor(latencies.length * share)] ?? 0
    const cpuUs = (user + system) / latencies.length
    rate = { perSecond: latencies.length / took, medianMs: at(0.5), p99Ms: at(0.99), cpuUs }
  }
  return rate
}

async function speed() {
  const { nodes, leader, follower } = await startGroup(size, command)
  const batch = Array.from({ length: BATCH }, () => command)
  const smallBatch = Array.from({ length: BATCH }, () => small)
  const count = (/** @type {{ count: number }} */ state) => state.count
  /** @type {Record<string, object>} */
  const rows = {}
  // The first calls of a process run code that is not compiled yet.
  await rateOf(256, () => leader.propose(command))
  for (const width of [1, 64, 256, 1_024])
    rows[`propose at the leader, ${width}`] = await rateOf(width, () => leader.propose(command))
  rows['propose at a follower, 256'] = await rateOf(256, () => follower.propose(command))
  for (const [name, commands] of /** @type {const} */ ([
    ['proposeAll of 64, 32', batch],
    ['proposeAll of 64 small ones, 32', smallBatch],
  ])) {
    const { perSecond, cpuUs, ...times } = await rateOf(32, () => leader.proposeAll(commands))
    rows[name] = { perSecond: perSecond * BATCH, cpuUs: cpuUs / BATCH, ...times }
  }
  for (const width of [1, 256]) rows[`read at the leader, ${width}`] = await rateOf(width, () => leader.read(count))
  rows['read at a follower, 256'] = await rateOf(256, () => follower.read(count))
  await Promise.all(nodes.map((node) => node.stop()))
  return rows
}

/** Heap and buffers of this process, without garbage. */
function usedBytes() {
  if (globalThis.gc === undefined) throw new Error('run this with --expose-gc')
  globalThis.gc()
  globalThis.gc()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return { heapUsed, arrayBuffers }
}

/** What one proposal allocates on all nodes together. The count is only good if nothing was collected meanwhile. */
async function allocatedBytes() {
  const { nodes, leader } = await startGroup(size, command)
  const propose = async (/** @type {number} */ proposals) => {
    let left = proposals
    await Promise.all(
      Array.from({ length: 256 }, async () => {
        while (left-- > 0) await leader.propose(command)
      }),
    )
  }
  await propose(8 * COUNTED_PROPOSALS)
  let collections = 0
  const observer = new PerformanceObserver((list) => {
    collections += list.getEntries().length
  })
  const before = usedBytes()
  await new Promise((resolve) => setTimeout(resolve, 50))
  observer.observe({ entryTypes: ['gc'] })
  await propose(COUNTED_PROPOSALS)
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  await new Promise((resolve) => setTimeout(resolve, 50))
  observer.disconnect()
  const after = usedBytes()
  await Promise.all(nodes.map((node) => node.stop()))
  return {
    collections,
    heap: (heapUsed - before.heapUsed) / COUNTED_PROPOSALS,
    buffers: (arrayBuffers - before.arrayBuffers) / COUNTED_PROPOSALS,
    keptHeap: (after.heapUsed - before.heapUsed) / COUNTED_PROPOSALS,
    keptBuffers: (after.arrayBuffers - before.arrayBuffers) / COUNTED_PROPOSALS,
  }
}

/** What one replica of an idle group keeps, with a leader that was elected, and one command in the log. */
async function idleBytes() {
  const before = usedBytes()
  const names = Array.from({ length: IDLE_GROUPS }, (_, i) => `idle-${i}`)
  // So many that begin at once must not disturb each other's elections.
  const groups = await startGroups(size, names, { electionTimeoutMs: 5_000, heartbeatIntervalMs: 500 })
  await Promise.all(groups.map((nodes) => nodes[0]?.propose(small, { timeoutMs: 120_000 })))
  await new Promise((resolve) => setTimeout(resolve, 500))
  const after = usedBytes()
  await Promise.all(groups.flat().map((node) => node.stop()))
  return {
    replica: (after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers) / (IDLE_GROUPS * size),
  }
}

const measured = { speed, allocated: allocatedBytes, idle: idleBytes }
const measure = measured[/** @type {keyof typeof measured} */ (values.measure)]
if (measure === undefined) throw new RangeError(`measure must be ${Object.keys(measured).join(', ')}`)
console.log(JSON.stringify(await measure()))
