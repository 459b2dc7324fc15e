import type { Random } from '@dsys/runtime'
import { FAULTS, type Json, type Plan, pick, some } from '@dsys/simulation'

/** Stands for "never" where a plan needs a number. */
export const NEVER = 1_000_000_000

/** Faults that only this scenario has. */
export const OWN_FAULTS = ['transfer', 'forced-campaign', 'reconfigure', 'disk-replaced'] as const
/** Faults that take a disk for good: rarer than others, since a cluster without them has more to show. */
const LASTING_FAULTS: readonly string[] = ['disk-lost', 'bit-flip']

/** The clocks' spread, and a fault of drift on top of it. */
const LEASE_CLOCK_DRIFT = 0.15

/** Every kind of fault that this scenario can bring about. */
export const FAULT_KINDS: readonly string[] = [...Object.keys(FAULTS), ...OWN_FAULTS]

/** Moments at which a crash is most telling. `effect` is the one between any two effects of a turn. */
export const MOMENTS = ['write', 'vote', 'leader', 'ack', 'commit', 'snapshot', 'effect'] as const
export type Moment = (typeof MOMENTS)[number]

/**
 * What a seed is like as a whole. `mixed` draws everything for itself; `production` has the timeouts of a real group; the
 * others bring together what one known family of bugs needs, since chance alone seldom does.
 */
export const WEATHERS = [
  'mixed',
  'production',
  'lone-entries',
  'two-leaders',
  'late-disk',
  'snapshots',
  'voters-change',
  'leases',
  'lost-disks',
] as const
export type Weather = (typeof WEATHERS)[number]

/** How messages travel: as the bytes of the wire, frozen so that whoever changes one is found out, or as they are. */
export type Carriage = 'wire' | 'frozen' | 'plain'

/** Everything that a seed draws besides its faults and operations, and what these are drawn from. */
export interface RaftKnobs {
  readonly weather: Weather
  readonly nodes: number
  /** So many of the nodes are voters from the start; the others wait to be added. All, where nobody reconfigures. */
  readonly firstVoters: number
  /** So many of the nodes, the last ones, are made as witnesses: they are no voters from the start. */
  readonly witnesses: number
  readonly chaosMs: number
  readonly electionTimeoutMs: number
  readonly heartbeatIntervalMs: number
  readonly maxAppendBytes: number
  readonly maxInflightAppends: number
  readonly maxInflightBytes: number
  readonly maxUncommittedBytes: number
  readonly networkDelayMs: number
  readonly networkOrder: 'fifo' | 'free'
  readonly lossRate: number
  readonly duplicateRate: number
  readonly reorderRate: number
  readonly tailRate: number
  readonly carriage: Carriage
  readonly diskDelayMs: number
  /** How much slower than the others the disk of the first node is. */
  readonly lateDiskFactor: number
  readonly turnDelayMs: number
  /** The clocks of two machines run this far apart at the most, as a share; faults add to it. */
  readonly clockSpread: number
  /** How far apart clocks may run where every other read rides a lease; 0 where none does. */
  readonly leaseClockDrift: number
  /** So many of the nodes, the first ones, begin elections without asking whether they could be won, as older versions of Raft do. */
  readonly withoutPreVote: number
  /** So many of the nodes, the first ones, are of an older version, which tells nobody by which disk it is to be known. */
  readonly withoutIncarnation: number
  readonly snapshotEvery: number
  readonly keepEntries: number
  readonly snapshotChunks: number
  /** Chance that a leader sends a snapshot, just when it was taken, to a follower that need not have it. */
  readonly unaskedSnapshotRate: number
  readonly appliedPerTurn: number
  /** How long a snapshot that has arrived is decoded before the disk gets it; the log may go on meanwhile. */
  readonly decodeMs: number
  /** Whether a leader with a slow disk is cut off again and again, so that others cut what it is writing. */
  readonly cutTails: boolean
  /** Whether leaders are brought to believe in leases that are over, in every way that is known. */
  readonly leaseTraps: boolean
  readonly writeEveryMs: number
  readonly readEveryMs: number
  readonly faultEveryMs: number
  readonly faultKinds: readonly string[]
  readonly restartDelayMs: number
  /** Chance of a crash at a telling moment; five times as much at the rare ones, votes and elections. */
  readonly aimedRate: number
  /** Chance of a crash between any two effects. */
  readonly effectRate: number
}

function drawMixed(random: Random): RaftKnobs {
  const electionTimeoutMs = pick(random, [60, 150, 400, 1_000])
  return {
    weather: 'mixed',
    nodes: pick(random, [1, 2, 3, 3, 3, 4, 5, 5, 5]),
    chaosMs: electionTimeoutMs * pick(random, [15, 30, 50]),
    electionTimeoutMs,
    heartbeatIntervalMs: electionTimeoutMs / pick(random, [3, 5, 10]),
    maxAppendBytes: pick(random, [1, 100, 4_096]),
    maxInflightAppends: pick(random, [1, 4, 64]),
    maxInflightBytes: pick(random, [200, 1 << 20]),
    maxUncommittedBytes: pick(random, [500, 1 << 20]),
    networkDelayMs: pick(random, [0.5, 3, electionTimeoutMs / 6]),
    networkOrder: pick(random, ['fifo', 'free']),
    lossRate: pick(random, [0, 0, 0.01, 0.1, 0.3]),
    duplicateRate: pick(random, [0, 0, 0.02, 0.2]),
    reorderRate: pick(random, [0, 0, 0.02, 0.2]),
    tailRate: pick(random, [0, 0, 0.02, 0.2]),
    carriage: pick(random, ['wire', 'frozen', 'plain', 'plain', 'plain']),
    diskDelayMs: pick(random, [0, 1, electionTimeoutMs / 6]),
    lateDiskFactor: pick(random, [1, 1, 1, 10]),
    turnDelayMs: pick(random, [0, 0, 0.2, 2]),
    clockSpread: pick(random, [0, 0.06]),
    snapshotEvery: pick(random, [NEVER, 60, 5]),
    keepEntries: pick(random, [0, 3, 20]),
    snapshotChunks: pick(random, [1, 3]),
    appliedPerTurn: pick(random, [1, 4, 1_000]),
    writeEveryMs: electionTimeoutMs * pick(random, [2, 0.3, 0.05]),
    readEveryMs: electionTimeoutMs * pick(random, [2, 0.3, 0.1]),
    faultEveryMs: electionTimeoutMs * pick(random, [4, 1, 0.3]),
    faultKinds: drawKinds(random, 0.5),
    restartDelayMs: electionTimeoutMs * pick(random, [4, 1, 0.05]),
    aimedRate: pick(random, [0, 0, 0, 0.002, 0.01, 0.04]),
    effectRate: pick(random, [0, 0, 0.0005, 0.005]),
    unaskedSnapshotRate: pick(random, [0, 0.3]),
    decodeMs: pick(random, [0, 0, electionTimeoutMs / 10]),
    cutTails: false,
    leaseTraps: false,
    firstVoters: pick(random, [1, 2, 3, 5]),
    witnesses: 0,
    leaseClockDrift: pick(random, [0, LEASE_CLOCK_DRIFT]),
    withoutPreVote: pick(random, [0, 0, 0, 1, 2]),
    withoutIncarnation: pick(random, [0, 0, 0, 0, 0, 1]),
  }
}

function drawKinds(random: Random, share: number): string[] {
  const usual = some(
    random,
    FAULT_KINDS.filter((kind) => !LASTING_FAULTS.includes(kind) && kind !== 'disk-replaced'),
    share,
  )
  const lasting = some(random, LASTING_FAULTS, share / 4)
  // They do not go together, see `consistent`; the rarer ones come first.
  if (lasting.length > 0) return [...usual.filter((kind) => kind !== 'reconfigure'), ...lasting]
  return [...usual, ...some(random, ['disk-replaced'], share / 4)]
}

/** What each weather lays down over a mixed draw. */
const LAID_DOWN: Readonly<Record<Weather, (random: Random) => Partial<RaftKnobs>>> = {
  mixed: () => ({}),
  production: (random) => ({
    nodes: pick(random, [3, 5, 5]),
    chaosMs: pick(random, [60_000, 120_000, 180_000]),
    electionTimeoutMs: 1_000,
    heartbeatIntervalMs: 100,
    maxAppendBytes: 4_096,
    maxInflightAppends: 64,
    networkDelayMs: pick(random, [0.5, 3, 20]),
    diskDelayMs: pick(random, [1, 10]),
    turnDelayMs: 0,
    snapshotEvery: pick(random, [NEVER, 200]),
    appliedPerTurn: 1_000,
    writeEveryMs: pick(random, [50, 300]),
    readEveryMs: pick(random, [100, 600]),
    faultEveryMs: pick(random, [1_000, 4_000]),
    restartDelayMs: pick(random, [200, 4_000]),
    aimedRate: pick(random, [0, 0.002]),
    effectRate: pick(random, [0, 0.0002]),
  }),
  // Elections without proposals, one entry a message, and crashes in the moment of an election, of a commit, or between two
  // messages: so nodes end up with entries that nobody else has (Raft figure 8). Three nodes get there far sooner than
  // five, and a long chaos finds more than two short ones, since such logs need a while to grow apart.
  'lone-entries': (random) => ({
    nodes: pick(random, [3, 3, 3, 5]),
    chaosMs: 12_000,
    electionTimeoutMs: 60,
    heartbeatIntervalMs: 12,
    maxAppendBytes: 1,
    maxInflightAppends: 1,
    maxInflightBytes: 1 << 20,
    maxUncommittedBytes: 1 << 20,
    networkDelayMs: 3,
    networkOrder: 'free',
    lossRate: 0,
    duplicateRate: 0,
    reorderRate: 0,
    tailRate: 0,
    diskDelayMs: 0,
    turnDelayMs: 0,
    snapshotEvery: NEVER,
    appliedPerTurn: 1_000,
    writeEveryMs: pick(random, [1_200, 200]),
    readEveryMs: 600,
    faultEveryMs: 60,
    faultKinds: ['crash', 'transfer', ...some(random, ['forced-campaign', 'isolate', 'kill'], 0.3)],
    restartDelayMs: pick(random, [60, 120]),
    aimedRate: 0.1,
    effectRate: 0.02,
  }),
  // A leader hands over or is cut off and does not know yet, while another one commits; and everybody is asked to read.
  'two-leaders': (random) => ({
    nodes: pick(random, [3, 5]),
    networkDelayMs: 0.5,
    lossRate: 0,
    tailRate: 0,
    diskDelayMs: 0,
    lateDiskFactor: 1,
    turnDelayMs: 0,
    clockSpread: 0.06,
    maxAppendBytes: 4_096,
    writeEveryMs: 15,
    readEveryMs: 6,
    faultEveryMs: 25,
    chaosMs: 4_000,
    electionTimeoutMs: 150,
    heartbeatIntervalMs: 15,
    faultKinds: [
      'transfer',
      'isolate',
      'one-way-cut',
      'frozen-peer',
      ...some(random, ['pause', 'drift', 'slow-links'], 0.5),
    ],
    aimedRate: 0,
    effectRate: 0,
  }),
  // Writes of one node end long after its log has changed again: elections go faster than its disk.
  'late-disk': (random) => (random.stream('cut tails').float() < 0.35 ? cutTailsKnobs(random) : lateDisk(random)),
  snapshots: (random) => ({
    nodes: pick(random, [3, 5]),
    electionTimeoutMs: 150,
    heartbeatIntervalMs: 30,
    chaosMs: 6_000,
    networkDelayMs: pick(random, [0.5, 3]),
    writeEveryMs: 10,
    snapshotEvery: 5,
    keepEntries: pick(random, [0, 3]),
    snapshotChunks: pick(random, [1, 3]),
    unaskedSnapshotRate: 0.3,
    decodeMs: pick(random, [0, 10, 30]),
    faultEveryMs: 100,
  }),
  'voters-change': votersChange,
  leases,
  'lost-disks': lostDisks,
}

/** The voters change all the time, while leaders are cut off or crash in the middle of it. */
function votersChange(random: Random): Partial<RaftKnobs> {
  return {
    nodes: pick(random, [3, 4, 5, 5]),
    electionTimeoutMs: 100,
    heartbeatIntervalMs: 20,
    chaosMs: 6_000,
    maxAppendBytes: pick(random, [1, 4_096]),
    networkDelayMs: pick(random, [0.5, 5]),
    lossRate: pick(random, [0, 0, 0.05]),
    tailRate: 0,
    diskDelayMs: pick(random, [0, 2]),
    lateDiskFactor: 1,
    turnDelayMs: 0,
    snapshotEvery: pick(random, [NEVER, 20]),
    writeEveryMs: pick(random, [10, 60]),
    readEveryMs: 60,
    faultEveryMs: 60,
    faultKinds: ['reconfigure', ...some(random, ['isolate', 'crash', 'transfer', 'one-way-cut', 'kill', 'pause'], 0.5)],
    restartDelayMs: pick(random, [20, 200]),
    aimedRate: pick(random, [0, 0.02]),
    effectRate: pick(random, [0, 0.002]),
    witnesses: pick(random, [0, 0, 1]),
  }
}

/** Nodes come back with empty disks, and leave and join the group over it, while leaders are cut off or crash. */
function lostDisks(random: Random): Partial<RaftKnobs> {
  return {
    nodes: pick(random, [3, 3, 5]),
    electionTimeoutMs: 100,
    heartbeatIntervalMs: 20,
    chaosMs: 6_000,
    maxAppendBytes: 4_096,
    networkDelayMs: pick(random, [0.5, 3]),
    lossRate: pick(random, [0, 0, 0.05]),
    tailRate: 0,
    diskDelayMs: pick(random, [0, 2]),
    lateDiskFactor: 1,
    turnDelayMs: 0,
    snapshotEvery: pick(random, [NEVER, 20]),
    writeEveryMs: pick(random, [10, 40]),
    readEveryMs: 60,
    faultEveryMs: pick(random, [150, 400]),
    faultKinds: [
      'disk-replaced',
      'disk-replaced',
      ...some(random, ['isolate', 'crash', 'transfer', 'one-way-cut', 'kill', 'forced-campaign', 'reconfigure'], 0.4),
    ],
    restartDelayMs: pick(random, [20, 200]),
    aimedRate: pick(random, [0, 0, 0.01]),
    effectRate: pick(random, [0, 0.001]),
    withoutIncarnation: 0,
  }
}

/** A leader that is cut off reads on under its lease, while the others forget it as fast as they may, or begin anew. */
function leases(random: Random): Partial<RaftKnobs> {
  return {
    ...(LAID_DOWN['two-leaders'](random) as RaftKnobs),
    nodes: 3,
    leaseClockDrift: LEASE_CLOCK_DRIFT,
    heartbeatIntervalMs: 50,
    faultEveryMs: pick(random, [150, 400]),
    faultKinds: [
      'isolate',
      'one-way-cut',
      ...some(random, ['crash', 'kill', 'drift', 'forced-campaign', 'transfer'], 0.6),
    ],
    restartDelayMs: 2,
    readEveryMs: 3,
    writeEveryMs: 5,
    ...(random.stream('traps').float() < 0.5
      ? { ...LEASE_TRAPS_KNOBS, nodes: pick(random.stream('traps size'), [3, 3, 5]) }
      : {}),
  }
}

const LEASE_TRAPS_KNOBS: Partial<RaftKnobs> = {
  leaseTraps: true,
  clockSpread: 0,
  heartbeatIntervalMs: 15,
  chaosMs: 6_000,
  faultEveryMs: NEVER,
  faultKinds: [],
  snapshotEvery: NEVER,
  appliedPerTurn: 1_000,
}

function lateDisk(random: Random): Partial<RaftKnobs> {
  return {
    nodes: pick(random, [3, 5]),
    chaosMs: 4_000,
    electionTimeoutMs: 60,
    heartbeatIntervalMs: 12,
    networkDelayMs: 0.5,
    lossRate: 0,
    tailRate: 0,
    diskDelayMs: pick(random, [0.5, 2]),
    lateDiskFactor: pick(random, [30, 100]),
    turnDelayMs: 0,
    snapshotEvery: pick(random, [NEVER, NEVER, 5]),
    writeEveryMs: pick(random, [3, 20]),
    faultEveryMs: 20,
    faultKinds: ['transfer', 'isolate', 'crash', 'forced-campaign', ...some(random, ['disk-stall', 'kill'], 0.5)],
    restartDelayMs: 3,
    aimedRate: pick(random, [0, 0.02]),
  }
}

function cutTailsKnobs(random: Random): Partial<RaftKnobs> {
  return {
    nodes: pick(random, [3, 3, 5]),
    cutTails: true,
    chaosMs: 6_000,
    electionTimeoutMs: 150,
    heartbeatIntervalMs: 15,
    maxAppendBytes: 4_096,
    maxInflightAppends: 64,
    networkDelayMs: 0.5,
    lossRate: 0,
    tailRate: 0,
    diskDelayMs: 2,
    lateDiskFactor: pick(random, [40, 65]),
    turnDelayMs: 0,
    snapshotEvery: NEVER,
    writeEveryMs: 1_500,
    readEveryMs: 600,
    faultEveryMs: 1_500,
    faultKinds: some(random, ['crash', 'duplication', 'slow-links', 'drift'], 0.3),
    restartDelayMs: 20,
    aimedRate: 0,
    effectRate: 0,
  }
}

function drawWeather(random: Random): Weather {
  return pick(random, [
    ...['mixed', 'mixed', 'mixed', 'mixed', 'mixed', 'mixed', 'production', 'production'],
    ...['lone-entries', 'lone-entries', 'two-leaders', 'late-disk', 'snapshots', 'voters-change', 'leases'],
    'lost-disks',
  ] as Weather[])
}

/** The knobs of a seed. What `fixed` names is not drawn. */
export function drawKnobs(random: Random, fixed: Plan['knobs'] = {}): RaftKnobs {
  for (const name of Object.keys(fixed)) {
    if (!KNOB_NAMES.has(name))
      throw new RangeError(`there is no knob "${name}"; there are ${[...KNOB_NAMES].join(', ')}`)
  }
  const weather = (fixed['weather'] as Weather | undefined) ?? drawWeather(random.stream('weather'))
  const layer = LAID_DOWN[weather] as ((random: Random) => Partial<RaftKnobs>) | undefined
  if (layer === undefined) throw new RangeError(`there is no weather "${weather}"; there are ${WEATHERS.join(', ')}`)
  const drawn = { ...drawMixed(random.stream('mixed')), ...layer(random.stream(weather)), weather }
  return consistent({ ...drawn, ...(fixed as Partial<RaftKnobs>) })
}

/**
 * Where the voters change, no disk is lost for good: which loss a group survives depends on who its voters are, and those who
 * reconfigure here do not ask. Where disks are replaced there are no witnesses, since one of them may be all that has what a lost disk held.
 */
function consistent(knobs: RaftKnobs): RaftKnobs {
  const { nodes, firstVoters, faultKinds, leaseClockDrift } = knobs
  // A lease is safe as long as clocks keep to the bound; one that jumps does not.
  const bounded = leaseClockDrift === 0 ? faultKinds : faultKinds.filter((kind) => kind !== 'jump-forward')
  const replaced = faultKinds.includes('disk-replaced')
  const kinds =
    replaced || faultKinds.includes('reconfigure') ? bounded.filter((kind) => !LASTING_FAULTS.includes(kind)) : bounded
  if (replaced || !faultKinds.includes('reconfigure'))
    return { ...knobs, firstVoters: nodes, witnesses: 0, faultKinds: kinds }
  const witnesses = Math.min(knobs.witnesses, nodes - 1)
  return { ...knobs, firstVoters: Math.min(firstVoters, nodes - witnesses), witnesses, faultKinds: kinds }
}

const KNOB_NAMES: ReadonlySet<string> = new Set(
  Object.keys(
    drawMixed({ float: () => 0, integer: (min) => min, bytes: () => new Uint8Array(0), stream: () => neverAsked() }),
  ),
)

function neverAsked(): never {
  throw new RangeError('a mixed draw has no streams')
}

/** The knobs of a plan. Throws RangeError when one is missing: the plan was made by another version. */
export function knobsOf(plan: Plan): RaftKnobs {
  const { knobs } = plan
  for (const name of KNOB_NAMES) if (knobs[name] === undefined) throw new RangeError(`the plan has no knob "${name}"`)
  return knobs as unknown as RaftKnobs
}

export const knobsAsJson = (knobs: RaftKnobs): { readonly [name: string]: Json } => ({ ...knobs }) as never
