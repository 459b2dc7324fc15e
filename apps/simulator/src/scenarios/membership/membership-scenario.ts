import type { Scenario } from '@dsys/simulation'
import { drawPlan, OPERATIONS } from './draw-plan.ts'
import { EXPECTED, LIMITS } from './expected.ts'
import { FAULT_KINDS, MOMENT_RATES } from './knobs.ts'
import { MembershipRun } from './membership-run.ts'
import { RESOLVERS } from './resolver-knobs.ts'

/** Whole members over a simulated network: do views stay true to what was said, and agree once the network is whole? */
export const membershipScenario: Scenario = {
  name: 'membership',
  about: 'SWIM membership of 3 to 12 nodes, now and then 30, over a network with every fault',
  expected: EXPECTED,
  limits: LIMITS,
  shape: {
    faults: FAULT_KINDS,
    moments: Object.keys(MOMENT_RATES),
    operations: { by: 'name', types: OPERATIONS, fields: { node: 'number', seed: 'number' } },
    choices: { impostor: ['later', 'twin'], resolver: RESOLVERS, 'link.order': ['fifo', 'free'] },
  },
  plan: drawPlan,
  run: (plan, options) => new MembershipRun(plan, options).run(),
}
