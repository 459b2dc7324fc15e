// Kills and stops members that are processes of their own, and measures when the others notice. See docs/benchmarks.md.
import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { MEMBERSHIP_DEFAULTS } from '../../packages/membership/dist/index.js'
import { findNatsServer, startNatsServer } from '../../tooling/nats-server/index.mjs'
import { runBench, say, wholeOption, workFolder } from '../command.mjs'
import { whole } from '../figures.mjs'
import { median, quantileOf } from '../latencies.mjs'
import { machine } from '../machine.mjs'
import { writePart } from '../page.mjs'
import { pause, until } from '../processes.mjs'
import { table } from '../table.mjs'
import { MemberProcesses, nowMs } from './members.mjs'

const HELP = `npm run bench:membership -- [options]

  --kills N   members to kill over each transport (20)
  --stops N   members to stop for five seconds over each transport (3)
  --write     write its part of docs/benchmarks.md
  --keep      keep what the members log
`
const MEMBERS = 5
const STOPPED_MS = 5_000
/** Between two faults, besides a random part of one probe interval, so that they meet every phase of it. */
const REST_MS = 500
const AIM_MS = 3_000

/** @typedef {import('./members.mjs').MemberProcess} MemberProcess */
/** @typedef {import('./members.mjs').News} News */
/** @typedef {{ name: string, kills: number[][], suspected: number[], back: number[] }} Measured */

/** Waits until all see all, and a random time more. @param {MemberProcesses} cluster */
async function rest(cluster) {
  await until('all see all', async () => cluster.agree() || undefined)
  await pause(REST_MS + Math.random() * MEMBERSHIP_DEFAULTS.probeIntervalMs)
}

/**
 * When each of `observers` was first told one of `types` about `id`, counted from now; resolves when all were.
 *
 * @param {readonly MemberProcess[]} observers
 * @param {string} id
 * @param {readonly News['type'][]} types
 * @returns {() => Promise<number[]>}
 */
function fromNow(observers, id, types) {
  const startMs = nowMs()
  const seen = observers.map(({ news }) => news.length)
  const found = () =>
    observers.map(({ news }, i) => news.slice(seen[i]).find((one) => one.id === id && types.includes(one.type))?.atMs)
  const all = async () => {
    const times = found()
    return times.every((atMs) => atMs !== undefined) ? times.map((atMs) => (atMs ?? 0) - startMs) : undefined
  }
  return () => until(`all are told ${types.join(' or ')} of ${id}`, all)
}

/**
 * @param {string} name
 * @param {MemberProcesses} cluster
 * @param {number} kills
 * @param {number} stops
 * @returns {Promise<Measured>}
 */
async function measure(name, cluster, kills, stops) {
  /** @type {Measured} */
  const measured = { name, kills: [], suspected: [], back: [] }
  for (let i = 0; i < kills; i++) {
    await rest(cluster)
    const victim = /** @type {MemberProcess} */ (cluster.members[i % MEMBERS])
    const noticed = fromNow(cluster.othersOf(victim), victim.id, ['MemberDown'])
    await victim.kill()
    measured.kills.push(await noticed())
    cluster.restart(victim)
    say(
      `${name}: kill ${i + 1} of ${kills}, noticed by all after ${whole(Math.max(...(measured.kills.at(-1) ?? [])))} ms`,
    )
  }
  for (let i = 0; i < stops; i++) {
    await rest(cluster)
    const victim = /** @type {MemberProcess} */ (cluster.members[i % MEMBERS])
    const others = cluster.othersOf(victim)
    const suspected = fromNow(others, victim.id, ['MemberSuspected', 'MemberDown'])
    victim.signal('SIGSTOP')
    const [, times] = await Promise.all([pause(STOPPED_MS), suspected()])
    measured.suspected.push(Math.max(...times))
    const back = fromNow(others, victim.id, ['MemberUp', 'MemberUpdated'])
    victim.signal('SIGCONT')
    measured.back.push(Math.max(...(await back())))
    say(`${name}: stop ${i + 1} of ${stops}, back at all after ${whole(measured.back.at(-1) ?? Number.NaN)} ms`)
  }
  await rest(cluster)
  return measured
}

/** @param {import('../machine.mjs').Machine} facts @param {readonly Measured[]} all @param {number} stops */
function part(facts, all, stops) {
  const rows = all.map(({ name, kills }) => {
    const first = kills.map((times) => Math.min(...times))
    const last = kills.map((times) => Math.max(...times))
    const figures = [first, last].map((times) => [median(times), quantileOf(times, 0.99)].map(whole).join(', '))
    return [name, String(kills.length), ...figures, `**${whole(Math.max(...last))}**`]
  })
  const stopRows = all.map(({ name, suspected, back }) => [
    name,
    String(stops),
    whole(Math.max(...suspected)),
    whole(Math.max(...back)),
  ])
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
  return `## Membership: processes that die, and processes that stop

${MEMBERS} members in ${MEMBERS} processes at default settings, idle, on loopback. One is killed (\`kill -9\`) at a random phase of the probe interval of ${MEMBERSHIP_DEFAULTS.probeIntervalMs} ms; the time
is taken until another one tells \`MemberDown\` of it, by the clock that all processes of the machine share. Then its next life starts, and when all see all again, the next one is killed.

${table(['transport', 'kills', 'noticed by the first, ms: median, p99', 'by all others: median, p99', 'longest'], rows)}

The aim is that all others have noticed in under ${whole(AIM_MS)} ms. Of fewer than 100 kills, the p99 is the longest.

A process is stopped for ${STOPPED_MS / 1_000} s (\`SIGSTOP\`, then \`SIGCONT\`); the longest of all observers:

${table(['transport', 'stops', 'suspected after, ms', 'alive again after it went on, ms'], stopRows)}

${facts.processor}, ${facts.system}, Node.js ${facts.node}, nats-server ${facts.natsServer}, load before the bench ${facts.load.toFixed(2)}, commit ${commit}.
\`npm run bench:membership -- --write\` writes this part.`
}

await runBench(async () => {
  const { values } = parseArgs({
    options: {
      kills: { type: 'string' },
      stops: { type: 'string' },
      write: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) return say(HELP)
  const [kills, stops] = [wholeOption('kills', values.kills, 20), wholeOption('stops', values.stops, 3)]
  const directory = workFolder(values)
  const facts = machine(directory)
  const folder = (/** @type {string} */ name) => {
    const path = join(directory, name)
    mkdirSync(path)
    return path
  }
  /** @type {Measured[]} */
  const all = []
  const tcp = await MemberProcesses.overTcp(MEMBERS, folder('tcp'))
  all.push(await measure('TCP, no broker', tcp, kills, stops))
  await tcp.kill()
  if (findNatsServer() === undefined) say('There is no nats-server on the PATH: NATS is left out.')
  else {
    const server = await startNatsServer()
    const nats = new MemberProcesses(MEMBERS, server.url, folder('nats'))
    all.push(await measure('NATS', nats, kills, stops))
    await nats.kill()
    await server.stop()
  }
  const text = part(facts, all, stops)
  say(`\n${text}`)
  if (values.write) writePart('membership-processes', text)
})
