/**
 * Many members that die at the same moment, in virtual time: how soon the survivors hold all of them for dead. Build first, then run
 * `node packages/membership/bench/mass-failure.js`; the table is in ALGORITHM.md.
 */
import { table } from '../../../bench/table.mjs'
import { World } from './world.js'

const WARM_UP_MS = 20_000
const PATIENCE_MS = 120_000
/** @type {readonly (readonly [members: number, dead: number, seeds: number])[]} */
const CASES = [
  [5, 1, 100],
  [5, 2, 100],
  [5, 3, 100],
  [5, 4, 100],
  [16, 8, 30],
  [16, 12, 30],
  [64, 32, 5],
]

/** @param {number} members @param {number} count @param {number} seed */
function run(members, count, seed) {
  const world = new World(members, { name: 'defaults', options: {}, judgesInTimers: false }, 'process', seed)
  // So that the kill comes at another moment of the interval in each run.
  world.run(WARM_UP_MS + 37 * seed)
  const dead = new Set(world.nodes.slice(0, count))
  const ids = new Set([...dead].map(({ self }) => self.id))
  const killedMs = world.nowMs
  let missing = (members - count) * count
  let [firstMs, allMs] = [Number.NaN, Number.NaN]
  world.onEvent = (node, { type, member }) => {
    if (type !== 'MemberDown' || !ids.has(member.id) || dead.has(node)) return
    if (Number.isNaN(firstMs)) firstMs = world.nowMs - killedMs
    missing -= 1
    if (missing === 0) allMs = world.nowMs - killedMs
  }
  for (const node of dead) node.running = false
  world.run(PATIENCE_MS)
  return { firstMs, allMs }
}

/** @param {readonly number[]} list @param {number} part */
function quantile(list, part) {
  const sorted = [...list].sort((a, b) => a - b)
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN)
}
/** @param {readonly number[]} list */
const summary = (list) =>
  list.some(Number.isNaN)
    ? 'not all'
    : [0.5, 0.9, 1].map((part) => quantile(list, part).toLocaleString('en')).join(', ')

const rows = CASES.map(([members, count, seeds]) => {
  const runs = Array.from({ length: seeds }, (_, i) => run(members, count, i + 1))
  return [`${count} of ${members}`, summary(runs.map((r) => r.firstMs)), summary(runs.map((r) => r.allMs))]
})
console.log(
  table(
    ['die at once', 'the first death told: median, p90, max (ms)', 'all, at all survivors: median, p90, max (ms)'],
    rows,
  ),
)
