/** What a core is told once. */
export interface CoreConfig {
  readonly id: string
  /** The voters that the group begins with; none on a node that waits to be added. What the log says goes before it. */
  readonly voters: readonly string[]
  readonly electionTimeoutMs: number
  readonly heartbeatIntervalMs: number
  readonly maxAppendBytes: number
  readonly maxInflightAppends: number
  readonly maxInflightBytes: number
  readonly maxUncommittedBytes: number
  /**
   * A group in which nothing has happened for so many heartbeats sleeps: nobody in it keeps time any more. Only for a driver that watches over
   * the peers meanwhile, and calls `RaftCore.wake`. Default: it never does.
   */
  readonly sleepAfterHeartbeats?: number
  /** Heartbeats are due at whole multiples of their interval, so that those of all groups of a process are due together. Default false. */
  readonly alignHeartbeats?: boolean
  /**
   * How eager this node is to lead, from 0 to 1: it waits the longer before it campaigns, by 1 / priority. With 0 it leads only when
   * leadership is handed to it. Default 1.
   */
  readonly priority?: number
  /**
   * Whether this node asks if an election could be won before it begins one (dissertation §9.6). Default true; it always does where there are
   * leases. Without it a node that was cut off raises the term when it comes back. Nodes of both kinds work in one group.
   */
  readonly preVote?: boolean
  /**
   * Reads may ride the lease of the leader. Set it on every node or on none: voters keep a promise for it, also over a restart. The
   * value is how far apart the rates of two monotonic clocks may be, as a share: 0.01 is one part in a hundred.
   */
  readonly leaseClockDrift?: number
  /** The number that this node drew when its log was empty, by which it is known. Absent where nobody minds it. */
  readonly incarnation?: number
  /** The node votes and holds no data: it is a witness in every configuration that names it. Default false. */
  readonly witness?: boolean
}
