import { explainText, type RunResult, thrownViolation } from '@dsys/simulation'
import { currentCommit } from '../commit.ts'
import { counted, grouped } from '../numbers.ts'
import { differenceOf } from '../runs/job.ts'
import { faultsOf } from '../runs/totals.ts'
import { isUnfinished } from '../runs/watched-runs.ts'
import { EXIT_BAD, EXIT_GOOD, type Session } from './session.ts'
import { command, type Subject, type SubjectFlags, subjectOf } from './subject.ts'

/** The flags of a replay. */
export interface ReplayFlags extends SubjectFlags {
  /** How many events of the end to print. */
  readonly events: number
}

/** Runs one plan twice, compares the traces, and prints the end of it. */
export async function replayCommand(flags: ReplayFlags, { say, runs }: Pick<Session, 'say' | 'runs'>): Promise<number> {
  const subject = await subjectOf(flags)
  const { plan, title, args, story } = subject
  await using runner = runs({ module: flags.module, hangSeconds: flags.hangSeconds })
  say(`${title}, at commit ${currentCommit()}`)
  if (story !== undefined) say(`  when it was found, at ${story.commit}, it broke: ${story.rule}`)
  let first: RunResult
  let second: RunResult
  try {
    first = await runner.run(plan, { keepTrace: true })
    // Without keeping the trace: whoever reads along must change nothing.
    second = isUnfinished(first) ? first : await runner.run(plan)
  } catch (error) {
    const { rule, message } = thrownViolation(error)
    say(`  broken    ${rule}: ${error instanceof Error ? error.stack : message}`)
    return EXIT_BAD
  }
  for (const { violation } of [first, second]) {
    if (violation === undefined || !isUnfinished({ violation })) continue
    say(`  broken    ${violation.rule}: ${violation.message}`)
    say(`Once more:       ${command('replay', args)}`)
    say(`Make it smaller: ${command('shrink', args)}`)
    say(`With --hang-seconds less than ${flags.hangSeconds} either takes less time.`)
    return EXIT_BAD
  }
  const difference = differenceOf(first, second)
  sayResult(subject, first, say)
  say(`  hash      ${first.hash}, ${difference === undefined ? 'the same twice' : `then ${second.hash}`}`)
  if (difference !== undefined) say(`  broken    ${difference.rule}: ${difference.message}`)
  if (flags.events > 0)
    say(`\n${explainText(first, { title: `The last events of ${title}`, lastMs: lastMsOf(first, flags.events) })}`)
  if (first.violation !== undefined) {
    say(`Look at it:      ${command('explain', args)}`)
    say(`Make it smaller: ${command('shrink', args)}`)
  }
  return first.violation === undefined && difference === undefined ? EXIT_GOOD : EXIT_BAD
}

function sayResult({ plan }: Subject, { violation, virtualMs, steps, counts }: RunResult, say: Session['say']): void {
  if (violation === undefined) say('  kept      every promise')
  else say(`  broken    ${violation.rule}, at ${violation.atMs.toFixed(3)} ms: ${violation.message}`)
  const faults = counted(faultsOf(counts), 'fault')
  say(
    `  ran       ${plan.nodes} nodes for ${(virtualMs / 1_000).toFixed(1)} virtual seconds, ${grouped(steps)} steps, ${faults}`,
  )
}

/** For how long before the end a trace must be shown to have so many events. */
function lastMsOf({ trace = [], violation }: RunResult, events: number): number {
  const endMs = violation?.atMs ?? trace.at(-1)?.atMs ?? 0
  const until = trace.filter(({ atMs }) => atMs <= endMs)
  return endMs - (until.at(-events)?.atMs ?? until[0]?.atMs ?? endMs)
}
