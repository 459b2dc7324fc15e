import { type Description, describedAs } from './core/description.ts'
import type { Metadata } from './core/record.ts'
import { descriptionBytes, MAX_METADATA_BYTES } from './core/record-codec.ts'
import { MAX_CONFIRMATIONS } from './core/suspicion.ts'
import { MetadataTooLargeError } from './errors.ts'

/**
 * Options of a {@link Membership}. Only `cluster` has no default. Every duration is from 10 ms to 30 days, and every number of something a whole number from 1, where
 * nothing else is said; what is out of its range is a RangeError.
 */
export interface MembershipOptions {
  /** The name of the cluster, 1 to 128 characters: nodes of clusters with different names never mix. */
  readonly cluster: string
  /** Ids of nodes to ask first. Not needed where the transport can broadcast. One that is this node is passed over. Default: none. */
  readonly seeds?: readonly string[]
  /**
   * Ids of nodes that were in the cluster in an earlier run, as `knownPeers()` gave them: some are asked at a time, until they were met. The
   * port `peers` keeps them without further ado. At most 256 are used. Default: none.
   */
  readonly knownPeers?: readonly string[]
  /** Free facts about this node that the others see, as an address. With roles, capabilities and tags at most 1 KiB in all. Default: none. */
  readonly metadata?: Metadata
  /** What this node does in the cluster, as `worker`: others find it by `members({ role })`. Default: none. */
  readonly roles?: readonly string[]
  /** What its software can do, as `snapshots/2`: others find it by `members({ capability })`. Default: none. */
  readonly capabilities?: readonly string[]
  /** Labels with values, as `{ zone: 'a' }`: others find it by `members({ tags })`. Default: none. */
  readonly tags?: Readonly<Record<string, string>>
  /** How often members are probed, in milliseconds. At least twice `probeTimeoutMs`. Default 500. */
  readonly probeIntervalMs?: number
  /** How many members are probed in each interval. Default 2. */
  readonly probesPerInterval?: number
  /** How long a probe waits for its answer before others are asked to help, in milliseconds. Default 250. */
  readonly probeTimeoutMs?: number
  /**
   * How much longer than its last answers took a probe waits for an answer, in milliseconds, from 10 to `probeTimeoutMs`: so members
   * that are near are missed sooner, and none later than after `probeTimeoutMs`, nor accused before that. As large as
   * `probeTimeoutMs`, it makes all probes wait that long, and for helpers until the end of the interval. Default 50, or
   * `probeTimeoutMs` where that is less.
   */
  readonly minProbeTimeoutMs?: number
  /**
   * How many times as long probes may take, and as seldom they may begin, while this node has reason to doubt itself: it was blocked, had
   * to refute what others said of it, or its helpers did not answer. A whole number from 1 to 64; 1 turns it off. Default 8.
   */
  readonly maxHealthMultiplier?: number
  /** How many other members are asked to reach one that does not answer. A whole number from 0, which asks nobody. Default 3. */
  readonly indirectProbes?: number
  /**
   * How long a suspected member has to refute when enough others confirm the suspicion, in milliseconds; times log10 of the number of
   * members when these are more than ten. Default 1,000.
   */
  readonly suspicionTimeoutMs?: number
  /**
   * How many times as long it has when nobody confirms the suspicion, from 1 to 100; 1 makes all suspicions equally long. Default 6.
   */
  readonly suspicionMaxFactor?: number
  /**
   * How many others must confirm a suspicion by their own probes until it is as short as `suspicionTimeoutMs`, a whole number from 0 to 3. Where
   * there are not so many others, none is waited for. Default 3.
   */
  readonly suspicionConfirmations?: number
  /**
   * Who decides that a member is removed. `swim`: whoever suspects it, when it does not refute in time; in a second or two. `cut`: several members that
   * observe it, together, when it is clear who else is to be removed; in about seven seconds, without mistakes on links that fail in one direction or come and
   * go. To be the same for all members. Default `swim`.
   */
  readonly removal?: 'swim' | 'cut'
  /** With `removal: 'cut'`: how many members observe each one; all others where these are fewer. A whole number from 3 to 32. Default 10. */
  readonly observers?: number
  /**
   * With `removal: 'cut'`: while so many observers of a member do not reach it, but fewer than `highWatermark`, nobody is removed, for up to
   * `reinforceAfterMs`. Fewer than these are noise. A whole number from 1 and below `highWatermark`. Default 3.
   */
  readonly lowWatermark?: number
  /**
   * With `removal: 'cut'`: a member is removed when so many of its observers do not reach it. A whole number, more than half of `observers` and at most
   * all. Where a member has fewer observers, both watermarks are the same share of them, rounded up. Default 8.
   */
  readonly highWatermark?: number
  /**
   * With `removal: 'cut'`: how long observers that have said nothing of a member in doubt are waited for, in milliseconds; then the majority of the others
   * decides. At least ten times `gossipIntervalMs`. Default 5,000.
   */
  readonly reinforceAfterMs?: number
  /**
   * With `removal: 'cut'`: how long the observers of a member that was removed must have reached it again before it is let in, in milliseconds. Twice as long
   * with each further removal, up to 32 times. Default 20,000.
   */
  readonly readmitAfterMs?: number
  /**
   * Which share of the members asked last must be silent, at least two of them, until this node takes itself to be cut off, and accuses nobody; above 0.5 and
   * up to 1. As many count as are asked in one `probeIntervalMs`. With 1, a node that still gets one answer judges the others as usual. The lower, the more of a small
   * side of a partition accuse nobody; and some of the larger side for a moment, as those asked last are a sample. Default 1.
   */
  readonly isolationShare?: number
  /**
   * How long a node that has a connection and gets no answer accuses nobody, in milliseconds; after that it takes silence for death all the same. Longer than the
   * transport needs to notice that its connection is dead. Default 30,000.
   */
  readonly isolationTimeoutMs?: number
  /** How often news is passed on to `gossipFanout` members, while there is any, in milliseconds. Default 200. */
  readonly gossipIntervalMs?: number
  /** To how many members news is passed on at a time. Default 3. */
  readonly gossipFanout?: number
  /** News is told `retransmitFactor` * log2(members + 1) times by each node. Default 3. */
  readonly retransmitFactor?: number
  /** How often all that is known is compared with one other member, in milliseconds. Default 5,000. */
  readonly syncIntervalMs?: number
  /** How long `start` waits for somebody to answer, in milliseconds, before it goes on alone. Default 1,000. */
  readonly joinTimeoutMs?: number
  /** How long `stop` waits for somebody to hear the farewell, in milliseconds. Default 500. */
  readonly leaveTimeoutMs?: number
  /** How long dead and gone members are remembered, in milliseconds. The dead are asked now and then also after that. Default 3,600,000 (an hour). */
  readonly rememberDeadMs?: number
  /**
   * Frames that are surely older than this are refused, in milliseconds: those that another frame of their sender overtook so long ago. More
   * than half of `rememberDeadMs` counts as half of it, so that none resurrects somebody whose death is forgotten. Default 30,000.
   */
  readonly maxFrameAgeMs?: number
  /** The largest number of nodes, dead ones included. Default 4,096. */
  readonly maxMembers?: number
}

/** Every option, with defaults filled in. */
export type ResolvedOptions = Required<MembershipOptions>

/** The values used where an option is not given. */
export const MEMBERSHIP_DEFAULTS: Omit<ResolvedOptions, 'cluster'> = Object.freeze({
  seeds: Object.freeze([]),
  knownPeers: Object.freeze([]),
  metadata: Object.freeze({}),
  roles: Object.freeze([]),
  capabilities: Object.freeze([]),
  tags: Object.freeze({}),
  probeIntervalMs: 500,
  probesPerInterval: 2,
  probeTimeoutMs: 250,
  minProbeTimeoutMs: 50,
  maxHealthMultiplier: 8,
  indirectProbes: 3,
  suspicionTimeoutMs: 1_000,
  suspicionMaxFactor: 6,
  suspicionConfirmations: 3,
  isolationShare: 1,
  isolationTimeoutMs: 30_000,
  removal: 'swim',
  observers: 10,
  lowWatermark: 3,
  highWatermark: 8,
  reinforceAfterMs: 5_000,
  readmitAfterMs: 20_000,
  gossipIntervalMs: 200,
  gossipFanout: 3,
  retransmitFactor: 3,
  syncIntervalMs: 5_000,
  joinTimeoutMs: 1_000,
  leaveTimeoutMs: 500,
  rememberDeadMs: 3_600_000,
  maxFrameAgeMs: 30_000,
  maxMembers: 4_096,
})

const DURATIONS = [
  'probeIntervalMs',
  'probeTimeoutMs',
  'minProbeTimeoutMs',
  'suspicionTimeoutMs',
  'isolationTimeoutMs',
  'reinforceAfterMs',
  'readmitAfterMs',
  'gossipIntervalMs',
  'syncIntervalMs',
  'joinTimeoutMs',
  'leaveTimeoutMs',
  'rememberDeadMs',
  'maxFrameAgeMs',
] as const
const COUNTS = ['probesPerInterval', 'gossipFanout', 'retransmitFactor', 'maxMembers'] as const
/** Beyond this a node would hardly probe at all. */
const MAX_HEALTH_MULTIPLIER = 64
/** More observers than this cost more than they tell. */
const MAX_OBSERVERS = 32
/** Below this an interval is lost in the jitter of the event loop. */
const SHORTEST_MS = 10
const LONGEST_MS = 30 * 86_400_000

/** Fills in the defaults and checks every option and relation. Throws RangeError, TypeError or {@link MetadataTooLargeError}. */
export function resolveOptions(options: MembershipOptions): ResolvedOptions {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
  const resolved = { ...MEMBERSHIP_DEFAULTS, ...given } as ResolvedOptions
  const { cluster, probeTimeoutMs } = resolved
  // Whoever asks for a short timeout alone need not know of this one.
  if (options.minProbeTimeoutMs === undefined && probeTimeoutMs < resolved.minProbeTimeoutMs)
    Object.assign(resolved, { minProbeTimeoutMs: probeTimeoutMs })
  if (typeof cluster !== 'string' || cluster.length < 1 || cluster.length > 128) {
    throw new RangeError('cluster must be a name of 1 to 128 characters')
  }
  for (const name of DURATIONS) {
    const value = resolved[name]
    if (!(value >= SHORTEST_MS && value <= LONGEST_MS)) {
      throw new RangeError(`${name} must be from ${SHORTEST_MS} to ${LONGEST_MS} milliseconds, got ${value}`)
    }
  }
  for (const name of COUNTS) {
    const value = resolved[name]
    if (!Number.isInteger(value) || value < 1)
      throw new RangeError(`${name} must be a whole number from 1, got ${value}`)
  }
  for (const id of resolved.knownPeers) {
    if (typeof id !== 'string' || id.length < 1 || id.length > 128)
      throw new RangeError(`knownPeers must be ids of 1 to 128 characters, got ${JSON.stringify(id)}`)
  }
  if (!Number.isInteger(resolved.indirectProbes) || resolved.indirectProbes < 0) {
    throw new RangeError(`indirectProbes must be a whole number from 0, got ${resolved.indirectProbes}`)
  }
  if (!(Number.isInteger(resolved.maxHealthMultiplier) && resolved.maxHealthMultiplier >= 1)) {
    throw new RangeError(`maxHealthMultiplier must be a whole number from 1, got ${resolved.maxHealthMultiplier}`)
  }
  if (resolved.maxHealthMultiplier > MAX_HEALTH_MULTIPLIER) {
    throw new RangeError(
      `maxHealthMultiplier must be at most ${MAX_HEALTH_MULTIPLIER}, got ${resolved.maxHealthMultiplier}`,
    )
  }
  const { suspicionMaxFactor, suspicionConfirmations, isolationShare } = resolved
  if (!(isolationShare > 0.5 && isolationShare <= 1))
    throw new RangeError(`isolationShare must be above 0.5 and at most 1, got ${isolationShare}`)
  if (!(suspicionMaxFactor >= 1 && suspicionMaxFactor <= 100))
    throw new RangeError(`suspicionMaxFactor must be from 1 to 100, got ${suspicionMaxFactor}`)
  if (!(Number.isInteger(suspicionConfirmations) && suspicionConfirmations >= 0))
    throw new RangeError(`suspicionConfirmations must be a whole number from 0, got ${suspicionConfirmations}`)
  if (suspicionConfirmations > MAX_CONFIRMATIONS)
    throw new RangeError(`suspicionConfirmations must be at most ${MAX_CONFIRMATIONS}, got ${suspicionConfirmations}`)
  checkCut(resolved)
  if (resolved.minProbeTimeoutMs > probeTimeoutMs)
    throw new RangeError('minProbeTimeoutMs must be at most probeTimeoutMs, as it is a part of that time')
  if (resolved.probeIntervalMs < 2 * probeTimeoutMs) {
    throw new RangeError('probeIntervalMs must be at least twice probeTimeoutMs, so that helpers have time to answer')
  }
  checkDescription(resolved)
  return Object.freeze(resolved)
}

function checkCut(options: ResolvedOptions): void {
  const { removal, observers, lowWatermark, highWatermark, reinforceAfterMs, gossipIntervalMs } = options
  if (removal !== 'swim' && removal !== 'cut')
    throw new RangeError(`removal must be 'swim' or 'cut', got ${JSON.stringify(removal)}`)
  if (!(Number.isInteger(observers) && observers >= 3 && observers <= MAX_OBSERVERS))
    throw new RangeError(`observers must be a whole number from 3 to ${MAX_OBSERVERS}, got ${observers}`)
  if (!(Number.isInteger(highWatermark) && highWatermark <= observers && 2 * highWatermark > observers))
    throw new RangeError(`highWatermark must be more than half of observers and at most all, got ${highWatermark}`)
  if (!(Number.isInteger(lowWatermark) && lowWatermark >= 1 && lowWatermark < highWatermark))
    throw new RangeError(`lowWatermark must be a whole number from 1 and below highWatermark, got ${lowWatermark}`)
  if (removal === 'cut' && reinforceAfterMs < 10 * gossipIntervalMs)
    throw new RangeError('reinforceAfterMs must be at least ten times gossipIntervalMs, so that observers are heard')
}

/** Throws {@link MetadataTooLargeError} when others would refuse it, TypeError when it is not text. */
export function checkDescription(description: Description): void {
  const bytes = descriptionBytes(describedAs(description))
  if (bytes > MAX_METADATA_BYTES) throw new MetadataTooLargeError(bytes, MAX_METADATA_BYTES)
}
