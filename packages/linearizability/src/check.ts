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
    return { partition, search: undefined, verdict: 'undecided', steps: 0, order: undefined }
  })
  runAll(untyped, runs, budget)
  const failed = runs.find(({ verdict }) => verdict === 'not-linearizable')
  const verdict =
    failed?.verdict ?? (runs.every((run) => run.verdict === 'linearizable') ? 'linearizable' : 'undecided')
  const blockedAt = failed?.search?.blockedAt ?? -1
  return {
    verdict,
    model: model.name,
    operations: operations.length,
    steps: runs.reduce((sum, { steps }) => sum + steps, 0),
    partitions: runs.map(toResult),
    failure: failed && findFailure(untyped, failed.partition, { blockedAt, budget }),
  }
}

interface Run {
  readonly partition: Partition
  /** Made when its turn comes, and let go when there is an order: a history may have many keys. */
  search: Search | undefined
  verdict: Verdict
  steps: number
  order: readonly number[] | undefined
}

/** The steps of the first round; each later one has four times as many. */
const FIRST_ROUND_STEPS = 50_000

/**
 * In rounds, so that one part that is hard does not use up what the others need: a violation anywhere decides the whole. Ends with the
 * first one.
 */
function runAll(model: AnyModel, runs: readonly Run[], budget: number): void {
  let spent = 0
  for (let limit = FIRST_ROUND_STEPS; ; limit *= 4) {
    for (const run of runs) {
      if (run.verdict !== 'undecided') continue
      const before = run.steps
      const verdict = continueRun(model, run, Math.min(limit, before + budget - spent))
      spent += run.steps - before
      if (verdict === 'not-linearizable' || spent >= budget) return
    }
    if (runs.every(({ verdict }) => verdict !== 'undecided')) return
  }
}

function continueRun(model: AnyModel, run: Run, limit: number): Verdict {
  run.search ??= new Search({ model, operations: searchOperations(model, run.partition) })
  const answer = run.search.run(limit)
  run.steps = run.search.steps
  if (answer === 'no') run.verdict = 'not-linearizable'
  if (answer === 'yes') {
    run.verdict = 'linearizable'
    run.order = run.search.longest.order
    run.search = undefined
  }
  return run.verdict
}

function toResult({ partition, verdict, steps, order }: Run): PartitionResult {
  return { name: partition.name, verdict, operations: partition.operations.length, steps, order }
}
