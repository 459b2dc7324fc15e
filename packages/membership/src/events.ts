import type { MemberState, Metadata } from './core/record.ts'

/** What this node knows of one node. A snapshot: it does not change. */
export interface Member {
  readonly id: string
  /** Which life of the node. */
  readonly generation: number
  readonly incarnation: number
  readonly state: MemberState
  readonly metadata: Metadata
  /** Since when it is in this state, on the monotonic scale of this node's clock. */
  readonly sinceMs: number
}

/**
 * A fact about the members, as this node sees it.
 *
 * Order, for each life of a node (id and generation): `MemberUp` first; then any number of `MemberUpdated` and `MemberSuspected`; then
 * `MemberDown` or `MemberLeft`. After `MemberDown` the same life may come `MemberUp` again (it was declared dead by mistake), or be
 * `MemberLeft` (its farewell was late); a stream that began after that `MemberDown` gives this `MemberLeft` alone. A later life
 * begins only after the earlier one is down or left.
 */
export type MemberEvent =
  | { readonly type: 'MemberUp'; readonly member: Member; readonly why: string }
  /** It does not answer; unless it refutes that in time, it is declared dead. */
  | { readonly type: 'MemberSuspected'; readonly member: Member; readonly why: string }
  /** It was declared dead, or a later life of it has begun. */
  | { readonly type: 'MemberDown'; readonly member: Member; readonly why: string }
  /** It said goodbye. */
  | { readonly type: 'MemberLeft'; readonly member: Member; readonly why: string }
  /** It refuted a suspicion, or its metadata changed. */
  | { readonly type: 'MemberUpdated'; readonly member: Member; readonly why: string }

/** What `events()` gives: the present state as `MemberUp` (and `MemberSuspected`), then `Synced`, then what changes. */
export type MembershipEvent = MemberEvent | { readonly type: 'Synced' }
