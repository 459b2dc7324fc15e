import { join } from 'node:path'
import { buildPeer, debianVersion } from '../peers/go.mjs'
import { freePorts } from '../processes.mjs'
import { NODES } from '../target.mjs'
import { Worker } from '../worker.mjs'
import { WorkerGroup } from './group.mjs'

const IMPORTS = ['github.com/hashicorp/raft', 'github.com/hashicorp/raft-boltdb']
const HOW_TO_GET_IT =
  'hashicorp/raft is left out: it takes Go and the sources of Debian, "apt-get install golang-go golang-github-hashicorp-raft-dev ' +
  'golang-github-hashicorp-raft-boltdb-dev".'

/**
 * The program in bench/peers/hashicorp-raft, built.
 *
 * @param {(line: string) => void} say
 * @returns {string | undefined} undefined where it cannot be built
 */
export function hashicorpProgram(say) {
  const program = buildPeer('hashicorp-raft', IMPORTS)
  if (program === undefined) say(HOW_TO_GET_IT)
  return program
}

export const hashicorpVersion = () => debianVersion('golang-github-hashicorp-raft-dev')

/**
 * hashicorp/raft with its BoltDB store and its transport over TCP: as three processes, and as three nodes of one process.
 *
 * @typedef {import('./group.mjs').System & { start: (directory: string) => Promise<import('./group.mjs').MortalGroup> }} Apart
 *
 * @param {(line: string) => void} say
 * @returns {{ apart: Apart, together: import('./group.mjs').System } | undefined} undefined where it cannot be built
 */
export function hashicorp(say) {
  const program = hashicorpProgram(say)
  if (program === undefined) return undefined
  const common = {
    version: hashicorpVersion(),
    durability: 'BoltDB, which syncs each transaction with fdatasync',
  }
  return {
    apart: {
      ...common,
      name: 'hashicorp/raft',
      form: 'three processes over TCP',
      proposers: "in the leader's process",
      start: (directory) => startApart(program, directory),
    },
    together: {
      ...common,
      name: 'hashicorp/raft in one process',
      form: 'three nodes in one process over TCP',
      proposers: 'in that process',
      start: (directory) => startTogether(program, directory),
    },
  }
}

const IDS = Array.from({ length: NODES }, (_, i) => `n${i + 1}`)

async function addresses() {
  const ports = await freePorts(NODES)
  return IDS.map((id, i) => `${id}=127.0.0.1:${ports[i]}`)
}

/**
 * @param {string} program
 * @param {string} directory
 * @returns {Promise<import('./group.mjs').MortalGroup>}
 */
async function startApart(program, directory) {
  const servers = await addresses()
  const launch = (/** @type {number} */ index) => {
    const id = /** @type {string} */ (IDS[index])
    return new Worker(`hashicorp/raft ${id}`, [program, directory, id, ...servers], {
      logFile: join(directory, `${id}.log`),
    })
  }
  const group = new WorkerGroup(NODES, launch)
  await group.formed()
  return group
}

/** @param {string} program @param {string} directory @returns {Promise<import('./group.mjs').Group>} */
async function startTogether(program, directory) {
  const servers = await addresses()
  const command = /** @type {const} */ ([program, directory, IDS.join(','), ...servers])
  const launch = () => new Worker('hashicorp/raft', command, { logFile: join(directory, 'all.log') })
  const group = new WorkerGroup(1, launch)
  await group.formed()
  return group
}
