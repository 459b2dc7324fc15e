import type { Scenario } from '@dsys/simulation'
import { drawPlan } from './draw-plan.ts'
import { EXPECTED } from './expected.ts'
import { KvRun } from './run.ts'

/** Whole nodes with the real codecs and the real write-ahead log, and clients whose history must be linearizable. */
export const kvScenario: Scenario = {
  name: 'kv',
  about: 'whole nodes of a replicated key-value store, from client to write-ahead log, under every kind of fault',
  expected: EXPECTED,
  plan: drawPlan,
  run: (plan, options = {}) => new KvRun(plan, options).run(),
}
