import type { Membership } from './core/configuration.ts'
import { encodeConfiguration } from './core/configuration-codec.ts'
import { entryBytes } from './core/log.ts'
import type { RaftOptions } from './options.ts'
import { ITEM_OVERHEAD_BYTES, MESSAGE_OVERHEAD_BYTES } from './wire.ts'

/** Options with every default filled in and every relation checked. */
export type ResolvedOptions = Required<Omit<RaftOptions, 'leaseClockDrift'>> & Pick<RaftOptions, 'leaseClockDrift'>

/** What holds where a user says nothing. */
export const RAFT_DEFAULTS: Readonly<Omit<ResolvedOptions, 'id' | 'group' | 'voters'>> = Object.freeze({
  electionTimeoutMs: 1_000,
  leaseClockDrift: undefined,
  priority: 1,
  witness: false,
  heartbeatIntervalMs: 100,
  maxPending: 16_384,
  maxPendingBytes: 64 * 1_024 * 1_024,
  maxCommandBytes: 512 * 1_024,
  maxAppendBytes: 256 * 1_024,
  maxInflightAppends: 64,
  snapshotEveryBytes: 64 * 1_024 * 1_024,
  keepEntries: 10_000,
  repairFromPeers: true,
})

/** Entries behind which a witness compacts its log. */
const WITNESS_ENTRIES = 4_096
const NO_ENTRY = { index: 0, term: 0, kind: 0, data: new Uint8Array(0) }

/** Options that are no counts or times, and are checked one by one. */
const NO_COUNTS: ReadonlySet<string> = new Set(['leaseClockDrift', 'priority', 'repairFromPeers', 'witness'])

/** What the name of a group looks like. */
export const GROUP_PATTERN: RegExp = /^[a-z0-9-]{1,48}$/

/** Fills in the defaults. Throws a RangeError that names the option and the relation that it breaks. */
export function resolveOptions(options: RaftOptions): ResolvedOptions {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
  const resolved = { ...RAFT_DEFAULTS, voters: [], ...given } as unknown as ResolvedOptions
  const { id, group, voters } = resolved
  check(typeof id === 'string' && id !== '', `id must be a name, got ${JSON.stringify(id)}`)
  check(GROUP_PATTERN.test(group), `group must be 1 to 48 characters of a-z, 0-9 and -, got ${JSON.stringify(group)}`)
  check(Array.isArray(voters), 'voters must be a list of ids')
  check(new Set(voters).size === voters.length, `voters must be distinct, got ${voters.join(', ')}`)
  check(voters.every(isMemberId), 'voters must be names of 1 to 128 characters of valid Unicode')
  check(
    voters.length === 0 || voters.includes(id),
    `voters must include this node, ${id}, or be empty where it is to be added later; got ${voters.join(', ')}`,
  )
  for (const [name, value] of Object.entries(resolved)) {
    if (name in RAFT_DEFAULTS && !NO_COUNTS.has(name)) {
      const fits = name.endsWith('Ms') ? Number.isFinite(value) : Number.isSafeInteger(value)
      check(
        fits && Number(value) >= 1,
        `${name} must be a ${name.endsWith('Ms') ? '' : 'whole '}number, 1 or more, got ${value}`,
      )
    }
  }
  const { leaseClockDrift, priority, repairFromPeers, witness } = resolved
  const drifts = leaseClockDrift === undefined || (leaseClockDrift >= 0 && leaseClockDrift <= 0.5)
  check(drifts, `leaseClockDrift must be from 0 to 0.5, got ${leaseClockDrift}`)
  check(typeof repairFromPeers === 'boolean', `repairFromPeers must be true or false, got ${repairFromPeers}`)
  check(priority >= 0 && priority <= 1, `priority must be from 0 to 1, got ${priority}`)
  check(
    resolved.electionTimeoutMs >= 3 * resolved.heartbeatIntervalMs,
    `electionTimeoutMs (${resolved.electionTimeoutMs}) must be three times heartbeatIntervalMs ` +
      `(${resolved.heartbeatIntervalMs}) or more, so that two lost heartbeats are no reason for an election`,
  )
  check(
    resolved.maxPendingBytes >= resolved.maxCommandBytes,
    `maxPendingBytes (${resolved.maxPendingBytes}) must be maxCommandBytes (${resolved.maxCommandBytes}) or more, so that one command fits`,
  )
  check(typeof witness === 'boolean', `witness must be true or false, got ${witness}`)
  check(!witness || voters.length === 0, 'a witness is added by reconfigure, so its voters must be left out')
  const limits = witness ? witnessLimits(resolved) : {}
  return Object.freeze({ ...resolved, ...limits, voters: Object.freeze([...voters]) })
}

/** A witness needs no more of the log than what others may have to repeat. */
function witnessLimits(given: ResolvedOptions): Pick<ResolvedOptions, 'snapshotEveryBytes' | 'keepEntries'> {
  return {
    snapshotEveryBytes: Math.min(given.snapshotEveryBytes, WITNESS_ENTRIES * entryBytes(NO_ENTRY)),
    keepEntries: Math.min(given.keepEntries, WITNESS_ENTRIES / 4),
  }
}

/** The limits that follow from the frame of the transport. */
export function frameLimits(
  options: ResolvedOptions,
  maxFrameBytes: number,
): {
  readonly maxCommandBytes: number
  readonly maxAppendBytes: number
  /** Room for what a message holds, in a frame of its own. */
  readonly roomBytes: number
  readonly maxFrameBytes: number
} {
  const overhead = MESSAGE_OVERHEAD_BYTES + 2 * ITEM_OVERHEAD_BYTES
  const room = maxFrameBytes - overhead
  check(room >= 1_024, `the transport's maxFrameBytes (${maxFrameBytes}) must be ${1_024 + overhead} or more`)
  return {
    maxCommandBytes: Math.min(options.maxCommandBytes, room),
    maxAppendBytes: Math.min(options.maxAppendBytes, room),
    roomBytes: room,
    maxFrameBytes,
  }
}

function check(condition: boolean, message: string): void {
  if (!condition) throw new RangeError(message)
}

/** Checks the members that a group shall have. Throws a RangeError that says what is wrong with them. */
export function checkMembers({ voters, learners, witnesses = [] }: Membership, maxBytes: number): void {
  check(Array.isArray(voters) && voters.length > 0, 'voters must name at least one node')
  const all = [...voters, ...learners]
  check(new Set(all).size === all.length, `no node may be named twice among the members, got ${all.join(', ')}`)
  check(all.every(isMemberId), 'members must be names of 1 to 128 characters of valid Unicode')
  check(
    new Set(witnesses).size === witnesses.length && witnesses.every((id) => voters.includes(id)),
    `witnesses must be distinct, and be voters, got ${witnesses.join(', ')} for the voters ${voters.join(', ')}`,
  )
  check(witnesses.length < voters.length, 'one voter at least must be no witness: somebody must hold the data')
  const target = { voters, learners, witnesses }
  // The outgoing voters count as well, and may be others; as many are taken for them.
  const pins = [...voters, ...voters].map((id) => [id, 0] as const)
  const bytes = encodeConfiguration({ voters, learners, outgoing: voters, target, witnesses, pins }).length
  check(2 * bytes <= maxBytes, `${all.length} members are more than a frame of the transport can hold beside an entry`)
}

/** Half of a surrogate pair is replaced on its way to the disk and to others: two such names would be one there. */
function isMemberId(id: unknown): boolean {
  return typeof id === 'string' && id.length >= 1 && id.length <= 128 && !/\p{Surrogate}/u.test(id)
}
