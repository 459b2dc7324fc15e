import { availableParallelism } from 'node:os'
import type { Json, Plan } from '@dsys/simulation'
import { Command, CommanderError, InvalidArgumentError } from 'commander'
import type { ExplainFlags } from './commands/explain.ts'
import type { HashesFlags } from './commands/hashes.ts'
import type { ReplayFlags } from './commands/replay.ts'
import type { ShrinkFlags } from './commands/shrink.ts'
import type { StoriesFlags } from './commands/stories.ts'
import type { SubjectFlags } from './commands/subject.ts'
import type { SweepFlags } from './commands/sweep.ts'
import { UsageError } from './usage-error.ts'

/** What is to be done. */
export type Call =
  | { readonly type: 'sweep'; readonly flags: SweepFlags }
  | { readonly type: 'replay'; readonly flags: ReplayFlags }
  | { readonly type: 'explain'; readonly flags: ExplainFlags }
  | { readonly type: 'shrink'; readonly flags: ShrinkFlags }
  | { readonly type: 'hashes'; readonly flags: HashesFlags }
  | { readonly type: 'stories'; readonly flags: StoriesFlags }

const MAX_SEED = 2 ** 32 - 1
const MAX_SEEDS = 100_000_000
const MAX_MINUTES = 60 * 24 * 30

function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,12}$/.test(text) ? Number(text) : Number.NaN
    if (value >= min && value <= max) return value
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`)
  }
}

function positive(max: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,9}(\.\d{1,6})?$/.test(text) ? Number(text) : Number.NaN
    if (value > 0 && value <= max) return value
    throw new InvalidArgumentError(`It must be a number over 0, at most ${max}.`)
  }
}

/** `batch=4`: what is JSON is taken as such, all else as text. */
function knob(text: string, knobs: Plan['knobs'] = {}): Plan['knobs'] {
  const at = text.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('It must be NAME=VALUE.')
  return { ...knobs, [text.slice(0, at)]: knobValue(text.slice(at + 1)) }
}

function knobValue(text: string): Json {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return text
    throw error
  }
}

const MODULE = ['--module <file>', 'scenarios of your own: a module that exports a list "scenarios"'] as const
const HANG = [
  '--hang-seconds <seconds>',
  'a run that takes longer than this in real time hangs, and is ended',
  positive(86_400),
  120,
] as const
const KNOBS = ['--knobs <name=value>', 'hold a knob fast that each seed draws; may be given again', knob] as const

/** Reads the arguments. Throws UsageError where they are no call, and for `--help`. */
export function parseArguments(args: readonly string[]): Call {
  let call: Call | undefined
  const program = programFor((parsed) => {
    call = parsed
  })
  try {
    program.parse(args, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    const help = error.code === 'commander.helpDisplayed' || error.code === 'commander.help'
    throw new UsageError(help ? written(program) : `${error.message}\nTry --help.`, help)
  }
  if (call === undefined) throw new UsageError('Try --help.')
  return call
}

const withKnobs = <T extends { readonly knobs: Plan['knobs'] }>(flags: T): T => ({ ...flags, knobs: flags.knobs ?? {} })

const texts = new WeakMap<Command, string[]>()

const written = (program: Command): string => (texts.get(program) ?? []).join('')

function programFor(found: (call: Call) => void): Command {
  const text: string[] = []
  const program = new Command('npm run simulate --')
    .description(
      'Runs dsys under simulated faults, many seeds at once. What fails can be replayed, explained and shrunk.',
    )
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ writeOut: (part) => void text.push(part), writeErr: () => undefined })
    .option('--scenario <name>', 'raft, membership, kv or all', 'all')
    .option('--seeds <count>', 'how many seeds of each scenario', wholeNumber(1, MAX_SEEDS))
    .option('--minutes <minutes>', 'no run begins after this time; 1 where neither is given', positive(MAX_MINUTES))
    .option('--from <seed>', 'the first seed; a fresh one where none is given', wholeNumber(0, MAX_SEED))
    .option('--workers <count>', 'how many threads', wholeNumber(1, 512), availableParallelism())
    .option(
      '--report <file>',
      'where the report goes, .html and .json; a new folder in .data/simulate where none is given',
    )
    .option(...KNOBS)
    .option('--continue', 'go on after a violation')
    .option('--twice', 'run each seed twice and compare the trace hashes')
    .option('--guard', 'fail when something that is expected never occurs, also in a run of less than 200 seeds')
    .option(...HANG)
    .option(...MODULE)
    .action((flags: SweepFlags) => found({ type: 'sweep', flags: withKnobs(flags) }))
  texts.set(program, text)
  addOneRunCommands(program, found)
  program
    .command('hashes')
    .description('prints the trace hashes of a few seeds, and compares them with the kept ones')
    .option('--write', 'keep these')
    .option('--seeds <count>', 'print one hash over so many seeds of each scenario instead', wholeNumber(1, MAX_SEEDS))
    .action((flags: HashesFlags) => found({ type: 'hashes', flags }))
  program
    .command('stories')
    .description('runs the stories of bugs that were fixed')
    .argument('[files...]', 'stories; all that are kept where none is named')
    .option(...HANG)
    .option(...MODULE)
    .action((files: string[], flags: Omit<StoriesFlags, 'files'>) =>
      found({ type: 'stories', flags: { ...flags, files } }),
    )
  return program
}

/** Commands about one plan: a seed of a scenario, or a story. */
function addOneRunCommands(program: Command, found: (call: Call) => void): void {
  const about = (name: string, description: string): Command =>
    program
      .command(name)
      .description(description)
      .argument('[story]', 'a file with a story, in place of a seed')
      .option('--scenario <name>', 'the scenario')
      .option('--seed <seed>', 'the seed', wholeNumber(0, MAX_SEED))
      .option(...KNOBS)
      .option(...HANG)
      .option(...MODULE)
  const withStory = <T extends SubjectFlags>(story: string | undefined, flags: T): T =>
    withKnobs(story === undefined ? flags : { ...flags, story })
  about('replay', 'runs one plan twice, compares the traces, and prints the end')
    .option('--events <count>', 'how many events of the end to print', wholeNumber(0, 100_000), 40)
    .action((story: string | undefined, flags: ReplayFlags) =>
      found({ type: 'replay', flags: withStory(story, flags) }),
    )
  about('explain', 'prints what happened on each node, and writes it as a page')
    .option('--seconds <seconds>', 'how many virtual seconds before the end to show', positive(1e9))
    .option('--out <file>', 'where the page goes')
    .action((story: string | undefined, flags: ExplainFlags) =>
      found({ type: 'explain', flags: withStory(story, flags) }),
    )
  about('shrink', 'looks for a smaller plan that fails in the same way, and writes it as a story')
    .option('--minutes <minutes>', 'how long to look for one', positive(MAX_MINUTES), 5)
    .option('--name <text>', 'what the story is called')
    .option('--out <file>', 'where the story goes')
    .action((story: string | undefined, flags: ShrinkFlags) =>
      found({ type: 'shrink', flags: withStory(story, flags) }),
    )
}
