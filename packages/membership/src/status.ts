import type { IdConflict } from './events.ts'

/** How the membership of this node stands. A snapshot: it does not change. */
export interface MembershipStatus {
  /** Processes that run with the id of another one, as far as this node noticed them within `rememberDeadMs`; ordered by id. */
  readonly conflicts: readonly IdConflict[]
  /** With `removal: 'cut'`: the members that some of their observers do not reach, ordered by id. Empty otherwise. */
  readonly alerts: readonly MemberAlerts[]
  /** How far this node trusts itself when it misses others. */
  readonly localHealth: LocalHealthStatus
}

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
