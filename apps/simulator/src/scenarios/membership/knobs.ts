import { type Description, MEMBERSHIP_DEFAULTS, type MembershipOptions } from '@dsys/membership'
import type { Random } from '@dsys/runtime'
import { FAULTS, type Json, type LinkKnobs, type Plan, pick, some } from '@dsys/simulation'
import type { ResolverKind } from './resolver-knobs.ts'

/** The times and sizes of membership that a seed draws. */
export type DrawnOptions = Required<Omit<MembershipOptions, 'cluster' | 'seeds' | 'knownPeers' | keyof Description>>

/** How members are removed, and by how many. */
type RemovalOptions = Pick<
  DrawnOptions,
  'removal' | 'observers' | 'lowWatermark' | 'highWatermark' | 'reinforceAfterMs' | 'readmitAfterMs'
>

/** Everything that a plan of this scenario says besides its faults and operations. */
export interface Knobs {
  /** How many nodes are there at the beginning; the others join later, or never. */
  readonly initial: number
  /** The nodes `n0` to the one before this are seeds. They never leave, so that whoever comes can find somebody. */
  readonly seeds: number
  readonly broadcast: boolean
  readonly fastNegative: boolean
  readonly maxFrameBytes: number
  readonly options: DrawnOptions
  readonly link: LinkKnobs
  /** How long a node is down after a crash at an aimed moment. */
  readonly restartDelayMs: number
  /** A second process with the id of another is a later life, or claims to be the same one. */
  readonly impostor: 'later' | 'twin'
  /** Whether a node of another cluster, which sends garbage as well, is on the same network. */
  readonly stranger: boolean
  /** Whether machines keep who was there, and processes that find a seed in that are started again without any. */
  readonly keepsPeers: boolean
  /** How large a part of the nodes is healed first. At least half. */
  readonly coreShare: number
  /** What is left of the count of its lives where a machine loses its disk: all, all but the last, or nothing. */
  readonly countOfLives: 'kept' | 'last-lost' | 'all-lost'
  /** Whether a split-brain resolver watches each node at the end of the run, and by which strategy. */
  readonly resolver: ResolverKind
}

/** Faults of disks are nothing to membership, which has none; but a disk may be gone that has counted the lives of a node. */
const NOT_HERE = /disk|sync-error|read-errors|bit-flip/
export const FAULT_KINDS: readonly string[] = [
  ...Object.keys(FAULTS).filter((kind) => !NOT_HERE.test(kind)),
  'disk-lost',
]

/**
 * The moments at which a node may crash, as it is about to send a frame that says so; and how often it does where it does
 * at all. A node says hello to many at once, and would never come up if it crashed at each tenth of these.
 */
export const MOMENT_RATES: Readonly<Record<string, readonly [low: number, high: number]>> = {
  'suspicion-sent': [0.02, 0.2],
  'death-sent': [0.02, 0.2],
  'refutation-sent': [0.02, 0.2],
  leaving: [0.1, 0.5],
  joining: [0.002, 0.02],
  syncing: [0.002, 0.05],
}

/** In how many seeds members are removed by a cut. */
const CUT_SHARE = 0.25

function drawRemoval(random: Random, gossipIntervalMs: number): RemovalOptions {
  const [observers, lowWatermark, highWatermark] = pick(random, [
    [10, 3, 8],
    [10, 3, 8],
    [5, 2, 4],
    [3, 1, 2],
  ] as const)
  return {
    removal: random.float() < CUT_SHARE ? 'cut' : 'swim',
    observers,
    lowWatermark,
    highWatermark,
    reinforceAfterMs: gossipIntervalMs * pick(random, [25, 10]),
    readmitAfterMs: pick(random, [2_000, 500]),
  }
}

/** Ordinary values come more than once, so that many seeds differ from production in one thing alone. */
export function drawOptions(random: Random, nodes: number): DrawnOptions {
  const probeIntervalMs = pick(random, [500, 500, 200, 1_000])
  const probeTimeoutMs = probeIntervalMs / pick(random, [2, 2, 4])
  const options = {
    probeIntervalMs,
    probesPerInterval: pick(random, [2, 2, 1, 4]),
    probeTimeoutMs,
    minProbeTimeoutMs: pick(random, [MEMBERSHIP_DEFAULTS.minProbeTimeoutMs, 10, probeTimeoutMs]),
    maxHealthMultiplier: pick(random, [8, 8, 1, 3]),
    indirectProbes: pick(random, [3, 3, 1, 0]),
    suspicionTimeoutMs: pick(random, [1_000, 1_000, 300, 3_000]),
    suspicionMaxFactor: pick(random, [6, 6, 1, 3]),
    suspicionConfirmations: pick(random, [3, 3, 1, 0]),
    isolationShare: pick(random, [1, 1, 0.75]),
    isolationTimeoutMs: pick(random, [MEMBERSHIP_DEFAULTS.isolationTimeoutMs, 5_000]),
    gossipIntervalMs: pick(random, [200, 200, 50, 1_000]),
    gossipFanout: pick(random, [3, 3, 1]),
    retransmitFactor: pick(random, [3, 3, 1]),
    syncIntervalMs: pick(random, [5_000, 2_000, 2_000, 500]),
    joinTimeoutMs: pick(random, [1_000, 100]),
    leaveTimeoutMs: pick(random, [500, 500, 2_000]),
    rememberDeadMs: pick(random, [MEMBERSHIP_DEFAULTS.rememberDeadMs, MEMBERSHIP_DEFAULTS.rememberDeadMs, 20_000]),
    maxMembers: pick(random, [MEMBERSHIP_DEFAULTS.maxMembers, nodes, nodes + 3]),
    maxFrameAgeMs: pick(random, [MEMBERSHIP_DEFAULTS.maxFrameAgeMs, 1_000]),
  }
  return { ...options, ...drawRemoval(random.stream('removal'), options.gossipIntervalMs) }
}

export function drawLink(random: Random): LinkKnobs {
  const faulty = random.float() < 0.5
  return {
    delayMs: pick(random, [1, 1, 5, 20]),
    tailRate: faulty ? pick(random, [0, 0.001, 0.02]) : 0,
    tailMaxMs: 1_000,
    lossRate: faulty ? pick(random, [0, 0.01, 0.1]) : 0,
    duplicateRate: faulty ? pick(random, [0, 0.01, 0.2]) : 0,
    reorderRate: faulty ? pick(random, [0, 0.01, 0.2]) : 0,
    order: pick(random, ['fifo', 'free']),
  }
}

/** The same links, where nothing is lost, doubled, late or out of order. */
export function faultless(link: LinkKnobs): LinkKnobs {
  return { ...link, tailRate: 0, lossRate: 0, duplicateRate: 0, reorderRate: 0 }
}

export function drawKnobs(random: Random, nodes: number): Knobs {
  const broadcast = random.float() < 0.5
  return {
    initial: random.float() < 0.5 ? nodes : random.integer(1, nodes + 1),
    seeds: Math.min(nodes, pick(random, [1, 2, nodes])),
    broadcast,
    fastNegative: random.float() < 0.5,
    maxFrameBytes: pick(random, [65_536, 1_048_576, 4_096]),
    options: drawOptions(random, nodes),
    link: drawLink(random),
    restartDelayMs: pick(random, [20, 300, 3_000, 10_000]),
    impostor: pick(random, ['later', 'twin']),
    stranger: random.float() < 0.5,
    coreShare: 0.5 + random.float() / 2,
    keepsPeers: random.float() < 0.5,
    countOfLives: pick(random, ['kept', 'last-lost', 'all-lost']),
    resolver: 'off',
  }
}

/** Whole fault kinds are off in most seeds: those that are on then meet in ways that all together would not allow. */
export function drawKinds(random: Random): string[] {
  const share = pick(random, [0.15, 0.4, 1])
  return some(random, FAULT_KINDS, share)
}

/** The knobs of a plan. What the plan does not say is drawn from nowhere: every plan of this scenario holds all of them. */
export function knobsOf(plan: Plan): Knobs {
  return plan.knobs as unknown as Knobs
}

/** Knobs as a plan keeps them. */
export function asJson(knobs: Knobs): { readonly [name: string]: Json } {
  return knobs as unknown as { readonly [name: string]: Json }
}
