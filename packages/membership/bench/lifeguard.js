/**
 * Members that are blocked again and again, in virtual time: whom they and others accuse by mistake with plain SWIM and with Lifeguard, and how soon a
 * real crash is noticed meanwhile. Build first, then run `node packages/membership/bench/lifeguard.js`, with `--write` to write the part of
 * docs/benchmarks.md. `--parts` tells which rule does how much instead.
 */
import { execFileSync } from 'node:child_process'
import { parseArgs } from 'node:util'
import { writePart } from '../../../bench/page.mjs'
import { table } from '../../../bench/table.mjs'
import { World } from './world.js'

const { values } = parseArgs({
  options: {
    members: { type: 'string', default: '128' },
    blocked: { type: 'string', default: '1,4,8,16,32' },
    seconds: { type: 'string', default: '40' },
    seeds: { type: 'string', default: '3' },
    parts: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
})
const members = Number(values.members)
const counts = values.blocked.split(',').map(Number)
const seeds = Array.from({ length: Number(values.seeds) }, (_, i) => i + 1)
const BLOCK_MS = 16_000
const AWAKE_MS = 1_000
const WARM_UP_MS = 12_000

/** @typedef {import('./world.js').System} System */
/** @typedef {import('./world.js').Slowness} Slowness */

const WITHOUT = { maxHealthMultiplier: 1, suspicionMaxFactor: 1, suspicionConfirmations: 0, minProbeTimeoutMs: 250 }
/** @type {readonly System[]} */
const SYSTEMS = [
  { name: 'plain SWIM', options: WITHOUT, silentFailures: 1, judgesInTimers: true },
  { name: 'Lifeguard', options: {}, judgesInTimers: false },
]

/** @param {System} system @param {Slowness} slowness @param {number} blocked @param {number} seed */
function measure(system, slowness, blocked, seed) {
  const world = new World(members, system, slowness, seed)
  const slow = new Set(world.nodes.slice(0, blocked))
  const slowIds = new Set([...slow].map(({ self }) => self.id))
  const victim = /** @type {import('./world.js').Node} */ (world.nodes.at(-1))
  let crashedMs = Number.POSITIVE_INFINITY
  const counted = { accusations: 0, deaths: 0, deathsAtHealthy: 0 }
  /** @type {Map<string, number>} */
  const noticed = new Map()
  world.run(WARM_UP_MS)
  world.onEvent = (node, { type, member, why }) => {
    if (type !== 'MemberSuspected' && type !== 'MemberDown') return
    if (member.id === victim.self.id && world.nowMs >= crashedMs) {
      if (type === 'MemberDown' && !slow.has(node) && !noticed.has(node.self.id))
        noticed.set(node.self.id, world.nowMs - crashedMs)
      return
    }
    // Whoever stands still for 16 s is as good as dead meanwhile: to say so is no mistake.
    if (slowIds.has(member.id)) return
    if (type === 'MemberSuspected' && why.startsWith('no ack')) counted.accusations += 1
    if (type === 'MemberDown') counted.deaths += 1
    if (type === 'MemberDown' && !slow.has(node)) counted.deathsAtHealthy += 1
  }
  // All stand still at the same time, as when one machine below them does: the paper's way.
  const cycle = () => {
    for (const node of slow) world.block(node)
    world.after(BLOCK_MS, () => {
      for (const node of slow) world.unblock(node)
      world.after(AWAKE_MS, cycle)
    })
  }
  world.after(0, cycle)
  const chaosMs = Number(values.seconds) * 1_000
  world.run(chaosMs / 2)
  crashedMs = world.nowMs
  victim.running = false
  world.run(chaosMs / 2)
  const took = [...noticed.values()].sort((a, b) => a - b)
  const missing = members - 1 - blocked - took.length
  return { ...counted, firstMs: took[0] ?? Number.NaN, allMs: missing > 0 ? Number.NaN : (took.at(-1) ?? Number.NaN) }
}

/** @param {readonly number[]} list */
const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)] ?? Number.NaN
/** @param {number} value */
const whole = (value) => (Number.isNaN(value) ? 'not all' : Math.round(value).toLocaleString('en'))
/** @param {number} plain @param {number} ours */
const ratio = (plain, ours) => {
  if (plain === 0) return '-'
  return ours === 0 ? `0 of ${whole(plain)}` : `1/${(plain / ours).toFixed(plain / ours < 10 ? 1 : 0)}`
}

/** @param {Slowness} slowness */
function compare(slowness) {
  return counts.map((blocked) => {
    const [plain, ours] = SYSTEMS.map((system) => {
      const runs = seeds.map((seed) => measure(system, slowness, blocked, seed))
      /** @param {'accusations' | 'deaths' | 'deathsAtHealthy'} what */
      const sum = (what) => runs.reduce((all, run) => all + run[what], 0)
      console.error(slowness, blocked, system.name, JSON.stringify(runs))
      return {
        accusations: sum('accusations'),
        deaths: sum('deaths'),
        deathsAtHealthy: sum('deathsAtHealthy'),
        firstMs: median(runs.map(({ firstMs }) => firstMs)),
        allMs: median(runs.map(({ allMs }) => allMs)),
      }
    })
    if (plain === undefined || ours === undefined) throw new Error('two systems are compared')
    return [
      `${blocked}`,
      ...[whole(plain.accusations), whole(ours.accusations), `**${ratio(plain.accusations, ours.accusations)}**`],
      ...[whole(plain.deaths), whole(ours.deaths), `**${ratio(plain.deaths, ours.deaths)}**`],
      ...[whole(plain.deathsAtHealthy), whole(ours.deathsAtHealthy)],
      ...[`${whole(plain.firstMs)}, ${whole(plain.allMs)}`, `${whole(ours.firstMs)}, ${whole(ours.allMs)}`],
    ]
  })
}

const HEAD = [
  'blocked',
  'false accusations, SWIM',
  'Lifeguard',
  'ratio',
  'false deaths, SWIM',
  'Lifeguard',
  'ratio',
  'at healthy members, SWIM',
  'Lifeguard',
  'crash noticed by the first, by all, ms: SWIM',
  'Lifeguard',
]

const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
function page() {
  const runs = seeds.length === 1 ? 'one run' : `${seeds.length} runs, added up (times: the median)`
  const text = `## Membership: blocked members, with and without Lifeguard

${members} members in virtual time, links of 1 to 5 ms without loss or broadcast, default settings. Some are blocked for ${BLOCK_MS / 1_000} s, are awake for ${AWAKE_MS / 1_000} s, and so on, all at the same
time, for ${values.seconds} s; half-way another member crashes. Each row is ${runs}. A false accusation is a suspicion by a node's own probes of a member that is never blocked,
a false death an observer that holds such a member for dead. To call a blocked one dead counts for nothing, as it is silent for far longer than anybody waits.

"SWIM" is this package with its knobs off: \`maxHealthMultiplier: 1\`, \`suspicionMaxFactor: 1\` (so all suspicions have the shortest timeout, which Lifeguard's reach when
confirmed), \`minProbeTimeoutMs: 250\` (so probes wait as long as configured), silent helpers prove what failed ones do, and overdue timers judge before the frames that wait. It keeps the buddy rule, the merge rule
and the isolation gate, so it is better than the paper's SWIM.
"Lifeguard" is the default.

### The whole process stands still

As by a collection of garbage, a debugger, or a stopped virtual machine.

${table(HEAD, compare('process'))}

### Frames are held up while timers run

As in the experiments of Dadgar, Phillips and Currey: what a blocked member sends and gets waits for the end of the block, and it cannot tell that from a failure of all others.

${table(HEAD, compare('messages'))}

Commit ${commit}, Node.js ${process.version}. \`node packages/membership/bench/lifeguard.js --write\` writes this part after a build; the same commit gives the same figures.`
  return text
}

/** Which rule does how much: all of them off, one of them on, all of them on. */
function parts() {
  const blocked = 8
  const rows = [
    ['none', WITHOUT, 1],
    ['silent helpers prove nothing at first', WITHOUT, undefined],
    ['the own health, and suspicions that confirmations shorten', {}, 1],
    ['all (the default)', {}, undefined],
  ].map(([name, options, silentFailures]) => {
    const system = /** @type {System} */ ({ name, options, silentFailures, judgesInTimers: false })
    const run = measure(system, 'messages', blocked, 1)
    return [`${name}`, whole(run.accusations), whole(run.deaths), whole(run.deathsAtHealthy), whole(run.allMs)]
  })
  return `### Which rule does it

${blocked} of ${members} members with their frames held up, as above; timers never judge before the frames that wait. That silent helpers prove nothing is a rule of this package and not of
the paper (\`ALGORITHM.md\`): here it does by itself what Lifeguard's rules do in part. These remain for members that hear some helpers and not others.

${table(['rules', 'false accusations', 'false deaths', 'at healthy members', 'crash noticed by all, ms'], rows)}

Commit ${commit}. \`node packages/membership/bench/lifeguard.js --parts --write\` writes this part.`
}

const text = values.parts ? parts() : page()
console.log(text)
if (values.write) writePart(values.parts ? 'membership-lifeguard-parts' : 'membership-lifeguard', text)
