import type { Knobs } from './knobs.ts'

/** Full rounds of the probe rotation until a failure is sure to be suspected: silent helpers need three failures. */
const ROUNDS = 5
/** Pushes and pulls until parts that hold each other for dead have met, with a chance below one in a million to need more. */
const EXCHANGES = 24
const SLACK_MS = 5_000

/**
 * Within how many milliseconds members converge once their network is whole: the dead are known to be dead, the living
 * see each other with their newest facts.
 *
 * Detection: a few rounds of probes, and one suspicion of the longest kind. Meeting again: each member asks one of the
 * missing at each push/pull, and at least half of all are there to be met.
 */
export function convergenceMs({ options, link }: Knobs, nodes: number): number {
  const {
    probeIntervalMs,
    probesPerInterval,
    maxHealthMultiplier,
    suspicionTimeoutMs,
    suspicionMaxFactor,
    isolationTimeoutMs,
    syncIntervalMs,
  } = options
  // While most are down, nodes doubt themselves, and take their time.
  const roundMs = Math.ceil(nodes / probesPerInterval) * probeIntervalMs * maxHealthMultiplier
  const suspicionMs = 2 * 1.25 * suspicionTimeoutMs * suspicionMaxFactor
  // Whoever was cut off, or finds most dead at once, accuses nobody for a while.
  const patienceMs = suspicionMs + isolationTimeoutMs
  return ROUNDS * roundMs + patienceMs + EXCHANGES * 1.25 * syncIntervalMs + link.tailMaxMs + SLACK_MS
}

/** How long a probe may take: one that began before the network was whole may end in a suspicion, which is then refuted. */
export function longestProbeMs({ options }: Knobs): number {
  return options.probeIntervalMs * options.maxHealthMultiplier
}
