import { type PartialOrder, Search } from './core/search.ts'
import { describeOperation, describeState } from './describe.ts'
import type { Operation } from './history.ts'
import type { AnyModel } from './model.ts'
import { type Partition, searchOperations } from './partition.ts'

/** One operation in the longest order that was found. */
export interface PlacedOperation {
  readonly operation: Operation
  /** The state behind it, as the model describes it. */
  readonly state: string
}

/** Why a history is not linearizable. */
export interface Failure {
  /** The part that it was found in: the key, unless the model partitions otherwise. */
  readonly partition: string
  /** How many events of the history, from its beginning, are enough: its first `prefixEvents` events are not linearizable. */
  readonly prefixEvents: number
  /** Whether one event less would be linearizable. `false` only when the budget did not suffice to find out. */
  readonly smallest: boolean
  /** The operation whose end is the last event of the prefix: until then everything could be explained. */
  readonly operation: Operation
  /** The operations of this part that the prefix has, as far as it knows them: what ended later has an unknown outcome. */
  readonly operations: readonly Operation[]
  /**
   * The longest order that was found: of everything else that had returned, when the prefix is the smallest. It has `operation` itself
   * when nothing can be explained without the effect that it had, whatever it returned.
   */
  readonly placed: readonly PlacedOperation[]
  /** What returned and has no place in that order, or not with what it returned. Empty when `operation` failed. */
  readonly unplaced: readonly Operation[]
  /** All of it in a few sentences. */
  readonly text: string
}

/**
 * The smallest prefix of a part that is not linearizable. Histories are closed under prefixes: when one is not linearizable, none that
 * goes on from it is, so the place is found by halving. No search came past the return at `blockedAt`, and some search came up to it,
 * so what ends before it is linearizable; nearly always that return is the place itself.
 */
export function findFailure(
  model: AnyModel,
  partition: Partition,
  { blockedAt, budget }: { readonly blockedAt: number; readonly budget: number },
): Failure {
  const ends = partition.operations
    .filter(({ outcome, endedAt }) => outcome !== 'unknown' && endedAt >= blockedAt)
    .map(({ endedAt }) => endedAt)
    .sort((a, b) => a - b)
  // Invariant: what ends before `low` is linearizable, what ends at `high` is not.
  let low = 0
  let high = ends.length - 1
  let found: Search | undefined
  let smallest = true
  for (let next = 0; low < high; next = (low + high) >> 1) {
    const search = searchUpTo(model, partition, ends[next])
    const answer = search.run(budget)
    if (answer === 'no') [high, found] = [next, search]
    else if (answer === 'yes') low = next + 1
    else {
      smallest = false
      break
    }
  }
  const end = ends[high] as number
  const order = explainingOrder(model, partition, { end, budget }) ?? longestOrder(model, partition, { end, found })
  return describeFailure(model, partition, { end, smallest, order })
}

function searchUpTo(model: AnyModel, partition: Partition, end: number | undefined): Search {
  return new Search({ model, operations: searchOperations(model, partition, (end as number) + 1) })
}

/**
 * An order of everything in the prefix but the operation that ends it. It exists when the prefix is the smallest: without what that
 * operation did, or else with its effect, whatever it returned.
 */
function explainingOrder(
  model: AnyModel,
  partition: Partition,
  { end, budget }: { readonly end: number; readonly budget: number },
): PartialOrder | undefined {
  const before = searchOperations(model, partition, end)
  const others = before.filter(({ endedAt }) => endedAt !== end)
  for (const operations of [others, before]) {
    const search = new Search({ model, operations })
    if (search.run(budget) === 'yes') return search.longest
  }
  return undefined
}

/** Up to the last end it is the search that gave the verdict, so it takes no more steps than that one took. */
function longestOrder(
  model: AnyModel,
  partition: Partition,
  { end, found }: { readonly end: number; readonly found: Search | undefined },
): PartialOrder {
  const search = found ?? searchUpTo(model, partition, end)
  search.run(Number.POSITIVE_INFINITY)
  return search.longest
}

function describeFailure(
  model: AnyModel,
  partition: Partition,
  { end, smallest, order }: { readonly end: number; readonly smallest: boolean; readonly order: PartialOrder },
): Failure {
  const begun = partition.operations.filter(({ invokedAt }) => invokedAt <= end)
  const operations = begun.map((operation) => upTo(operation, end))
  const byNumber = new Map(operations.map((operation) => [operation.op, operation]))
  const placed = order.order.map((op, index) => ({
    operation: byNumber.get(op) as Operation,
    state: describeState(model, order.states[index]),
  }))
  const operation = operations.find(({ endedAt }) => endedAt === end) as Operation
  const places = new Set(order.order)
  const unplaced = operations.filter((one) => one.outcome === 'ok' && (one === operation || !places.has(one.op)))
  const failure = {
    partition: partition.name,
    prefixEvents: end + 1,
    smallest,
    operation,
    operations,
    placed,
    unplaced,
  }
  return { ...failure, text: explainFailure(model, failure) }
}

/** The operation as it was known when the event at `end` had happened. */
function upTo(operation: Operation, end: number): Operation {
  if (operation.endedAt <= end) return operation
  return {
    ...operation,
    outcome: 'unknown',
    output: undefined,
    endedAt: Number.POSITIVE_INFINITY,
    endTimeMs: undefined,
  }
}

const MAX_NAMED = 5

/** One part of many is called by its name; the only part of a model that judges everything at once has none. */
export const describePart = (name: string): string => (name === '' ? 'The history' : `The part ${JSON.stringify(name)}`)

function explainFailure(model: AnyModel, failure: Omit<Failure, 'text'>): string {
  const { operation, placed, unplaced } = failure
  const name = (one: Operation): string => `operation ${one.op} of ${one.client} (${describeOperation(model, one)})`
  const state = placed.at(-1)?.state ?? describeState(model, model.init())
  const [named, more] = [unplaced.slice(0, MAX_NAMED).map(name).join(', '), unplaced.length - MAX_NAMED]
  const needed = neededEffect(failure)
  return [
    `${describePart(failure.partition)} is not linearizable for the model ${model.name}.`,
    `Of the first ${failure.prefixEvents} events, which end with that of ${name(operation)}, it has no order.`,
    failure.smallest
      ? 'Without that end it has one.'
      : 'Fewer may have none either: the budget did not suffice to say.',
    `The longest order that was found has ${placed.length} operation${placed.length === 1 ? '' : 's'} and leads to the state ${state}.`,
    needed === undefined && unplaced.length > 0
      ? `It has no place for ${named}${more > 0 ? `, and ${more} more` : ''}.`
      : '',
    needed === undefined ? '' : `It needs the effect of ${name(operation)}, ${needed}.`,
  ]
    .filter((sentence) => sentence !== '')
    .join(' ')
}

/** Why the operation that ends the prefix does not fit although it has a place in the order; `undefined` when it has none. */
export function neededEffect({ operation, placed }: Pick<Failure, 'operation' | 'placed'>): string | undefined {
  if (!placed.some((one) => one.operation === operation)) return undefined
  return operation.outcome === 'fail' ? 'which failed' : 'but with another output'
}
