import 'reflect-metadata'
import { NodeScope } from '@dsys/di'
import { kv } from '@dsys/kv/di'
import { membership } from '@dsys/membership/di'
import { node } from '@dsys/node/di'
import { raft } from '@dsys/raft/di'
import type { Logger } from '@dsys/runtime'
import { runtime } from '@dsys/runtime/di'
import { fileStorage } from '@dsys/storage-file/di'
import type { MemoryNetwork } from '@dsys/transport-memory'
import { memoryTransport } from '@dsys/transport-memory/di'
import { natsTransport } from '@dsys/transport-nats/di'
import { container } from 'tsyringe'
import type { NodeConfig } from './config.ts'

/** What the parts of a node are told beside its configuration. */
export interface Composition {
  readonly config: NodeConfig
  readonly logger: Logger
  /** Which life of the node begins. */
  readonly generation: number
  /** Facts that the other members see. */
  readonly metadata: Readonly<Record<string, string>>
  /** Instead of NATS: the network that the nodes of this process share. */
  readonly network: MemoryNetwork | undefined
}

const CONNECT_TIMEOUT_MS = 30_000
/** A value of the largest size, and its envelope, must fit into one frame. */
const MIN_FRAME_BYTES = 512 * 1_024

/** The composition root: all parts of one node, built when they are needed. */
export function compose({ config, logger, generation, metadata, network }: Composition): NodeScope {
  const { id, cluster, nats, voters, electionTimeoutMs, heartbeatIntervalMs } = config
  return new NodeScope(container.createChildContainer()).use(
    runtime({ logger }),
    network === undefined
      ? natsTransport({
          servers: nats,
          cluster,
          nodeId: id,
          generation,
          connectTimeoutMs: CONNECT_TIMEOUT_MS,
          minFrameBytes: MIN_FRAME_BYTES,
        })
      : memoryTransport({ network, nodeId: id, generation }),
    fileStorage({ directory: config.data }),
    membership({ cluster, metadata, seeds: voters }),
    raft({ id, group: 'main', voters, electionTimeoutMs, heartbeatIntervalMs }),
    kv({ keyspaces: keyspacesOf(config), maxValueBytes: config.maxValueBytes }),
    node(),
  )
}

function keyspacesOf(config: NodeConfig): Record<string, { consistency: 'linearizable' }> {
  return Object.fromEntries(config.keyspaces.map((name) => [name, { consistency: 'linearizable' as const }]))
}
