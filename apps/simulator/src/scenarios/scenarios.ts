import type { Scenario } from '@dsys/simulation'
import { membershipScenario } from './membership/membership-scenario.ts'
import { raftScenario } from './raft/raft-scenario.ts'

/** What dsys simulates of itself. */
export const SCENARIOS: readonly Scenario[] = [raftScenario, membershipScenario]
