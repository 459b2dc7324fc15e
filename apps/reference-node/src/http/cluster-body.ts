import type { SplitBrainStatus } from '@dsys/membership'
import type { NodeStatus } from '@dsys/node'

/** What `GET /v1/cluster` shows: the status of this node, the cluster as it sees it. */
export function clusterBody(status: NodeStatus, splitBrain: SplitBrainStatus | undefined): object {
  const { raft, members } = status
  return {
    id: status.id,
    generation: status.generation,
    state: status.state,
    ready: status.readiness.ready,
    ...(status.readiness.ready ? {} : { reason: status.readiness.reason }),
    connection: status.connection,
    uptimeMs: status.uptimeMs,
    leader: raft.leader ?? null,
    raft: {
      group: raft.group,
      role: raft.role,
      term: raft.term,
      commitIndex: raft.commitIndex,
      lastApplied: raft.lastApplied,
      lastIndex: raft.lastIndex,
      firstIndex: raft.firstIndex,
      snapshotIndex: raft.snapshotIndex,
      voters: raft.voters,
      learners: raft.learners,
      followers: raft.followers,
    },
    members: members.map(({ id, generation, incarnation, state, roles, capabilities, tags, metadata }) => ({
      id,
      generation,
      incarnation,
      state,
      roles: roles ?? [],
      capabilities: capabilities ?? [],
      tags: tags ?? {},
      metadata,
    })),
    splitBrain: splitBrain === undefined ? null : { ...splitBrain, lastDecision: splitBrain.lastDecision ?? null },
    keyspaces: status.keyspaces ?? [],
  }
}
