import { HistoryOrderError } from './errors.ts'
import type { Json } from './json.ts'

/** A client calls an operation. */
export interface InvokeEvent {
  readonly type: 'invoke'
  /** The number of the operation, its own within the history. */
  readonly op: number
  readonly client: string
  /** What the operation is about: the key of a store, the name of a lock. Operations on different keys are judged apart. */
  readonly key: string
  readonly input: Json
  /** For people to read. What counts is the order of the events. */
  readonly timeMs?: number
}

/** The operation returned `output`. */
export interface OkEvent {
  readonly type: 'ok'
  readonly op: number
  readonly output: Json
  readonly timeMs?: number
}

/** The operation certainly had no effect, and never will (`fail`), or nobody can say whether it had or will have one (`unknown`). */
export interface NoResultEvent {
  readonly type: 'fail' | 'unknown'
  readonly op: number
  readonly timeMs?: number
}

/**
 * One event of a history. Their order is the order in which they happened, as one observer saw them. An operation without an end is
 * like one that ended in `unknown`: it may take effect at any time after its invoke, or never.
 */
export type HistoryEvent = InvokeEvent | OkEvent | NoResultEvent

/** One operation of a history, with both of its ends. */
export interface Operation {
  readonly op: number
  readonly client: string
  readonly key: string
  readonly input: Json
  readonly outcome: 'ok' | 'fail' | 'unknown'
  /** `undefined` unless the outcome is `ok`. */
  readonly output: Json | undefined
  /** Where in the history it was called: an index of an event. */
  readonly invokedAt: number
  /** Where in the history it ended; `Infinity` when it has no end. */
  readonly endedAt: number
  readonly invokeTimeMs: number | undefined
  readonly endTimeMs: number | undefined
}

interface OpenOperation {
  readonly invoke: InvokeEvent
  readonly at: number
  end: { readonly event: OkEvent | NoResultEvent; readonly at: number } | undefined
}

/**
 * The operations of a history in the order of their calls.
 *
 * @param lines the line of each event, when they came from a text
 * @throws HistoryOrderError (`DSYS_HISTORY_ORDER`) when the events contradict each other.
 */
export function collectOperations(events: readonly HistoryEvent[], lines?: readonly number[]): Operation[] {
  const open = new Map<number, OpenOperation>()
  for (const [at, event] of events.entries()) {
    const known = open.get(event.op)
    if (event.type === 'invoke') {
      if (known !== undefined) throw new HistoryOrderError(`operation ${event.op} was already invoked`, lines?.[at])
      open.set(event.op, { invoke: event, at, end: undefined })
      continue
    }
    if (known === undefined)
      throw new HistoryOrderError(`operation ${event.op} ends but was not invoked before`, lines?.[at])
    if (known.end !== undefined)
      throw new HistoryOrderError(`operation ${event.op} already ended in ${known.end.event.type}`, lines?.[at])
    known.end = { event, at }
  }
  return Array.from(open.values(), toOperation)
}

function toOperation({ invoke, at, end }: OpenOperation): Operation {
  return {
    op: invoke.op,
    client: invoke.client,
    key: invoke.key,
    input: invoke.input,
    outcome: end?.event.type ?? 'unknown',
    output: end?.event.type === 'ok' ? end.event.output : undefined,
    invokedAt: at,
    endedAt: end?.at ?? Number.POSITIVE_INFINITY,
    invokeTimeMs: invoke.timeMs,
    endTimeMs: end?.event.timeMs,
  }
}
