import type { Scenario, Violation } from '@dsys/simulation'
import { guard } from '@dsys/simulation'
import type { Job, Outcome } from './job.ts'

/** A seed that broke a promise. */
export interface Failure extends Job {
  readonly violation: Violation
}

/** What was done of one scenario. */
export interface ScenarioTotals {
  readonly name: string
  /** What must have occurred, from the scenario. */
  readonly expected: readonly string[]
  readonly counts: Map<string, number>
  /** What may occur in a share of the runs alone, from the scenario, and in how many of them it did. */
  readonly limited: Map<string, { readonly most: number; runs: number }>
  seeds: number
  virtualMs: number
  steps: number
}

/** What occurred in a share of the runs that is limited. */
export interface LimitedShare {
  readonly name: string
  readonly runs: number
  /** `runs` by all of them. */
  readonly share: number
  /** The largest share that is all right. */
  readonly most: number
}

/** What {@link Totals} need to know of a scenario. */
export type Summed = Pick<Scenario, 'name' | 'expected' | 'limits'>

/** Failures that are kept; more are counted alone. */
const MAX_FAILURES = 100

/** Sums over many runs. It keeps nothing of the single run, so it does not grow with their number. */
export class Totals {
  readonly scenarios: readonly ScenarioTotals[]
  readonly failures: Failure[] = []
  /** How many seeds failed, kept or not. */
  failed = 0

  constructor(scenarios: readonly Summed[]) {
    this.scenarios = scenarios.map(({ name, expected, limits = {} }) => ({
      name,
      expected,
      counts: new Map(),
      limited: new Map(Object.entries(limits).map(([limit, most]) => [limit, { most, runs: 0 }])),
      seeds: 0,
      virtualMs: 0,
      steps: 0,
    }))
  }

  add({ job, virtualMs, steps, counts, violation }: Outcome): void {
    const totals = this.scenarios.find(({ name }) => name === job.scenario)
    if (totals === undefined) throw new RangeError(`there is no scenario ${job.scenario} in these totals`)
    totals.seeds++
    totals.virtualMs += virtualMs
    totals.steps += steps
    for (const [name, times] of counts) totals.counts.set(name, (totals.counts.get(name) ?? 0) + times)
    const occurred = new Map(counts)
    for (const [name, limit] of totals.limited) if ((occurred.get(name) ?? 0) > 0) limit.runs++
    if (violation === undefined) return
    this.failed++
    if (this.failures.length < MAX_FAILURES) this.failures.push({ ...job, violation })
  }

  get seeds(): number {
    return this.#sum(({ seeds }) => seeds)
  }

  get virtualMs(): number {
    return this.#sum(({ virtualMs }) => virtualMs)
  }

  get steps(): number {
    return this.#sum(({ steps }) => steps)
  }

  /** Faults of plans, and aimed crashes. */
  get faults(): number {
    return this.#sum(({ counts }) => faultsOf(counts))
  }

  /** What a scenario expects and what never occurred, for those with at least `minSeeds` runs. */
  missing(minSeeds: number): { readonly scenario: string; readonly names: readonly string[] }[] {
    return this.scenarios
      .filter(({ seeds }) => seeds >= minSeeds)
      .map((totals) => ({ scenario: totals.name, names: guard(totals, [totals]) }))
      .filter(({ names }) => names.length > 0)
  }

  /** What occurred in too many of the runs of a scenario, for those with at least `minSeeds` runs. */
  excessive(minSeeds: number): (LimitedShare & { readonly scenario: string })[] {
    return this.scenarios
      .filter(({ seeds }) => seeds >= minSeeds)
      .flatMap((totals) => sharesOf(totals).map((share) => ({ scenario: totals.name, ...share })))
      .filter(({ share, most }) => share > most)
  }

  #sum(value: (totals: ScenarioTotals) => number): number {
    return this.scenarios.reduce((sum, totals) => sum + value(totals), 0)
  }
}

/** In which share of its runs that occurred whose share a scenario limits. */
export function sharesOf({ limited, seeds }: Pick<ScenarioTotals, 'limited' | 'seeds'>): LimitedShare[] {
  return [...limited].map(([name, { most, runs }]) => ({ name, runs, share: seeds === 0 ? 0 : runs / seeds, most }))
}

/** How many faults took place. */
export function faultsOf(counts: Iterable<readonly [name: string, times: number]>): number {
  let faults = 0
  for (const [name, times] of counts) if (/^(fault|aimed)\./.test(name)) faults += times
  return faults
}
