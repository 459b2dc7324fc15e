import { type CheckResult, checkLinearizability } from './check.ts'
import { HistoryError } from './errors.ts'
import type { Failure } from './failure.ts'
import { parseHistory } from './history-codec.ts'
import type { AnyModel } from './model.ts'
import { MODEL_NAMES, modelByName } from './models/by-name.ts'
import { drawFailure } from './picture.ts'

/** What the command line says beside the file. */
export interface LinearizableCommandOptions {
  /** The name of a model; by default the one that the first line of the history names. */
  readonly model?: string
  /** Draw the page as well, if there is a failure to show. */
  readonly html?: boolean
  /** Print the result as JSON instead of text. */
  readonly json?: boolean
  readonly budget?: number
}

/** What the command line prints, and how it ends. */
export interface LinearizableCommandResult {
  /** 0 linearizable, 1 not, 2 undecided, 3 where the history or the options cannot be judged. */
  readonly exitCode: 0 | 1 | 2 | 3
  /** The result, or with 3 what is wrong. */
  readonly output: string
  readonly html?: string
}

/** The work of the command line: a text of JSON lines in, a result and an exit code out. */
export function checkHistoryText(text: string, options: LinearizableCommandOptions): LinearizableCommandResult {
  try {
    const { events, lines, model: named } = parseHistory(text)
    const name = options.model ?? named
    const model = name === undefined ? undefined : modelByName(name)
    if (model === undefined) return { exitCode: 3, output: `${modelProblem(name)}\n` }
    const budget = options.budget === undefined ? {} : { budget: options.budget }
    return resultOf(model, checkLinearizability(model, events, { lines, ...budget }), options)
  } catch (error) {
    if (error instanceof HistoryError) return { exitCode: 3, output: `${error.code} ${error.message}\n${error.hint}\n` }
    throw error
  }
}

function modelProblem(name: string | undefined): string {
  const known = `The models are ${MODEL_NAMES.join(', ')}.`
  return name === undefined
    ? `The history does not name its model, so --model must. ${known}`
    : `There is no model ${JSON.stringify(name)}. ${known}`
}

const EXIT_CODES = { linearizable: 0, 'not-linearizable': 1, undecided: 2 } as const

function resultOf(
  model: AnyModel,
  result: CheckResult,
  { html, json }: LinearizableCommandOptions,
): LinearizableCommandResult {
  const exitCode = EXIT_CODES[result.verdict]
  const output = json === true ? `${JSON.stringify(toJson(result))}\n` : formatResult(result)
  const { failure } = result
  return html === true && failure !== undefined
    ? { exitCode, output, html: drawFailure(model, failure) }
    : { exitCode, output }
}

/** Numbers in place of operations: whoever reads this has the history. */
function toJson({ failure, partitions, ...result }: CheckResult): object {
  return {
    ...result,
    partitions: partitions.map(({ name, verdict, operations, steps }) => ({ name, verdict, operations, steps })),
    ...(failure === undefined ? {} : { failure: failureToJson(failure) }),
  }
}

function failureToJson({ partition, prefixEvents, smallest, operation, placed, unplaced, text }: Failure): object {
  return {
    partition,
    prefixEvents,
    smallest,
    operation: operation.op,
    placed: placed.map((one) => one.operation.op),
    unplaced: unplaced.map(({ op }) => op),
    text,
  }
}

const MAX_NAMED = 10

function formatResult({ verdict, model, operations, steps, partitions, failure }: CheckResult): string {
  const size = `${count(operations, 'operation')}, ${count(partitions.length, 'part')}, ${count(steps, 'step')}`
  if (verdict === 'linearizable') return `The history is linearizable for the model ${model} (${size}).\n`
  if (failure !== undefined) return `The history is not linearizable (${size}).\n${failure.text}\n`
  const open = partitions.filter((partition) => partition.verdict === 'undecided').map(({ name }) => name)
  const named = open.slice(0, MAX_NAMED).map((name) => JSON.stringify(name))
  const more = open.length > MAX_NAMED ? `, and ${open.length - MAX_NAMED} more` : ''
  return `Undecided: the budget was used up (${size}). Not decided: ${named.join(', ')}${more}. A higher --budget may decide.\n`
}

const count = (number: number, thing: string): string => `${number} ${thing}${number === 1 ? '' : 's'}`
