// Kills leaders, again and again, and measures how long nothing is committed. See docs/benchmarks.md.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { runBench, say, wholeOption, workFolder } from '../command.mjs'
import { etcd as etcdTarget, HOW_TO_GET_ETCD } from '../etcd-cluster.mjs'
import { machine } from '../machine.mjs'
import { writePart } from '../page.mjs'
import { dsysOverNats, startDsys } from '../raft/dsys.mjs'
import { hashicorp } from '../raft/hashicorp.mjs'
import { failovers, mortal } from './failovers.mjs'
import { failoverPart } from './report.mjs'

const HELP = `npm run bench:failover -- [options]

  --kills N        leaders of dsys to kill (100)
  --peer-kills N   leaders of each peer to kill (25)
  --only A,B       systems by name: dsys, hashicorp/raft, etcd
  --write          write its part of docs/benchmarks.md
  --keep           keep data and logs
`
/** Kills between two lines about how far it is. */
const SAY_EVERY = 10

/**
 * @typedef {object} Candidate
 * @property {string} name
 * @property {string} version
 * @property {number} kills
 * @property {(directory: string) => Promise<{ group: import('./failovers.mjs').Mortal, stop: () => Promise<void> }>} start
 */

/** @param {number} kills @param {number} peerKills */
function candidates(kills, peerKills) {
  const hashicorpApart = hashicorp(say)?.apart
  const etcd = etcdTarget()
  if (etcd === undefined) say(HOW_TO_GET_ETCD)
  /** @param {import('../raft/group.mjs').MortalGroup} group */
  const begun = (group) => ({ group, stop: () => group.stop() })
  /** @type {Candidate[]} */
  const all = [
    { ...dsysOverNats, name: 'dsys', kills, start: async (folder) => begun(await startDsys(folder, 'nats')) },
  ]
  if (hashicorpApart !== undefined) {
    const start = async (/** @type {string} */ folder) => begun(await hashicorpApart.start(folder))
    all.push({ ...hashicorpApart, kills: peerKills, start })
  }
  if (etcd !== undefined) {
    const start = async (/** @type {string} */ folder) => {
      const cluster = await etcd.start(folder)
      return { group: mortal(cluster), stop: () => cluster.stop() }
    }
    all.push({ ...etcd, kills: peerKills, start })
  }
  return all
}

await runBench(async () => {
  const { values } = parseArgs({
    options: {
      kills: { type: 'string' },
      'peer-kills': { type: 'string' },
      only: { type: 'string' },
      write: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) return say(HELP)
  const wanted = values.only?.split(',')
  const all = candidates(
    wholeOption('kills', values.kills, 100),
    wholeOption('peer-kills', values['peer-kills'], 25),
  ).filter(({ name }) => wanted?.includes(name) ?? true)
  if (all.length === 0) throw new Error('--only names no system that is here')
  const directory = workFolder(values)
  const facts = machine(directory)
  /** @type {import('./report.mjs').Failovers[]} */
  const measured = []
  for (const { name, version, kills, start } of all) {
    say(`${name}: ${kills} kills`)
    const folder = join(directory, String(measured.length))
    mkdirSync(folder)
    const { group, stop } = await start(folder)
    try {
      const times = await failovers(group, kills, (count) => {
        if (count % SAY_EVERY === 0) say(`  ${count} of ${kills}`)
      })
      measured.push({ name, version, times })
    } finally {
      await stop()
    }
  }
  const text = failoverPart({ facts, measured, date: new Date().toISOString().slice(0, 10) })
  say(`\n${text}`)
  if (values.write) writePart('failover', text)
})
