import type { Scenario } from '@dsys/simulation'
import { kvScenario } from './kv/kv-scenario.ts'
import { membershipScenario } from './membership/membership-scenario.ts'
import { raftScenario } from './raft/raft-scenario.ts'

/** What dsys simulates of itself. */
export const SCENARIOS: readonly Scenario[] = [raftScenario, membershipScenario, kvScenario]
