import type { SeededRandom } from '@dsys/runtime'
import type { RaftRole } from '../status.ts'
import type { RaftLog } from './log.ts'
import type { SnapshotChunk, SnapshotProgress } from './messages.ts'
import type { Outbox } from './outbox.ts'
import type { Progress } from './progress.ts'

/** What a core is told once. */
export interface CoreConfig {
  readonly id: string
  readonly voters: readonly string[]
  readonly electionTimeoutMs: number
  readonly heartbeatIntervalMs: number
  readonly maxAppendBytes: number
  readonly maxInflightAppends: number
  readonly maxInflightBytes: number
  readonly maxUncommittedBytes: number
}

/** A read that waits until leadership is confirmed. */
export interface WaitingRead {
  readonly ticket: number
  /** What was committed when the read came: its own, not that of the batch (P-23). */
  readonly index: number
  /** The confirmation round that proves it. Rounds only grow (P-22). */
  readonly round: number
}

/** What exists only while a node leads. */
export interface Leadership {
  readonly progress: Map<string, Progress>
  /** The index of this term's first entry: until it is committed the leader does not know what is (Raft §5.4.2, §8). */
  readonly termStartIndex: number
  round: number
  /** A read waits that no round was begun for. */
  roundWanted: boolean
  reads: WaitingRead[]
  /** Reads that came before this term's first commit (P-21). */
  earlyReads: number[]
  heartbeatDueMs: number
  uncommittedBytes: number
  transfer: { readonly to: string; readonly deadlineMs: number; sent: boolean } | undefined
  /** The time from which a silent quorum is held against this leader. */
  readonly sinceMs: number
}

/** A fact for the driver and the user. */
export type CoreEvent =
  | { readonly type: 'role'; readonly role: RaftRole; readonly term: number; readonly why: string }
  | { readonly type: 'leader'; readonly leader: string | undefined; readonly term: number }

/** The whole state of a core. Handlers change it in place; nothing outside src/core sees it. */
export interface CoreState {
  readonly config: CoreConfig
  readonly random: SeededRandom
  readonly log: RaftLog
  readonly outbox: Outbox
  nowMs: number
  term: number
  votedFor: string | undefined
  role: RaftRole
  leader: string | undefined
  commitIndex: number
  /** The highest commitIndex that the leader of this term has named. */
  leaderCommit: number
  /** Up to here the log equals that of the leader of this term (P-14). */
  verifiedIndex: number
  /** When the leader of this term was last heard, monotonic. */
  leaderHeardMs: number | undefined
  electionDueMs: number
  votes: Map<string, boolean>
  /** The write that makes this candidate's own vote durable; only then does it count (P-04). */
  ownVoteWriteId: number | undefined
  campaignIsTransfer: boolean
  leadership: Leadership | undefined
  /** A snapshot is being stored: no campaign meanwhile (P-09). */
  installing: boolean
  readonly events: CoreEvent[]
  readonly confirmedReads: { ticket: number; index: number }[]
  readonly droppedReads: number[]
  readonly snapshotWanted: Set<string>
  readonly snapshotTraffic: { from: string; message: SnapshotChunk | SnapshotProgress }[]
}

export const isVoter = (state: CoreState, id: string): boolean => state.config.voters.includes(id)

export const peers = (state: CoreState): string[] => state.config.voters.filter((id) => id !== state.config.id)
