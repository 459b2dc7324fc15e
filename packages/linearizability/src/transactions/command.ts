import { checkTransactions, findOptionProblem, type TransactionCheckOptions, type TransactionReport } from './check.ts'
import { type TransactionEvent, TransactionHistoryError, type TransactionModel } from './history.ts'
import { parseTransactions } from './json-lines.ts'
import type { ConsistencyModel } from './models.ts'
import { drawTransactionReport } from './picture.ts'
import { formatTransactionReport } from './report.ts'

/** What the command line says beside the file. */
export interface TransactionsCommandOptions {
  readonly model: TransactionModel
  /** Draw the page as well. */
  readonly html?: boolean
  /** Print the report as JSON instead of text. */
  readonly json?: boolean
  /** Take the order of processes and real time into account; true by default. */
  readonly realTime?: boolean
  /** What the store promises; by default strict serializability, or serializability without real time. */
  readonly expected?: ConsistencyModel
  readonly linearizableKeys?: boolean
}

/** What the command line prints, and how it ends. */
export interface TransactionsCommandResult {
  /** 0 where the history fits, 1 where it does not, 3 where it or the options cannot be judged. It is always decided. */
  readonly exitCode: 0 | 1 | 3
  /** The report, or with 3 what is wrong. */
  readonly output: string
  readonly html?: string
}

/** The work of the command line: a text of JSON lines in, a report and an exit code out. */
export function checkTransactionsText(text: string, options: TransactionsCommandOptions): TransactionsCommandResult {
  const { model, expected, linearizableKeys } = options
  const checkOptions: TransactionCheckOptions = {
    model,
    order: options.realTime === false ? 'none' : 'realtime',
    ...(expected === undefined ? {} : { expected }),
    ...(linearizableKeys === undefined ? {} : { linearizableKeys }),
  }
  const problem = findOptionProblem(checkOptions)
  if (problem !== undefined) return { exitCode: 3, output: `The options do not fit: ${problem}.\n` }
  let events: TransactionEvent[]
  let report: TransactionReport
  try {
    events = parseTransactions(text)
    report = checkTransactions(events, checkOptions)
  } catch (error) {
    if (error instanceof TransactionHistoryError)
      return { exitCode: 3, output: `${error.code} ${error.message}\n${error.hint}\n` }
    throw error
  }
  const output = options.json === true ? `${JSON.stringify(report)}\n` : formatTransactionReport(report)
  const exitCode = report.valid ? 0 : 1
  return options.html === true
    ? { exitCode, output, html: drawTransactionReport(events, report) }
    : { exitCode, output }
}
