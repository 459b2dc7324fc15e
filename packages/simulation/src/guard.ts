import type { RunResult, Scenario } from './scenario.ts'

/**
 * What a scenario expects of many runs and what occurred in none of these, in the order of {@link Scenario.expected}. A
 * run in which a fault, a rare branch or a message never took place shows less than it seems to.
 */
export function guard(scenario: Pick<Scenario, 'expected'>, results: Iterable<Pick<RunResult, 'counts'>>): string[] {
  const missing = new Set(scenario.expected)
  for (const { counts } of results) {
    for (const name of missing) if ((counts.get(name) ?? 0) > 0) missing.delete(name)
  }
  return [...missing]
}
