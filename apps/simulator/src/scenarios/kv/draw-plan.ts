import { SeededRandom } from '@dsys/runtime'
import { drawFaults, type Plan, pick } from '@dsys/simulation'
import {
  asJson,
  drawDecay,
  drawFirstCrash,
  drawKinds,
  drawKnobs,
  drawRates,
  drawReplacedDisks,
  drawScarcity,
  type KvKnobs,
  LASTING,
} from './knobs.ts'
import { drawMemberChanges, drawMembers } from './member-changes.ts'
import { drawLoad, drawOperations } from './operations.ts'

/** Between two storms a leader is elected, and clients get something done, before the next one; in election timeouts. */
const CALM_TIMEOUTS = 4

/** A number of `fixed`, or what is drawn; drawn in both cases, so that nothing else shifts. */
function numberOf(fixed: Plan['knobs'], name: string, drawn: number): number {
  const value = fixed[name]
  return typeof value === 'number' ? value : drawn
}

/** The plan of a seed. Of `fixed`, `nodes` and `chaosMs` replace those of the plan, everything else the knob of its name. */
export function drawPlan(seed: number, fixed: Plan['knobs'] = {}): Plan {
  const root = new SeededRandom(seed).stream('kv plan')
  const shape = root.stream('shape')
  const nodes = numberOf(fixed, 'nodes', pick(shape, [1, 2, 3, 3, 3, 4, 5, 5]))
  const chaosMs = numberOf(fixed, 'chaosMs', pick(shape, [4_000, 8_000, 16_000]))
  const { nodes: _nodes, chaosMs: _chaosMs, ...fixedKnobs } = fixed
  const scarcity = drawScarcity(root.stream('scarcity'), drawKnobs(root.stream('knobs')))
  const decay = drawDecay(root.stream('decay'), scarcity.knobs)
  const members = drawMembers(root.stream('members'), nodes, decay.knobs.raft.electionTimeoutMs)
  const knobs = { ...decay.knobs, members, ...fixedKnobs } as KvKnobs
  const { electionTimeoutMs } = knobs.raft
  const changing = knobs.members.everyMs > 0
  const usual = [...drawKinds(root.stream('kinds'), nodes), ...scarcity.kinds, ...decay.kinds]
  const kinds = changing
    ? // Which disks a group can lose depends on who its voters are, and those who change them do not ask.
      usual.filter((kind) => !LASTING.includes(kind))
    : drawReplacedDisks(root.stream('replaced disks'), usual)
  const load = drawLoad(root.stream('load'))
  const operations = drawOperations(root.stream('operations'), { nodes, chaosMs, load })
  const changes = drawMemberChanges(root.stream('member changes'), {
    ...{ nodes, chaosMs, everyMs: knobs.members.everyMs, client: load.clients },
    firstNumber: operations.length + 1,
  })
  return {
    version: 1,
    scenario: 'kv',
    seed,
    nodes,
    chaosMs,
    knobs: asJson(knobs),
    faults: [
      ...drawFirstCrash(root.stream('first crash')),
      ...drawFaults(root.stream('faults'), {
        kinds,
        nodes,
        chaosMs,
        everyMs: electionTimeoutMs * pick(shape, [2, 6, 20]),
        paceMs: electionTimeoutMs,
        calmMs: CALM_TIMEOUTS * electionTimeoutMs,
      }),
    ],
    operations: [...operations, ...changes].sort((a, b) => a.atMs - b.atMs),
    aims: { type: 'drawn', rates: drawRates(root.stream('aims')) },
    buggify: { activeShare: pick(shape, [0, 0.3, 0.6]), fireShare: pick(shape, [0.05, 0.25]), off: [] },
  }
}
