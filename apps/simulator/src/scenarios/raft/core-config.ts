import type { CoreConfig } from '@dsys/raft/core'
import type { RaftWorld } from './core-world.ts'

/** What the core of a node is made with, beside what the node itself is. */
export function coreConfig(
  { knobs, ids }: RaftWorld,
  node: Pick<CoreConfig, 'id' | 'voters' | 'witness' | 'incarnation'>,
): CoreConfig {
  return {
    ...node,
    electionTimeoutMs: knobs.electionTimeoutMs,
    heartbeatIntervalMs: knobs.heartbeatIntervalMs,
    maxAppendBytes: knobs.maxAppendBytes,
    maxInflightAppends: knobs.maxInflightAppends,
    maxInflightBytes: knobs.maxInflightBytes,
    maxUncommittedBytes: knobs.maxUncommittedBytes,
    preVote: ids.indexOf(node.id) >= knobs.withoutPreVote,
    ...(knobs.leaseClockDrift > 0 ? { leaseClockDrift: knobs.leaseClockDrift } : {}),
  }
}
