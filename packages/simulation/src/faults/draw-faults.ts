import type { Random } from '@dsys/runtime'
import type { Fault } from '../plan.ts'
import { pick } from '../seed.ts'

/** What faults a seed may draw, and how many. */
export interface FaultKnobs {
  readonly kinds: readonly string[]
  readonly nodes: number
  readonly chaosMs: number
  /** The time between two faults, on average. */
  readonly everyMs: number
  /** What a timeout of the system is like: faults last from a fraction of it to many times as long. */
  readonly paceMs: number
}

/** The most faults of one plan. */
const MAX_FAULTS = 2_000
const LENGTHS = [0.2, 1, 1, 4, 12]

/** The faults of a plan, drawn before the run. */
export function drawFaults(random: Random, { kinds, nodes, chaosMs, everyMs, paceMs }: FaultKnobs): Fault[] {
  const faults: Fault[] = []
  if (kinds.length === 0) return faults
  let atMs = everyMs * random.float()
  while (atMs < chaosMs && faults.length < MAX_FAULTS) {
    const aimed = random.float() < 0.4
    faults.push({
      kind: pick(random, kinds),
      atMs: Math.round(atMs),
      forMs: Math.round(paceMs * pick(random, LENGTHS) * (0.5 + random.float())),
      node: random.integer(0, nodes),
      ...(aimed ? { aim: 'leader' } : {}),
      seed: random.integer(0, 2 ** 32),
    })
    atMs += everyMs * (0.2 + 1.6 * random.float())
  }
  return faults
}
