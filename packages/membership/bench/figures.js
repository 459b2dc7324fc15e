/**
 * How soon a crash is noticed and how soon all know it, and what it costs, in virtual time: clusters of different sizes, beside what SWIM's theory and
 * memberlist's formulas say. Build first, then run `node packages/membership/bench/figures.js`, with `--write` to write its part of docs/benchmarks.md.
 */
import { execFileSync } from 'node:child_process'
import { parseArgs } from 'node:util'
import { SeededRandom } from '@dsys/runtime'
import { median, quantileOf } from '../../../bench/latencies.mjs'
import { writePart } from '../../../bench/page.mjs'
import { table } from '../../../bench/table.mjs'
import { encodeMessage } from '../dist/core/codec.js'
import { MEMBERSHIP_DEFAULTS } from '../dist/options.js'
import { World } from './world.js'

const { values } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, write: { type: 'boolean', default: false } },
})

/** How many clusters of a size are made, and how many members of each crash one after the other. */
const SIZES = values.quick
  ? [{ members: 16, seeds: 4, crashes: 2 }]
  : [
      { members: 16, seeds: 100, crashes: 2 },
      { members: 128, seeds: 10, crashes: 20 },
      { members: 1_000, seeds: 3, crashes: 12 },
    ]
const SETTLE_MS = 5_000
const QUIET_MS = 10_000
const PATIENCE_MS = 180_000

/** What HashiCorp's memberlist has for a local network (DefaultLANConfig), as far as there is a knob for it here. */
const LAN = {
  probeIntervalMs: 1_000,
  probeTimeoutMs: 500,
  probesPerInterval: 1,
  indirectProbes: 3,
  suspicionTimeoutMs: 4_000,
  suspicionMaxFactor: 6,
  suspicionConfirmations: 2,
  gossipIntervalMs: 200,
  gossipFanout: 3,
  syncIntervalMs: 30_000,
}
const SETTINGS = [
  { name: 'default', options: {} },
  { name: 'those of memberlist for a LAN', options: LAN },
]

/** @typedef {import('./world.js').Node} Node */
/**
 * @typedef {object} Crash
 * @property {number} probePeriods probe intervals begun until the first ping of the dead one, that one included
 * @property {number} suspectedMs until the first suspicion
 * @property {number} knownSuspectMs from that until all suspect it
 * @property {number} deadMs until the first one holds it for dead
 * @property {number} allDeadMs until all do
 */

/**
 * @param {World} world
 * @param {SeededRandom} random
 * @param {number} probeIntervalMs
 * @returns {Crash}
 */
function crash(world, random, probeIntervalMs) {
  const running = world.nodes.filter((node) => node.running)
  world.run(probeIntervalMs * (1 + random.float()))
  const victim = /** @type {Node} */ (running[random.integer(0, running.length)])
  const others = running.length - 1
  const crashedMs = world.nowMs
  let [pingedMs, suspectedMs, deadMs] = [Number.NaN, Number.NaN, Number.NaN]
  /** @type {Map<string, number>} */
  const suspects = new Map()
  /** @type {Map<string, number>} */
  const deaths = new Map()
  victim.running = false
  world.onSend = (_node, send) => {
    const isPing = send.type === 'send' && send.message.kind === 'ping' && send.to.id === victim.self.id
    if (isPing && Number.isNaN(pingedMs)) pingedMs = world.nowMs
  }
  world.onEvent = ({ self }, { type, member }) => {
    if (member?.id !== victim.self.id || (type !== 'MemberSuspected' && type !== 'MemberDown')) return
    if (Number.isNaN(suspectedMs)) suspectedMs = world.nowMs
    if (!suspects.has(self.id)) suspects.set(self.id, world.nowMs)
    if (type === 'MemberDown' && Number.isNaN(deadMs)) deadMs = world.nowMs
    if (type === 'MemberDown') deaths.set(self.id, world.nowMs)
  }
  while (deaths.size < others && world.nowMs < crashedMs + PATIENCE_MS) world.run(20)
  if (deaths.size < others) throw new Error(`${others - deaths.size} have not noticed within ${PATIENCE_MS} ms`)
  world.onSend = () => undefined
  world.onEvent = () => undefined
  // Until the news is told.
  world.run(3_000)
  return {
    probePeriods: Math.ceil((pingedMs - crashedMs) / probeIntervalMs),
    suspectedMs: suspectedMs - crashedMs,
    knownSuspectMs: Math.max(...suspects.values()) - suspectedMs,
    deadMs: deadMs - crashedMs,
    allDeadMs: Math.max(...deaths.values()) - crashedMs,
  }
}

/** Frames and bytes that one node sends in a second while nothing happens. @param {World} world */
function quiet(world) {
  let [frames, bytes] = [0, 0]
  world.onSend = (_node, { message, header }) => {
    frames += 1
    bytes += encodeMessage(message, 'bench', header).length
  }
  world.run(QUIET_MS)
  world.onSend = () => undefined
  const nodeSeconds = (world.nodes.length * QUIET_MS) / 1_000
  return { frames: frames / nodeSeconds, bytes: bytes / nodeSeconds }
}

/** @param {{ members: number, seeds: number, crashes: number }} size @param {typeof SETTINGS[number]} setting */
function measure({ members, seeds, crashes }, { name, options }) {
  const system = { name, options, judgesInTimers: false }
  const { probeIntervalMs } = { ...MEMBERSHIP_DEFAULTS, ...options }
  /** @type {Crash[]} */
  const all = []
  /** @type {{ frames: number, bytes: number }[]} */
  const rates = []
  for (let seed = 1; seed <= seeds; seed++) {
    const random = new SeededRandom(seed).stream('crashes')
    const world = new World(members, system, 'process', seed)
    world.settle(SETTLE_MS)
    rates.push(quiet(world))
    for (let i = 0; i < crashes; i++) all.push(crash(world, random, probeIntervalMs))
    console.error(`${name}: ${members} members, seed ${seed} of ${seeds}`)
  }
  return { members, name, options, crashes: all, rates }
}

/** @param {readonly number[]} list */
const mean = (list) => list.reduce((sum, value) => sum + value, 0) / list.length
/** @param {number} value */
const whole = (value) => Math.round(value).toLocaleString('en')

/** @typedef {ReturnType<typeof measure>} Measured */

/** Among `members`, of which each pings `probes` random others in an interval: intervals until one of them is pinged. @param {number} members @param {number} probes */
const expectedPeriods = (members, probes) => 1 / (1 - (1 - 1 / (members - 1)) ** (probes * (members - 1)))

/** Rounds in which a rumor reaches all, where each who knows it tells `fanout` random others (Pittel 1987, for more than one). @param {number} members @param {number} fanout */
const expectedRounds = (members, fanout) => Math.log(members) / Math.log(fanout + 1) + Math.log(members) / fanout

/** @param {Measured} measured */
function detectionRow({ members, crashes, options }) {
  const { probesPerInterval, probeIntervalMs } = { ...MEMBERSHIP_DEFAULTS, ...options }
  const periods = crashes.map((each) => each.probePeriods)
  const suspected = crashes.map((each) => each.suspectedMs)
  return [
    whole(members),
    String(crashes.length),
    `${mean(periods).toFixed(2)} (at most ${Math.max(...periods)})`,
    expectedPeriods(members, probesPerInterval).toFixed(2),
    `${whole(mean(suspected))}, ${whole(quantileOf(suspected, 0.99))}`,
    whole(probeIntervalMs / probesPerInterval + probeIntervalMs),
  ]
}

/** @param {Measured} measured */
function spreadRow({ members, crashes, options }) {
  const { gossipIntervalMs, gossipFanout } = { ...MEMBERSHIP_DEFAULTS, ...options }
  const spread = crashes.map((each) => each.knownSuspectMs)
  return [
    whole(members),
    `${whole(median(spread))}, ${whole(quantileOf(spread, 0.99))}`,
    (median(spread) / gossipIntervalMs).toFixed(1),
    expectedRounds(members, gossipFanout).toFixed(1),
    Math.log2(members).toFixed(1),
  ]
}

/** @param {Measured} measured */
function deathRow({ members, crashes, options }) {
  const { suspicionTimeoutMs, suspicionMaxFactor, retransmitFactor } = { ...MEMBERSHIP_DEFAULTS, ...options }
  const shortestMs = suspicionTimeoutMs * Math.max(1, Math.log10(members))
  const first = crashes.map((each) => each.deadMs)
  const all = crashes.map((each) => each.allDeadMs)
  const figures = [first, all].map((times) => `${whole(median(times))}, ${whole(quantileOf(times, 0.99))}`)
  const told = retransmitFactor * Math.ceil(Math.log2(members + 1))
  return [
    whole(members),
    ...figures,
    `${whole(shortestMs)} to ${whole(shortestMs * suspicionMaxFactor)}`,
    `${told}, ${4 * Math.ceil(Math.log10(members + 1))}`,
  ]
}

/** @param {Measured} measured */
const costRow = ({ members, rates }) => [
  whole(members),
  mean(rates.map(({ frames }) => frames)).toFixed(1),
  whole(mean(rates.map(({ bytes }) => bytes))),
]

/** @param {readonly Measured[]} all @param {typeof SETTINGS[number]} setting */
function section(all, { name }) {
  const rows = all.filter((each) => each.name === name)
  return `**From the crash to the first suspicion.** Intervals begun until somebody first pings the dead member, and the time until it is first suspected.

${table(['members', 'crashes', 'intervals until the first ping, mean', 'expected', 'first suspicion, ms: mean, p99', 'mean, if each probe took its interval'], rows.map(detectionRow))}

**From the first suspicion until all have heard of it.**

${table(['members', 'ms: median, p99', 'in gossip intervals, median', 'expected rounds', 'log2 of the members'], rows.map(spreadRow))}

**From the crash to the death.** The suspicion that confirmations shorten is between the two times of the formula.

${table(['members', 'dead at the first, ms: median, p99', 'dead at all: median, p99', 'formula for the suspicion, ms', 'each piece of news is told, and by memberlist'], rows.map(deathRow))}

**While nothing happens,** each member sends in a second:

${table(['members', 'frames', 'bytes'], rows.map(costRow))}`
}

const all = SETTINGS.flatMap((setting) => SIZES.map((size) => measure(size, setting)))
const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
const [defaults, lan] = SETTINGS
if (defaults === undefined || lan === undefined) throw new Error('two settings are measured')
const text = `## Membership: how soon, and at what cost

Cores in virtual time, links of 1 to 5 ms without loss and without broadcast, everybody known to everybody. One member crashes at a random moment, and when all hold it for dead, the next one;
${SIZES.map(({ members, seeds, crashes }) => `${seeds} clusters of ${whole(members)} with ${crashes} crashes each`).join(', ')}.

What is expected: where each of n members pings p random others in an interval, a dead one is pinged within 1 / (1 - (1 - 1/(n-1))^(p(n-1))) intervals on average, which for one ping and many
members is SWIM's e/(e-1) = 1.58 (§5), and for two 1.16. Intervals of different members begin at different times, so the first of these pings comes after 1/p interval on
average, and the suspicion follows when the interval of that ping ends, or sooner: the probe waits as long as round trips to that member let expect. A rumor that each who knows it tells f random others in a round reaches all n within about log n / log(f+1) + log n / f rounds
(Pittel); here it also rides on every ping and ack. SWIM says that this is O(log n), and the load constant.

### Default settings

${section(all, defaults)}

### The settings of memberlist for a local network

One ping in 1,000 ms, suspicions from 4 s times log10 of the members up to six times that, two confirmations: its published formulas for the suspicion are those of the
table. Its limit of transmissions is 4 * ceil(log10(n + 1)), of which the last column has both.

${section(all, lan)}

Commit ${commit}, Node.js ${process.version}. \`node packages/membership/bench/figures.js --write\` writes this part after a build; the same commit gives the same figures.`
console.log(text)
if (values.write) writePart('membership', text)
