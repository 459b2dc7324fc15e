import type { Scenario } from '@dsys/simulation'

/** What dsys simulates of itself. */
export const SCENARIOS: readonly Scenario[] = []
