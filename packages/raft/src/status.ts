import type { RaftRole } from './core/state.ts'

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
  /**
   * Who counts in elections and commits, by the newest configuration that this node has. Nobody where no log and no option says so: then the
   * node does nothing by itself, and waits for `bootstrap`, or for a leader that adds it.
   */
  readonly voters: readonly string[]
  /** Who is sent the log and counts for nothing. */
  readonly learners: readonly string[]
  /** Those of them that hold no data. */
  readonly witnesses: readonly string[]
  /**
   * Set while this node abstains from elections, since damage took entries of its log: until everything up to `throughIndex`, or an
   * entry of a higher term than `term`, is committed here.
   */
  readonly repair: { readonly throughIndex: number; readonly term: number } | undefined
  /** The change of the members that is on its way; `undefined` when there is none. */
  readonly change: MembershipChange | undefined
  /** Nothing happens in the group, and a {@link RaftGroups} watches over it. Its members keep no time until somebody wants something. */
  readonly asleep: boolean
  /** On a leader: how far each other member is. */
  readonly followers: readonly FollowerStatus[]
}

/** A change of the members that is on its way. */
export interface MembershipChange {
  /**
   * - `catching-up`: the new voters are learners as yet, and are brought the log.
   * - `joint`: the old and the new voters decide together.
   * - `committing`: the last step waits for a majority.
   */
  readonly phase: 'catching-up' | 'joint' | 'committing'
  /** The voters that the group will have. */
  readonly voters: readonly string[]
}

/** How far a leader has brought one follower. */
export interface FollowerStatus {
  readonly id: string
  readonly state: 'probe' | 'replicate' | 'snapshot'
  /** The highest index known to be on the follower's disk. */
  readonly matchIndex: number
  /** Milliseconds since the follower was last heard; `undefined` before the first time in this term. It grows while the group sleeps. */
  readonly lastHeardMs: number | undefined
  /**
   * How far it is to be suspected, by the pace of its answers to heartbeats: a phi of 8 is reached by one that lives once in 10^8 heartbeats.
   * `undefined` where it is not judged: the term has just begun, or the group sleeps.
   */
  readonly phi: number | undefined
  /** Whether phi is below 8, or it is not judged. Nothing that is agreed on depends on it. */
  readonly reachable: boolean
}

/** Something that happened to a node, as a fact. */
export type RaftEvent =
  | { readonly type: 'RoleChanged'; readonly role: RaftRole; readonly term: number; readonly why: string }
  | { readonly type: 'LeaderChanged'; readonly leader: string | undefined; readonly term: number }
  /** The group has these members now, and no change is on its way. */
  | {
      readonly type: 'MembersChanged'
      readonly voters: readonly string[]
      readonly learners: readonly string[]
      readonly witnesses: readonly string[]
      readonly index: number
    }
  | { readonly type: 'SnapshotTaken'; readonly index: number; readonly sizeBytes: number }
  | { readonly type: 'SnapshotInstalled'; readonly index: number; readonly from: string }
  /**
   * All of a snapshot came from the leader and this node cannot read it, for the `times`th time in a row: `error` says why. The leader waits longer each
   * time before it sends one again.
   */
  | {
      readonly type: 'SnapshotRefused'
      readonly index: number
      readonly from: string
      readonly times: number
      readonly error: unknown
    }
  /**
   * Damage took entries of this node's log: it has none from `fromIndex` on, and had some up to `throughIndex`. It gets them from its peers, and
   * abstains from elections meanwhile. `file` and `offset` say where the damage is.
   */
  | {
      readonly type: 'LogDamaged'
      readonly fromIndex: number
      readonly throughIndex: number
      readonly file: string
      readonly offset: number
    }
  /** This node abstains no more: what was committed with its help is here again, and everything up to `index` is committed here. */
  | { readonly type: 'LogRepaired'; readonly index: number }
  | { readonly type: 'Failed'; readonly error: Error }
