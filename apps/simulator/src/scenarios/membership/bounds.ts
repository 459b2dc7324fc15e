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
  const exchangesMs = EXCHANGES * 1.25 * syncIntervalMs
  return ROUNDS * roundMs + patienceMs + exchangesMs + cutMs(options) + link.tailMaxMs + SLACK_MS
}

/** Within how many milliseconds all of one side know that another one is lost, where nobody is removed by a cut. */
export function lossMs({ options }: Knobs, nodes: number): number {
  const { probeIntervalMs, probesPerInterval, maxHealthMultiplier, suspicionTimeoutMs, suspicionMaxFactor } = options
  const roundMs = Math.ceil(nodes / probesPerInterval) * probeIntervalMs * maxHealthMultiplier
  return ROUNDS * roundMs + 1.25 * suspicionTimeoutMs * suspicionMaxFactor + options.isolationTimeoutMs
}

/** Probes of one subject, in every second interval each, until an alert is withdrawn. */
const ALERT_PROBES = 10
/** One that was removed is probed a quarter as often. */
const CUT_PROBES = 2 * 4 * ALERT_PROBES
/** Removals of one life double the time until it is let in again, so often at most. */
const MOST_DOUBLINGS = 5

/** What removal by a cut needs more: cases are decided one after the other, and those who come back wait. */
function cutMs({ removal, probeIntervalMs, reinforceAfterMs, readmitAfterMs }: Knobs['options']): number {
  if (removal === 'swim') return 0
  return 2 * CUT_PROBES * probeIntervalMs + 6 * reinforceAfterMs + 2 * readmitAfterMs * 2 ** MOST_DOUBLINGS
}

/**
 * How long what was seen before the network was whole may still count: a probe that began then may end in a suspicion, which is then refuted; and an
 * alert is withdrawn by eight answers of ten, and may have removed its subject by then.
 */
export function aftermathMs({ options }: Knobs): number {
  const { removal, probeIntervalMs, maxHealthMultiplier, reinforceAfterMs } = options
  const probeMs = probeIntervalMs * maxHealthMultiplier
  return removal === 'swim' ? probeMs : Math.max(probeMs, 2 * ALERT_PROBES * probeIntervalMs) + 4 * reinforceAfterMs
}
