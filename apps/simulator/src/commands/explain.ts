import { type ExplainOptions, explainHtml, explainText } from '@dsys/simulation'
import { fileName, REPORTS, writeText } from '../files.ts'
import { isUnfinished } from '../runs/watched-runs.ts'
import { EXIT_BAD, EXIT_GOOD, type Session } from './session.ts'
import { command, type SubjectFlags, subjectOf } from './subject.ts'

/** The flags of an explanation. */
export interface ExplainFlags extends SubjectFlags {
  /** How many virtual seconds before the end to show. */
  readonly seconds?: number
  /** The file for the page. */
  readonly out?: string
}

/** Prints what happened on each node, and writes the same as a page to look at, with the histories of the clients beside. */
export async function explainCommand(
  flags: ExplainFlags,
  { say, runs }: Pick<Session, 'say' | 'runs'>,
): Promise<number> {
  const { plan, title, args, slug } = await subjectOf(flags)
  await using runner = runs({ module: flags.module, hangSeconds: flags.hangSeconds })
  const result = await runner.run(plan, { keepTrace: true })
  if (result.violation !== undefined && isUnfinished(result)) {
    say(`${title} breaks: ${result.violation.rule}. ${result.violation.message}`)
    say('Such a run leaves no trace to explain. One that fails sooner may do:')
    say(`Make it smaller: ${command('shrink', args)}`)
    return EXIT_BAD
  }
  const options: ExplainOptions = { title, ...(flags.seconds === undefined ? {} : { lastMs: flags.seconds * 1_000 }) }
  say(explainText(result, options))
  const base = flags.out?.replace(/\.html$/, '') ?? `${REPORTS}/${fileName(slug)}`
  writeText(`${base}.html`, explainHtml(result, options))
  say(`As a page: ${base}.html`)
  for (const [name, history] of result.histories ?? []) {
    const path = `${base}-${fileName(name)}.jsonl`
    writeText(path, history)
    say(`History "${name}": ${path}`)
  }
  return result.violation === undefined ? EXIT_GOOD : EXIT_BAD
}
