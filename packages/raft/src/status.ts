/** What a node is in its group right now. */
export type RaftRole = 'follower' | 'pre-candidate' | 'candidate' | 'leader'

/** How a node stands: a consistent picture of one moment, as this node sees it. */
export interface RaftStatus {
  readonly id: string
  readonly group: string
  readonly role: RaftRole
  readonly term: number
  /** The leader of `term`, when this node knows it. */
  readonly leader: string | undefined
  /** The highest index known to be committed. */
  readonly commitIndex: number
  /** The highest index applied to the state machine of this node. */
  readonly lastApplied: number
  readonly lastIndex: number
  readonly firstIndex: number
  readonly snapshotIndex: number
  readonly voters: readonly string[]
  readonly learners: readonly string[]
  /** On a leader: how far each other member is. */
  readonly followers: readonly FollowerStatus[]
}

/** How far a leader has brought one follower. */
export interface FollowerStatus {
  readonly id: string
  readonly state: 'probe' | 'replicate' | 'snapshot'
  /** The highest index known to be on the follower's disk. */
  readonly matchIndex: number
  /** Milliseconds since the follower was last heard; `undefined` before the first time in this term. */
  readonly lastHeardMs: number | undefined
}

/** Something that happened to a node, as a fact. */
export type RaftEvent =
  | { readonly type: 'RoleChanged'; readonly role: RaftRole; readonly term: number; readonly why: string }
  | { readonly type: 'LeaderChanged'; readonly leader: string | undefined; readonly term: number }
  | { readonly type: 'SnapshotTaken'; readonly index: number; readonly sizeBytes: number }
  | { readonly type: 'SnapshotInstalled'; readonly index: number; readonly from: string }
  | { readonly type: 'Failed'; readonly error: Error }
