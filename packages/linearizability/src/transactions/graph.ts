import type { Relation } from './anomalies.ts'
import type { TransactionKey, TransactionValue } from './history.ts'

/** Bits of the relations, so that a set of them is a number. */
export const WW = 1
export const WR = 2
export const RW = 4
export const PROCESS = 8
export const REALTIME = 16
/** An edge out of a junction: it goes on with the relation that led into the junction. */
export const ONWARD = 32

const NAMES: Readonly<Record<number, Relation>> = {
  [WW]: 'ww',
  [WR]: 'wr',
  [RW]: 'rw',
  [PROCESS]: 'process',
  [REALTIME]: 'realtime',
}

export const relationName = (bit: number): Relation => NAMES[bit] as Relation

/** What an edge rests on, for the explanation. */
export interface Reason {
  readonly key: TransactionKey
  /** The version that the first transaction wrote or read; `undefined` is the initial state. */
  readonly before: TransactionValue | undefined
  /** The version that the second transaction wrote or read. */
  readonly after: TransactionValue
}

/** A transaction that comes before others, with the version that it read or wrote. */
export interface Source {
  readonly node: number
  readonly before: TransactionValue | undefined
}

/** A transaction that comes after others, with the version that it wrote. */
export interface Target {
  readonly node: number
  readonly after: TransactionValue
}

/**
 * Nodes are transactions, by their position in the list, and junctions behind them. A junction stands for many edges: every
 * transaction with an edge into it comes before every transaction that is reached from it. That keeps the number of edges linear
 * where each of many transactions comes before each of many others.
 */
export class GraphBuilder {
  readonly transactionCount: number
  readonly #from: number[] = []
  readonly #to: number[] = []
  readonly #relation: number[] = []
  readonly #reasons: (Reason | undefined)[] = []
  #nodeCount: number

  constructor(transactionCount: number) {
    this.transactionCount = transactionCount
    this.#nodeCount = transactionCount
  }

  junction(): number {
    return this.#nodeCount++
  }

  /** An edge from a transaction to itself says nothing and is left out. */
  edge(from: number, to: number, relation: number, reason?: Reason): void {
    if (from === to) return
    this.#from.push(from)
    this.#to.push(to)
    this.#relation.push(relation)
    this.#reasons.push(reason)
  }

  /** Every source comes before every target, but not before itself; a node may be given twice. */
  edges(sources: readonly Source[], targets: readonly Target[], relation: number, key: TransactionKey): void {
    const from = [...new Map(sources.map((source) => [source.node, source])).values()]
    const to = [...new Map(targets.map((target) => [target.node, target])).values()]
    if (from.length > 2 && to.length > 2) {
      this.#edgesOverJunctions(from, to, relation, key)
      return
    }
    for (const { node, before } of from)
      for (const target of to) this.edge(node, target.node, relation, { key, before, after: target.after })
  }

  /** Two chains over the targets, one growing and one shrinking, so that a source that is a target can leave itself out. */
  #edgesOverJunctions(
    sources: readonly Source[],
    targets: readonly Target[],
    relation: number,
    key: TransactionKey,
  ): void {
    const head = targets.map(() => this.junction())
    const tail = targets.map(() => this.junction())
    const position = new Map<number, number>()
    targets.forEach(({ node, after }, i) => {
      const reason = { key, before: undefined, after }
      position.set(node, i)
      this.edge(head[i] as number, node, ONWARD, reason)
      this.edge(tail[i] as number, node, ONWARD, reason)
      if (i > 0) this.edge(head[i] as number, head[i - 1] as number, ONWARD)
      if (i > 0) this.edge(tail[i - 1] as number, tail[i] as number, ONWARD)
    })
    const { after } = targets[0] as Target
    for (const { node, before } of sources) {
      const own = position.get(node)
      const reason = { key, before, after }
      if (own === undefined) this.edge(node, tail[0] as number, relation, reason)
      if (own !== undefined && own > 0) this.edge(node, head[own - 1] as number, relation, reason)
      if (own !== undefined && own + 1 < targets.length) this.edge(node, tail[own + 1] as number, relation, reason)
    }
  }

  build(): Graph {
    return makeGraph(this.transactionCount, this.#nodeCount, this.#from, this.#to, this.#relation, this.#reasons)
  }
}

/** A graph that no longer changes, its edges sorted by source; the edges of node n are those from start[n] up to start[n + 1]. */
export interface Graph {
  /** Nodes below this number are transactions, the rest are junctions. */
  readonly transactionCount: number
  readonly nodeCount: number
  readonly start: Int32Array
  readonly source: Int32Array
  readonly target: Int32Array
  readonly relation: Uint8Array
  readonly reasons: readonly (Reason | undefined)[]
}

function makeGraph(
  transactionCount: number,
  nodeCount: number,
  from: readonly number[],
  to: readonly number[],
  relation: readonly number[],
  reasons: readonly (Reason | undefined)[],
): Graph {
  const start = new Int32Array(nodeCount + 1)
  for (const node of from) start[node + 1] = (start[node + 1] as number) + 1
  for (let node = 0; node < nodeCount; node++) start[node + 1] = (start[node + 1] as number) + (start[node] as number)
  const next = start.slice()
  const source = new Int32Array(from.length)
  const target = new Int32Array(from.length)
  const relations = new Uint8Array(from.length)
  const sorted = new Array<Reason | undefined>(from.length)
  from.forEach((node, i) => {
    const place = next[node] as number
    next[node] = place + 1
    source[place] = node
    target[place] = to[i] as number
    relations[place] = relation[i] as number
    sorted[place] = reasons[i]
  })
  return { transactionCount, nodeCount, start, source, target, relation: relations, reasons: sorted }
}
