/**
 * Faulty links in virtual time: who is removed, when, how often, and by mistake, with plain SWIM, with SWIM and Lifeguard, and with the cut detector side by
 * side. Build first, then run `node packages/membership/bench/cut.js`, with `--write` to write the part of docs/benchmarks.md.
 */
import { execFileSync } from 'node:child_process'
import { parseArgs } from 'node:util'
import { SeededRandom } from '@dsys/runtime'
import { writePart } from '../../../bench/page.mjs'
import { table } from '../../../bench/table.mjs'
import { World } from './world.js'

const { values } = parseArgs({
  options: {
    members: { type: 'string', default: '16,64' },
    seconds: { type: 'string', default: '90' },
    seeds: { type: 'string', default: '20,2' },
    only: { type: 'string', default: '' },
    write: { type: 'boolean', default: false },
  },
})
const sizes = values.members.split(',').map((members, i) => {
  const each = values.seeds.split(',').map(Number)
  return { members: Number(members), seeds: each[i] ?? each[0] ?? 1 }
})
const WARM_UP_MS = 15_000
const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()

/** @typedef {import('./world.js').System} System */
/** @typedef {import('./world.js').Node} Node */
/** Whether a frame is lost that a faulty node sends (`isFrom`), gets, or both, so long after the fault began. */
/** @typedef {{ name: string, lost: (isFrom: boolean, isTo: boolean, sinceMs: number, chance: number) => boolean }} Fault */

const FLIP_MS = 20_000
/** @type {readonly Fault[]} */
const FAULTS = [
  { name: 'a crash', lost: () => true },
  { name: 'what it gets is lost', lost: (_from, isTo) => isTo },
  { name: 'what it sends is lost', lost: (isFrom) => isFrom },
  { name: '80 % of what it gets is lost', lost: (_from, isTo, _ms, chance) => isTo && chance < 0.8 },
  { name: '80 % of what it sends is lost', lost: (isFrom, _to, _ms, chance) => isFrom && chance < 0.8 },
  {
    name: 'what it gets is lost, 20 s of each 40 s',
    lost: (_from, isTo, sinceMs) => isTo && Math.floor(sinceMs / FLIP_MS) % 2 === 0,
  },
  {
    name: 'all that it sends and gets is lost, 5 s of each 10 s',
    lost: (_from, _to, sinceMs) => Math.floor(sinceMs / 5_000) % 2 === 0,
  },
]

const WITHOUT = { maxHealthMultiplier: 1, suspicionMaxFactor: 1, suspicionConfirmations: 0 }
/** @type {readonly System[]} */
const SYSTEMS = [
  { name: 'plain SWIM', options: WITHOUT, silentFailures: 1, judgesInTimers: false },
  { name: 'SWIM', options: {}, judgesInTimers: false },
  { name: 'cut', options: { removal: 'cut' }, judgesInTimers: false },
]

/** @param {System} system @param {Fault} fault @param {number} members @param {number} seed */
function measure(system, fault, members, seed) {
  const world = new World(members, system, 'process', seed)
  const random = new SeededRandom(seed)
  world.run(WARM_UP_MS)
  const faulty = new Set(world.nodes.slice(0, Math.max(1, Math.floor(members / 16))))
  const faultyIds = new Set([...faulty].map(({ self }) => self.id))
  const sinceMs = world.nowMs
  world.loses = (from, to) => {
    const [isFrom, isTo] = [faulty.has(from), faulty.has(to)]
    return (isFrom || isTo) && fault.lost(isFrom, isTo, world.nowMs - sinceMs, random.float())
  }
  /** @type {Map<string, number>} */
  const downs = new Map()
  /** @type {Map<string, number>} */
  const firstMs = new Map()
  let wrong = 0
  let suspicions = 0
  world.onEvent = (node, { type, member }) => {
    if (faulty.has(node)) return
    if (type === 'MemberSuspected') suspicions += 1
    if (type !== 'MemberDown') return
    if (!faultyIds.has(member.id)) wrong += 1
    else {
      const key = `${node.self.id} ${member.id}`
      downs.set(key, (downs.get(key) ?? 0) + 1)
      if (!firstMs.has(key)) firstMs.set(key, world.nowMs - sinceMs)
    }
  }
  const before = world.frames
  world.run(Number(values.seconds) * 1_000)
  const frames = world.frames - before
  const expected = (members - faulty.size) * faulty.size
  const took = [...firstMs.values()].sort((a, b) => a - b)
  const again = [...downs.values()].reduce((sum, count) => sum + count - 1, 0)
  const allMs = took.length < expected ? Number.POSITIVE_INFINITY : (took.at(-1) ?? 0)
  return { wrong, suspicions, again, allMs, rate: frames / members / Number(values.seconds) }
}

/** @param {readonly number[]} list @param {number} share */
const quantile = (list, share) =>
  [...list].sort((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * share))] ?? Number.NaN
/** @param {number} ms */
const seconds = (ms) => (Number.isFinite(ms) ? (ms / 1_000).toFixed(1) : 'not all')
/** @param {number} value */
const whole = (value) => Math.round(value).toLocaleString('en')

const HEAD = [
  'members',
  'fault',
  'removal',
  'exactly the faulty ones, once, within 30 s',
  'by all, s: median of runs',
  'slowest run',
  'removed again',
  'healthy ones removed',
  'suspicions told',
  'frames sent by a member in a second',
]

/** @param {Fault} fault @param {System} system @param {{ members: number, seeds: number }} size */
function rowOf(fault, system, { members, seeds }) {
  const runs = Array.from({ length: seeds }, (_, i) => measure(system, fault, members, i + 1))
  /** @param {'wrong' | 'again' | 'suspicions' | 'rate'} what */
  const sum = (what) => runs.reduce((all, run) => all + run[what], 0)
  const took = runs.map(({ allMs }) => allMs)
  const clean = runs.filter(({ wrong, again, allMs }) => wrong + again === 0 && allMs <= 30_000).length
  const row = [
    ...[`${members}`, fault.name, system.name, `**${clean} of ${runs.length}**`],
    ...[seconds(quantile(took, 0.5)), seconds(quantile(took, 1)), whole(sum('again')), whole(sum('wrong'))],
    ...[whole(sum('suspicions')), (sum('rate') / runs.length).toFixed(1)],
  ]
  console.error(row.join(' | '))
  return row
}

const rows = sizes.flatMap((size) =>
  FAULTS.filter(({ name }) => name.includes(values.only)).flatMap((fault) =>
    SYSTEMS.map((system) => rowOf(fault, system, size)),
  ),
)
const runsOf = sizes.map(({ members, seeds }) => `${seeds} runs with ${members} members`).join(', ')
const text = `## Membership: faulty links, with SWIM and with the cut detector

Members in virtual time, links of 1 to 5 ms, no broadcast, default settings. After ${WARM_UP_MS / 1_000} s the links of one member in sixteen begin to fail as said, for ${values.seconds} s; ${runsOf}. Counted is what the healthy
members tell: \`MemberDown\` of a faulty member by all of them (the time), \`MemberDown\` of it once more at the same observer ("removed again"), \`MemberDown\` of a healthy one, and suspicions; all added up over the runs.

"Plain SWIM" is this package without Lifeguard, as in the comparison above; "SWIM" is the default; "cut" is \`removal: 'cut'\`. A run is clean when each healthy member has removed exactly the faulty ones, each once, within
30 s of the beginning.

${table(HEAD, rows)}

Commit ${commit}, Node.js ${process.version}. \`node packages/membership/bench/cut.js --write\` writes this part after a build; the same commit gives the same figures.`
console.log(text)
if (values.write) writePart('membership-cut', text)
