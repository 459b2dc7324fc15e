import type { CycleClass, CycleKind, CycleStep } from './anomalies.ts'
import type { Cycle } from './cycles.ts'
import { type Graph, ONWARD, type Reason, relationName } from './graph.ts'
import type { MicroOperation, Transaction, TransactionKey, TransactionModel, TransactionValue } from './history.ts'
import { nameOf, show, showList } from './observations.ts'

/** Turns cycles of edges into sentences. */
export class Explainer {
  readonly #transactions: readonly Transaction[]
  readonly #model: TransactionModel

  constructor(transactions: readonly Transaction[], model: TransactionModel) {
    this.#transactions = transactions
    this.#model = model
  }

  /** The steps of a cycle from transaction to transaction; edges through junctions are joined. */
  steps(graph: Graph, { edges }: Cycle): CycleStep[] {
    const steps: CycleStep[] = []
    let i = 0
    while (i < edges.length) {
      const first = edges[i] as number
      let last = first
      while (++i < edges.length && graph.relation[edges[i] as number] === ONWARD) last = edges[i] as number
      const from = graph.source[first] as number
      const to = graph.target[last] as number
      const reason = joined(graph.reasons[first], graph.reasons[last])
      const step = { from: from + 1, to: to + 1, relation: relationName(graph.relation[first] as number) }
      const why = this.#why(step, reason)
      const before = steps.at(-1)
      // Real time and the order of a process are transitive, so two such steps in a row are one.
      if (before !== undefined && reason === undefined && before.relation === step.relation) {
        const whole = { ...step, from: before.from }
        steps[steps.length - 1] = { ...whole, why: this.#why(whole, undefined) }
      } else steps.push(reason === undefined ? { ...step, why } : { ...step, key: reason.key, why })
    }
    return steps
  }

  #why({ from, to, relation }: Omit<CycleStep, 'why'>, reason: Reason | undefined): string {
    const [first, second] = [this.#transactions[from - 1], this.#transactions[to - 1]] as [Transaction, Transaction]
    if (relation === 'process')
      return `T${from} completed before T${to} was invoked, both by process ${show(first.process)}.`
    if (relation === 'realtime' || reason === undefined)
      return `T${from} completed (event ${first.completedAt}) before T${to} was invoked (event ${second.invokedAt}).`
    return this.#model === 'list-append'
      ? this.#whyList(from, to, relation, reason)
      : this.#whyRegister(from, to, relation, reason)
  }

  #whyList(from: number, to: number, relation: string, { key, before, after }: Reason): string {
    const name = show(key)
    if (relation === 'wr') {
      const list = this.#listOf(to, key, (read) => read.includes(after))
      return `T${to} read ${list} of ${name}, which holds the ${show(after)} that T${from} appended.`
    }
    const witness = this.#witness(key, before, after)
    if (relation === 'rw') {
      const list = this.#listOf(from, key, (read) => !read.includes(after))
      const how = witness === undefined ? 'which no read saw' : `which stands behind that in the ${witness}`
      return `T${from} read ${list} of ${name} without the ${show(after)} that T${to} appended, ${how}.`
    }
    const both = `T${from} appended ${show(before)} to ${name} and T${to} appended ${show(after)}`
    return witness === undefined
      ? `${both}; others read the ${show(before)} and nobody else the ${show(after)}, so that one comes later.`
      : `${both} behind it, as the ${witness} shows.`
  }

  #whyRegister(from: number, to: number, relation: string, { key, before, after }: Reason): string {
    const name = show(key)
    if (relation === 'wr') return `T${to} read the ${show(after)} of ${name} that T${from} wrote.`
    const version = before === undefined ? 'the initial state' : show(before)
    if (relation === 'rw')
      return `T${from} read ${version} of ${name}, which came before the ${show(after)} that T${to} wrote.`
    return `T${from} wrote ${version} to ${name}, which came before the ${show(after)} that T${to} wrote.`
  }

  /** A list that this transaction read, in short. */
  #listOf(number: number, key: TransactionKey, fits: (list: readonly TransactionValue[]) => boolean): string {
    const lists = readsOf(this.#transactions[number - 1], key)
    return showList(lists.find(fits) ?? lists[0] ?? [])
  }

  /** A read that holds the second element, behind the first. */
  #witness(key: TransactionKey, before: TransactionValue | undefined, after: TransactionValue): string | undefined {
    for (const transaction of this.#transactions) {
      for (const list of readsOf(transaction, key)) {
        const at = list.indexOf(after)
        if (at < 0 || (before !== undefined && !list.slice(0, at).includes(before))) continue
        if (transaction.operations.some(([f, other, value]) => f !== 'r' && other === key && value === after)) continue
        return `${showList(list)} that ${nameOf(transaction.number - 1)} read`
      }
    }
    return undefined
  }
}

function joined(first: Reason | undefined, last: Reason | undefined): Reason | undefined {
  return first === undefined || last === undefined ? first : { ...first, after: last.after }
}

function readsOf(transaction: Transaction | undefined, key: TransactionKey): (readonly TransactionValue[])[] {
  if (transaction?.outcome !== 'ok') return []
  return transaction.operations
    .filter(([f, other]) => f === 'r' && other === key)
    .map(([, , result]) => (Array.isArray(result) ? (result as readonly TransactionValue[]) : []))
}

const CLASSES: Readonly<Record<CycleClass, string>> = {
  G0: 'Writes of these transactions are interleaved',
  G1c: 'Information flows in a circle among these transactions',
  'G-single': 'One of these transactions read a state that others of them had already changed',
  'G-nonadjacent': 'Several of these transactions read states that others of them had already changed',
  'G2-item': 'These transactions read what others of them changed at the same time, and none saw the other',
}

/** What a class of cycle means, and that there is no way out. */
export function explainCycle(kind: CycleKind, steps: readonly CycleStep[]): string {
  const name = kind.replace(/-(?:process|realtime)$/, '') as CycleClass
  const against = kind.endsWith('-process')
    ? ', against the order of a process'
    : kind.endsWith('-realtime')
      ? ', against the order in real time'
      : ''
  const circle = [...steps.map(({ from }) => `T${from}`), `T${steps[0]?.from}`].join(' before ')
  return `${CLASSES[name]}${against}. ${steps.map(({ why }) => why).join(' ')} So ${circle}, which cannot be.`
}

/** The operations of a transaction as text. */
export function showOperations(operations: readonly MicroOperation[], outcome: Transaction['outcome']): string[] {
  return operations.map(([f, key, value]) => {
    if (f === 'append') return `append ${show(value)} to ${show(key)}`
    if (f === 'w') return `write ${show(value)} to ${show(key)}`
    if (outcome !== 'ok') return `read ${show(key)}`
    const result = Array.isArray(value)
      ? showList(value as readonly TransactionValue[])
      : value === undefined
        ? 'nothing'
        : show(value)
    return `read ${show(key)}: ${result}`
  })
}
