import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startNatsServer } from '../../tooling/nats-server/index.mjs'
import { dsys as cluster } from '../dsys-cluster.mjs'
import { freePorts } from '../processes.mjs'
import { NODES } from '../target.mjs'
import { Worker } from '../worker.mjs'
import { WorkerGroup } from './group.mjs'

const NODE = fileURLToPath(new URL('./dsys-node.mjs', import.meta.url))
const BARE_NODE = fileURLToPath(new URL('./bare-node.mjs', import.meta.url))
const COST_TRIPS = 2_000
const COST_SYNCS = 1_000
const COST_BARE_MS = 3_000

/**
 * Three processes with a `RaftNode` each.
 *
 * @type {Omit<import('./group.mjs').System, 'name' | 'form' | 'start'>}
 */
const dsys = {
  isOwn: true,
  version: cluster.version,
  durability: 'one write with O_DSYNC for each batch',
  proposers: "in the leader's process",
}

/** @type {import('./group.mjs').System} */
export const dsysOverNats = {
  ...dsys,
  name: 'dsys over NATS',
  form: 'three processes over one nats-server',
  start: (directory, { nodeFlags }) => startDsys(directory, 'nats', nodeFlags),
}

/** @type {import('./group.mjs').System} */
export const dsysOverTcp = {
  ...dsys,
  name: 'dsys over TCP',
  form: 'three processes, each connected to the others',
  start: (directory, { nodeFlags }) => startDsys(directory, 'tcp', nodeFlags),
}

/**
 * @param {string} directory
 * @param {'nats' | 'tcp'} transport
 * @param {readonly string[]} nodeFlags
 * @returns {Promise<import('./group.mjs').MortalGroup>}
 */
export async function startDsys(directory, transport, nodeFlags = []) {
  const ids = Array.from({ length: NODES }, (_, i) => `n${i + 1}`)
  const nats = transport === 'nats' ? await startNatsServer() : undefined
  const ports = nats === undefined ? await freePorts(NODES) : []
  const wire = nats?.url ?? `tcp:${ids.map((id, i) => `${id}=127.0.0.1:${ports[i]}`).join(',')}`
  let generation = 0
  const launch = (/** @type {number} */ index) => {
    const id = /** @type {string} */ (ids[index])
    const args = [directory, id, ids.join(','), wire, String(++generation)]
    return new Worker(`dsys ${id}`, [process.execPath, ...nodeFlags, NODE, ...args], {
      logFile: join(directory, `${id}.log`),
      env: { ...process.env, NODE_ENV: 'production' },
    })
  }
  const group = new WorkerGroup(NODES, launch, {
    stopOthers: async () => nats?.stop(),
    others: () => (nats === undefined ? [] : [nats.pid ?? 0]),
  })
  await group.formed()
  return Object.assign(group, {
    async costs() {
      const leader = (await group.leader()) ?? 0
      const worker = group.worker(leader)
      const to = ids[(leader + 1) % NODES]
      const { latencies: trips } = await worker.ask(`trips ${COST_TRIPS} ${to}`)
      const { latencies: syncs } = await worker.ask(`syncs ${COST_SYNCS}`)
      return { trips, syncs, bare: await bareCommits(directory) }
    },
  })
}

/**
 * The messages and writes of a commit by three processes that do nothing else, over TCP.
 *
 * @param {string} directory
 * @returns {Promise<readonly [number, number][]>}
 */
async function bareCommits(directory) {
  const workers = Array.from({ length: NODES }, (_, index) => {
    const name = `bare-${index + 1}`
    const command = /** @type {const} */ ([process.execPath, BARE_NODE, join(directory, name)])
    return new Worker(name, [...command], { logFile: join(directory, `${name}.log`) })
  })
  try {
    const [leader, ...followers] = /** @type {[Worker, ...Worker[]]} */ (workers)
    const ports = await Promise.all(followers.map(async (follower) => (await follower.ask('follow')).port))
    return (await leader.ask(`lead ${COST_BARE_MS} ${ports.join(' ')}`)).latencies
  } finally {
    await Promise.all(workers.map((worker) => worker.stop()))
  }
}
