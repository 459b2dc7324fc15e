import { HistoryError } from '../errors.ts'
import { showJson } from '../json.ts'

/** A key of the store under test. The keys `1` and `'1'` are different. */
export type TransactionKey = string | number

/** What is appended or written. The values `1` and `'1'` are different; one key gets a value at most once in a history. */
export type TransactionValue = string | number

/** What a read returned: a list, a single value, or `undefined` for the initial state or an unknown result. */
export type ReadResult = readonly TransactionValue[] | TransactionValue | undefined

/**
 * One operation inside of a transaction: an append of a value to the list of a key, a write of a value to a key, or a read of a key.
 * The result of a read counts in an `ok` event only. There, `undefined` is the state before any write, for a list the same as `[]`.
 */
export type MicroOperation =
  | readonly ['append', TransactionKey, TransactionValue]
  | readonly ['w', TransactionKey, TransactionValue]
  | readonly ['r', TransactionKey, ReadResult?]

/** Lists that grow by appends, or registers that are written and read as a whole. */
export type TransactionModel = 'list-append' | 'register'

/**
 * A step of a client: it invoked a transaction, or learned what became of it. `unknown` means that the transaction may have taken effect
 * before, may do so at any later time, or never.
 */
export interface TransactionEvent {
  readonly type: 'invoke' | 'ok' | 'fail' | 'unknown'
  /** The client. It has at most one transaction under way. */
  readonly process: string | number
  /** The operations in their order. A completion without them repeats those of the invocation. */
  readonly value?: readonly MicroOperation[] | undefined
  /** The line of the file that the event was read from, for messages. */
  readonly line?: number
}

/** A transaction with its outcome, made of an invocation and the completion that belongs to it. */
export interface Transaction {
  /** From 1, in the order of the invocations. Texts call it T1, T2, and so on. */
  readonly number: number
  readonly process: string | number
  readonly outcome: 'ok' | 'fail' | 'unknown'
  readonly operations: readonly MicroOperation[]
  /** Position of the invocation in the list of events. */
  readonly invokedAt: number
  /** Position of the completion, `undefined` where the outcome is unknown: the transaction may still take effect. */
  readonly completedAt: number | undefined
}

/** What is wrong with an operation that came from a program, whose types nobody may have checked; `undefined` when it is fine. */
export function operationProblem([f, key, value]: MicroOperation): string | undefined {
  if (!isScalar(key)) return `a key is ${showJson(key)}, and must be a number or a text`
  const fits = f !== 'r' ? isScalar(value) : value === undefined || [value].flat().every(isScalar)
  return fits
    ? undefined
    : `a value of key ${showJson(key)} is ${showJson(value)}, and must be made of numbers or texts`
}

const isScalar = (value: unknown): boolean => typeof value === 'string' || Number.isFinite(value)

/**
 * The history of transactions cannot be judged: a line is not of the documented form, the events contradict each other, or two writes
 * are indistinguishable (`DSYS_HISTORY_TRANSACTIONS`). Nothing was checked.
 */
export class TransactionHistoryError extends HistoryError {
  constructor(why: string, line?: number) {
    super(why, {
      code: 'DSYS_HISTORY_TRANSACTIONS',
      hint: 'Correct the history; the form of a history of transactions is described in TRANSACTIONS-FORMAT.md of the package.',
      line,
    })
  }
}
