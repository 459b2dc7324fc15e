import type { SeededRandom } from '@dsys/runtime'
import type { Abstention, LogEntry } from '@dsys/storage'
import type { CoreConfig } from './config.ts'
import { type Configuration, countsAsVoter, isWitness } from './configuration.ts'
import type { Configurations } from './configurations.ts'
import type { RaftLog } from './log.ts'
import type { SnapshotChunk, SnapshotProgress, VoteRefusal } from './messages.ts'
import type { Outbox } from './outbox.ts'
import type { Progress } from './progress.ts'
import { checkEntries, checkRole } from './witness.ts'

/** What a node is in its group right now. */
export type RaftRole = 'follower' | 'pre-candidate' | 'candidate' | 'leader'

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
  /** When the rounds began that a majority has not confirmed yet, oldest first, and the last that it has. */
  roundsSent: { readonly round: number; readonly sentMs: number }[]
  /** Leadership was handed over: whoever was asked to take over may do so at any time from now on (P-08). */
  leaseGivenUp: boolean
  /** A read waits that no round was begun for. */
  roundWanted: boolean
  reads: WaitingRead[]
  /** Reads that came before this term's first commit (P-21). */
  earlyReads: number[]
  /** Infinity while this leader sleeps. */
  heartbeatDueMs: number
  /** The end of the log, and the round, as of the last heartbeat. */
  quiet: { readonly index: number; readonly round: number }
  /** So many heartbeats found nothing to do. */
  idleHeartbeats: number
  /** The first round of those, up to now, that have asked the followers to sleep. */
  sleepFromRound: number | undefined
  uncommittedBytes: number
  transfer: { readonly to: string; readonly deadlineMs: number; sent: boolean } | undefined
  /** The time from which a silent quorum is held against this leader. */
  readonly sinceMs: number
}

/** A fact for the driver and the user. */
export type CoreEvent =
  | { readonly type: 'role'; readonly role: RaftRole; readonly term: number; readonly why: string }
  | { readonly type: 'leader'; readonly leader: string | undefined; readonly term: number }
  /** This node has again whatever it had lost: everything up to `index` is committed here. */
  | { readonly type: 'repaired'; readonly index: number }
  /** Another configuration is in force; it may not be committed yet. */
  | { readonly type: 'configuration'; readonly index: number; readonly configuration: Configuration }

/** The whole state of a core. Handlers change it in place. */
export interface CoreState {
  readonly config: CoreConfig
  readonly random: SeededRandom
  readonly log: RaftLog
  /** Who is in the group, along the log. */
  readonly configurations: Configurations
  readonly outbox: Outbox
  nowMs: number
  term: number
  votedFor: string | undefined
  /** Set as long as this node gives no votes, since it has lost entries: see abstention.ts. */
  abstention: Abstention | undefined
  /** By which this life of it asks its leader for the end of the log. */
  readonly abstentionTicket: number
  /** Where `verifiedIndex` was at the last heartbeat, while it abstains. */
  verifiedBefore: number
  role: RaftRole
  leader: string | undefined
  /** Who leads the present term, as far as this node has heard since it began; also when `leader` was not heard in time. */
  leaderOfTerm: string | undefined
  commitIndex: number
  /** The highest commitIndex that the leader of this term has named. */
  leaderCommit: number
  /** Up to here the log equals that of the leader of this term (P-14). */
  verifiedIndex: number
  /** When the leader of this term was last heard, monotonic. */
  leaderHeardMs: number | undefined
  /**
   * When this node last heard a leader of any term, or began: for an election timeout from then on it elects nobody, since the lease of
   * that leader counts on it (dissertation §6.4.1; P-25). Minded only where there are leases.
   */
  promisedMs: number | undefined
  /** Infinity while this follower sleeps. */
  electionDueMs: number
  votes: Map<string, boolean>
  /** The last refusal of each voter since there was a leader: to explain, no rule looks at it. */
  readonly refusals: Map<string, { readonly atMs: number; readonly why: VoteRefusal | undefined }>
  /** When another leader, or none, was known last. */
  leaderChangedMs: number
  /** When commitIndex moved last. */
  commitMovedMs: number
  /** The write that makes this candidate's own vote durable; only then does it count (P-04). */
  ownVoteWriteId: number | undefined
  campaignIsTransfer: boolean
  leadership: Leadership | undefined
  /** A snapshot is being stored: no campaign meanwhile (P-09). */
  installing: boolean
  /** Whoever drives this core has something to do with the group: it must not sleep. */
  busy: boolean
  readonly events: CoreEvent[]
  readonly confirmedReads: { ticket: number; index: number }[]
  readonly droppedReads: number[]
  /** Who has answered this leader in another incarnation than the one that the group knows, and the one that it knows. */
  readonly strangers: Map<string, { readonly heard: number; readonly known: number }>
  readonly snapshotWanted: Set<string>
  readonly snapshotTraffic: { from: string; message: SnapshotChunk | SnapshotProgress }[]
}

/** The state as others may see it, to explain it. */
export type CoreView = Readonly<CoreState>

/** Whether `id` counts in elections and commits, as far as this node knows. */
export const isVoter = (state: CoreState, id: string): boolean =>
  countsAsVoter(state.configurations.current.configuration, id)

/** Whether `id` is sent no data, as far as this node knows. */
export const holdsNoData = (state: CoreState, id: string): boolean =>
  isWitness(state.configurations.current.configuration, id)

/** Appends to the log in memory, and takes over the configurations among the entries. */
export function appendToLog(state: CoreState, entries: readonly LogEntry[]): void {
  checkEntries(entries, state.config.witness === true)
  const changed = state.configurations.appended(entries)
  const bytes = state.log.bytes
  state.log.append(entries)
  if (state.leadership !== undefined) state.leadership.uncommittedBytes += state.log.bytes - bytes
  if (changed) configurationChanged(state)
}

/** Removes the entries from `index` on, and goes back to the configuration before them (P-28). */
export function truncateLog(state: CoreState, index: number): void {
  state.log.truncate(index)
  state.outbox.truncated(index)
  state.verifiedIndex = Math.min(state.verifiedIndex, index - 1)
  if (state.configurations.truncated(index)) configurationChanged(state)
}

export function configurationChanged(state: CoreState): void {
  checkRole(state.configurations.current, state.config.id, state.config.witness === true)
  state.events.push({ type: 'configuration', ...state.configurations.current })
}

/** Whether this core keeps no time: the peers that it depends on are watched over by whoever drives it. */
export const isAsleep = ({ leadership, electionDueMs }: CoreState): boolean =>
  (leadership?.heartbeatDueMs ?? electionDueMs) === Number.POSITIVE_INFINITY

/** Whether the leader was heard so lately that no other may be elected (dissertation §6.4.1, §9.6; P-07). */
export function leaderIsAlive(state: CoreState): boolean {
  if (state.role === 'leader') return true
  const { electionTimeoutMs, leaseClockDrift } = state.config
  const heardMs = leaseClockDrift === undefined ? state.leaderHeardMs : state.promisedMs
  return heardMs !== undefined && state.nowMs - heardMs < electionTimeoutMs
}
