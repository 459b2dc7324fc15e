import type { Clock } from '@dsys/runtime'
import { formatStory, type Plan, type Scenario } from '@dsys/simulation'
import { currentCommit } from '../commit.ts'
import { fileName, REPORTS, writeText } from '../files.ts'
import { loadScenarios, scenariosNamed } from '../load-scenarios.ts'
import { elapsed } from '../numbers.ts'
import { ProgressLine, progressText } from '../progress.ts'
import { reportOf, type SweepReport } from '../report/report.ts'
import { reportHtml } from '../report/report-html.ts'
import { freshSeed } from '../runs/seeds.ts'
import { Sweep } from '../runs/sweep.ts'
import { threads } from '../runs/thread.ts'
import type { Failure } from '../runs/totals.ts'
import { UsageError } from '../usage-error.ts'
import { EXIT_BAD, EXIT_GOOD, EXIT_INTERRUPTED, type Session } from './session.ts'

/** The flags of a run over many seeds. */
export interface SweepFlags {
  readonly scenario: string
  readonly seeds?: number
  readonly minutes?: number
  readonly from?: number
  readonly workers: number
  readonly report?: string
  readonly knobs: Plan['knobs']
  readonly continue?: boolean
  readonly twice?: boolean
  readonly guard?: boolean
  readonly hangSeconds: number
  readonly module?: string
}

const DEFAULT_MINUTES = 1
/** From this many seeds on, a run must have come across all that its scenario expects: the rarest of it is in one seed of thirty. */
const GUARD_SEEDS = 200
/** Failures whose plans are written out. */
const MAX_STORIES = 10
/** A run may take long; the line shows that time goes on. */
const TICK_MS = 1_000
const MINUTE_MS = 60_000

/** Runs many seeds in parallel, shows how far it is, and reports. */
export async function sweepCommand(flags: SweepFlags, session: Session): Promise<number> {
  const { clock, screen, say } = session
  const scenarios = scenariosNamed(await loadScenarios(flags.module), flags.scenario)
  if (scenarios.length === 0) throw new UsageError('There is no scenario.')
  const firstSeed = flags.from ?? freshSeed(session.random)
  const limits = limitsOf(flags)
  const commit = currentCommit()
  const startedAt = new Date(clock.wallMs()).toISOString()
  say(
    `${scenarios.map(({ name }) => name).join(', ')} at commit ${commit}, first seed ${firstSeed}, ${flags.workers} workers`,
  )

  const options = { knobs: flags.knobs, twice: flags.twice === true }
  const sweep = new Sweep(
    { clock, spawn: threads({ module: flags.module, options }), scenarios, progress: () => line.update() },
    { firstSeed, ...limits, workers: flags.workers, hangMs: flags.hangSeconds * 1_000, goOn: flags.continue === true },
  )
  const planned = limits.seeds * scenarios.length
  const line = new ProgressLine(clock, screen, () => progressText(sweep.totals, planned, sweep.wallMs))
  const stopTicking = every(TICK_MS, () => line.update(), clock)
  const release = session.onInterrupt(() => sweep.stop())
  try {
    await sweep.run()
  } finally {
    release()
    stopTicking()
    line.clear()
  }
  say(progressText(sweep.totals, planned, sweep.wallMs))

  const missing = sweep.totals.missing(minSeedsOf(flags))
  const facts = {
    commit,
    startedAt,
    firstSeed,
    workers: flags.workers,
    missing,
    knobs: flags.knobs,
    module: flags.module,
  }
  const report = reportOf(sweep, facts)
  writeReport(flags, report, scenarios, session)
  tell(report, session)
  if (report.failed > 0 || missing.length > 0) return EXIT_BAD
  return sweep.interrupted ? EXIT_INTERRUPTED : EXIT_GOOD
}

/** Calls `action` again and again; returns what ends that. */
function every(ms: number, action: () => void, clock: Clock): () => void {
  let timer = clock.setTimer(ms, function tick() {
    action()
    timer = clock.setTimer(ms, tick)
  })
  return () => timer.cancel()
}

function limitsOf({ seeds, minutes }: SweepFlags): { readonly seeds: number; readonly maxMs: number } {
  const unlimited = Number.POSITIVE_INFINITY
  if (seeds === undefined) return { seeds: unlimited, maxMs: (minutes ?? DEFAULT_MINUTES) * MINUTE_MS }
  return { seeds, maxMs: minutes === undefined ? unlimited : minutes * MINUTE_MS }
}

/** With knobs held fast, or cut short by a failure, a run need not come across everything. */
function minSeedsOf({ guard, knobs }: SweepFlags): number {
  if (guard === true) return 1
  return Object.keys(knobs).length > 0 ? Number.POSITIVE_INFINITY : GUARD_SEEDS
}

function writeReport(flags: SweepFlags, report: SweepReport, scenarios: readonly Scenario[], { say }: Session): void {
  const stamp = fileName(report.startedAt.replace(/\.\d+Z$/, '').replaceAll(':', '-'))
  const base =
    flags.report?.replace(/\.(html|json)$/, '') ??
    `${REPORTS}/${stamp}-${fileName(flags.scenario)}-${report.firstSeed}/report`
  writeText(`${base}.json`, `${JSON.stringify(report, undefined, 2)}\n`)
  writeText(`${base}.html`, reportHtml(report))
  for (const failure of report.failures.slice(0, MAX_STORIES)) {
    const scenario = scenarios.find(({ name }) => name === failure.scenario)
    const text = scenario && storyText(scenario, failure, flags.knobs, report.commit)
    // What draws no plan has no story; the seed is in the report.
    if (text !== undefined) writeText(`${base}-${fileName(failure.scenario)}-${failure.seed}.story.json`, text)
  }
  say(`Report: ${base}.html`)
}

/** A seed is tied to a build, so the plan that it stands for is kept as well. */
function storyText(
  scenario: Scenario,
  { seed, violation }: Failure,
  knobs: Plan['knobs'],
  commit: string,
): string | undefined {
  const { rule, message } = violation
  try {
    const plan = scenario.plan(seed, knobs)
    return formatStory({ name: `${scenario.name}, seed ${seed}: ${rule}`, rule, message, commit, plan })
  } catch (error) {
    if (rule === `error ${error instanceof Error ? error.name : typeof error}`) return undefined
    throw error
  }
}

/** How many failing seeds are printed; the report has more. */
const MAX_TOLD = 5

function tell(report: SweepReport, { say }: Session): void {
  if (report.interrupted) say(`It was ended after ${elapsed(report.wallMs)}; this is what was done until then.`)
  for (const { scenario, names } of report.missing) {
    say(`\nThe runs of ${scenario} never came across: ${names.join(', ')}. What they show is less than it seems.`)
  }
  for (const { scenario, seed, violation, replay } of report.failures.slice(0, MAX_TOLD)) {
    say(
      `\nBroken: ${violation.rule}, at ${violation.atMs.toFixed(3)} ms of ${scenario}, seed ${seed}, commit ${report.commit}`,
    )
    say(`  ${violation.message.replaceAll('\n', '\n  ')}`)
    say(`  Replay it: ${replay}`)
  }
  if (report.failed > MAX_TOLD)
    say(`\n${report.failed} seeds failed in all; the report names ${report.failures.length}.`)
}
