import type { AimedCrash, Aims, Plan } from './plan.ts'
import type { RunResult, Scenario, Violation } from './scenario.ts'
import { shrinkList } from './shrink-list.ts'

/** How large a plan is, in what shrinking takes away. */
export interface PlanSize {
  readonly faults: number
  /** Aimed crashes; where they are drawn, the moments that may have one. */
  readonly crashes: number
  readonly operations: number
  readonly nodes: number
  readonly chaosMs: number
}

/** A part of a plan, in the order in which they are shrunk. */
export type PlanPart = 'faults' | 'crashes' | 'operations' | 'nodes' | 'time' | 'buggify'

/** Where a shrinking stands. */
export interface ShrinkProgress {
  /** Plans that were run so far. */
  readonly runs: number
  /** What is being tried. */
  readonly part: PlanPart
  readonly size: PlanSize
}

/** Options of {@link shrink}. */
export interface ShrinkOptions {
  /** The rule that must stay broken. Default: the one that the plan breaks. */
  readonly rule?: string
  /** How many plans may be run. Default 5,000. */
  readonly maxRuns?: number
  /** Asked before each run: true ends the search with what was found so far. Default: never. */
  readonly stop?: () => boolean
  /** Called after each plan that became smaller, and as each part begins. */
  readonly progress?: (progress: ShrinkProgress) => void
}

/** What {@link shrink} found. */
export interface ShrinkResult {
  readonly plan: Plan
  /** What the smaller plan breaks; its rule is the one asked for. */
  readonly violation: Violation
  /** The trace hash of the smaller plan, to compare a replay with. Empty where a run throws. */
  readonly hash: string
  readonly runs: number
  /** False when the search was ended before it had tried everything. */
  readonly complete: boolean
  readonly before: PlanSize
  readonly after: PlanSize
}

/** Parts are tried again as long as one became smaller, since less of one may make another one needless; at most so often. */
const MAX_PASSES = 8
const DEFAULT_MAX_RUNS = 5_000

/**
 * Finds a smaller plan that breaks the same rule: fewer faults, fewer aimed crashes, fewer operations, fewer nodes, a
 * shorter time, fewer buggify points, in this order and again until nothing more can go. Crashes that were drawn are made
 * explicit first, so that taking out a fault does not shift them. It draws nothing, so the same plan on the same build gives the
 * same result. A scenario that throws counts as one that breaks the rule `error <name of the error>`.
 *
 * Throws RangeError when the plan breaks no rule, or not the one asked for.
 */
export async function shrink(scenario: Scenario, plan: Plan, options: ShrinkOptions = {}): Promise<ShrinkResult> {
  const first = await verdictOf(scenario, plan)
  const rule = options.rule ?? first.violation?.rule
  if (first.violation === undefined || first.violation.rule !== rule) {
    const broken = first.violation === undefined ? 'no rule' : `"${first.violation.rule}"`
    throw new RangeError(
      `the plan breaks ${broken}${rule === undefined ? '' : `, not "${rule}"`}: there is nothing to shrink`,
    )
  }
  const search = new Search(scenario, { plan, ...first, violation: first.violation }, options)
  return await search.run()
}

interface Verdict {
  readonly violation: Violation | undefined
  readonly hash: string
  readonly aimed: readonly AimedCrash[]
  readonly buggified: readonly string[]
}

/** A plan that breaks the rule, and what running it showed. */
interface Failing extends Verdict {
  readonly plan: Plan
  readonly violation: Violation
}

const BUGGIFY = 'buggify.'

async function verdictOf(scenario: Scenario, plan: Plan): Promise<Verdict> {
  let result: RunResult
  try {
    result = await scenario.run(plan)
  } catch (error) {
    return { violation: thrownViolation(error), hash: '', aimed: [], buggified: [] }
  }
  const points = [...result.counts.keys()].filter((name) => name.startsWith(BUGGIFY))
  return {
    violation: result.violation,
    hash: result.hash,
    aimed: result.aimed,
    buggified: points.map((name) => name.slice(BUGGIFY.length)).sort(),
  }
}

/** What a scenario broke by throwing, where it should have returned a violation. */
export function thrownViolation(error: unknown): Violation {
  const isError = error instanceof Error
  return {
    rule: `error ${isError ? error.name : typeof error}`,
    message: isError ? error.message : String(error),
    atMs: 0,
  }
}

function sizeOf({ faults, aims, operations, nodes, chaosMs }: Plan): PlanSize {
  const crashes = aims.type === 'exactly' ? aims.crashes.length : Object.keys(aims.rates).length
  return { faults: faults.length, crashes, operations: operations.length, nodes, chaosMs }
}

class Search {
  readonly #scenario: Scenario
  readonly #stop: () => boolean
  readonly #maxRuns: number
  readonly #progress: (progress: ShrinkProgress) => void
  readonly #before: PlanSize
  #best: Failing
  /** The first run has been made by the caller. */
  #runs = 1
  #ended = false
  #part: PlanPart = 'faults'

  constructor(scenario: Scenario, first: Failing, options: ShrinkOptions) {
    this.#scenario = scenario
    this.#best = first
    this.#before = sizeOf(first.plan)
    this.#stop = options.stop ?? (() => false)
    this.#maxRuns = options.maxRuns ?? DEFAULT_MAX_RUNS
    this.#progress = options.progress ?? (() => undefined)
  }

  async run(): Promise<ShrinkResult> {
    const parts: readonly (readonly [part: PlanPart, shrinkPart: () => Promise<void>])[] = [
      ['faults', () => this.#faults()],
      ['crashes', () => this.#crashes()],
      ['operations', () => this.#operations()],
      ['nodes', () => this.#nodes()],
      ['time', () => this.#time()],
      ['buggify', () => this.#buggify()],
    ]
    await this.#fixCrashes()
    await this.#cutAfterViolation()
    let before: Plan | undefined
    for (let pass = 0; pass < MAX_PASSES && before !== this.#best.plan && !this.#ended; pass++) {
      before = this.#best.plan
      for (const [part, shrinkPart] of parts) {
        this.#begin(part)
        await shrinkPart()
      }
    }
    const { plan, violation, hash } = this.#best
    const complete = !this.#ended
    return { plan, violation, hash, runs: this.#runs, complete, before: this.#before, after: sizeOf(plan) }
  }

  #begin(part: PlanPart): void {
    this.#part = part
    this.#tell()
  }

  #tell(): void {
    this.#progress({ runs: this.#runs, part: this.#part, size: sizeOf(this.#best.plan) })
  }

  /** Whether `plan` breaks the rule as well; then it is the best so far. */
  async #try(changes: Partial<Plan>): Promise<boolean> {
    if (this.#ended || this.#runs >= this.#maxRuns || this.#stop()) {
      this.#ended = true
      return false
    }
    this.#runs++
    const plan = { ...this.#best.plan, ...changes }
    const { violation, ...rest } = await verdictOf(this.#scenario, plan)
    if (violation?.rule !== this.#best.violation.rule) return false
    this.#best = { plan, violation, ...rest }
    this.#tell()
    return true
  }

  async #fixCrashes(): Promise<void> {
    const { plan, aimed } = this.#best
    if (plan.aims.type === 'drawn') await this.#try({ aims: { type: 'exactly', crashes: aimed } })
  }

  /** What comes after the violation cannot have caused it, where nothing looks ahead. */
  async #cutAfterViolation(): Promise<void> {
    const { plan, violation } = this.#best
    const early = ({ atMs }: { readonly atMs: number }): boolean => atMs <= violation.atMs
    const cut = { faults: plan.faults.filter(early), operations: plan.operations.filter(early) }
    if (cut.faults.length === plan.faults.length && cut.operations.length === plan.operations.length) return
    await this.#try(cut)
  }

  async #faults(): Promise<void> {
    await shrinkList(this.#best.plan.faults, (faults) => this.#try({ faults }))
  }

  async #operations(): Promise<void> {
    await shrinkList(this.#best.plan.operations, (operations) => this.#try({ operations }))
  }

  async #crashes(): Promise<void> {
    await this.#fixCrashes()
    const { aims } = this.#best.plan
    if (aims.type === 'exactly') {
      await shrinkList(aims.crashes, (crashes) => this.#try({ aims: { type: 'exactly', crashes } }))
      return
    }
    const withRates = (rates: readonly (readonly [string, number])[]): Aims => ({
      type: 'drawn',
      rates: Object.fromEntries(rates),
    })
    await shrinkList(Object.entries(aims.rates), (rates) => this.#try({ aims: withRates(rates) }))
  }

  /** A cluster of any size may show it, so each is tried, the smallest first. */
  async #nodes(): Promise<void> {
    const { nodes } = this.#best.plan
    for (let fewer = 1; fewer < nodes; fewer++) if (await this.#try({ nodes: fewer })) return
  }

  async #time(): Promise<void> {
    const { plan, violation } = this.#best
    const justAfterMs = Math.ceil(violation.atMs) + 1
    if (justAfterMs < plan.chaosMs) await this.#try({ chaosMs: justAfterMs })
    for (const share of [0.5, 0.75, 0.9]) {
      let shorterMs = Math.floor(this.#best.plan.chaosMs * share)
      while (shorterMs >= 1 && (await this.#try({ chaosMs: shorterMs }))) shorterMs = Math.floor(shorterMs * share)
    }
  }

  async #buggify(): Promise<void> {
    const { plan, buggified } = this.#best
    const { buggify } = plan
    const off = (on: readonly string[]): string[] => [
      ...new Set([...buggify.off, ...buggified.filter((point) => !on.includes(point))]),
    ]
    await shrinkList(buggified, (on) => this.#try({ buggify: { ...buggify, off: off(on) } }))
  }
}
