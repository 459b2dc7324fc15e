import type { IdConflict } from './events.ts'

/** How the membership of this node stands. A snapshot: it does not change. */
export interface MembershipStatus {
  /** Processes that run with the id of another one, as far as this node noticed them within `rememberDeadMs`; ordered by id. */
  readonly conflicts: readonly IdConflict[]
  /** With `removal: 'cut'`: the members that some of their observers do not reach, ordered by id. Empty otherwise. */
  readonly alerts: readonly MemberAlerts[]
  /**
   * With `removal: 'cut'`: since when the majority of the observers of this node has held it for dead although it says that it lives, on the monotonic scale of this node's clock. They do not
   * reach it, or not for long enough again. `undefined` where they do not.
   */
  readonly removedSinceMs: number | undefined
  /** How far this node trusts itself when it misses others. */
  readonly localHealth: LocalHealthStatus
  /** Whether what this node knows of the others is as new as it can be. */
  readonly view: ViewStatus
}

/**
 * Whether `members()` and `alive()` can be relied on as far as ever. A stale view is the last one that was: nobody in it is declared dead, and whoever
 * died since is still in it.
 */
export type ViewStatus =
  | { readonly state: 'fresh' }
  | {
      readonly state: 'stale'
      /** Since when, on the monotonic scale of this node's clock. */
      readonly sinceMs: number
      readonly forMs: number
      readonly because: StaleReason
      /** The same in words, with the evidence. */
      readonly why: string
    }

/** The view of a membership that has not been started. */
export function unstartedView(nowMs: number): ViewStatus {
  const why = 'it has not been started'
  return Object.freeze({ state: 'stale', sinceMs: nowMs, forMs: 0, because: 'not-running', why })
}

/**
 * Why a view is stale. `disconnected`: the transport of this node has no connection. `nobody-answers`: it has one, and nearly all whom this node asks are
 * silent. `catching-up`: somebody has answered again, and this node gives the others time to be heard. `not-running`: the membership has not been
 * started, has left, or has been replaced by a later life of this node.
 */
export type StaleReason = 'disconnected' | 'nobody-answers' | 'catching-up' | 'not-running'

/** How far a node trusts its own judgement (Lifeguard). */
export interface LocalHealthStatus {
  /** How many times as long its probes wait, and how many times as seldom they begin: from 1, healthy, to `maxMultiplier`. */
  readonly multiplier: number
  readonly maxMultiplier: number
  /** What spoke against it last, or `healthy`. */
  readonly because: string
}

/** What the observers of a member say of it. */
export interface MemberAlerts {
  readonly id: string
  /** All of its observers. */
  readonly observers: readonly string[]
  /** Those of them that do not reach it. */
  readonly alerting: readonly string[]
}
