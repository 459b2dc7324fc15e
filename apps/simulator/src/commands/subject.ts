import { readFileSync } from 'node:fs'
import { assertPlan, type Plan, parseStory, type Scenario, type Story } from '@dsys/simulation'
import { loadScenarios, scenarioNamed } from '../load-scenarios.ts'
import { UsageError } from '../usage-error.ts'

/** What one run is about, as it was asked for: a seed of a scenario, or a file with a plan. */
export interface SubjectFlags {
  /** The file with a story. */
  readonly story?: string
  readonly scenario?: string
  readonly seed?: number
  readonly knobs: Plan['knobs']
  /** The file with the scenarios, where they are not those of dsys. */
  readonly module?: string
  /** A run that takes longer than this in real time hangs. */
  readonly hangSeconds: number
}

/** A plan to be run. */
export interface Subject {
  readonly scenario: Scenario
  readonly plan: Plan
  /** For people: `raft, seed 17`. */
  readonly title: string
  /** The arguments that name it again. */
  readonly args: string
  /** For the names of files: `raft-17`. */
  readonly slug: string
  /** Present when it comes from a file. */
  readonly story?: Story
}

/** Reads a story of one of `scenarios`. Throws UsageError when it cannot, and where its scenario could not run it. */
export function readStory(path: string, scenarios: readonly Scenario[]): { story: Story; scenario: Scenario } {
  let story: Story
  try {
    story = parseStory(readFileSync(path, 'utf8'))
  } catch (error) {
    throw new UsageError(`The story ${path} cannot be read: ${error instanceof Error ? error.message : error}`)
  }
  const scenario = scenarioNamed(scenarios, story.plan.scenario)
  try {
    assertPlan(scenario, story.plan, 'story.plan')
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new UsageError(`The story ${path} cannot be run: ${error.message}`)
  }
  return { story, scenario }
}

/** The plan that the flags name. Throws UsageError when they name none, or two. */
export async function subjectOf(flags: Omit<SubjectFlags, 'hangSeconds'>): Promise<Subject> {
  const scenarios = await loadScenarios(flags.module)
  if (flags.story !== undefined) {
    if (flags.scenario !== undefined || flags.seed !== undefined) {
      throw new UsageError('Name a file or a scenario with a seed, not both.')
    }
    const { story, scenario } = readStory(flags.story, scenarios)
    const slug = `${scenario.name}-${story.plan.seed}`
    return { scenario, plan: story.plan, title: story.name, args: storyArgs(flags.story, flags.module), slug, story }
  }
  if (flags.scenario === undefined || flags.seed === undefined) {
    throw new UsageError('Name what to run: --scenario NAME --seed NUMBER, or a file with a story.')
  }
  const scenario = scenarioNamed(scenarios, flags.scenario)
  const { seed } = flags
  return {
    scenario,
    plan: planOf(scenario, seed, flags.knobs),
    title: `${scenario.name}, seed ${seed}`,
    args: seedArgs(scenario.name, seed, flags.knobs, flags.module),
    slug: `${scenario.name}-${seed}`,
  }
}

/** The plan of a seed. Throws UsageError for knobs that the scenario does not have. */
function planOf(scenario: Scenario, seed: number, knobs: Plan['knobs']): Plan {
  if (Object.keys(knobs).length === 0) return scenario.plan(seed)
  try {
    const plan = scenario.plan(seed, knobs)
    assertPlan(scenario, plan)
    return plan
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new UsageError(`The knobs make no plan of ${scenario.name}: ${error.message}`)
  }
}

/** The arguments that name a story again. */
export function storyArgs(path: string, module: string | undefined): string {
  return quoted(path) + moduleArgs(module)
}

/** The arguments that name a seed again. */
export function seedArgs(scenario: string, seed: number, knobs: Plan['knobs'], module: string | undefined): string {
  const fixed = Object.entries(knobs).map(([name, value]) => ` --knobs ${quoted(`${name}=${JSON.stringify(value)}`)}`)
  return `--scenario ${quoted(scenario)} --seed ${seed}${fixed.join('')}${moduleArgs(module)}`
}

const moduleArgs = (module: string | undefined): string => (module === undefined ? '' : ` --module ${quoted(module)}`)

/** The command that does `what`, as it is typed in the root of the repository. */
export function command(what: string, args: string): string {
  return `npm run simulate -- ${what} ${args}`
}

/** An argument as a shell takes it. */
function quoted(text: string): string {
  return /^[\w./=:,@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
