import { parseArgs } from 'node:util'
import { checkHistoryText } from './linearizable-command.ts'
import { MODEL_NAMES } from './models/by-name.ts'
import { checkTransactionsText } from './transactions/command.ts'
import type { TransactionModel } from './transactions/history.ts'
import { CONSISTENCY_MODELS, type ConsistencyModel } from './transactions/models.ts'

/** All that the command line needs of its process. */
export interface CommandWorld {
  /** The text of a file; of the standard input for `-`. */
  read(path: string): Promise<string>
  write(path: string, text: string): Promise<void>
  /** Prints a result. */
  print(text: string): void
  /** Prints what went wrong. */
  complain(text: string): void
}

/** 0 yes, 1 no, 2 undecided, 3 nothing was judged, or a page could not be written. */
export type ExitCode = 0 | 1 | 2 | 3

/** Behind the names of the options. */
const COLUMN = 25
const WIDTH = 79

/** A list in lines that are not too long. */
function inLines(names: readonly string[], end: string): string {
  const lines: string[] = ['']
  for (const [index, name] of names.entries()) {
    const word = `${name}${index === names.length - 1 ? end : ','}`
    const line = lines.at(-1) as string
    if (line === '') lines[lines.length - 1] = word
    else if (COLUMN + line.length + 1 + word.length <= WIDTH) lines[lines.length - 1] = `${line} ${word}`
    else lines.push(word)
  }
  return lines.join(`\n${' '.repeat(COLUMN)}`)
}

/** What {@link runCommand} prints for `--help`, and when it is called wrongly. */
export const USAGE: string = `Usage:
  dsys-check linearizable [--model MODEL] [--budget STEPS]
                          [--html PAGE] [--json] FILE
  dsys-check transactions --model list-append|register [--no-real-time]
                          [--expected LEVEL] [--linearizable-keys]
                          [--html PAGE] [--json] FILE

FILE holds a history as JSON lines; - is the standard input.

  --model MODEL          ${inLines(MODEL_NAMES, ';')}
                         by default the one that the first line of FILE names
  --budget STEPS         how much to try before giving up; 20 million by default
  --html PAGE            write a page that shows what is wrong; none is written
                         about a history that is linearizable, or undecided
  --json                 print the result as JSON
  --real-time            transactions must keep to the order of real time and of
                         each process too; the default, unless --no-real-time
  --expected LEVEL       what the store promises; by default strict-serializable
                         or, with --no-real-time, serializable; one of
                         ${inLines(CONSISTENCY_MODELS, '')}
  --linearizable-keys    take each key of a register for linearizable by itself

Exit codes: 0 yes, 1 no, 2 undecided, 3 nothing was judged.
`

interface Outcome {
  readonly exitCode: ExitCode
  readonly output: string
  readonly html?: string
}

/** What to do, as the arguments say it. */
interface Task {
  readonly file: string
  readonly page: string | undefined
  judge(text: string): Outcome
}

/** Does what the arguments say, and returns the code to exit with. */
export async function runCommand(args: readonly string[], world: CommandWorld): Promise<ExitCode> {
  if (args.includes('--help') || args.includes('-h')) {
    world.print(USAGE)
    return 0
  }
  let task: Task
  try {
    task = readTask(args)
  } catch (error) {
    if (!isWrongUse(error)) throw error
    world.complain(`${error.message}\n\n${USAGE}`)
    return 3
  }
  let text: string
  try {
    text = await world.read(task.file)
  } catch (error) {
    world.complain(`${task.file} cannot be read: ${(error as Error).message}\n`)
    return 3
  }
  return finish(task, task.judge(text), world)
}

async function finish({ page }: Task, { exitCode, output, html }: Outcome, world: CommandWorld): Promise<ExitCode> {
  if (exitCode === 3) world.complain(output)
  else world.print(output)
  if (page === undefined || html === undefined) return exitCode
  try {
    await world.write(page, html)
  } catch (error) {
    world.complain(`${page} cannot be written: ${(error as Error).message}\n`)
    return 3
  }
  return exitCode
}

class WrongUse extends TypeError {}

/** What is thrown for wrong arguments, here or by `parseArgs`. */
function isWrongUse(error: unknown): error is Error {
  if (error instanceof WrongUse) return true
  const code = error instanceof TypeError && 'code' in error ? error.code : undefined
  return typeof code === 'string' && code.startsWith('ERR_PARSE_ARGS_')
}

const COMMON = {
  model: { type: 'string' },
  html: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const

function readTask([kind, ...args]: readonly string[]): Task {
  if (kind === 'linearizable') return readLinearizable(args)
  if (kind === 'transactions') return readTransactions(args)
  throw new WrongUse(kind === undefined ? 'What to check is missing.' : `There is no check ${JSON.stringify(kind)}.`)
}

function readLinearizable(args: readonly string[]): Task {
  const options = { ...COMMON, budget: { type: 'string' } } as const
  const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true })
  const { model, html: page, json } = values
  const budget = values.budget === undefined ? {} : { budget: wholeNumber('--budget', values.budget) }
  const named = model === undefined ? {} : { model }
  return {
    file: oneFile(positionals, page),
    page,
    judge: (text) => checkHistoryText(text, { ...named, ...budget, html: page !== undefined, json }),
  }
}

function readTransactions(args: readonly string[]): Task {
  const options = {
    ...COMMON,
    'real-time': { type: 'boolean', default: true },
    expected: { type: 'string' },
    'linearizable-keys': { type: 'boolean', default: false },
  } as const
  const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true, allowNegative: true })
  const { model, html: page, json, expected } = values
  if (model === undefined) throw new WrongUse('--model is missing: list-append or register.')
  return {
    file: oneFile(positionals, page),
    page,
    judge: (text) =>
      // What is no model or no level is refused there.
      checkTransactionsText(text, {
        model: model as TransactionModel,
        ...(expected === undefined ? {} : { expected: expected as ConsistencyModel }),
        realTime: values['real-time'],
        linearizableKeys: values['linearizable-keys'],
        html: page !== undefined,
        json,
      }),
  }
}

function oneFile(files: readonly string[], page: string | undefined): string {
  const [file, ...others] = files
  if (file !== undefined && file === page) throw new WrongUse(`--html would overwrite the history ${file}.`)
  if (file !== undefined && others.length === 0) return file
  throw new WrongUse(file === undefined ? 'The file is missing.' : 'One file at a time.')
}

function wholeNumber(name: string, text: string): number {
  const number = Number(text)
  if (/^[0-9]+$/.test(text) && number >= 1 && Number.isSafeInteger(number)) return number
  throw new WrongUse(`${name} must be a whole number of 1 or more, and is ${JSON.stringify(text)}.`)
}
