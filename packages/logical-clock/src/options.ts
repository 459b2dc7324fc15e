/** How large what is encoded and decoded may be. Bytes within them from anywhere are read in time and space of their length. */
export interface ClockLimits {
  /** The most actors in one clock, whole, 1 to 65,536. Default 1,000: far above any number of replicas. */
  readonly maxActors?: number
  /** The most siblings in one set, whole, 1 to 1,000,000. Default 10,000. */
  readonly maxSiblings?: number
}

/** The limits used where none is given. */
export const CLOCK_LIMITS: Required<ClockLimits> = Object.freeze({ maxActors: 1_000, maxSiblings: 10_000 })

const MOST: Required<ClockLimits> = { maxActors: 65_536, maxSiblings: 1_000_000 }

/** Fills in the defaults and checks each limit. Throws RangeError. */
export function resolveClockLimits(limits: ClockLimits = CLOCK_LIMITS): Required<ClockLimits> {
  if (limits === CLOCK_LIMITS) return CLOCK_LIMITS
  const { maxActors = CLOCK_LIMITS.maxActors, maxSiblings = CLOCK_LIMITS.maxSiblings } = limits
  for (const [name, value] of Object.entries({ maxActors, maxSiblings })) {
    const most = MOST[name as keyof ClockLimits]
    if (!Number.isInteger(value) || value < 1 || value > most) {
      throw new RangeError(`${name} must be a whole number from 1 to ${most}, got ${value}`)
    }
  }
  return { maxActors, maxSiblings }
}

/** Options of a hybrid clock. */
export interface HybridClockOptions {
  /**
   * By how much a time may be ahead of the wall clock here, in milliseconds, whole, 2 to 3,600,000: more than wall clocks ever differ. The same at all nodes.
   * Default 500.
   */
  readonly maxOffsetMs?: number
  /**
   * How far ahead times are reserved by one durable write, in milliseconds, whole, from 2 to `maxOffsetMs`, so that a node that starts again need not
   * wait for its wall clock. Default 500, or `maxOffsetMs` where that is less.
   */
  readonly reserveMs?: number
}

/** The values used where an option is not given. */
export const HYBRID_CLOCK_DEFAULTS: Required<HybridClockOptions> = Object.freeze({ maxOffsetMs: 500, reserveMs: 500 })

const LARGEST_OFFSET_MS = 3_600_000

/** Fills in the defaults and checks each option. Throws RangeError. */
export function resolveHybridClock(options: HybridClockOptions): Required<HybridClockOptions> {
  const { maxOffsetMs = HYBRID_CLOCK_DEFAULTS.maxOffsetMs } = options
  const { reserveMs = Math.min(HYBRID_CLOCK_DEFAULTS.reserveMs, maxOffsetMs) } = options
  if (!Number.isInteger(maxOffsetMs) || maxOffsetMs < 2 || maxOffsetMs > LARGEST_OFFSET_MS) {
    throw new RangeError(`maxOffsetMs must be a whole number from 2 to ${LARGEST_OFFSET_MS}, got ${maxOffsetMs}`)
  }
  if (!Number.isInteger(reserveMs) || reserveMs < 2 || reserveMs > maxOffsetMs) {
    throw new RangeError(`reserveMs must be a whole number from 2 to maxOffsetMs = ${maxOffsetMs}, got ${reserveMs}`)
  }
  return { maxOffsetMs, reserveMs }
}
