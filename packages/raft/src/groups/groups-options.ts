import { RAFT_DEFAULTS } from '../resolve-options.ts'

/** Options of a RaftGroups. Only `id` has no default. */
export interface RaftGroupsOptions {
  /** This node's id: that of its transport. */
  readonly id: string
  /** Of all groups, see `RaftOptions`; the same on every node. In milliseconds, default 1,000. */
  readonly electionTimeoutMs?: number
  /** Of all groups, and of the beats by which nodes watch over those that sleep. In milliseconds, default 100. */
  readonly heartbeatIntervalMs?: number
  /** Of all groups, see `RaftOptions`. Default: no leases. */
  readonly leaseClockDrift?: number | undefined
  /**
   * A group in which nothing has happened for so long sleeps, in milliseconds: at least one heartbeat interval, and Infinity for never. Waking
   * costs nothing, falling asleep a few messages. Default 2,000.
   */
  readonly sleepAfterMs?: number
  /** How many groups may be open at once. Default 10,000. */
  readonly maxGroups?: number
}

/** Options with every default filled in and every relation checked. */
export type ResolvedGroupsOptions = Required<Omit<RaftGroupsOptions, 'leaseClockDrift'>> &
  Pick<RaftGroupsOptions, 'leaseClockDrift'>

/** What holds where a user says nothing. */
export const RAFT_GROUPS_DEFAULTS: Readonly<Omit<ResolvedGroupsOptions, 'id'>> = Object.freeze({
  electionTimeoutMs: RAFT_DEFAULTS.electionTimeoutMs,
  heartbeatIntervalMs: RAFT_DEFAULTS.heartbeatIntervalMs,
  leaseClockDrift: undefined,
  sleepAfterMs: 2_000,
  maxGroups: 10_000,
})

/** Fills in the defaults. Throws a RangeError that names the option. What the groups check themselves is left to them. */
export function resolveGroupsOptions(options: RaftGroupsOptions): ResolvedGroupsOptions {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
  const resolved = { ...RAFT_GROUPS_DEFAULTS, ...given } as ResolvedGroupsOptions
  const { id, electionTimeoutMs, heartbeatIntervalMs, sleepAfterMs, maxGroups } = resolved
  check(typeof id === 'string' && id !== '', `id must be a name, got ${JSON.stringify(id)}`)
  check(heartbeatIntervalMs >= 1, `heartbeatIntervalMs must be a number, 1 or more, got ${heartbeatIntervalMs}`)
  check(
    electionTimeoutMs >= 3 * heartbeatIntervalMs,
    `electionTimeoutMs (${electionTimeoutMs}) must be three times heartbeatIntervalMs (${heartbeatIntervalMs}) or more`,
  )
  check(
    sleepAfterMs >= heartbeatIntervalMs,
    `sleepAfterMs (${sleepAfterMs}) must be heartbeatIntervalMs (${heartbeatIntervalMs}) or more, Infinity for never`,
  )
  check(
    Number.isSafeInteger(maxGroups) && maxGroups >= 1,
    `maxGroups must be a whole number, 1 or more, got ${maxGroups}`,
  )
  return Object.freeze(resolved)
}

function check(condition: boolean, message: string): void {
  if (!condition) throw new RangeError(message)
}
