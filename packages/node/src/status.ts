import type { KeyspaceStatistics } from '@dsys/kv'
import type { RaftStatus } from '@dsys/raft'
import type { LifecycleState } from '@dsys/runtime'
import type { ConnectionState } from '@dsys/transport'
import type { NodeMember } from './parts.ts'

/** Whether a node should be sent work, and why not. */
export type Readiness = { readonly ready: true } | { readonly ready: false; readonly reason: string }

/** Who is in the Raft group of a node, and the change of that which is on its way. */
export type GroupMembers = Pick<RaftStatus, 'voters' | 'learners' | 'witnesses' | 'change'>

/** How a node stands, as it sees it itself. */
export interface NodeStatus {
  readonly id: string
  readonly generation: number
  readonly state: LifecycleState
  /** Milliseconds since the start began; 0 before. */
  readonly uptimeMs: number
  readonly readiness: Readiness
  readonly connection: ConnectionState
  readonly members: readonly NodeMember[]
  readonly raft: RaftStatus
  /** What this node has applied of each keyspace; `undefined` when it does not run. */
  readonly keyspaces: readonly KeyspaceStatistics[] | undefined
}
