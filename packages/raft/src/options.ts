import type { Membership } from './core/configuration.ts'

/** Options of a RaftNode. Only `id` and `group` have no default. */
export interface RaftOptions {
  /** This node's id: that of its transport. */
  readonly id: string
  /** The name of the group: names its log on disk and its channel on the transport. 1 to 48 characters of `a-z 0-9 -`. */
  readonly group: string
  /**
   * The ids of the voters that the group begins with, the same on every node that is one of them. Default: none. Such a node waits for
   * `bootstrap`, or for a leader that adds it by `reconfigure`; nothing else makes it take part. The first leader writes its list into the log, and on a node whose log has it the
   * option means nothing any more. Until then the list itself says who votes: two nodes with different lists may count different majorities.
   */
  readonly voters?: readonly string[]
  /**
   * How long a follower waits for its leader before it asks for votes, in milliseconds; each wait is drawn between this and
   * twice this. Default 1,000. At least three times the heartbeat interval.
   */
  readonly electionTimeoutMs?: number
  /**
   * Lets leaders answer reads with consistency `lease`, and says how far apart the rates of two monotonic clocks may be: 0.01 is one part
   * in a hundred, from 0 to 0.5. Give every node the same, and the same `electionTimeoutMs`: the lease of a leader counts on that of the others. A node that begins anew then elects nobody for an election timeout. A
   * virtual machine that is suspended, so that its monotonic clock stands still while others go on, breaks the bound. Default: no leases.
   */
  readonly leaseClockDrift?: number | undefined
  /**
   * How eager this node is to lead, from 0 to 1: it waits 1 / priority times as long before it asks for votes; with 0 it leads only when
   * leadership is handed to it. Default 1.
   */
  readonly priority?: number
  /**
   * The node is made as a witness: it votes and stores terms, holds no data, and never leads. So two machines with data and a small third
   * are a group that survives the loss of one, mostly: see the README. It is added by `reconfigure`, with its id among `voters` and
   * `witnesses`, and is made without `voters`. It keeps some 5,000 entries without data at the most. Default false.
   */
  readonly witness?: boolean
  /** How often an idle leader shows that it is alive, in milliseconds. Default 100. */
  readonly heartbeatIntervalMs?: number
  /** Proposals and reads that may wait at once on this node; more are refused with `DSYS_RAFT_OVERLOADED`. Default 16,384. */
  readonly maxPending?: number
  /**
   * Bytes of encoded commands that may wait at once on this node; a call whose commands do not fit beside them is refused with
   * `DSYS_RAFT_OVERLOADED`. At least `maxCommandBytes`. Default 64 MiB.
   */
  readonly maxPendingBytes?: number
  /** The largest encoded command, in bytes, and the most that those of one `proposeAll` take together. Default 512 KiB, and never more than the transport's frame allows. */
  readonly maxCommandBytes?: number
  /** Bytes of log entries in one message to a follower. Default 256 KiB. */
  readonly maxAppendBytes?: number
  /** Messages with entries that may be on their way to one follower. Default 64. */
  readonly maxInflightAppends?: number
  /** A snapshot is taken when the log behind the last one holds this many bytes. Default 64 MiB. */
  readonly snapshotEveryBytes?: number
  /** Entries kept behind a snapshot, so that a slow follower needs no snapshot. Default 10,000. */
  readonly keepEntries?: number
  /**
   * When damage took entries of this node's log, and its term and vote are known, it opens all the same, gets the entries from its peers,
   * and abstains from elections until it has them. With `false`, `start` throws CorruptionError (`DSYS_STORAGE_CORRUPT`), as it does in any case where
   * there is nobody to ask. Default true.
   */
  readonly repairFromPeers?: boolean
}

/** Every option of a call that waits. */
export interface CallOptions {
  /** How long to wait, in milliseconds. Default 5,000. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

/** Options of a proposal. */
export interface ProposeOptions extends CallOptions {
  /**
   * Whose command this is, and which of theirs. The same client and sequence, proposed by way of any node and at any later time, give the
   * first result and are not applied again. Default: the command is the only one of its kind, applied at most once, and cannot be
   * tried again safely when its outcome is unknown.
   */
  readonly client?: ClientCall
}

/** Which command of a client a call is about. */
export interface ClientCall {
  /** What `openClient()` has returned. */
  readonly id: string
  /**
   * The number of the command among those of the client: whole, 1 or more, and never the same for two commands. Commands may be under way
   * together and arrive in any order.
   */
  readonly sequence: number
  /**
   * The client has the results up to this sequence, or wants them no more: they are forgotten, and none of them is applied any more. From 0 to
   * below `sequence`. Default 0: the results of the highest 128 sequences are kept.
   */
  readonly seenThrough?: number
}

/** Options of a reconfiguration. */
export interface ReconfigureOptions {
  /** What the group must be now; anything else is refused with `DSYS_RAFT_MEMBERSHIP_CONFLICT`. Default: whatever it is. */
  readonly expected?: Membership
  /** How long to wait until it is done, in milliseconds. Default 30,000. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

/**
 * How fresh a read is. Every kind may be asked of every node, and is answered from the state of that node: what is called a follower read
 * elsewhere is a `linearizable` read at a follower, of which the leader sees one small question and no data.
 */
export type ReadConsistency =
  /**
   * Sees every write that was acknowledged anywhere before the call, at a follower or learner just as at the leader. Costs a round from the
   * leader to a majority, shared by all reads that wait, and at any other node a question to the leader. Relies on no clock. The default.
   */
  | 'linearizable'
  /** The same as `linearizable`, under the name that it has where the two are told apart: for a reader who looks for follower reads. */
  | 'follower'
  /**
   * The same, without the round while the leader has a lease: it relies on clocks, see `leaseClockDrift`. Where there is no lease just
   * now, or the option is not set, it is a `linearizable` read.
   */
  | 'lease'
  /**
   * Sees every write that was acknowledged `maxStalenessMs` before the call, and often later ones. Answered at once where this node has
   * lately been told how far the log was committed by a `linearizable` or `lease` read; otherwise it is a `linearizable` read itself.
   */
  | 'bounded'
  /**
   * What this node has applied: at once, without a word to anybody, possibly old without bound. For a cache, a dashboard, or when there is no
   * majority.
   */
  | 'stale'

/** Every {@link ReadConsistency}. */
export const READ_CONSISTENCIES: readonly ReadConsistency[] = ['linearizable', 'follower', 'lease', 'bounded', 'stale']

/** Options of a `bounded` read. */
export interface BoundedReadOptions extends CallOptions {
  readonly consistency: 'bounded'
  /** How old the state may be, in milliseconds, 0 or more; 0 is a linearizable read. */
  readonly maxStalenessMs: number
}

/** Options of every other read. */
export interface UnboundedReadOptions extends CallOptions {
  /** Default `linearizable`. */
  readonly consistency?: Exclude<ReadConsistency, 'bounded'>
  /** Only a `bounded` read has a bound: any other one that is given one is refused with a RangeError. */
  readonly maxStalenessMs?: never
}

/** Options of a read. Their type says how fresh it is: a bound and the consistency `bounded` come together or not at all. */
export type ReadOptions = BoundedReadOptions | UnboundedReadOptions
