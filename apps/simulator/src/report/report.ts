import type { Json } from '@dsys/simulation'
import { command, seedArgs } from '../commands/subject.ts'
import { hoursPerMinute } from '../numbers.ts'
import type { Sweep } from '../runs/sweep.ts'
import {
  type Failure,
  faultsOf,
  type LimitedShare,
  type ScenarioTotals,
  sharesOf,
  type Totals,
} from '../runs/totals.ts'

/** How often something occurred. */
export interface CountRow {
  readonly name: string
  readonly times: number
  /** The scenario expects it. */
  readonly expected: boolean
}

/** What was done of one scenario. */
export interface ScenarioReport {
  readonly name: string
  readonly seeds: number
  readonly virtualHours: number
  readonly steps: number
  readonly faults: number
  /** By name; with those that were expected and never occurred. */
  readonly counts: readonly CountRow[]
  /** What may occur in a share of the runs alone. */
  readonly shares: readonly LimitedShare[]
}

/** All that a run over many seeds has to say; this is also what its JSON file has. */
export interface SweepReport {
  readonly version: 1
  readonly commit: string
  readonly node: string
  readonly platform: string
  readonly startedAt: string
  readonly wallMs: number
  readonly workers: number
  readonly firstSeed: number
  readonly knobs: Readonly<Record<string, Json>>
  readonly seeds: number
  readonly virtualHours: number
  readonly virtualHoursPerMinute: number
  readonly steps: number
  readonly faults: number
  readonly interrupted: boolean
  readonly failed: number
  readonly failures: readonly (Failure & { readonly replay: string })[]
  readonly missing: readonly { readonly scenario: string; readonly names: readonly string[] }[]
  readonly excessive: ReturnType<Totals['excessive']>
  readonly scenarios: readonly ScenarioReport[]
}

/** What a report says that the sweep does not know. */
export interface ReportFacts {
  readonly commit: string
  readonly startedAt: string
  readonly firstSeed: number
  readonly workers: number
  readonly missing: SweepReport['missing']
  readonly excessive: SweepReport['excessive']
  readonly knobs: SweepReport['knobs']
  readonly module: string | undefined
}

const HOUR_MS = 3_600_000

/** Reports on a sweep that is over. */
export function reportOf(
  { totals, wallMs, interrupted }: Pick<Sweep, 'totals' | 'wallMs' | 'interrupted'>,
  facts: ReportFacts,
): SweepReport {
  const { commit, startedAt, firstSeed, workers, missing, excessive, knobs, module } = facts
  return {
    version: 1,
    commit,
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    startedAt,
    wallMs: Math.round(wallMs),
    workers,
    firstSeed,
    knobs,
    seeds: totals.seeds,
    virtualHours: totals.virtualMs / HOUR_MS,
    virtualHoursPerMinute: hoursPerMinute(totals.virtualMs, wallMs),
    steps: totals.steps,
    faults: totals.faults,
    interrupted,
    failed: totals.failed,
    failures: totals.failures.map((failure) => ({ ...failure, replay: replayOf(failure, knobs, module) })),
    missing,
    excessive,
    scenarios: totals.scenarios.map(scenarioReport),
  }
}

function replayOf({ scenario, seed }: Failure, knobs: SweepReport['knobs'], module: string | undefined): string {
  return command('replay', seedArgs(scenario, seed, knobs, module))
}

function scenarioReport(totals: ScenarioTotals): ScenarioReport {
  const { name, expected, counts, seeds, virtualMs, steps } = totals
  const names = [...new Set([...expected, ...counts.keys()])].sort()
  const rows = names.map((row) => ({ name: row, times: counts.get(row) ?? 0, expected: expected.includes(row) }))
  const virtualHours = virtualMs / HOUR_MS
  return { name, seeds, virtualHours, steps, faults: faultsOf(counts), counts: rows, shares: sharesOf(totals) }
}
