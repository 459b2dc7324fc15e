import type { TransactionKey } from './history.ts'

/** The orders beside the dependencies of data that a cycle may need. */
export const ORDERS = ['', '-process', '-realtime'] as const
export type OrderSuffix = (typeof ORDERS)[number]

/** The classes of cycles, the worst first. */
export const CYCLE_CLASSES = ['G0', 'G1c', 'G-single', 'G-nonadjacent', 'G2-item'] as const
export type CycleClass = (typeof CYCLE_CLASSES)[number]

/** A class of cycle, and the order beside the data that its cycles need: G0, G0-process, G0-realtime, G1c and so on. */
export type CycleKind = `${CycleClass}${OrderSuffix}`

/** Anomalies that show without a cycle, the worst first. */
export const DIRECT_KINDS = [
  'duplicate-elements',
  'cyclic-versions',
  'thin-air-read',
  'G1a',
  'dirty-update',
  'incompatible-order',
  'G1b',
  'future-read',
  'internal',
  'lost-update',
  'cyclic-versions-realtime',
] as const
export type DirectKind = (typeof DIRECT_KINDS)[number]

export type AnomalyKind = DirectKind | CycleKind

/** Every name that a report can hold, in the order in which it lists them. */
export const ANOMALY_KINDS: readonly AnomalyKind[] = [
  ...DIRECT_KINDS,
  ...ORDERS.flatMap((order) => CYCLE_CLASSES.map((name): CycleKind => `${name}${order}`)),
]

/** Why one transaction comes before another. */
export type Relation = 'ww' | 'wr' | 'rw' | 'process' | 'realtime'

/** One edge of a cycle. */
export interface CycleStep {
  /** Number of the transaction that comes first. */
  readonly from: number
  readonly to: number
  readonly relation: Relation
  /** The key that relates them, for ww, wr and rw. */
  readonly key?: TransactionKey
  /** The same as a sentence. */
  readonly why: string
}

/** One thing that must not happen under some consistency model, with its proof. */
export interface Anomaly {
  readonly kind: AnomalyKind
  /** Numbers of the transactions that show it; along the cycle, where there is one. */
  readonly transactions: readonly number[]
  readonly key?: TransactionKey
  /** Whole sentences. */
  readonly explanation: string
  /** The edges of the cycle; the last one leads back to the first transaction. */
  readonly cycle?: readonly CycleStep[]
}

/** Keeps the first few anomalies of each kind, and counts them all. */
export class AnomalyCollector {
  readonly #kept = new Map<AnomalyKind, Anomaly[]>()
  readonly #counts = new Map<AnomalyKind, number>()
  readonly #limit: number

  constructor(limit: number) {
    this.#limit = limit
  }

  /** The explanation is made only if the anomaly is kept. */
  add(kind: AnomalyKind, make: () => Omit<Anomaly, 'kind'>): void {
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1)
    const kept = this.#kept.get(kind) ?? []
    this.#kept.set(kind, kept)
    if (kept.length < this.#limit) kept.push({ kind, ...make() })
  }

  has(kind: AnomalyKind): boolean {
    return this.#counts.has(kind)
  }

  /** The worst first. */
  anomalies(): Anomaly[] {
    return ANOMALY_KINDS.flatMap((kind) => this.#kept.get(kind) ?? [])
  }

  counts(): Partial<Record<AnomalyKind, number>> {
    const counts: Partial<Record<AnomalyKind, number>> = {}
    for (const kind of ANOMALY_KINDS) {
      const count = this.#counts.get(kind)
      if (count !== undefined) counts[kind] = count
    }
    return counts
  }
}
