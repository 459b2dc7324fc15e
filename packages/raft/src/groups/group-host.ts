import type { Sleep } from '../core/sleep.ts'
import type { SnapshotShare } from '../snapshot-keeper.ts'

/** What a host asks of one of its groups. */
export interface GroupMember {
  /** Whether this node leads the group in `term`. */
  leads(term: number): boolean
  /** Keep time again. `heardMs` says when the host of each peer was heard last; without it, until now. */
  wake(heardMs?: (peer: string) => number): void
}

/** What a group owes the host that it shares with others. Each group has one of its own, see `RaftGroups`. */
export interface GroupHost {
  /** How the cores of all groups keep time. */
  readonly timing: {
    readonly alignHeartbeats: true
    readonly sleepAfterHeartbeats?: number
  }
  /** What all groups together may do with snapshots at once. */
  readonly snapshots: SnapshotShare
  /** The group takes part from now on. */
  attach(member: GroupMember): void
  /** How the group sleeps after a turn; `undefined` when it is awake. */
  sleeps(sleep: Sleep | undefined): void
  /** It takes part no more: it was stopped, or has failed. */
  detach(failed: boolean): void
}
