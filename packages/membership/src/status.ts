import type { IdConflict } from './events.ts'

/** How the membership of this node stands. A snapshot: it does not change. */
export interface MembershipStatus {
  /** Processes that run with the id of another one, as far as this node noticed them within `rememberDeadMs`; ordered by id. */
  readonly conflicts: readonly IdConflict[]
}
