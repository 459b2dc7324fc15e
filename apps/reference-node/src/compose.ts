import 'reflect-metadata'
import { type Module, NodeScope } from '@dsys/di'
import { kv } from '@dsys/kv/di'
import { membership } from '@dsys/membership/di'
import { node } from '@dsys/node/di'
import { raft } from '@dsys/raft/di'
import type { Logger, Meter } from '@dsys/runtime'
import { runtime } from '@dsys/runtime/di'
import { fileStorage } from '@dsys/storage-file/di'
import type { MemoryNetwork } from '@dsys/transport-memory'
import { memoryTransport } from '@dsys/transport-memory/di'
import { natsTransport } from '@dsys/transport-nats/di'
import { tcpTransport } from '@dsys/transport-tcp/di'
import { container } from 'tsyringe'
import type { NodeConfig } from './config/settings.ts'
import { AddressBook, TCP_ADDRESS, toldAddress } from './peers/address-book.ts'
import { PEER_STORAGE, rememberedPeers } from './peers/remembered-peers.ts'
import { type SplitBrainHandlers, SURVIVORS_KEYSPACE, splitBrain } from './split-brain.ts'

/** What the parts of a node are told beside its configuration. */
export interface Composition {
  readonly config: NodeConfig
  readonly logger: Logger
  readonly meter: Meter
  /** Which life of the node begins. */
  readonly generation: number
  /** Facts that the other members see. */
  readonly metadata: Readonly<Record<string, string>>
  /** Instead of what the configuration says: the network that the nodes of this process share. */
  readonly network: MemoryNetwork | undefined
  readonly splitBrain: SplitBrainHandlers
}

/** A value of the largest size, and its envelope, must fit into one frame. */
const MIN_FRAME_BYTES = 512 * 1_024

/** What this software offers to others, with the version of each interface. */
const CAPABILITIES: readonly string[] = Object.freeze(['http/1', 'kv/1', 'raft/1'])

/** The composition root: all parts of one node, built when they are needed. */
export function compose(composition: Composition): NodeScope {
  const { config, logger, meter, generation, metadata, network } = composition
  const { id, cluster, electionTimeoutMs, heartbeatIntervalMs } = config
  const voters = config.join ? [] : config.voters
  const book = new AddressBook(config.peers)
  const told = config.transport === 'tcp' ? toldAddress(config) : undefined
  const facts = told === undefined ? metadata : { ...metadata, [TCP_ADDRESS]: told }
  return new NodeScope(container.createChildContainer()).use(
    runtime({ logger, meter }),
    // First, as it locks the folder: a second process on it must end before it meets the cluster.
    fileStorage({ directory: config.data }),
    network === undefined ? transport(config, generation, book) : memoryTransport({ network, nodeId: id, generation }),
    raft({ id, group: 'main', voters, electionTimeoutMs, heartbeatIntervalMs }),
    kv({ keyspaces: keyspacesOf(config), maxValueBytes: config.maxValueBytes }),
    membership(
      {
        cluster,
        metadata: facts,
        roles: config.roles,
        capabilities: CAPABILITIES,
        tags: config.tags,
        seeds: config.voters,
      },
      { peers: PEER_STORAGE },
    ),
    rememberedPeers({ directory: config.data, book }),
    ...splitBrain(config, composition.splitBrain),
    node(),
  )
}

function transport(config: NodeConfig, generation: number, book: AddressBook): Module {
  const { id: nodeId, cluster, secret, tls, allowUnauthenticated } = config
  if (config.transport === 'nats') {
    const { natsTls, natsAuthentication: authentication } = config
    const nats = {
      ...{ servers: config.nats, connectTimeoutMs: config.natsConnectTimeoutMs, minFrameBytes: MIN_FRAME_BYTES },
      ...(natsTls === undefined ? {} : { tls: natsTls }),
      ...(authentication === undefined ? {} : { authentication }),
      serviceDiscovery: { description: 'dsys reference node', metadata: { node_js: process.version } },
    }
    return natsTransport({ ...nats, cluster, nodeId, generation })
  }
  const listen = listenOn(config.tcpListen ?? config.peers.get(nodeId) ?? '')
  const proof = { ...(secret === undefined ? {} : { secret }), ...(tls === undefined ? {} : { tls }) }
  return tcpTransport({ cluster, nodeId, generation, peers: book, listen, allowUnauthenticated, ...proof })
}

function listenOn(address: string): { readonly host: string; readonly port: number } {
  const colon = address.lastIndexOf(':')
  return { host: address.slice(0, colon).replaceAll(/[[\]]/g, ''), port: Number(address.slice(colon + 1)) }
}

function keyspacesOf(config: NodeConfig): Record<string, { consistency: 'linearizable' }> {
  const names = config.splitBrain === 'lease' ? [...config.keyspaces, SURVIVORS_KEYSPACE] : config.keyspaces
  return Object.fromEntries(names.map((name) => [name, { consistency: 'linearizable' as const }]))
}
