import { type Plan, type RunResult, type Scenario, thrownViolation, type Violation } from '@dsys/simulation'

/** One seed of one scenario, to be run. */
export interface Job {
  readonly scenario: string
  readonly seed: number
}

/** What became of a job; it crosses from a worker to the main thread. */
export interface Outcome {
  readonly job: Job
  readonly hash: string
  readonly virtualMs: number
  readonly steps: number
  readonly counts: readonly (readonly [name: string, times: number])[]
  readonly violation?: Violation
}

/** How jobs are run. */
export interface JobOptions {
  /** Knobs that are held fast. */
  readonly knobs: Plan['knobs']
  /** Run each plan twice, and compare the trace hashes. */
  readonly twice: boolean
}

/** Rules that the runner itself watches over. */
export const RUNNER_RULES = {
  deterministic: 'the same trace twice',
  ends: 'a run ends',
  survives: 'a run leaves its worker alive',
} as const

/** Runs one job. What the scenario throws is a violation as well: the seed that shows it must not be lost. */
export async function runJob(scenario: Scenario, job: Job, { knobs, twice }: JobOptions): Promise<Outcome> {
  let result: RunResult
  let again: RunResult | undefined
  try {
    const plan = scenario.plan(job.seed, knobs)
    result = await scenario.run(plan)
    if (twice) again = await scenario.run(plan)
  } catch (error) {
    return failedOutcome(job, thrownViolation(error))
  }
  const { hash, virtualMs, steps, counts } = result
  const violation = result.violation ?? differenceOf(result, again)
  return { job, hash, virtualMs, steps, counts: [...counts], ...(violation === undefined ? {} : { violation }) }
}

/** The outcome of a job that came to no result. */
export function failedOutcome(job: Job, violation: Violation): Outcome {
  return { job, hash: '', virtualMs: 0, steps: 0, counts: [], violation }
}

/** The violation of being another run the second time. */
export function differenceOf(first: RunResult, second: RunResult | undefined): Violation | undefined {
  if (second === undefined || second.hash === first.hash) return undefined
  const message = `The same plan gave the trace ${first.hash}, and then ${second.hash}: something other than the plan decides.`
  return { rule: RUNNER_RULES.deterministic, message, atMs: 0 }
}
