import { HistoryFormatError } from './errors.ts'
import type { HistoryEvent } from './history.ts'
import { type Json, showJson } from './json.ts'
import { readJsonLines } from './json-lines.ts'

/** The name of the format, in the first line of every history that {@link formatHistory} writes. */
export const HISTORY_FORMAT = 'dsys-history/1'

/** A history as it stands in a text. */
export interface ParsedHistory {
  readonly events: readonly HistoryEvent[]
  /** The line of each event, from 1. */
  readonly lines: readonly number[]
  /** The model that the first line names, if it does. */
  readonly model: string | undefined
}

/** The history as JSON lines: see HISTORY-FORMAT.md. */
export function formatHistory(events: readonly HistoryEvent[], options: { readonly model?: string } = {}): string {
  const header = { format: HISTORY_FORMAT, ...(options.model === undefined ? {} : { model: options.model }) }
  return [header, ...events].map((line) => `${JSON.stringify(line)}\n`).join('')
}

/**
 * Reads JSON lines: see HISTORY-FORMAT.md. Empty lines are passed over, and so are fields that the format does not know.
 *
 * @throws HistoryFormatError (`DSYS_HISTORY_FORMAT`) with the number of the first line that is wrong.
 */
export function parseHistory(text: string): ParsedHistory {
  const events: HistoryEvent[] = []
  const lines: number[] = []
  let model: string | undefined
  let first = true
  const fail = (why: string, line: number, cause?: unknown): never => {
    throw new HistoryFormatError(why, line, cause)
  }
  for (const { line, record } of readJsonLines(text, fail)) {
    const fields = new Fields(record, line)
    if (first && fields.has('format')) model = readHeader(fields)
    else {
      events.push(readEvent(fields))
      lines.push(line)
    }
    first = false
  }
  return { events, lines, model }
}

function readHeader(fields: Fields): string | undefined {
  const format = fields.text('format')
  if (format !== HISTORY_FORMAT) fields.fail(`the format is ${showJson(format)}, and only "${HISTORY_FORMAT}" is known`)
  return fields.has('model') ? fields.text('model') : undefined
}

function readEvent(fields: Fields): HistoryEvent {
  const type = fields.text('type')
  const op = fields.operation()
  const time = fields.has('timeMs') ? { timeMs: fields.number('timeMs') } : {}
  switch (type) {
    case 'invoke': {
      const [client, key] = [fields.text('client'), fields.text('key')]
      return { type, op, client, key, input: fields.json('input'), ...time }
    }
    case 'ok':
      return { type, op, output: fields.json('output'), ...time }
    case 'fail':
    case 'unknown':
      return { type, op, ...time }
    default:
      return fields.fail(`the type is ${showJson(type)}, and must be one of invoke, ok, fail, unknown`)
  }
}

/** The fields of one line, each read with a check. */
class Fields {
  readonly #value: Readonly<Record<string, unknown>>
  readonly #line: number

  constructor(value: Readonly<Record<string, unknown>>, line: number) {
    this.#value = value
    this.#line = line
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#value, name)
  }

  json(name: string): Json {
    const value = this.has(name) ? this.#value[name] : undefined
    return value === undefined ? this.fail(`has no "${name}"`) : (value as Json)
  }

  text(name: string): string {
    const value = this.json(name)
    return typeof value === 'string' ? value : this.fail(`"${name}" must be a text, and is ${showJson(value)}`)
  }

  number(name: string): number {
    const value = this.json(name)
    return typeof value === 'number' ? value : this.fail(`"${name}" must be a number, and is ${showJson(value)}`)
  }

  operation(): number {
    const value = this.json('op')
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
    return this.fail(`"op" must be a whole number of 0 or more, and is ${showJson(value)}`)
  }

  fail(why: string): never {
    throw new HistoryFormatError(why, this.#line)
  }
}
