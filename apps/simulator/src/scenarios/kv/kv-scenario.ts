import type { Scenario } from '@dsys/simulation'
import { drawPlan } from './draw-plan.ts'
import { EXPECTED } from './expected.ts'
import { FAULT_KINDS, MOMENTS } from './knobs.ts'
import { VERBS } from './operations.ts'
import { KvRun } from './run.ts'

/** Whole nodes with the real codecs and the real write-ahead log, and clients whose history must be linearizable. */
export const kvScenario: Scenario = {
  name: 'kv',
  about: 'whole nodes of a replicated key-value store, from client to write-ahead log, under every kind of fault',
  expected: EXPECTED,
  shape: {
    faults: FAULT_KINDS,
    moments: MOMENTS,
    operations: {
      by: 'verb',
      types: VERBS,
      fields: { client: 'number', node: 'number', key: 'string', number: 'number', abortAfterMs: 'number' },
    },
    choices: { log: ['file', 'memory'], 'link.order': ['fifo', 'free'] },
  },
  plan: drawPlan,
  run: (plan, options = {}) => new KvRun(plan, options).run(),
}
