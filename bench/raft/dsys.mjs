import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startNatsServer } from '../../tooling/nats-server/index.mjs'
import { dsys as cluster } from '../dsys-cluster.mjs'
import { NODES } from '../target.mjs'
import { Worker } from '../worker.mjs'
import { WorkerGroup } from './group.mjs'

const NODE = fileURLToPath(new URL('./dsys-node.mjs', import.meta.url))
const COST_TRIPS = 2_000
const COST_SYNCS = 1_000

/** Three processes with a `RaftNode` each. @type {import('./group.mjs').System} */
export const dsys = {
  name: 'dsys',
  version: cluster.version,
  form: 'three processes over one nats-server',
  durability: 'one write with O_DSYNC for each batch',
  proposers: "in the leader's process",
  start: (directory, { nodeFlags }) => startDsys(directory, nodeFlags),
}

/**
 * @param {string} directory
 * @param {readonly string[]} nodeFlags
 * @returns {Promise<import('./group.mjs').MortalGroup>}
 */
export async function startDsys(directory, nodeFlags = []) {
  const nats = await startNatsServer()
  const ids = Array.from({ length: NODES }, (_, i) => `n${i + 1}`)
  let generation = 0
  const launch = (/** @type {number} */ index) => {
    const id = /** @type {string} */ (ids[index])
    const args = [directory, id, ids.join(','), nats.url, String(++generation)]
    return new Worker(`dsys ${id}`, [process.execPath, ...nodeFlags, NODE, ...args], {
      logFile: join(directory, `${id}.log`),
      env: { ...process.env, NODE_ENV: 'production' },
    })
  }
  const group = new WorkerGroup(NODES, launch, { stopOthers: () => nats.stop(), others: () => [nats.pid ?? 0] })
  await group.formed()
  return Object.assign(group, {
    async costs() {
      const leader = (await group.leader()) ?? 0
      const worker = group.worker(leader)
      const to = ids[(leader + 1) % NODES]
      const { latencies: trips } = await worker.ask(`trips ${COST_TRIPS} ${to}`)
      const { latencies: syncs } = await worker.ask(`syncs ${COST_SYNCS}`)
      return { trips, syncs }
    },
  })
}
