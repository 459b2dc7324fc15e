import { RaftNode } from '@dsys/raft'
import { rawBytes, systemRuntime } from '@dsys/runtime'
import { MemoryLogStorage } from '@dsys/storage-memory'
import { MemoryNetwork } from '@dsys/transport-memory'

/** Counts, and takes its commands as they are: so little that the rest is what Raft costs. */
const machine = {
  initial: () => ({ count: 0 }),
  apply: (/** @type {{ count: number }} */ state) => ({ state, result: ++state.count }),
  commandCodec: rawBytes,
}

/**
 * The nodes of a group each, in this process and over memory alone. The groups share a transport and a log storage on each node.
 *
 * @param {number} size how many nodes
 * @param {readonly string[]} names of the groups
 * @param {Partial<import('@dsys/raft').RaftOptions>} [options] of every node
 */
export async function startGroups(size, names, options = {}) {
  const voters = Array.from({ length: size }, (_, i) => `n${i + 1}`)
  const network = new MemoryNetwork({}, { maxQueuedBytes: 2 ** 30 })
  const places = await Promise.all(
    voters.map(async (id) => {
      const transport = network.endpoint(id)
      const log = new MemoryLogStorage()
      await Promise.all([transport.start(), log.start()])
      return { id, transport, log }
    }),
  )
  return Promise.all(
    names.map((group) =>
      Promise.all(
        places.map(async ({ id, transport, log }) => {
          const ports = { ...systemRuntime(), transport, log, machine }
          const node = new RaftNode(ports, { id, group, voters, ...options })
          await node.start()
          return node
        }),
      ),
    ),
  )
}

/**
 * One group, with its leader, once every node has proposed.
 *
 * @param {number} size
 * @param {Uint8Array} command
 */
export async function startGroup(size, command) {
  const [nodes] = await startGroups(size, ['bench'])
  if (nodes === undefined) throw new Error('there is no group')
  for (const node of nodes) await node.propose(command, { timeoutMs: 10_000 })
  const leader = nodes.find((node) => node.status().role === 'leader')
  const follower = nodes.find((node) => node !== leader)
  if (leader === undefined || follower === undefined) throw new Error('the group has no leader')
  return { nodes, leader, follower }
}
