import type { Failure } from './failure.ts'
import type { Operation } from './history.ts'

/** More than this nobody can read. What is left out is old and was explained. */
export const MAX_SHOWN_OPERATIONS = 80

/** What a bar says about its operation. */
export type BarKind = 'culprit' | 'unplaced' | 'placed' | 'unknown' | 'failed'

/** One operation in a picture, in columns and rows. */
export interface Bar {
  readonly operation: Operation
  readonly text: string
  readonly kind: BarKind
  readonly row: number
  readonly from: number
  /** `undefined` when it goes on beyond the picture. */
  readonly to: number | undefined
  /** Its place in the order, from 1. */
  readonly place: number | undefined
  /** Where it takes effect in that order. */
  readonly point: number | undefined
}

/** The rows of one client. */
export interface Lane {
  readonly client: string
  readonly firstRow: number
  readonly rows: number
}

/** A picture before it is drawn. */
export interface Layout {
  readonly bars: readonly Bar[]
  readonly lanes: readonly Lane[]
  readonly columns: number
  readonly rows: number
  /** How many operations were left out. */
  readonly hidden: number
}

/** Columns that a character of text takes. */
const COLUMNS_PER_CHARACTER = 0.2

/**
 * Time runs to the right, a column for each event that is shown, so that short operations are as wide as long ones. Each client has a
 * lane, with more than one row where its operations or their texts would overlap.
 */
export function layOut(failure: Failure, describe: (operation: Operation) => string): Layout {
  const shown = chooseShown(failure)
  const columnOf = columnsOf(shown)
  const points = pointsOf(failure, columnOf)
  const places = new Map(failure.placed.map(({ operation }, index) => [operation.op, index + 1]))
  const clients = [...new Set(shown.map(({ client }) => client))]
  const bars: Bar[] = []
  const lanes: Lane[] = []
  let firstRow = 0
  for (const client of clients) {
    /** Where each row of the lane is free again. */
    const free: number[] = []
    for (const operation of shown.filter((one) => one.client === client)) {
      const text = describe(operation)
      const from = columnOf.get(operation.invokedAt) as number
      const to = columnOf.get(operation.endedAt)
      const fitting = free.findIndex((end) => end <= from)
      const row = fitting < 0 ? free.length : fitting
      free[row] = Math.max(to ?? Number.POSITIVE_INFINITY, from + text.length * COLUMNS_PER_CHARACTER) + 0.3
      const [kind, place] = [kindOf(failure, operation, places), places.get(operation.op)]
      bars.push({ operation, text, kind, row: firstRow + row, from, to, place, point: points.get(operation.op) })
    }
    lanes.push({ client, firstRow, rows: free.length })
    firstRow += free.length
  }
  return { bars, lanes, columns: columnOf.size, rows: firstRow, hidden: failure.operations.length - shown.length }
}

/** First what has no place, then what was placed last, then what may have happened. In the order of their calls. */
function chooseShown({ operations, operation, placed, unplaced }: Failure): Operation[] {
  const byWorth = [
    operation,
    ...unplaced,
    ...placed.map((one) => one.operation).reverse(),
    ...[...operations].reverse(),
  ]
  const chosen = new Set<Operation>()
  for (const one of byWorth) if (chosen.size < MAX_SHOWN_OPERATIONS) chosen.add(one)
  return operations.filter((one) => chosen.has(one))
}

function columnsOf(shown: readonly Operation[]): Map<number, number> {
  const events = shown.flatMap(({ invokedAt, endedAt, outcome }) =>
    outcome === 'unknown' ? [invokedAt] : [invokedAt, endedAt],
  )
  return new Map(events.sort((a, b) => a - b).map((event, column) => [event, column]))
}

/**
 * Each operation takes effect behind the latest call of all that come before it in the order and of its own. Those behind the same call
 * share the column of that call evenly.
 */
function pointsOf({ placed }: Failure, columnOf: ReadonlyMap<number, number>): Map<number, number> {
  const groups = new Map<number, number[]>()
  let column = 0
  for (const { operation } of placed) {
    const own = columnOf.get(operation.invokedAt)
    if (own === undefined) continue
    column = Math.max(column, own)
    groups.set(column, [...(groups.get(column) ?? []), operation.op])
  }
  const points = new Map<number, number>()
  for (const [at, group] of groups) {
    for (const [index, op] of group.entries()) points.set(op, at + (index + 1) / (group.length + 1))
  }
  return points
}

function kindOf(failure: Failure, operation: Operation, places: ReadonlyMap<number, number>): BarKind {
  if (operation === failure.operation) return 'culprit'
  if (operation.outcome === 'fail') return 'failed'
  if (operation.outcome === 'unknown') return 'unknown'
  return places.has(operation.op) ? 'placed' : 'unplaced'
}
