import { type Anomaly, AnomalyCollector, type AnomalyKind, ORDERS, type OrderSuffix } from './anomalies.ts'
import { findCycles } from './cycles.ts'
import { Explainer, explainCycle } from './explain.ts'
import { GraphBuilder } from './graph.ts'
import type { Transaction, TransactionEvent, TransactionModel } from './history.ts'
import { analyseLists } from './list-append.ts'
import {
  CONSISTENCY_MODELS,
  type ConsistencyModel,
  ruledOutModels,
  strongestPossible,
  weakestModels,
} from './models.ts'
import type { Analysis } from './observations.ts'
import { addProcessOrder, addRealTimeOrder } from './order-edges.ts'
import { pairTransactions } from './pairing.ts'
import { analyseRegisters } from './register.ts'

/** How a history of transactions is judged. */
export interface TransactionCheckOptions {
  readonly model: TransactionModel
  /**
   * Which order the transactions must respect beside their data: none, that of each process, or (the default) both that and real time.
   * Events stand in the order of real time.
   */
  readonly order?: 'none' | 'process' | 'realtime'
  /**
   * What the store promises: the report is valid unless the history rules it out. By default the strongest model that the order allows:
   * `serializable`, `strong-session-serializable` or `strict-serializable`.
   */
  readonly expected?: ConsistencyModel
  /**
   * Registers only: take for granted that each key by itself is linearizable, which orders many more versions. Findings then hold only
   * if that is so. False by default.
   */
  readonly linearizableKeys?: boolean
  /** How many anomalies of each kind the report explains; it counts all. From 1, by default 8. */
  readonly maxExamples?: number
}

/** The verdict on a history. It is plain data. */
export interface TransactionReport {
  /** Whether the history fits the expected model, as far as it shows. */
  readonly valid: boolean
  readonly expected: ConsistencyModel
  readonly model: TransactionModel
  readonly order: 'none' | 'process' | 'realtime'
  readonly linearizableKeys: boolean
  /** `seen` are those of unknown outcome whose writes were read, so that they did take effect. */
  readonly transactions: {
    readonly total: number
    readonly ok: number
    readonly failed: number
    readonly unknown: number
    readonly seen: number
  }
  /** How many of each kind were found; of cycles, in how many groups of entangled transactions. */
  readonly counts: Readonly<Partial<Record<AnomalyKind, number>>>
  /** The first few of each kind, the worst kind first. */
  readonly anomalies: readonly Anomaly[]
  /** All consistency models that the history rules out, the weakest first. */
  readonly ruledOut: readonly ConsistencyModel[]
  /** Those of them that imply no other of them. */
  readonly weakestRuledOut: readonly ConsistencyModel[]
  /** The strongest models that the history does not speak against. */
  readonly strongestPossible: readonly ConsistencyModel[]
}

const DEFAULT_EXAMPLES = 8

const STRONGEST: Readonly<Record<'none' | 'process' | 'realtime', ConsistencyModel>> = {
  none: 'serializable',
  process: 'strong-session-serializable',
  realtime: 'strict-serializable',
}

/**
 * Judges a history of transactions: names the anomalies, proves each by the transactions that show it, and says which consistency models
 * the history rules out. What it reports is certain; an empty report says that this history shows nothing, not that the store is right.
 * For lists that is decisive: a history of lists without an anomaly has an order of its transactions that explains every read.
 *
 * After Kingsbury and Alvaro, "Elle: Inferring Isolation Anomalies from Experimental Observations" (VLDB 2020), with Adya's classes. The
 * time grows in proportion to the history as long as it holds no anomaly.
 *
 * Throws a TransactionHistoryError (`DSYS_HISTORY_TRANSACTIONS`) for a history that cannot be judged, a RangeError for options out of
 * range.
 */
export function checkTransactions(
  events: readonly TransactionEvent[],
  options: TransactionCheckOptions,
): TransactionReport {
  const { model, order = 'realtime', linearizableKeys = false } = options
  const expected = options.expected ?? STRONGEST[order]
  const problem = findOptionProblem(options)
  if (problem !== undefined) throw new RangeError(problem)
  const transactions = pairTransactions(events, model)
  const analysis: Analysis = {
    transactions,
    graph: new GraphBuilder(transactions.length),
    found: new AnomalyCollector(options.maxExamples ?? DEFAULT_EXAMPLES),
    committed: transactions.map(({ outcome }) => outcome === 'ok'),
  }
  if (model === 'list-append') analyseLists(analysis)
  else analyseRegisters(analysis, linearizableKeys)
  addCycles(analysis, model, order)

  const counts = analysis.found.counts()
  const ruledOut = ruledOutModels(Object.keys(counts) as AnomalyKind[])
  return {
    valid: !ruledOut.includes(expected),
    expected,
    model,
    order,
    linearizableKeys,
    transactions: countOutcomes(transactions, analysis.committed),
    counts,
    anomalies: analysis.found.anomalies(),
    ruledOut,
    weakestRuledOut: weakestModels(ruledOut),
    strongestPossible: strongestPossible(ruledOut),
  }
}

/** What is wrong with the options, or `undefined`. For a command line, which takes them from a person. */
export function findOptionProblem(options: TransactionCheckOptions): string | undefined {
  const { model, order = 'realtime', linearizableKeys, maxExamples = DEFAULT_EXAMPLES } = options
  if (model !== 'list-append' && model !== 'register') return `model is ${model}; it is list-append or register`
  if (!Object.hasOwn(STRONGEST, order)) return `order is ${order}; it is none, process or realtime`
  const expected = options.expected ?? STRONGEST[order]
  if (!CONSISTENCY_MODELS.includes(expected))
    return `expected is ${expected}; it is one of ${CONSISTENCY_MODELS.join(', ')}`
  if (!Number.isInteger(maxExamples) || maxExamples < 1) return `maxExamples is ${maxExamples}; it is an integer from 1`
  if (linearizableKeys === true && model !== 'register')
    return 'linearizableKeys is for registers; a list shows its order'
  const needed = expected.startsWith('strong-session-')
    ? 'process'
    : expected.startsWith('strong-') || expected === 'strict-serializable'
      ? 'realtime'
      : 'none'
  const orders = Object.keys(STRONGEST)
  return orders.indexOf(order) < orders.indexOf(needed)
    ? `order is ${order}, but whether a history is ${expected} depends on the order ${needed}`
    : undefined
}

function addCycles({ transactions, committed, graph, found }: Analysis, model: TransactionModel, order: string): void {
  if (order !== 'none') addProcessOrder(graph, transactions, committed)
  if (order === 'realtime') addRealTimeOrder(graph, transactions, committed)
  const orders: readonly OrderSuffix[] = order === 'realtime' ? ORDERS : order === 'process' ? ['', '-process'] : ['']
  const built = graph.build()
  const explainer = new Explainer(transactions, model)
  for (const cycle of findCycles(built, orders)) {
    found.add(cycle.kind, () => {
      const steps = explainer.steps(built, cycle)
      return {
        transactions: steps.map(({ from }) => from),
        explanation: explainCycle(cycle.kind, steps),
        cycle: steps,
      }
    })
  }
}

function countOutcomes(
  transactions: readonly Transaction[],
  committed: readonly boolean[],
): TransactionReport['transactions'] {
  const count = (wanted: Transaction['outcome']): number =>
    transactions.filter(({ outcome }) => outcome === wanted).length
  const seen = transactions.filter(({ outcome }, node) => outcome === 'unknown' && committed[node]).length
  return { total: transactions.length, ok: count('ok'), failed: count('fail'), unknown: count('unknown'), seen }
}
