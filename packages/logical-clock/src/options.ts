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
