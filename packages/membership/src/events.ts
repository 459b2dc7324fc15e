import type { Description } from './core/description.ts'
import type { MemberState } from './core/record.ts'
import type { ConflictEvidence, Evidence, ViewEvidence } from './evidence.ts'

/** What this node knows of one node. A snapshot: it does not change. */
export interface Member extends Description {
  readonly id: string
  /** Which life of the node. */
  readonly generation: number
  readonly incarnation: number
  readonly state: MemberState
  /** Since when it is in this state, on the monotonic scale of this node's clock. */
  readonly sinceMs: number
}

/**
 * A fact about the members, as this node sees it.
 *
 * Order, for each life of a node (id and generation): `MemberUp` first; then any number of `MemberUpdated` and `MemberSuspected`; then
 * `MemberDown` or `MemberLeft`. After `MemberDown` the same life may come `MemberUp` again (it was declared dead by mistake), or be
 * `MemberLeft` (its farewell was late); a stream that began after that `MemberDown` gives this `MemberLeft` alone. A later life
 * begins only after the earlier one is down or left. Where two processes run as one life, the one that does not count any more goes down as
 * well before the other one comes up.
 */
export type MemberEvent =
  | (Told & { readonly type: 'MemberUp' })
  /** It does not answer; unless it refutes that in time, it is declared dead. */
  | (Told & { readonly type: 'MemberSuspected' })
  /** It was declared dead, or a later life of it has begun. */
  | (Told & { readonly type: 'MemberDown' })
  /** It said goodbye. */
  | (Told & { readonly type: 'MemberLeft' })
  /** It refuted a suspicion, or describes itself otherwise: its metadata, roles, capabilities or tags changed. */
  | (Told & { readonly type: 'MemberUpdated' })
  /** What this node knows of the others grows old, as it cannot tell any more who of them is there; `member` is this node itself. */
  | (Told<ViewEvidence> & { readonly type: 'ViewStale' })
  /** It can tell again. `ViewStale` and `ViewFresh` take turns; a stream begins with `ViewStale` where it is so. */
  | (Told<ViewEvidence> & { readonly type: 'ViewFresh' })
  /** Two processes run with its id. It may come at any time, once for each life and kind of conflict; `member` is as it was before. */
  | (Told<ConflictEvidence> & { readonly type: 'MemberConflict'; readonly conflict: IdConflict })

/** Of whom an event tells, and by what that is known. */
interface Told<E extends Evidence = Evidence> {
  readonly member: Member
  /** The evidence in words. */
  readonly why: string
  /** The same as data. */
  readonly evidence: E
}

/** Two processes that run with one id, and how that was noticed. Stop one of them, or give it an id of its own. */
export interface IdConflict {
  readonly id: string
  /**
   * `same-generation`: both claim to be the same life, or a generation was used twice in a row. One of them counts for all nodes, the other one
   * does not until the first is dead or gone. `earlier-generation`: the node was started again, elsewhere, while its former process
   * was still there.
   */
  readonly kind: 'same-generation' | 'earlier-generation'
  /** The generation that counts. */
  readonly generation: number
  readonly otherGeneration: number
  /** The evidence, in words. */
  readonly how: string
  /** Who brought it. */
  readonly from: string
  /** On the monotonic scale of this node's clock. */
  readonly firstSeenMs: number
  readonly lastSeenMs: number
}

/** What `events()` gives: the present state as `MemberUp` (and `MemberSuspected`), then `Synced`, then what changes. */
export type MembershipEvent = MemberEvent | { readonly type: 'Synced' }
