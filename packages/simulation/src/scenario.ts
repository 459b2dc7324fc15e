import type { AimedCrash, Plan } from './plan.ts'
import type { PlanShape } from './plan-shape.ts'
import type { TraceEvent } from './trace.ts'

/** A promise that was broken. */
export interface Violation {
  /** Which one, in a few words that stay the same: `election safety`, `linearizable`, `progress`. */
  readonly rule: string
  readonly message: string
  readonly atMs: number
}

/** What a run was like. */
export interface RunResult {
  /** Of everything that happened, in order. Equal for equal plans, on every platform. */
  readonly hash: string
  readonly virtualMs: number
  /** Events that were run. */
  readonly steps: number
  /** How often each fault, buggify point, message and branch occurred: `fault.partition`, `buggify.raft.x`, `message.y`. */
  readonly counts: ReadonlyMap<string, number>
  /** The crashes that {@link Plan.aims} brought about. */
  readonly aimed: readonly AimedCrash[]
  /** Absent when every promise was kept. */
  readonly violation?: Violation
  /** Present when the trace was kept. */
  readonly trace?: readonly TraceEvent[]
  /** Histories of clients in JSON lines, by name, when the trace was kept. */
  readonly histories?: ReadonlyMap<string, string>
}

/** How to run a plan. */
export interface RunOptions {
  /** Keep the trace, to read it. Default false. */
  readonly keepTrace?: boolean
}

/** Something to simulate: draws plans from seeds, and runs them. */
export interface Scenario {
  readonly name: string
  /** What it runs, in one line. */
  readonly about: string
  /**
   * What must have happened somewhere in a short run over many seeds, else the run shows less than it seems to: names of
   * {@link RunResult.counts}.
   */
  readonly expected: readonly string[]
  /** What its plans may hold, for `assertPlan`; default: anything, and a story with a misspelt name is found out late or never. */
  readonly shape?: PlanShape
  /** The plan of a seed. Always the same one; `fixed` holds knobs fast that would be drawn otherwise. */
  plan(seed: number, fixed?: Plan['knobs']): Plan
  /** Runs a plan. A broken promise is in the result; what throws is a defect of the scenario. */
  run(plan: Plan, options?: RunOptions): RunResult | Promise<RunResult>
}

/** Thrown inside a scenario where a promise is broken; the runner makes a {@link Violation} of it. */
export class BrokenPromise extends Error {
  override readonly name = 'BrokenPromise'
  readonly rule: string

  constructor(rule: string, message: string) {
    super(message)
    this.rule = rule
  }
}

/** Throws a {@link BrokenPromise} unless `condition` holds. */
export function promise(condition: boolean, rule: string, message: () => string): asserts condition {
  if (!condition) throw new BrokenPromise(rule, message())
}
