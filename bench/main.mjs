// Measures three dsys nodes beside three etcd nodes, on this machine, with the same client. See docs/benchmarks.md.
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { findOnPath } from '../tooling/nats-server/find.mjs'
import { runBench, say, wholeOption as whole, workFolder } from './command.mjs'
import { dsys } from './dsys-cluster.mjs'
import { etcd, HOW_TO_GET_ETCD } from './etcd-cluster.mjs'
import { failovers, mortal } from './failover/failovers.mjs'
import { Load } from './load.mjs'
import { machine } from './machine.mjs'
import { writePart } from './page.mjs'
import { pause, residentBytes } from './processes.mjs'
import { clusterPart, tables } from './report.mjs'
import { STARTS, startTimes } from './startup.mjs'

const HOW_TO_GET_WRK =
  'The bench needs the client wrk, and there is none on the PATH. Install it with "apt-get install wrk" (Debian, Ubuntu) ' +
  'or "brew install wrk" (macOS).'
const HELP = `npm run bench -- [options]

  --quick             a smoke run of about a minute; its figures mean nothing
  --rounds N          rounds, each with new clusters; the median of them counts (3)
  --seconds N         length of a measured window (10), and with
  --warmup N          of the same load before it (3)
  --clients A,B,...   concurrent clients (1,64,256)
  --operations A,B    put, get or both (put,get)
  --only NAME         dsys or etcd
  --skip A,B          leave out load, failover or startup
  --node-flags=TEXT   flags for the Node.js of the dsys nodes, such as --node-flags="--cpu-prof --cpu-prof-dir=profiles"
  --write             write its part of docs/benchmarks.md
  --keep              keep data and logs of the clusters
`
const IDLE_MS = 5_000
const FAILOVERS = 10
const STARTUPS = 5

/**
 * Everything that was measured of one system.
 *
 * @typedef {object} Measured
 * @property {import('./target.mjs').Target} target
 * @property {Map<string, import('./load.mjs').Window[]>} windows by kind and clients, one for each round
 * @property {number[]} idleBytes of each node in each round, before any request
 * @property {number[]} loadedBytes of each node in each round, after all load
 * @property {number[]} failoverMs
 */

/**
 * @typedef {object} Settings
 * @property {boolean} quick
 * @property {number} rounds
 * @property {number} seconds
 * @property {number} warmup
 * @property {readonly number[]} clients
 * @property {readonly ('put' | 'get')[]} operations
 * @property {string | undefined} only
 * @property {ReadonlySet<string>} skip
 * @property {readonly string[]} nodeFlags
 * @property {boolean} write
 * @property {boolean} keep
 */

/** @returns {Settings | undefined} undefined when help was asked for */
function readSettings() {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      warmup: { type: 'string' },
      clients: { type: 'string', default: '1,64,256' },
      operations: { type: 'string', default: 'put,get' },
      only: { type: 'string' },
      skip: { type: 'string', default: '' },
      'node-flags': { type: 'string', default: '' },
      write: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) return undefined
  const { quick, only, write, keep } = values
  return {
    quick,
    only,
    write,
    keep,
    rounds: whole('rounds', values.rounds, quick ? 1 : 3),
    seconds: whole('seconds', values.seconds, quick ? 1 : 10),
    warmup: whole('warmup', values.warmup, quick ? 1 : 3),
    clients: values.clients.split(',').map((text) => whole('clients', text, 1)),
    operations: /** @type {const} */ (['put', 'get']).filter((kind) => values.operations.split(',').includes(kind)),
    nodeFlags: values['node-flags'].split(' ').filter((flag) => flag !== ''),
    skip: new Set(values.skip.split(',')),
  }
}

/**
 * One round of one system: a new cluster, from its start to its end.
 *
 * @param {Measured} measured
 * @param {Settings} settings
 * @param {{ directory: string, wrk: string, failoverCount: number }} options
 */
async function round(measured, settings, { directory, wrk, failoverCount }) {
  const { target, windows } = measured
  const { clients, skip, warmup, seconds, nodeFlags } = settings
  mkdirSync(directory, { recursive: true })
  const cluster = await target.start(directory, { nodeFlags })
  const resident = () => cluster.nodes.map(({ pid }) => residentBytes(pid) ?? Number.NaN)
  try {
    if (!skip.has('load')) {
      await pause(IDLE_MS)
      measured.idleBytes.push(...resident())
      const load = new Load(cluster, { wrk, directory })
      await load.prepare()
      for (const kind of settings.operations) {
        for (const count of clients) {
          await load.run(kind, count, warmup)
          const window = await load.run(kind, count, seconds)
          const name = `${kind}/${count}`
          windows.set(name, [...(windows.get(name) ?? []), window])
          const { perSecond, p50Ms, p99Ms, errors } = window
          say(
            `  ${target.name} ${kind} ${count} clients: ${Math.round(perSecond)}/s, p50 ${p50Ms} ms, p99 ${p99Ms} ms, ${errors} errors`,
          )
        }
      }
      await load.verify()
      measured.loadedBytes.push(...resident())
    }
    if (!skip.has('failover')) {
      const times = await failovers(mortal(cluster), failoverCount)
      measured.failoverMs.push(...times)
      say(`  ${target.name} failover: ${times.map(Math.round).join(', ')} ms`)
    }
  } finally {
    await cluster.stop()
  }
}

/**
 * @param {readonly Measured[]} all
 * @param {Settings} settings
 * @param {{ directory: string, wrk: string }} places
 */
async function rounds(all, settings, { directory, wrk }) {
  for (let number = 1; number <= settings.rounds; number++) {
    for (const measured of all) {
      const { name } = measured.target
      say(`round ${number} of ${settings.rounds}: ${name}`)
      const total = settings.quick ? 1 : FAILOVERS
      const before = Math.floor((total * (number - 1)) / settings.rounds)
      const failoverCount = Math.floor((total * number) / settings.rounds) - before
      const folder = join(directory, `${name}-${number}`)
      await round(measured, settings, { directory: folder, wrk, failoverCount })
      if (!settings.keep) rmSync(folder, { recursive: true })
    }
  }
}

/** @param {Settings} settings @param {string} directory */
async function startups(settings, directory) {
  /** @type {Record<string, number[]>} */
  const times = {}
  for (const [name, command] of Object.entries(STARTS)) {
    const folder = join(directory, name.replace(' ', '-'))
    mkdirSync(folder, { recursive: true })
    times[name] = await startTimes(command, folder, settings.quick ? 1 : STARTUPS)
    say(`  ${name} to a leader: ${times[name].map(Math.round).join(', ')} ms`)
  }
  return times
}

async function main() {
  const settings = readSettings()
  if (settings === undefined) return say(HELP)
  const wrk = findOnPath('wrk')
  if (wrk === undefined) throw new Error(HOW_TO_GET_WRK)
  const peer = etcd()
  if (peer === undefined) say(HOW_TO_GET_ETCD)
  const targets = [dsys, ...(peer === undefined ? [] : [peer])].filter(
    ({ name }) => settings.only === undefined || settings.only === name,
  )
  if (targets.length === 0) throw new Error('--only must be dsys or etcd, and that system must be there')
  const directory = workFolder(settings)
  const facts = machine(directory)
  say(`${facts.processor}, ${facts.memory}, ${facts.disk}; load ${facts.load} before the bench`)
  /** @type {Measured[]} */
  const all = targets.map((target) => ({
    target,
    windows: new Map(),
    idleBytes: [],
    loadedBytes: [],
    failoverMs: [],
  }))
  const startMs = settings.skip.has('startup') ? {} : await startups(settings, directory)
  await rounds(all, settings, { directory, wrk })
  const measurement = { settings, facts, all, startMs, date: new Date().toISOString().slice(0, 10) }
  say(`\n${tables(measurement)}`)
  if (settings.write) writePart('cluster', clusterPart(measurement))
}

await runBench(main)
