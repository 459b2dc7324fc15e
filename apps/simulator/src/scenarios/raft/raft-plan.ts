import { SeededRandom } from '@dsys/runtime'
import { drawFaults, type Plan, pick } from '@dsys/simulation'
import { drawCutTails } from './cut-tails.ts'
import { drawKnobs, knobsAsJson, type RaftKnobs } from './knobs.ts'
import { drawLeaseTraps } from './lease-traps.ts'
import { drawOperations } from './operations.ts'

export const SCENARIO_NAME = 'raft'

/** Between two storms a leader is elected, and clients get something done, before the next one; in election timeouts. */
const CALM_TIMEOUTS = 4
/** Votes and elections are rare and telling; the rest happens all the time. */
const RARE = 5

function ratesOf({ aimedRate, effectRate }: RaftKnobs): { readonly [moment: string]: number } {
  return {
    write: aimedRate,
    vote: aimedRate * RARE,
    leader: aimedRate * RARE,
    ack: aimedRate,
    commit: aimedRate,
    snapshot: aimedRate * RARE,
    effect: effectRate,
  }
}

/** The plan of a seed. */
export function drawPlan(seed: number, fixed: Plan['knobs'] = {}): Plan {
  const random = new SeededRandom(seed)
  const knobs = drawKnobs(random.stream('knobs'), fixed)
  const { nodes, chaosMs, faultKinds: kinds, faultEveryMs: everyMs, electionTimeoutMs: paceMs } = knobs
  const rare = random.stream('buggify')
  const tails = drawCutTails(random.stream('cut tails'), knobs)
  return {
    version: 1,
    scenario: SCENARIO_NAME,
    seed,
    nodes,
    chaosMs,
    knobs: knobsAsJson(knobs),
    faults: [
      ...drawFaults(random.stream('faults'), {
        kinds,
        nodes,
        chaosMs,
        everyMs,
        paceMs,
        calmMs: CALM_TIMEOUTS * paceMs,
      }),
      ...tails.faults,
      ...drawLeaseTraps(random.stream('lease traps'), knobs),
    ],
    operations: drawOperations(random.stream('operations'), knobs, tails.writeTimesMs),
    aims: { type: 'drawn', rates: ratesOf(knobs) },
    buggify: { activeShare: 0.25, fireShare: pick(rare, [0.05, 0.25]), off: [] },
  }
}
