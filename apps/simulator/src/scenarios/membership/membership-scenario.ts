import type { Scenario } from '@dsys/simulation'
import { drawPlan } from './draw-plan.ts'
import { EXPECTED } from './expected.ts'
import { MembershipRun } from './membership-run.ts'

/** Whole members over a simulated network: do views stay true to what was said, and agree once the network is whole? */
export const membershipScenario: Scenario = {
  name: 'membership',
  about: 'SWIM membership of 3 to 12 nodes, now and then 30, over a network with every fault',
  expected: EXPECTED,
  plan: drawPlan,
  run: (plan, options) => new MembershipRun(plan, options).run(),
}
