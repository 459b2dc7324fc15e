import {
  firstDifference,
  type Plan,
  type RunOptions,
  type RunResult,
  runDifference,
  type Scenario,
  thrownViolation,
  type Violation,
} from '@dsys/simulation'

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
  /** Run each plan twice, and compare the trace hashes, steps and counts. */
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
  let violation: Violation | undefined
  try {
    const plan = scenario.plan(job.seed, knobs)
    const run = async (options?: RunOptions): Promise<RunResult> => await scenario.run(plan, options)
    result = await run()
    violation = result.violation ?? (twice ? await differenceOf(result, await run(), run) : undefined)
  } catch (error) {
    return failedOutcome(job, thrownViolation(error))
  }
  const { hash, virtualMs, steps, counts } = result
  return { job, hash, virtualMs, steps, counts: [...counts], ...(violation === undefined ? {} : { violation }) }
}

/** The outcome of a job that came to no result. */
export function failedOutcome(job: Job, violation: Violation): Outcome {
  return { job, hash: '', virtualMs: 0, steps: 0, counts: [], violation }
}

/**
 * The violation of being another run the second time. It names the first event that differs, for which `run` runs the plan again,
 * twice and with its trace kept: what decided otherwise before does not always do so then.
 */
export async function differenceOf(
  first: RunResult,
  second: RunResult,
  run: (options: RunOptions) => Promise<RunResult>,
): Promise<Violation | undefined> {
  const difference = runDifference(first, second)
  if (difference === undefined) return undefined
  const said = `The same plan gave ${difference}: something other than the plan decides.`
  const [once, again] = [await run({ keepTrace: true }), await run({ keepTrace: true })]
  const place = firstDifference(once.trace, again.trace)
  const message = `${said}\n${place ?? 'Two more runs, with their traces kept, showed no event that differs.'}`
  return { rule: RUNNER_RULES.deterministic, message, atMs: 0 }
}
