import { showJson } from '../json.ts'
import type { AnomalyCollector, AnomalyKind } from './anomalies.ts'
import type { GraphBuilder } from './graph.ts'
import type { Transaction, TransactionKey, TransactionValue } from './history.ts'

/** Who wrote a version. */
export interface Writer {
  readonly node: number
  /** Whether the same transaction wrote no later version of the same key. */
  readonly final: boolean
  /** Where the write stands among those of the transaction to this key, from 0. */
  readonly position: number
}

/** All that is needed to judge a history, and where the findings go. */
export interface Analysis {
  readonly transactions: readonly Transaction[]
  readonly graph: GraphBuilder
  readonly found: AnomalyCollector
  /** Whether the transaction took effect for certain: it was ok, or its outcome is unknown and a read saw one of its writes. */
  readonly committed: boolean[]
}

export type Writers = ReadonlyMap<TransactionKey, ReadonlyMap<TransactionValue, Writer>>

/** The writer of each version of each key. Values are unique per key. */
export function indexWriters(transactions: readonly Transaction[]): Writers {
  const writers = new Map<TransactionKey, Map<TransactionValue, Writer>>()
  transactions.forEach(({ operations }, node) => {
    const counts = new Map<TransactionKey, number>()
    for (const [f, key] of operations) if (f !== 'r') counts.set(key, (counts.get(key) ?? 0) + 1)
    const done = new Map<TransactionKey, number>()
    for (const [f, key, value] of operations) {
      if (f === 'r') continue
      const position = done.get(key) ?? 0
      done.set(key, position + 1)
      const ofKey = writers.get(key) ?? new Map<TransactionValue, Writer>()
      writers.set(key, ofKey)
      ofKey.set(value, { node, position, final: position + 1 === counts.get(key) })
    }
  })
  return writers
}

/** How a transaction is called in sentences. */
export const nameOf = (node: number): string => `T${node + 1}`

export const show = (value: unknown): string => showJson(value)

/** A list as text, with the middle left out of a long one. */
export function showList(list: readonly TransactionValue[]): string {
  if (list.length <= 12) return `[${list.map(show).join(' ')}]`
  const ends = [list.slice(0, 3), list.slice(-6)].map((part) => part.map(show).join(' '))
  return `[${ends[0]} … ${list.length - 9} more … ${ends[1]}]`
}

/** Reports something that one version shows: the first reader of it stands for all. */
export function reportVersion(
  { found }: Analysis,
  kind: AnomalyKind,
  key: TransactionKey,
  nodes: readonly number[],
  explanation: () => string,
): void {
  found.add(kind, () => ({
    transactions: [...new Set(nodes)].map((node) => node + 1),
    key,
    explanation: explanation(),
  }))
}
