// Measures commits of Raft itself beside other implementations, on this machine. See docs/benchmarks.md.
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { runBench, say, wholeOption, workFolder } from '../command.mjs'
import { machine } from '../machine.mjs'
import { writePart } from '../page.mjs'
import { measureCommits } from './commits.mjs'
import { commitsPart } from './commits-report.mjs'
import { dsysOverNats, dsysOverTcp } from './dsys.mjs'
import { etcd } from './etcd.mjs'
import { hashicorp } from './hashicorp.mjs'

const HELP = `npm run bench:raft -- [options]

  --quick             a smoke run of about a minute; its figures mean nothing
  --rounds N          rounds, each with new groups; the median of them counts (5)
  --seconds N         length of a measured window (5), and with
  --warmup N          of the same load before it (2)
  --clients A,B,...   concurrent proposers (1,64,256)
  --only A,B          systems by name: "dsys over NATS", "dsys over TCP", hashicorp/raft,
                      "hashicorp/raft in one process", etcd
  --node-flags=TEXT   flags for the Node.js of the dsys nodes, such as --node-flags="--cpu-prof --cpu-prof-dir=profiles"
  --write             write its part of docs/benchmarks.md
  --keep              keep data and logs
`

/**
 * Everything that was measured of one system.
 *
 * @typedef {object} Measured
 * @property {import('./group.mjs').System} system
 * @property {Map<number, import('./commits.mjs').Window[]>} windows by clients, one for each round
 * @property {import('./group.mjs').Costs[]} costs one for each round
 */

/**
 * @typedef {object} Settings
 * @property {boolean} quick
 * @property {number} rounds
 * @property {number} seconds
 * @property {number} warmup
 * @property {readonly number[]} clients
 */

/**
 * @param {Measured} measured
 * @param {Settings} settings
 * @param {{ directory: string, nodeFlags: readonly string[] }} options
 */
async function round({ system, windows, costs }, settings, { directory, nodeFlags }) {
  mkdirSync(directory, { recursive: true })
  const group = await system.start(directory, { nodeFlags })
  try {
    if (group.costs !== undefined) costs.push(await group.costs())
    await measureCommits(group, settings, (clients, window) => {
      windows.set(clients, [...(windows.get(clients) ?? []), window])
      const { perSecond, p50Ms, p99Ms } = window
      say(`  ${system.name}, ${clients} clients: ${Math.round(perSecond)}/s, p50 ${p50Ms} ms, p99 ${p99Ms} ms`)
    })
  } finally {
    await group.stop()
  }
}

await runBench(async () => {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      warmup: { type: 'string' },
      clients: { type: 'string', default: '1,64,256' },
      only: { type: 'string' },
      'node-flags': { type: 'string', default: '' },
      write: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) return say(HELP)
  const { quick } = values
  const settings = {
    quick,
    rounds: wholeOption('rounds', values.rounds, quick ? 1 : 5),
    seconds: wholeOption('seconds', values.seconds, quick ? 1 : 5),
    warmup: wholeOption('warmup', values.warmup, quick ? 1 : 2),
    clients: values.clients.split(',').map((text) => wholeOption('clients', text, 1)),
  }
  const wanted = values.only?.split(',')
  const peer = hashicorp(say)
  const peers = [...(peer === undefined ? [] : [peer.apart, peer.together]), ...etcd(say)]
  const systems = [dsysOverNats, dsysOverTcp, ...peers].filter(({ name }) => wanted?.includes(name) ?? true)
  if (systems.length === 0) throw new Error('--only names no system that is here')
  const directory = workFolder(values)
  const facts = machine(directory)
  say(`${facts.processor}, ${facts.memory}, ${facts.disk}; load ${facts.load} before the bench`)
  /** @type {Measured[]} */
  const all = systems.map((system) => ({ system, windows: new Map(), costs: [] }))
  const nodeFlags = values['node-flags'].split(' ').filter((flag) => flag !== '')
  for (let number = 1; number <= settings.rounds; number++) {
    for (const [index, measured] of all.entries()) {
      say(`round ${number} of ${settings.rounds}: ${measured.system.name}`)
      const folder = join(directory, `${index}-${number}`)
      await round(measured, settings, { directory: folder, nodeFlags })
      if (!values.keep) rmSync(folder, { recursive: true })
    }
  }
  const text = commitsPart({ settings, facts, all, date: new Date().toISOString().slice(0, 10) })
  say(`\n${text}`)
  if (values.write) writePart('raft', text)
})
