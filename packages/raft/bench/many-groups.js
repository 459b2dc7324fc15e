/**
 * Many groups of three replicas on three nodes in one process, over memory: what they cost while nothing happens, and how fast they wake. Build
 * first, then run `node --expose-gc bench/many-groups.js`.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { RaftGroups } from '@dsys/raft'
import { rawBytes, systemRuntime } from '@dsys/runtime'
import { MemoryLogStorage } from '@dsys/storage-memory'
import { MemoryNetwork } from '@dsys/transport-memory'

const GROUPS = Number(process.env.BENCH_GROUPS ?? 1_000)
const SECONDS = Number(process.env.BENCH_SECONDS ?? 20)
const WAKES = 200
const VOTERS = ['n1', 'n2', 'n3']
const COMMAND = Buffer.alloc(256, 7)

const machine = {
  initial: () => ({ count: 0 }),
  apply: (/** @type {{ count: number }} */ state) => ({ state, result: ++state.count }),
  commandCodec: rawBytes,
}

const names = Array.from({ length: GROUPS }, (_, i) => `group-${i}`)
const pause = (/** @type {number} */ ms) => new Promise((resolve) => setTimeout(resolve, ms))

/**
 * @param {string} what is waited for
 * @param {() => boolean} condition
 */
async function until(what, condition) {
  const begun = performance.now()
  while (!condition()) {
    if (performance.now() - begun > 120_000) throw new Error(`not within two minutes: ${what}`)
    await pause(20)
  }
  return performance.now() - begun
}

function heapBytes() {
  globalThis.gc?.()
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** @param {number} sleepAfterMs */
async function measure(sleepAfterMs) {
  const network = new MemoryNetwork()
  const emptyBytes = heapBytes()
  const hosts = await Promise.all(
    VOTERS.map(async (id) => {
      const [transport, log] = [network.endpoint(id), new MemoryLogStorage()]
      await Promise.all([transport.start(), log.start()])
      const groups = new RaftGroups({ ...systemRuntime(), transport, log }, { id, sleepAfterMs })
      await groups.start()
      return groups
    }),
  )
  const begun = performance.now()
  for (const groups of hosts) {
    await Promise.all(names.map((group) => groups.open({ group, voters: VOTERS }, machine)))
  }
  const status = (/** @type {string} */ group) => hosts.map((groups) => groups.get(group)?.status())
  const leaderOf = (/** @type {string} */ group) => hosts.find((host) => host.get(group)?.status().role === 'leader')
  await until('all lead', () => names.every((group) => status(group).every((each) => each?.leader !== undefined)))
  const ledMs = performance.now() - begun
  if (Number.isFinite(sleepAfterMs)) {
    await until('all sleep', () => hosts.every((host) => host.status().asleep === GROUPS))
  }
  await pause(1_000)
  const cpu = process.cpuUsage()
  const idleSince = performance.now()
  await pause(SECONDS * 1_000)
  const { user, system } = process.cpuUsage(cpu)
  const share = (user + system) / 1_000 / (performance.now() - idleSince)
  const bytes = heapBytes() - emptyBytes
  let failed = 0
  /** @type {unknown} */
  let lastError
  /** @type {number[]} */
  const first = []
  /** @type {number[]} */
  const second = []
  for (const group of names.slice(0, WAKES)) {
    for (const into of [first, second]) {
      const asked = performance.now()
      try {
        const leader = leaderOf(group)
        if (leader === undefined) throw new Error(`${group} has no leader`)
        await leader.get(group)?.propose(COMMAND)
        into.push(performance.now() - asked)
      } catch (error) {
        failed++
        lastError = error
      }
    }
  }
  if (failed > 0) console.error(failed, 'commands failed, the last by', lastError)
  await Promise.all(hosts.map((groups) => groups.stop()))
  const at = (/** @type {number[]} */ of, /** @type {number} */ part) =>
    (of.sort((a, b) => a - b)[Math.floor(of.length * part)] ?? 0).toFixed(2)
  return {
    'share of a core, idle': `${(100 * share).toFixed(2)} %`,
    'KiB a replica': (bytes / 1_024 / GROUPS / VOTERS.length).toFixed(1),
    'all led after ms': Math.round(ledMs),
    'first command ms, median': at(first, 0.5),
    'first command ms, p99': at(first, 0.99),
    'second command ms, median': at(second, 0.5),
    'commands that failed': failed,
  }
}

/** @type {Record<string, object>} */
const rows = {}
rows.asleep = await measure(2_000)
rows['never asleep'] = await measure(Number.POSITIVE_INFINITY)

const commit = (() => {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
  } catch {
    return 'unknown'
  }
})()
const about = `${cpus()[0]?.model ?? 'unknown processor'}, Node ${process.version}, commit ${commit}, ${GROUPS} groups of 3, idle for ${SECONDS} s each`
console.log(about)
console.table(rows)
if (process.argv.includes('--write')) write()

/** Writes the part of docs/benchmarks.md that is this bench's. */
function write() {
  const page = fileURLToPath(new URL('../../../docs/benchmarks.md', import.meta.url))
  const [begin, end] = ['<!-- groups: begin -->', '<!-- groups: end -->']
  const [before, rest] = readFileSync(page, 'utf8').split(begin)
  const after = rest?.split(end)[1]
  if (before === undefined || after === undefined) throw new Error(`${page} has no part ${begin}`)
  const columns = Object.keys(rows.asleep ?? {})
  const table = [
    ['', ...columns],
    ['---', ...columns.map(() => '---')],
    ...Object.entries(rows).map(([name, row]) => [name, ...columns.map((column) => Reflect.get(row, column))]),
  ]
  const lines = table.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
  writeFileSync(page, `${before}${begin}\n\n${text(lines)}\n\n${end}${after}`)
}

/** @param {string} table */
function text(table) {
  return `## Many groups of Raft, idle

${GROUPS.toLocaleString('en')} groups of three replicas on three nodes, all in one process, over memory. ${about}. The share is
what the process used of one processor while nobody asked for anything, all three nodes together. The first command is one to a group
that has been idle until then, and the second follows at once. The aim: under 5 % of one core.

${table}

What it does not show: a network or a disk, the cost of the beats with more nodes (they are in proportion to the pairs of nodes, and
not to groups), and groups with a member that is down: they sleep too once it has been silent for four election timeouts, at the cost of the
beats to it.

\`\`\`
node --expose-gc packages/raft/bench/many-groups.js --write   # about a minute and a half, after a build; writes this part
\`\`\``
}
