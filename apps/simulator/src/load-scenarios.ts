import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Scenario } from '@dsys/simulation'
import { SCENARIOS } from './scenarios/scenarios.ts'
import { UsageError } from './usage-error.ts'

/** The scenarios of dsys, or those that the module in the file `module` exports as `scenarios`. */
export async function loadScenarios(module: string | undefined): Promise<readonly Scenario[]> {
  if (module === undefined) return SCENARIOS
  let exported: { readonly scenarios?: unknown }
  try {
    exported = await import(pathToFileURL(resolve(module)).href)
  } catch (error) {
    throw new UsageError(`The module ${module} cannot be loaded: ${error instanceof Error ? error.message : error}`)
  }
  const { scenarios } = exported
  if (!Array.isArray(scenarios) || !scenarios.every(isScenario)) {
    throw new UsageError(
      `The module ${module} must export a list "scenarios", each with name, about, expected, plan and run.`,
    )
  }
  return scenarios
}

function isScenario(value: unknown): value is Scenario {
  if (typeof value !== 'object' || value === null) return false
  const { name, about, expected, plan, run } = value as Partial<Record<keyof Scenario, unknown>>
  const isData = typeof name === 'string' && typeof about === 'string' && Array.isArray(expected)
  return isData && typeof plan === 'function' && typeof run === 'function'
}

/** The scenario of this name. Throws UsageError when there is none. */
export function scenarioNamed(scenarios: readonly Scenario[], name: string): Scenario {
  const scenario = scenarios.find((candidate) => candidate.name === name)
  if (scenario !== undefined) return scenario
  throw new UsageError(
    `There is no scenario "${name}". There are:\n${scenarios.map((each) => `  ${each.name}  ${each.about}`).join('\n')}`,
  )
}

/** The scenario of this name, or every one for `all`. */
export function scenariosNamed(scenarios: readonly Scenario[], name: string): readonly Scenario[] {
  return name === 'all' ? scenarios : [scenarioNamed(scenarios, name)]
}
