import type { MicroOperation, TransactionEvent } from '../../src/transactions/history.ts'

export interface Planned {
  readonly process: number | string
  readonly operations: readonly MicroOperation[]
  readonly outcome: 'ok' | 'fail' | 'unknown'
}

export const append = (key: string, value: number): MicroOperation => ['append', key, value]
export const write = (key: string, value: number): MicroOperation => ['w', key, value]
export const read = (key: string, result?: number | readonly number[]): MicroOperation => ['r', key, result]

export const ok = (process: number | string, ...operations: MicroOperation[]): Planned => ({
  process,
  operations,
  outcome: 'ok',
})
export const fail = (process: number | string, ...operations: MicroOperation[]): Planned => ({
  process,
  operations,
  outcome: 'fail',
})
export const unknown = (process: number | string, ...operations: MicroOperation[]): Planned => ({
  process,
  operations,
  outcome: 'unknown',
})

const invoke = ({ process, operations }: Planned): TransactionEvent => ({ type: 'invoke', process, value: operations })
const complete = ({ process, operations, outcome }: Planned): TransactionEvent => ({
  type: outcome,
  process,
  value: operations,
})

/** One after the other. */
export const inSequence = (...planned: Planned[]): TransactionEvent[] =>
  planned.flatMap((one) => [invoke(one), complete(one)])

/** All at the same time. */
export const together = (...planned: Planned[]): TransactionEvent[] => [
  ...planned.map(invoke),
  ...planned.map(complete),
]

/** All that go along with `during` are under way before the rest begins and until it is done. */
export const around = (during: readonly Planned[], ...events: TransactionEvent[]): TransactionEvent[] => [
  ...during.map(invoke),
  ...events,
  ...during.map(complete),
]
