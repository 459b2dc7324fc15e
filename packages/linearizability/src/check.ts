import { Search } from './core/search.ts'
import { type Failure, findFailure } from './failure.ts'
import { collectOperations, type HistoryEvent } from './history.ts'
import type { AnyModel, Model } from './model.ts'
import { type CheckOptions, checkOptions } from './options.ts'
import { type Partition, partitionHistory, searchOperations } from './partition.ts'

/**
 * `linearizable`: there is an order. `not-linearizable`: there is none, every one was excluded. `undecided`: the budget was used up
 * before either was certain.
 */
export type Verdict = 'linearizable' | 'not-linearizable' | 'undecided'

/** What was found about one part of a history. */
export interface PartitionResult {
  /** The key, unless the model partitions otherwise. */
  readonly name: string
  readonly verdict: Verdict
  readonly operations: number
  readonly steps: number
  /**
   * With `linearizable` an order that proves it: the numbers of all operations that returned, and of those of unknown outcome that
   * must have taken effect. Else `undefined`.
   */
  readonly order: readonly number[] | undefined
}

/** The verdict about a history. */
export interface CheckResult {
  readonly verdict: Verdict
  readonly model: string
  readonly operations: number
  readonly steps: number
  /** In the order in which they first appear. When one is not linearizable, others may be left undecided. */
  readonly partitions: readonly PartitionResult[]
  /** Why not, with `not-linearizable`. */
  readonly failure: Failure | undefined
}

/**
 * Decides whether a history is linearizable for a model: whether every operation can be given one instant between its call and its
 * return, so that in the order of these instants one client alone could have seen all of it.
 *
 * Operations of unknown outcome may take effect at any time after their call, or never; failed ones never did. The same history gives
 * the same result, always.
 *
 * @throws HistoryOrderError (`DSYS_HISTORY_ORDER`), HistoryModelError (`DSYS_HISTORY_MODEL`); RangeError for the options.
 */
export function checkLinearizability<State, Input, Output>(
  model: Model<State, Input, Output>,
  history: readonly HistoryEvent[],
  options: CheckOptions & { readonly lines?: readonly number[] } = {},
): CheckResult {
  const { budget } = checkOptions(options)
  const untyped = model as AnyModel
  const operations = collectOperations(history, options.lines)
  const runs = partitionHistory(untyped, operations, options.lines).map((partition): Run => {
    const search = new Search({ model: untyped, operations: searchOperations(untyped, partition) })
    return { partition, search, verdict: 'undecided' }
  })
  runAll(runs, budget)
  const failed = runs.find(({ verdict }) => verdict === 'not-linearizable')
  const verdict =
    failed?.verdict ?? (runs.every((run) => run.verdict === 'linearizable') ? 'linearizable' : 'undecided')
  return {
    verdict,
    model: model.name,
    operations: operations.length,
    steps: stepsOf(runs),
    partitions: runs.map(toResult),
    failure: failed && findFailure(untyped, failed.partition, { blockedAt: failed.search.blockedAt, budget }),
  }
}

interface Run {
  readonly partition: Partition
  readonly search: Search
  verdict: Verdict
}

/** The steps of the first round; each later one has four times as many. */
const FIRST_ROUND_STEPS = 50_000

/**
 * In rounds, so that one part that is hard does not use up what the others need: a violation anywhere decides the whole. Ends with the
 * first one.
 */
function runAll(runs: readonly Run[], budget: number): void {
  let spent = 0
  for (let limit = FIRST_ROUND_STEPS; ; limit *= 4) {
    for (const run of runs) {
      if (run.verdict !== 'undecided') continue
      const before = run.search.steps
      const answer = run.search.run(Math.min(limit, before + budget - spent))
      spent += run.search.steps - before
      if (answer === 'yes') run.verdict = 'linearizable'
      if (answer === 'no') run.verdict = 'not-linearizable'
      if (answer === 'no' || spent >= budget) return
    }
    if (runs.every(({ verdict }) => verdict !== 'undecided')) return
  }
}

const stepsOf = (runs: readonly Run[]): number => runs.reduce((sum, { search }) => sum + search.steps, 0)

function toResult({ partition, search, verdict }: Run): PartitionResult {
  return {
    name: partition.name,
    verdict,
    operations: partition.operations.length,
    steps: search.steps,
    order: verdict === 'linearizable' ? search.longest.order : undefined,
  }
}
