import { showJson } from '../json.ts'
import { readJsonLines } from '../json-lines.ts'
import {
  type MicroOperation,
  type ReadResult,
  type TransactionEvent,
  TransactionHistoryError,
  type TransactionKey,
  type TransactionValue,
} from './history.ts'

const TYPES: Readonly<Record<string, TransactionEvent['type']>> = {
  invoke: 'invoke',
  ok: 'ok',
  fail: 'fail',
  unknown: 'unknown',
  // Jepsen's word for an unknown outcome.
  info: 'unknown',
}

const FUNCTIONS: Readonly<Record<string, MicroOperation[0]>> = {
  append: 'append',
  w: 'w',
  write: 'w',
  r: 'r',
  read: 'r',
}

/**
 * Reads a history of transactions from JSON lines; TRANSACTIONS-FORMAT.md describes them. Empty lines are skipped, and so are events that
 * are no transaction (`f` is something else than `txn`).
 *
 * @throws TransactionHistoryError (`DSYS_HISTORY_TRANSACTIONS`) with the line that is wrong.
 */
export function parseTransactions(text: string): TransactionEvent[] {
  const events: TransactionEvent[] = []
  let lastIndex: number | undefined
  const fail = (why: string, line: number): never => {
    throw wrong(line, why)
  }
  for (const { line, record } of readJsonLines(text, fail)) {
    if (record['f'] !== undefined && record['f'] !== null && record['f'] !== 'txn') continue
    lastIndex = checkIndex(record['index'], lastIndex, line)
    events.push(parseEvent(record, line))
  }
  return events
}

/**
 * Writes a history as JSON lines, in the form that `parseTransactions` reads and that elle-cli reads as well.
 * With `unknownAs: 'info'` an unknown outcome gets Jepsen's word, as elle-cli expects it.
 */
export function formatTransactions(
  events: readonly TransactionEvent[],
  options: { readonly unknownAs?: 'unknown' | 'info' } = {},
): string {
  const unknown = options.unknownAs ?? 'unknown'
  return events
    .map(({ type, process, value }, index) => {
      const operations = value?.map(([f, key, result]) => [f, key, result ?? null])
      const written = type === 'unknown' ? unknown : type
      return `${JSON.stringify({ index, type: written, process, f: 'txn', value: operations ?? null })}\n`
    })
    .join('')
}

type Fields = Readonly<Record<string, unknown>>

/** An index that does not grow tells that lines were lost in sorting; the order of the lines is the order in real time. */
function checkIndex(index: unknown, last: number | undefined, line: number): number | undefined {
  if (index === undefined || index === null) return last
  if (typeof index !== 'number') throw wrong(line, '"index" is not a number')
  if (last !== undefined && index <= last)
    throw wrong(line, `"index" is ${index} after ${last}; events are in the order of time`)
  return index
}

function parseEvent(record: Fields, line: number): TransactionEvent {
  const { type, process, value } = record
  const known = typeof type === 'string' && Object.hasOwn(TYPES, type) ? TYPES[type] : undefined
  if (known === undefined) throw wrong(line, `"type" is ${show(type)}; it is "invoke", "ok", "fail" or "unknown"`)
  if (!isScalar(process)) throw wrong(line, `"process" is ${show(process)}; it is a number or a string`)
  if (value === undefined || value === null) {
    if (known === 'invoke') throw wrong(line, 'an invocation has no "value"; it is the list of operations')
    return { type: known, process, line }
  }
  if (!Array.isArray(value)) throw wrong(line, `"value" is ${show(value)}; it is the list of operations`)
  return { type: known, process, value: value.map((operation) => parseOperation(operation, line)), line }
}

function parseOperation(operation: unknown, line: number): MicroOperation {
  if (!Array.isArray(operation) || operation.length < 2 || operation.length > 3)
    throw wrong(line, `the operation ${show(operation)} is not [function, key, value]`)
  const [name, key, value] = operation as unknown[]
  const f = typeof name === 'string' && Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined
  if (f === undefined) throw wrong(line, `the operation ${show(operation)} is neither "append" nor "w" nor "r"`)
  if (!isScalar(key)) throw wrong(line, `the key of ${show(operation)} is not a number or a string`)
  if (f === 'r') return ['r', key, parseResult(value, operation, line)]
  if (!isScalar(value)) throw wrong(line, `the value of ${show(operation)} is not a number or a string`)
  return [f, key, value]
}

function parseResult(value: unknown, operation: unknown, line: number): ReadResult {
  if (value === undefined || value === null) return undefined
  if (isScalar(value)) return value
  if (Array.isArray(value) && value.every(isScalar)) return value
  throw wrong(line, `the result of ${show(operation)} is not a list of numbers or strings, nor one of them, nor null`)
}

const isScalar = (value: unknown): value is TransactionKey & TransactionValue =>
  typeof value === 'string' || typeof value === 'number'

const show = (value: unknown): string => (value === undefined ? 'missing' : showJson(value))

const wrong = (line: number, why: string): TransactionHistoryError => new TransactionHistoryError(why, line)
