import { Kv, type KvOptions, kvMachine } from '@dsys/kv'
import { Membership, type MembershipOptions } from '@dsys/membership'
import { RaftNode, type RaftOptions } from '@dsys/raft'
import type { Runtime } from '@dsys/runtime'
import type { LogStorage } from '@dsys/storage'
import type { Transport } from '@dsys/transport'
import { DsysNode } from './dsys-node.ts'

/** What a node may do. */
export interface NodePorts extends Runtime {
  readonly transport: Transport
  readonly log: LogStorage
}

/** Options of {@link createNode}. Only `cluster` and `voters` have no default. */
export interface NodeOptions {
  /** The name of the cluster. */
  readonly cluster: string
  /**
   * The ids of the voters that the Raft group begins with, the same on each of them. Nobody on a node that waits to be added by `reconfigure`: then give
   * seeds to the membership. The id of this node is that of its transport.
   */
  readonly voters: readonly string[]
  /** Further options of the Raft group. Default group: `main`. */
  readonly raft?: Partial<Omit<RaftOptions, 'id' | 'voters'>>
  /** Further options of the membership. Default seeds: the voters. */
  readonly membership?: Omit<MembershipOptions, 'cluster'>
  /** The keyspaces. Default: one linearizable keyspace with the name `default`. */
  readonly kv?: KvOptions
}

/** A node and its keyspaces, not started. */
export interface CreatedNode {
  readonly node: DsysNode
  readonly kv: Kv
}

/**
 * Puts a node together by hand, without a container.
 *
 * @throws RangeError when an option is out of its range.
 */
export function createNode(ports: NodePorts, options: NodeOptions): CreatedNode {
  const { clock, logger, meter, transport, log } = ports
  const { cluster, voters } = options
  const membership = new Membership(ports, { seeds: voters, ...options.membership, cluster })
  const raft = new RaftNode(
    { ...ports, machine: kvMachine },
    { group: 'main', ...options.raft, id: transport.self.id, voters },
  )
  const kv = new Kv({ raft, meter }, options.kv)
  return { node: new DsysNode({ clock, logger, transport, log, membership, raft, kv }), kv }
}
