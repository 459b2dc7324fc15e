import type { LogEntry } from '@dsys/storage'

/** Asks for a vote in `term` (Raft §5.2), or whether one would be given (dissertation §9.6). */
export interface VoteRequest {
  readonly type: 'vote-request'
  /** The term of the election: for a pre-vote the one that the sender would begin. */
  readonly term: number
  readonly preVote: boolean
  /** The sender was told by its leader to take over, so a living leader is no reason to refuse (dissertation §3.10). */
  readonly transfer: boolean
  readonly lastIndex: number
  readonly lastTerm: number
}

export interface VoteResponse {
  readonly type: 'vote-response'
  /** Granted: the term that was asked for. Refused: the term of the voter. */
  readonly term: number
  readonly preVote: boolean
  readonly granted: boolean
  /** Of a refusal, for whoever wants to know; nobody acts on it. Nodes of earlier versions do not say. */
  readonly why?: VoteRefusal
}

/** Why a voter refuses. */
export type VoteRefusal =
  /** Its term is higher than the one that it was asked for. */
  | { readonly reason: 'later-term' }
  /** It hears a leader, or has promised one that it does not name to elect nobody yet. */
  | { readonly reason: 'hears-leader'; readonly leader: string | undefined }
  /** Its log goes on where that of the candidate ends. */
  | { readonly reason: 'log-behind'; readonly lastIndex: number; readonly lastTerm: number }
  /** It has given its vote of that term to another. */
  | { readonly reason: 'voted'; readonly votedFor: string }
  /** It has lost entries that it may have acknowledged. */
  | { readonly reason: 'abstains' }

/** Brings entries to a follower (Raft §5.3). */
export interface AppendRequest {
  readonly type: 'append-request'
  readonly term: number
  readonly prevIndex: number
  readonly prevTerm: number
  readonly commitIndex: number
  /** The leader's newest confirmation round; the answer brings it back. */
  readonly round: number
  readonly entries: readonly LogEntry[]
}

/** The follower's log equals the leader's up to `matchIndex`, on its disk. */
export interface AppendAccepted {
  readonly type: 'append-accepted'
  readonly term: number
  readonly matchIndex: number
  readonly round: number
}

/** The follower has no entry of `prevTerm` at `rejectedIndex`. */
export interface AppendRejected {
  readonly type: 'append-rejected'
  readonly term: number
  readonly rejectedIndex: number
  /** The highest place where the two logs may agree, and the follower's term there. */
  readonly hintIndex: number
  readonly hintTerm: number
  readonly round: number
  /** The follower has lost entries that it had acknowledged, so what was known of its log is void. */
  readonly lostEntries?: true
}

/** Shows that the leader lives, and asks to confirm it: `round` comes back in the answer. */
export interface HeartbeatRequest {
  readonly type: 'heartbeat-request'
  readonly term: number
  readonly commitIndex: number
  readonly round: number
}

/** Also the answer to any request of an older term: its `term` makes the sender step down. */
export interface HeartbeatResponse {
  readonly type: 'heartbeat-response'
  readonly term: number
  readonly round: number
}

/** A heartbeat that asks the follower to keep no time from here on: it has everything up to `commitIndex`, and nothing is behind it. */
export interface SleepRequest {
  readonly type: 'sleep-request'
  readonly term: number
  readonly commitIndex: number
  readonly round: number
}

export interface SleepResponse {
  readonly type: 'sleep-response'
  readonly term: number
  readonly round: number
  /** It sleeps. Otherwise it lacks something, or has something to do. */
  readonly asleep: boolean
}

/** A follower that has lost entries asks where the log of the leader ends: with all of that it has again what counts. */
export interface LogEndRequest {
  readonly type: 'log-end-request'
  readonly term: number
  /** Another one in each life of the follower. */
  readonly ticket: number
}

/** When the leader was asked with `ticket`, nothing stood behind `lastIndex`. */
export interface LogEndResponse {
  readonly type: 'log-end-response'
  readonly term: number
  readonly ticket: number
  readonly lastIndex: number
}

/** Tells a follower that has callers waiting how far the log is committed. Wants no answer. */
export interface CommitNotice {
  readonly type: 'commit-notice'
  readonly term: number
  readonly commitIndex: number
}

/** Part of a snapshot (Raft §7). The driver moves the content; the core minds the term and the election timer. */
export interface SnapshotChunk {
  readonly type: 'snapshot-chunk'
  readonly term: number
  readonly snapshotIndex: number
  readonly snapshotTerm: number
  readonly context: Uint8Array
  readonly offset: number
  readonly totalBytes: number
  readonly data: Uint8Array
  /** Nodes of earlier versions say none. */
  readonly checksums: SnapshotChecksums | undefined
}

/** By which a follower knows a chunk that was damaged, and a snapshot that it has had a part of, also from another leader. */
export interface SnapshotChecksums {
  /** CRC-32 of the bytes of this chunk. */
  readonly chunk: number
  /** That of the whole snapshot, as its content has it. */
  readonly whole: number
}

/** The follower has stored the snapshot's bytes up to `nextOffset`, and wants the next. */
export interface SnapshotProgress {
  readonly type: 'snapshot-progress'
  readonly term: number
  readonly snapshotIndex: number
  readonly nextOffset: number
  /** The chunk that begins here was lost or damaged: it is wanted again, at once. Below what was sent for, it begins anew there. */
  readonly resendFrom: number | undefined
  /** All of it was here, and it cannot be read: to send it again at once would be of no use. */
  readonly unreadable?: true
}

/** The leader hands over: begin an election at once (dissertation §3.10). */
export interface TimeoutNow {
  readonly type: 'timeout-now'
  readonly term: number
}

/** Everything that two cores say to each other. */
export type Message =
  | VoteRequest
  | VoteResponse
  | AppendRequest
  | AppendAccepted
  | AppendRejected
  | HeartbeatRequest
  | HeartbeatResponse
  | SleepRequest
  | SleepResponse
  | LogEndRequest
  | LogEndResponse
  | CommitNotice
  | SnapshotChunk
  | SnapshotProgress
  | TimeoutNow

/** A message and where it goes. */
export interface Envelope {
  readonly to: string
  readonly message: Message
}
