/**
 * The broker is away for ten minutes, in virtual time: nobody may be declared dead, and when it is back, all must soon agree again, also on what
 * happened meanwhile. Build first, then run `node packages/membership/bench/broker.js`, with `--write` to write its part of docs/benchmarks.md.
 */
import { execFileSync } from 'node:child_process'
import { parseArgs } from 'node:util'
import { SeededRandom } from '@dsys/runtime'
import { median } from '../../../bench/latencies.mjs'
import { writePart } from '../../../bench/page.mjs'
import { table } from '../../../bench/table.mjs'
import { World } from './world.js'

const { values } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, write: { type: 'boolean', default: false } },
})

const SIZES = values.quick
  ? [{ members: 16, seeds: 3 }]
  : [
      { members: 16, seeds: 20 },
      { members: 128, seeds: 4 },
    ]
const SETTLE_MS = 5_000
const AWAY_MS = 600_000
/**
 * Within which time the clients notice: a server that ends closes their connections, while of a machine that is gone they learn from what is not
 * answered (transport-nats: two pings of 2,000 ms each).
 */
const LOSSES = [
  { name: 'its connections are closed', noticeMs: 50 },
  { name: 'it is silent', noticeMs: 6_000 },
]
/** Clients try again so often, with a random part as large again. */
const RECONNECT_MS = 200
const PATIENCE_MS = 60_000
const LOOK_MS = 10
const AIM_MS = 5_000
const NEW_FACTS = { roles: ['edge'], capabilities: [], tags: { rack: '7' } }

/** @typedef {import('./world.js').Node} Node */

/**
 * One member changes its metadata while the broker is away, one is started again, and one crashes.
 *
 * @param {number} members
 * @param {number} seed
 * @param {number} noticeMs
 */
function measure(members, seed, noticeMs) {
  const system = { name: 'default', options: {}, judgesInTimers: false, broadcast: true }
  const world = new World(members, system, 'process', seed)
  const random = new SeededRandom(seed).stream('broker')
  world.settle(SETTLE_MS)
  const [changed, restarted, crashed] = /** @type {[Node, Node, Node]} */ (world.nodes.slice(-3))
  const counted = { suspicions: 0, falseDeaths: 0 }
  /** @type {Map<string, number>} */
  const deadMs = new Map()
  world.onEvent = ({ self, connected }, { type, member }) => {
    if (type !== 'MemberSuspected' && type !== 'MemberDown') return
    const isCrashed = member.id === crashed.self.id && !crashed.running
    const isEarlierLife = member.id === restarted.self.id && member.generation < restarted.self.generation
    if (type === 'MemberDown' && isCrashed && connected) deadMs.set(self.id, world.nowMs)
    if (isCrashed || isEarlierLife) return
    if (type === 'MemberSuspected') counted.suspicions += 1
    else counted.falseDeaths += 1
  }
  world.isBrokerAway = true
  for (const node of world.nodes) world.after(noticeMs * random.float(), () => world.connect(node, false))
  world.run(AWAY_MS / 2)
  world.input(changed, (core, nowMs) => core.update({ ...NEW_FACTS, metadata: { zone: 'b' } }, nowMs))
  world.restart(restarted)
  crashed.running = false
  world.run(AWAY_MS / 2)
  world.isBrokerAway = false
  const backMs = world.nowMs
  for (const node of world.nodes)
    if (node.running) world.after(RECONNECT_MS * (random.float() + random.float()), () => world.connect(node, true))
  const running = world.nodes.filter((node) => node.running)
  const isThere = (/** @type {Node} */ { core }) => {
    const { state, generation } = core.member(restarted.self.id) ?? {}
    const isNew = core.member(changed.self.id)?.metadata['zone'] === 'b'
    return isNew && state === 'alive' && generation === restarted.self.generation
  }
  const isWhole = (/** @type {Node} */ { core, connected }) => connected && core.tally().alive === members - 1
  const agree = () => running.every((node) => node.connected && isThere(node))
  while (!agree() && world.nowMs < backMs + PATIENCE_MS) world.run(LOOK_MS)
  const agreedMs = agree() ? world.nowMs - backMs : Number.NaN
  const isOver = () => running.every((node) => isWhole(node) && node.core.member(crashed.self.id)?.state === 'dead')
  while (!isOver() && world.nowMs < backMs + PATIENCE_MS) world.run(LOOK_MS)
  return { ...counted, agreedMs, crashMs: isOver() ? world.nowMs - backMs : Number.NaN }
}

/** @param {number} value */
const whole = (value) => (Number.isNaN(value) ? 'never' : Math.round(value).toLocaleString('en'))

/** @param {typeof LOSSES[number]} loss @param {typeof SIZES[number]} size */
function rowOf({ name, noticeMs }, { members, seeds }) {
  const runs = Array.from({ length: seeds }, (_, i) => {
    console.error(`${name}: ${members} members, seed ${i + 1} of ${seeds}`)
    return measure(members, i + 1, noticeMs)
  })
  const agreed = runs.map(({ agreedMs }) => agreedMs)
  const crashes = runs.map(({ crashMs }) => crashMs)
  return [
    name,
    whole(members),
    String(seeds),
    whole(runs.reduce((sum, run) => sum + run.falseDeaths, 0)),
    whole(runs.reduce((sum, run) => sum + run.suspicions, 0)),
    `${whole(median(agreed))}, **${whole(Math.max(...agreed))}**`,
    `${whole(median(crashes))}, ${whole(Math.max(...crashes))}`,
  ]
}

const rows = LOSSES.flatMap((loss) => SIZES.map((size) => rowOf(loss, size)))
const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
const head = [
  'how the clients notice',
  'members',
  'runs',
  'living members declared dead',
  'suspected',
  'all agree again on the living, ms after the return: median, longest',
  'and hold the crashed one for dead',
]
const text = `## Membership: the broker away for ten minutes

Cores at default settings over a network that takes frames for all, as a broker does, in virtual time. The broker is gone from one moment to the next. Where it closes its connections, each member
notices within ${LOSSES[0]?.noticeMs} ms; where it is silent, within ${(LOSSES[1]?.noticeMs ?? 0) / 1_000} s, and until then the others seem to be silent. Each has its connection again within ${2 * RECONNECT_MS} ms of the return. Meanwhile one
changes its metadata, one is started again, and one crashes. All agree on the living when every member has the new metadata and the new life; that the crashed one is dead can be known
only after the time of grace, by probes and a suspicion.

${table(head, rows)}

The aim: nobody is declared dead, and views agree within ${whole(AIM_MS)} ms.

Commit ${commit}, Node.js ${process.version}. \`node packages/membership/bench/broker.js --write\` writes this part after a build; the same commit gives the same figures.`
console.log(text)
if (values.write) writePart('membership-broker', text)
