import {
  formatStory,
  type PlanSize,
  type RunResult,
  type Scenario,
  type ShrinkProgress,
  shrink,
  thrownViolation,
  type Violation,
} from '@dsys/simulation'
import { currentCommit } from '../commit.ts'
import { fileName, REPORTS, writeText } from '../files.ts'
import { counted, elapsed } from '../numbers.ts'
import { ProgressLine } from '../progress.ts'
import { EXIT_BAD, EXIT_GOOD, type Session } from './session.ts'
import { command, type SubjectFlags, storyArgs, subjectOf } from './subject.ts'

/** The flags of shrinking. */
export interface ShrinkFlags extends SubjectFlags {
  readonly minutes: number
  /** What the story is called. */
  readonly name?: string
  /** The file for the story. */
  readonly out?: string
}

/** Looks for a smaller plan that breaks the same rule, and writes it as a story. */
export async function shrinkCommand(flags: ShrinkFlags, session: Session): Promise<number> {
  const { clock, screen, say } = session
  const { scenario, plan, title, slug } = await subjectOf(flags)
  await using runner = session.runs({ module: flags.module, hangSeconds: flags.hangSeconds })
  const startMs = clock.monotonicMs()
  const endMs = startMs + flags.minutes * 60_000
  const first = runner.run(plan)
  const violation = await brokenBy(first)
  if (violation === undefined) {
    say(`${title} keeps every promise at this commit, so there is nothing to shrink.`)
    return EXIT_BAD
  }
  let interrupted = false
  const release = session.onInterrupt(() => {
    interrupted = true
    runner.giveUp()
  })
  // Whoever reads this may end the command at once, and what was found is kept then.
  say(`${title} breaks: ${violation.rule}`)

  let latest: ShrinkProgress | undefined
  const line = new ProgressLine(clock, screen, () =>
    latest === undefined ? '' : progressText(latest, clock.monotonicMs() - startMs),
  )
  const watched: Scenario = {
    name: scenario.name,
    about: scenario.about,
    expected: scenario.expected,
    plan: (seed, fixed) => scenario.plan(seed, fixed),
    run: async (candidate, options) => {
      if (candidate === plan) return await first
      if (latest !== undefined) line.update()
      return await runner.run(candidate, options)
    },
  }
  const result = await shrink(watched, plan, {
    rule: violation.rule,
    maxRuns: Number.POSITIVE_INFINITY,
    stop: () => interrupted || clock.monotonicMs() >= endMs,
    progress: (progress) => {
      latest = progress
    },
  }).finally(release)
  line.clear()

  const { rule, message } = result.violation
  const path = flags.out ?? `${REPORTS}/${fileName(slug)}.story.json`
  const name = flags.name ?? `${rule}, from ${title}`
  writeText(path, formatStory({ name, rule, message, commit: currentCommit(), plan: result.plan }))
  say(`  before  ${sizeText(result.before)}`)
  say(`  after   ${sizeText(result.after)}`)
  say(
    `  ${counted(result.runs, 'run')} in ${elapsed(clock.monotonicMs() - startMs)}${result.complete ? '' : '; it was ended before all was tried'}`,
  )
  say(`Story: ${path}`)
  say(`Replay it: ${command('replay', storyArgs(path, flags.module))}`)
  say('Once the bug is fixed, keep it: move the file to apps/simulator/stories, and the tests run it from then on.')
  return EXIT_GOOD
}

async function brokenBy(run: Promise<RunResult>): Promise<Violation | undefined> {
  try {
    return (await run).violation
  } catch (error) {
    return thrownViolation(error)
  }
}

function progressText({ runs, part, size }: ShrinkProgress, ms: number): string {
  return `${counted(runs, 'run')} · ${part} · ${sizeText(size)} · ${elapsed(ms)}`
}

function sizeText({ faults, crashes, operations, nodes, chaosMs }: PlanSize): string {
  return [
    counted(faults, 'fault'),
    `${crashes} aimed`,
    counted(operations, 'operation'),
    counted(nodes, 'node'),
    `${(chaosMs / 1_000).toFixed(1)} s`,
  ].join(', ')
}
