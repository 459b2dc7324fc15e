import type { SearchOperation } from './core/event-list.ts'
import { HistoryModelError } from './errors.ts'
import type { Operation } from './history.ts'
import type { AnyModel } from './model.ts'

/** A part of a history that is judged apart from the others. */
export interface Partition {
  readonly name: string
  /** In the order of their calls, those that failed among them. */
  readonly operations: readonly Operation[]
}

/**
 * Splits a history the way the model says: it is linearizable when each part is (Herlihy and Wing 1990, theorem 1; Horn and Kroening
 * 2015).
 *
 * @throws HistoryModelError (`DSYS_HISTORY_MODEL`) when an operation is none of the model.
 */
export function partitionHistory(
  model: AnyModel,
  operations: readonly Operation[],
  lines: readonly number[] | undefined,
): Partition[] {
  const parts = new Map<string, Operation[]>()
  for (const operation of operations) {
    checkOperation(model, operation, lines)
    const name = model.partition === undefined ? operation.key : model.partition(operation.key, operation.input)
    const part = parts.get(name)
    if (part === undefined) parts.set(name, [operation])
    else part.push(operation)
  }
  return Array.from(parts, ([name, members]) => ({ name, operations: members }))
}

function checkOperation(model: AnyModel, operation: Operation, lines: readonly number[] | undefined): void {
  const { op, input, output, invokedAt, endedAt } = operation
  const report = (why: string, at: number): never => {
    throw new HistoryModelError(why, { model: model.name, operation: op, line: lines?.[at] })
  }
  const problem = model.problem?.(input, undefined)
  if (problem !== undefined) report(problem, invokedAt)
  if (output === undefined) return
  const worse = model.problem?.(input, output)
  if (worse !== undefined) report(worse, endedAt)
}

/** The operations of a part as the search takes them, as far as the history goes up to `before` (an index of its events). */
export function searchOperations(
  model: AnyModel,
  { operations }: Partition,
  before: number = Number.POSITIVE_INFINITY,
): SearchOperation[] {
  const taken: SearchOperation[] = []
  for (const { op, key, input, output, outcome, invokedAt, endedAt } of operations) {
    const ended = endedAt < before
    if (invokedAt >= before || (ended && outcome === 'fail')) continue
    const known = ended ? output : undefined
    const readOnly = model.readOnly?.(input, known) === true
    taken.push({ op, key, input, output: known, invokedAt, endedAt, readOnly })
  }
  return taken
}
