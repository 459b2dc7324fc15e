import type { Random } from '@dsys/runtime'

/** What can go wrong in a run. Each seed switches each kind on or off. */
export const FAULT_KINDS = [
  'loss',
  'duplication',
  'delay-tail',
  'partition',
  'one-way-cut',
  'bridge',
  'silent-cut',
  'crash',
  'aimed-crash',
  'pause',
  'slow-disk',
  'transfer',
  'forced-campaign',
] as const

export type FaultKind = (typeof FAULT_KINDS)[number]

/** Everything that a seed draws before its run: sizes, times and faults. */
export interface Knobs {
  readonly nodes: number
  readonly electionTimeoutMs: number
  readonly heartbeatIntervalMs: number
  readonly chaosTimeouts: number
  readonly maxAppendBytes: number
  readonly maxInflightAppends: number
  readonly maxInflightBytes: number
  readonly maxUncommittedBytes: number
  readonly networkDelayMs: number
  readonly diskDelayMs: number
  readonly turnDelayMs: number
  readonly lossRate: number
  readonly duplicationRate: number
  readonly tailRate: number
  readonly faultEveryMs: number
  readonly restartDelayMs: number
  readonly aimedRate: number
  readonly proposeEveryMs: number
  readonly readEveryMs: number
  readonly snapshotEvery: number
  readonly keepEntries: number
  readonly snapshotChunks: number
  readonly appliedPerTurn: number
  /** Every message goes through the bytes of the wire. */
  readonly wire: boolean
  readonly faults: ReadonlySet<FaultKind>
}

function pick<T>(random: Random, values: readonly T[]): T {
  return values[random.integer(0, values.length)] as T
}

/** Which knobs a test holds fast. */
export type FixedKnobs = Partial<Knobs>

export function drawKnobs(random: Random, fixed: FixedKnobs = {}): Knobs {
  const electionTimeoutMs = pick(random, [60, 150, 400])
  const on = new Set(FAULT_KINDS.filter(() => random.float() < 0.5))
  return {
    nodes: pick(random, [1, 2, 3, 3, 3, 4, 5, 5, 5]),
    electionTimeoutMs,
    heartbeatIntervalMs: electionTimeoutMs / pick(random, [3, 5, 10]),
    chaosTimeouts: pick(random, [15, 30, 50]),
    maxAppendBytes: pick(random, [1, 100, 4_096]),
    maxInflightAppends: pick(random, [1, 4, 64]),
    maxInflightBytes: pick(random, [200, 1 << 20]),
    maxUncommittedBytes: pick(random, [500, 1 << 20]),
    networkDelayMs: pick(random, [0.5, 3, electionTimeoutMs / 6]),
    diskDelayMs: pick(random, [0, 1, electionTimeoutMs / 6]),
    turnDelayMs: pick(random, [0, 0, 0.2, 2]),
    lossRate: on.has('loss') ? pick(random, [0.01, 0.1, 0.3]) : 0,
    duplicationRate: on.has('duplication') ? pick(random, [0.02, 0.2]) : 0,
    tailRate: on.has('delay-tail') ? pick(random, [0.02, 0.2]) : 0,
    faultEveryMs: electionTimeoutMs * pick(random, [4, 1, 0.3]),
    restartDelayMs: electionTimeoutMs * pick(random, [4, 1, 0.05]),
    aimedRate: on.has('aimed-crash') ? pick(random, [0.002, 0.02, 0.1]) : 0,
    proposeEveryMs: electionTimeoutMs * pick(random, [2, 0.3, 0.05]),
    readEveryMs: electionTimeoutMs * pick(random, [2, 0.3]),
    snapshotEvery: pick(random, [Number.POSITIVE_INFINITY, 60, 5]),
    keepEntries: pick(random, [0, 3, 20]),
    snapshotChunks: pick(random, [1, 3]),
    appliedPerTurn: pick(random, [1, 4, 1_000]),
    wire: random.float() < 0.2,
    faults: on,
    ...fixed,
  }
}
