import type { Random } from '@dsys/runtime'
import {
  FAULTS,
  type Fault,
  type Json,
  type LinkKnobs,
  type Plan,
  pick,
  type SimDiskKnobs,
  some,
} from '@dsys/simulation'
import type { MembersKnobs } from './member-changes.ts'

/** Options of Raft that a seed draws. */
export interface RaftKnobs {
  readonly electionTimeoutMs: number
  readonly heartbeatIntervalMs: number
  readonly maxPending: number
  readonly maxAppendBytes: number
  readonly maxInflightAppends: number
  readonly snapshotEveryBytes: number
  readonly keepEntries: number
}

/** Options of the write-ahead log that a seed draws. */
export interface FileKnobs {
  readonly segmentBytes: number
  readonly maxBatchBytes: number
  readonly sealAfterMs: number
}

/** Everything that a plan of this scenario says besides its faults and operations. */
export interface KvKnobs {
  /** The real write-ahead log on a simulated disk, or a log without files. */
  readonly log: 'file' | 'memory'
  readonly raft: RaftKnobs
  readonly file: FileKnobs
  readonly link: LinkKnobs
  readonly disk: SimDiskKnobs
  readonly fastNegative: boolean
  readonly maxFrameBytes: number
  /** The clocks of two machines run this far apart at the most, as a share; faults add to it. */
  readonly clockSpread: number
  readonly members: MembersKnobs
  /** How long one call of a client waits. */
  readonly callTimeoutMs: number
  /** Bytes that each value has at least. */
  readonly valueBytes: number
  /** How long a process is down that has ended itself, or crashed at an aimed moment. */
  readonly restartDelayMs: number
  /** How large a part of the nodes is healed first; a majority at least. */
  readonly coreShare: number
}

/** What is drawn first; who the members are comes last. */
type DrawnKnobs = Omit<KvKnobs, 'members'>

/** Every kind of fault that this scenario can bring about. */
export const FAULT_KINDS: readonly string[] = [...Object.keys(FAULTS), 'disk-replaced']

/** Faults that take a disk for good: rarer than others, since a cluster without them has more to show. */
export const LASTING: readonly string[] = ['disk-lost', 'bit-flip']

/** The moments at which a node may crash. */
export const MOMENTS = [
  'before-persist',
  'after-persist',
  'before-write',
  'after-write',
  'before-rename',
  'after-rename',
  'before-remove',
  'after-create',
  'before-sync-directory',
  'vote-sent',
  'ack-sent',
  'append-sent',
  'snapshot-sent',
  'transfer-sent',
  'leader',
  'applied',
] as const
export type Moment = (typeof MOMENTS)[number]

/** How often a moment comes decides how often a node may crash there, else nothing would be left alive. */
const RATES: Readonly<Record<Moment, readonly number[]>> = {
  'before-persist': [0, 0, 0.0005, 0.005],
  'after-persist': [0, 0, 0.0005, 0.005],
  'before-write': [0, 0, 0.01, 0.08],
  'after-write': [0, 0, 0.01, 0.08],
  // A node that starts comes by these several times.
  'before-rename': [0, 0, 0, 0.03],
  'after-rename': [0, 0, 0, 0.03],
  'before-remove': [0, 0, 0, 0.03],
  'after-create': [0, 0, 0, 0.03],
  'before-sync-directory': [0, 0, 0, 0.03],
  'vote-sent': [0, 0, 0.03, 0.3],
  'ack-sent': [0, 0, 0.0005, 0.005],
  'append-sent': [0, 0, 0.0005, 0.005],
  'snapshot-sent': [0, 0, 0.03, 0.3],
  'transfer-sent': [0, 0, 0.1, 0.5],
  leader: [0, 0, 0.03, 0.3],
  applied: [0, 0, 0.0005, 0.005],
}

function drawRaft(random: Random): RaftKnobs {
  const electionTimeoutMs = pick(random, [150, 300, 300, 1_000])
  return {
    electionTimeoutMs,
    heartbeatIntervalMs: Math.round(electionTimeoutMs / pick(random, [3, 5, 10])),
    maxPending: pick(random, [16_384, 16_384, 16_384, 4]),
    maxAppendBytes: pick(random, [262_144, 1_024, 128]),
    maxInflightAppends: pick(random, [64, 4, 1]),
    snapshotEveryBytes: pick(random, [1 << 26, 20_000, 3_000]),
    keepEntries: pick(random, [10_000, 20, 1]),
  }
}

function drawLink(random: Random): LinkKnobs {
  const faulty = random.float() < 0.5
  return {
    delayMs: pick(random, [0.5, 1, 5, 20]),
    tailRate: faulty ? pick(random, [0, 0.002, 0.02]) : 0,
    tailMaxMs: 3_000,
    lossRate: faulty ? pick(random, [0, 0.01, 0.1]) : 0,
    duplicateRate: faulty ? pick(random, [0, 0.01, 0.2]) : 0,
    reorderRate: faulty ? pick(random, [0, 0.01, 0.2]) : 0,
    order: pick(random, ['fifo', 'free']),
  }
}

export function drawKnobs(random: Random): DrawnKnobs {
  const raft = drawRaft(random.stream('raft'))
  const { electionTimeoutMs } = raft
  return {
    log: pick(random, ['file', 'file', 'memory']),
    raft,
    file: {
      segmentBytes: pick(random, [65_536, 4_096, 4_096]),
      maxBatchBytes: pick(random, [1 << 20, 2_000, 1]),
      sealAfterMs: pick(random, [100, 1_000, 5]),
    },
    link: drawLink(random.stream('link')),
    disk: {
      syncMs: pick(random, [
        [0.1, 2],
        [0, 0],
        [1, electionTimeoutMs / 5],
      ] as const),
      hiccupProbability: pick(random, [0, 0.005, 0.05]),
    },
    fastNegative: random.float() < 0.7,
    maxFrameBytes: pick(random, [1 << 20, 4_096]),
    clockSpread: pick(random, [0, 0, 0.06]),
    callTimeoutMs: electionTimeoutMs * pick(random, [3, 10]),
    valueBytes: pick(random, [1, 1, 300]),
    restartDelayMs: electionTimeoutMs * pick(random, [4, 1, 0.05]),
    coreShare: 0.5 + random.float() / 2,
  }
}

/** How many seeds have disks that fill up: chance alone seldom finds a full one just when a new file is needed. */
const SCARCE = 0.12

/** What such a seed is like, and the faults that it has besides those of the others; all other seeds stay as they are. */
export function drawScarcity(
  random: Random,
  knobs: DrawnKnobs,
): { readonly knobs: DrawnKnobs; readonly kinds: string[] } {
  if (random.float() >= SCARCE) return { knobs, kinds: [] }
  const file = { ...knobs.file, segmentBytes: 4_096 }
  return { knobs: { ...knobs, log: 'file', file, valueBytes: 300 }, kinds: Array(4).fill('disk-full') }
}

/** How many seeds have bad disks: chance alone seldom flips a bit that matters, or fails a sync shortly before a crash. */
const DECAYED = 0.25

/** What such a seed is like, as {@link drawScarcity} does it. Small values and few segments leave little on the disk that nobody reads. */
export function drawDecay(random: Random, knobs: DrawnKnobs): { readonly knobs: DrawnKnobs; readonly kinds: string[] } {
  if (random.float() >= DECAYED) return { knobs, kinds: [] }
  const file = { ...knobs.file, segmentBytes: 4_096 }
  const raft = { ...knobs.raft, snapshotEveryBytes: 3_000 }
  const kinds = [
    'bit-flip',
    'bit-flip',
    'sync-error',
    'sync-error',
    'kill',
    'crash',
    'crash-all',
    'impostor',
    'read-errors',
  ]
  return { knobs: { ...knobs, log: 'file', raft, file, valueBytes: 300 }, kinds }
}

/** How many seeds lose disks under faults: a loss waits until all know each other by their disks, and few may be lost in one run. */
const REPLACED = 0.2
/** What makes the others need whoever has forgotten what it promised. */
const BESIDE_LOSSES: readonly string[] = ['isolate', 'crash', 'kill', 'pause', 'one-way-cut']

/** The kinds of faults of such a seed, in place of those that it would have. */
export function drawReplacedDisks(random: Random, kinds: readonly string[]): readonly string[] {
  if (random.float() >= REPLACED) return kinds
  const rest = kinds.filter((kind) => !LASTING.includes(kind))
  return [...Array(4).fill('disk-replaced'), ...some(random, rest, 0.5), ...some(random, BESIDE_LOSSES, 0.6)]
}

/** How many seeds lose power while their nodes start for the first time, and within which time. */
const POWERLESS = 0.2
const FIRST_MS = 40

/** A loss of power before the folders and files of a new node are durable, which later faults come too late for. */
export function drawFirstCrash(random: Random): Fault[] {
  if (random.float() >= POWERLESS) return []
  const atMs = random.integer(0, pick(random, [3, 10, FIRST_MS]))
  return [{ kind: 'crash-all', atMs, forMs: FIRST_MS, node: 0, seed: random.integer(0, 2 ** 32) }]
}

/** So many nodes have each two neighbours and somebody else. */
const RING_NODES = 4

/** Whole kinds of faults are off in most seeds: those that are on then meet in ways that all together would not allow. */
export function drawKinds(random: Random, nodes: number): string[] {
  const share = pick(random, [0.1, 0.3, 1])
  const usual = Object.keys(FAULTS).filter((kind) => !LASTING.includes(kind))
  // Only large clusters have a ring, and in these it is one of many faults.
  const ring = nodes >= RING_NODES && random.float() < 0.3 ? Array(2).fill('partition-ring') : []
  return [...some(random, usual, share), ...some(random, LASTING, share), ...ring]
}

export function drawRates(random: Random): Record<string, number> {
  const rates: Record<string, number> = {}
  for (const moment of MOMENTS) rates[moment] = pick(random, RATES[moment])
  return rates
}

/** The knobs of a plan. What the plan does not say is drawn from nowhere: every plan of this scenario holds all of them. */
export function knobsOf(plan: Plan): KvKnobs {
  return plan.knobs as unknown as KvKnobs
}

/** Knobs as a plan keeps them. */
export function asJson(knobs: KvKnobs): { readonly [name: string]: Json } {
  return knobs as unknown as { readonly [name: string]: Json }
}
