/**
 * What phi counts. `log10`: powers of ten, as in the paper, Akka and Cassandra; at phi 8 a peer that lives would be later than this
 * once in 10^8 heartbeats. `natural`: powers of e; there 8 is once in e^8, about 3,000, and the same chance as 3.47 in `log10`.
 */
export type PhiScale = 'log10' | 'natural'

/**
 * How intervals are taken to spread. `normal`: around their mean, as in the paper: for heartbeats that are sent at a steady pace.
 * `exponential`: without memory, as Cassandra does, and from the mean alone: for signs of life that come through gossip.
 */
export type PhiDistribution = 'normal' | 'exponential'

/** Options of a phi accrual detector. */
export interface PhiAccrualOptions {
  readonly type?: 'phi-accrual'
  /**
   * The phi from which on the peer is unavailable, in units of `scale`; up to 1,000. At least the phi of a chance of 1/2 (0.302 in
   * `log10`, 0.694 in `natural`): below that, every second heartbeat would come too late. Default 8.
   */
  readonly threshold?: number
  /** Default `log10`. */
  readonly scale?: PhiScale
  /** Default `normal`. */
  readonly distribution?: PhiDistribution
  /** Of how many intervals the mean and the spread are taken, the last ones: 2 to 10,000. Default 1,000. */
  readonly maxSamples?: number
  /**
   * The least standard deviation that is believed, in milliseconds, from 0.001 to 86,400,000: heartbeats that came like clockwork do
   * not make the next one, a little late, a failure. With `exponential`, whose deviation is its mean, the least mean. Default 100.
   */
  readonly minStdDeviationMs?: number
  /** For how long a peer may pause (a collection of garbage, a network that is busy) on top of all else, in milliseconds, 0 to 86,400,000. Default 3,000. */
  readonly acceptablePauseMs?: number
  /**
   * The interval that is expected before any was measured, in milliseconds, from 0.001 to 86,400,000: how often the peer sends. The
   * window begins with one interval a quarter below it and one a quarter above. Default 1,000.
   */
  readonly firstIntervalMs?: number
  /**
   * What an interval teaches at whose end the peer was unavailable already. `ignored`: nothing; a long failure does not blunt the
   * detector, and a peer that is slower for good is unavailable before each heartbeat. `capped`: as if the heartbeat had come at the
   * moment when the peer became unavailable; so the detector gets used to it. Default `ignored`.
   */
  readonly lateIntervals?: 'ignored' | 'capped'
  /**
   * When watching began, on the scale of the times to come, within 2^53 of 0: then a peer that never says anything becomes unavailable as if it had been
   * heard at that time. Default: none; then a peer is available until its first heartbeat, and after it as long as that goes.
   */
  readonly watchedSinceMs?: number
}

/** Options of a timeout detector. */
export interface TimeoutOptions {
  readonly type: 'timeout'
  /** How long a peer may be silent, in milliseconds, from 0.001 to 86,400,000. */
  readonly timeoutMs: number
  /** See {@link PhiAccrualOptions.watchedSinceMs}. */
  readonly watchedSinceMs?: number
}

/** What a detector is made of. */
export type FailureDetectorOptions = PhiAccrualOptions | TimeoutOptions

/** The options of a phi accrual detector, filled in. */
export type ResolvedPhiAccrual = Required<Omit<PhiAccrualOptions, 'type' | 'watchedSinceMs'>>

/** The values used where an option is not given. */
export const PHI_ACCRUAL_DEFAULTS: ResolvedPhiAccrual = Object.freeze({
  threshold: 8,
  scale: 'log10',
  distribution: 'normal',
  maxSamples: 1_000,
  minStdDeviationMs: 100,
  acceptablePauseMs: 3_000,
  firstIntervalMs: 1_000,
  lateIntervals: 'ignored',
})

const SHORTEST_MS = 0.001
const LONGEST_MS = 86_400_000
const MAX_THRESHOLD = 1_000
const MAX_SAMPLES = 10_000
/** -ln 1/2, rounded up. */
const NATS_OF_HALF = 0.694

const CHOICES = {
  scale: ['log10', 'natural'],
  distribution: ['normal', 'exponential'],
  lateIntervals: ['ignored', 'capped'],
} as const

/** How many natural units one unit of `scale` is. */
export function natsPerUnit(scale: PhiScale): number {
  return scale === 'log10' ? Math.LN10 : 1
}

/** Fills in the defaults and checks every option. Throws RangeError. */
export function resolvePhiAccrual(options: PhiAccrualOptions): ResolvedPhiAccrual {
  const { type: _type, watchedSinceMs: _since, ...rest } = options
  const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined))
  const resolved: ResolvedPhiAccrual = { ...PHI_ACCRUAL_DEFAULTS, ...given }
  for (const name of ['scale', 'distribution', 'lateIntervals'] as const) {
    const allowed: readonly string[] = CHOICES[name]
    if (!allowed.includes(resolved[name])) throw new RangeError(`${name} must be ${allowed.join(' or ')}`)
  }
  const { threshold, scale, maxSamples } = resolved
  if (!(threshold * natsPerUnit(scale) >= NATS_OF_HALF && threshold <= MAX_THRESHOLD)) {
    const least = scale === 'log10' ? 0.302 : NATS_OF_HALF
    throw new RangeError(`threshold must be from ${least} to ${MAX_THRESHOLD} in the scale ${scale}, got ${threshold}`)
  }
  if (!Number.isInteger(maxSamples) || maxSamples < 2 || maxSamples > MAX_SAMPLES) {
    throw new RangeError(`maxSamples must be a whole number from 2 to ${MAX_SAMPLES}, got ${maxSamples}`)
  }
  checkDuration('minStdDeviationMs', resolved.minStdDeviationMs, SHORTEST_MS)
  checkDuration('acceptablePauseMs', resolved.acceptablePauseMs, 0)
  checkDuration('firstIntervalMs', resolved.firstIntervalMs, SHORTEST_MS)
  return Object.freeze(resolved)
}

/** Throws RangeError unless `timeoutMs` is within its limits. */
export function checkTimeout(timeoutMs: number): number {
  checkDuration('timeoutMs', timeoutMs, SHORTEST_MS)
  return timeoutMs
}

function checkDuration(name: string, value: number, least: number): void {
  if (!(value >= least && value <= LONGEST_MS)) {
    throw new RangeError(`${name} must be from ${least} to ${LONGEST_MS} milliseconds, got ${value}`)
  }
}
