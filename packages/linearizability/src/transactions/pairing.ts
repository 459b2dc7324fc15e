import { showJson } from '../json.ts'
import {
  type MicroOperation,
  operationProblem,
  type Transaction,
  type TransactionEvent,
  TransactionHistoryError,
  type TransactionKey,
  type TransactionModel,
  type TransactionValue,
} from './history.ts'

interface Open {
  readonly slot: number
  readonly event: TransactionEvent
  readonly at: number
}

/** Joins invocations with their completions, in the order of the invocations. An invocation without a completion has an unknown outcome. */
export function pairTransactions(events: readonly TransactionEvent[], model: TransactionModel): Transaction[] {
  const transactions: (Transaction | undefined)[] = []
  const open = new Map<string | number, Open>()
  const finish = (
    { slot, event, at }: Open,
    outcome: Transaction['outcome'],
    end?: TransactionEvent,
    completedAt?: number,
  ) => {
    const operations = end?.value ?? event.value ?? []
    const { process } = event
    transactions[slot] = { number: slot + 1, process, outcome, operations, invokedAt: at, completedAt }
  }
  events.forEach((event, at) => {
    checkOperations(event, at, model)
    const pending = open.get(event.process)
    if (event.type === 'invoke') {
      if (pending !== undefined)
        throw wrong(event, at, `the process ${showJson(event.process)} has a transaction under way`)
      open.set(event.process, { slot: transactions.push(undefined) - 1, event, at })
      return
    }
    if (pending === undefined)
      throw wrong(event, at, `the process ${showJson(event.process)} has no transaction under way`)
    checkCompletion(pending.event, event, at)
    open.delete(event.process)
    finish(pending, event.type, event, event.type === 'unknown' ? undefined : at)
  })
  for (const pending of open.values()) finish(pending, 'unknown')
  const paired = transactions.filter((transaction) => transaction !== undefined)
  checkUnique(paired, events)
  return paired
}

function checkOperations(event: TransactionEvent, at: number, model: TransactionModel): void {
  const write = model === 'list-append' ? 'append' : 'w'
  for (const operation of event.value ?? []) {
    const problem = operationProblem(operation)
    if (problem !== undefined) throw wrong(event, at, problem)
    const [f, , result] = operation
    if (f !== 'r' && f !== write)
      throw wrong(event, at, `the operation ${showJson(operation)} does not belong to the model ${model}`)
    if (f !== 'r' || result === undefined || event.type !== 'ok') continue
    if (Array.isArray(result) !== (model === 'list-append'))
      throw wrong(event, at, `the result of ${showJson(operation)} does not belong to the model ${model}`)
  }
}

/** The completion may add operations that were not known at the invocation; those that were are the same. */
function checkCompletion(invocation: TransactionEvent, completion: TransactionEvent, at: number): void {
  if (completion.value === undefined) {
    if (completion.type === 'ok' && (invocation.value ?? []).some(([f]) => f === 'r'))
      throw wrong(completion, at, 'a transaction with reads that is ok has no "value" with their results')
    return
  }
  invocation.value?.forEach((invoked, i) => {
    const completed = completion.value?.[i]
    if (completed === undefined || !isSame(invoked, completed))
      throw wrong(
        completion,
        at,
        `the invocation has ${showJson(invoked)} where the completion has ${completed === undefined ? 'nothing' : showJson(completed)}`,
      )
  })
}

const isSame = (invoked: MicroOperation, completed: MicroOperation): boolean =>
  invoked[0] === completed[0] && invoked[1] === completed[1] && (invoked[0] === 'r' || invoked[2] === completed[2])

/** The checker recognises a version by its value, so no two writes to one key may be alike. */
function checkUnique(transactions: readonly Transaction[], events: readonly TransactionEvent[]): void {
  const written = new Map<TransactionKey, Map<TransactionValue, number>>()
  for (const { operations, number, invokedAt } of transactions) {
    for (const [f, key, value] of operations) {
      if (f === 'r') continue
      const values = written.get(key) ?? new Map<TransactionValue, number>()
      written.set(key, values)
      const earlier = values.get(value)
      if (earlier !== undefined) {
        const event = events[invokedAt] as TransactionEvent
        const both = earlier === number ? `T${number} twice` : `T${earlier} and by T${number}`
        throw wrong(event, invokedAt, `the value ${showJson(value)} of key ${showJson(key)} is written by ${both}`)
      }
      values.set(value, number)
    }
  }
}

function wrong(event: TransactionEvent, at: number, why: string): TransactionHistoryError {
  return event.line === undefined
    ? new TransactionHistoryError(`event ${at}: ${why}`)
    : new TransactionHistoryError(why, event.line)
}
