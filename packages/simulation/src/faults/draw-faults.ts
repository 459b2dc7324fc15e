import type { Random } from '@dsys/runtime'
import type { Fault } from '../plan.ts'
import { pick } from '../seed.ts'

/** What faults a seed may draw, and how many. */
export interface FaultKnobs {
  readonly kinds: readonly string[]
  readonly nodes: number
  readonly chaosMs: number
  /** The time between two faults, on average; of a storm, where there is calm between storms. */
  readonly everyMs: number
  /** What a timeout of the system is like: faults last from a fraction of it to many times as long. */
  readonly paceMs: number
  /**
   * Faults come in storms, which none outlasts, and between two storms is calm for this long at least, up to twice as long. Without calm the
   * many faults of a plan mostly meet a system that has got nothing done since the first of them. Default: one storm that never ends.
   */
  readonly calmMs?: number
}

/** The most faults of one plan. */
const MAX_FAULTS = 2_000
/** How long faults last, in paces. */
const LENGTHS = [0.2, 1, 1, 4, 12]
/** How long storms last, in paces; half of the chaos at the most. */
const STORMS = [4, 8, 16]

interface Spell {
  readonly fromMs: number
  readonly untilMs: number
}

/** The faults of a plan, drawn before the run. */
export function drawFaults(random: Random, knobs: FaultKnobs): Fault[] {
  const { kinds, chaosMs, everyMs } = knobs
  const faults: Fault[] = []
  if (kinds.length === 0) return faults
  for (const { fromMs, untilMs } of storms(random, knobs)) {
    // A storm has one fault at least.
    let atMs = fromMs + Math.min(everyMs, untilMs - fromMs) * random.float()
    while (atMs < Math.min(untilMs, chaosMs) && faults.length < MAX_FAULTS) {
      faults.push(drawFault(random, knobs, { fromMs: atMs, untilMs }))
      atMs += everyMs * (0.2 + 1.6 * random.float())
    }
  }
  return faults
}

function* storms(random: Random, { chaosMs, paceMs, calmMs }: FaultKnobs): Generator<Spell> {
  if (calmMs === undefined) {
    yield { fromMs: 0, untilMs: Number.POSITIVE_INFINITY }
    return
  }
  const calm = (): number => calmMs * (1 + random.float())
  // Half of all plans begin in the middle of a storm.
  let fromMs = random.float() < 0.5 ? 0 : calm()
  while (fromMs < chaosMs) {
    const untilMs = fromMs + Math.min(chaosMs / 2, paceMs * pick(random, STORMS) * (0.5 + random.float()))
    yield { fromMs, untilMs }
    fromMs = untilMs + calm()
  }
}

function drawFault(random: Random, { kinds, nodes, paceMs }: FaultKnobs, { fromMs, untilMs }: Spell): Fault {
  const aimed = random.float() < 0.4
  return {
    kind: pick(random, kinds),
    atMs: Math.round(fromMs),
    forMs: Math.round(Math.min(untilMs - fromMs, paceMs * pick(random, LENGTHS) * (0.5 + random.float()))),
    node: random.integer(0, nodes),
    ...(aimed ? { aim: 'leader' } : {}),
    seed: random.integer(0, 2 ** 32),
  }
}
