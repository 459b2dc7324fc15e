import type { HistoryEvent, NoResultEvent } from './history.ts'
import { copyJson } from './json.ts'

/** Options of a {@link HistoryRecorder}. */
export interface HistoryRecorderOptions {
  /** The time that each event is stamped with, for people to read; virtual time in a simulation. Default: no stamps. */
  readonly nowMs?: () => number
}

/** One operation under way. Exactly one of the three ends it, at most once. */
export interface RecordedCall {
  /** The number of the operation in the history. */
  readonly op: number
  /**
   * It returned `output`, which is copied; nothing is `null`.
   *
   * @throws TypeError when it has ended already, or JSON cannot carry the output.
   */
  ok(output?: unknown): void
  /** It certainly had no effect and never will: it was refused, or its error says `not-applied`. */
  fail(): void
  /** It may have had an effect, or have one later, or never: it timed out, or its error says `unknown`. When in doubt, this. */
  unknown(): void
}

/**
 * Records what clients called and what they got, in the order in which it happened.
 *
 * Record the invoke before the call is made and the end after it has returned, never the other way round: a bar that is too long can
 * hide a violation, one that is too short makes up one. One recorder serves all clients of one process, and takes its order from the
 * order of the calls to it. A client may have several operations under way.
 */
export class HistoryRecorder {
  readonly #nowMs: (() => number) | undefined
  readonly #events: HistoryEvent[] = []
  #operations = 0

  constructor(options: HistoryRecorderOptions = {}) {
    this.#nowMs = options.nowMs
  }

  /**
   * `client` calls an operation on `key`. Without an end it counts as unknown for ever.
   *
   * @throws TypeError when JSON cannot carry the input.
   */
  invoke(client: string, key: string, input: unknown): RecordedCall {
    const copied = copyJson(input, 'the input')
    const op = this.#operations++
    this.#events.push({ type: 'invoke', op, client, key, input: copied, ...this.#stamp() })
    let ended = false
    const end = (event: () => HistoryEvent): void => {
      if (ended) throw new TypeError(`operation ${op} of ${client} has ended already`)
      this.#events.push(event())
      ended = true
    }
    const without = (type: NoResultEvent['type']) => (): void => end(() => ({ type, op, ...this.#stamp() }))
    return {
      op,
      ok: (output) => end(() => ({ type: 'ok', op, output: copyJson(output, 'the output'), ...this.#stamp() })),
      fail: without('fail'),
      unknown: without('unknown'),
    }
  }

  /** How many operations were invoked. */
  get operations(): number {
    return this.#operations
  }

  /** The events so far, as a copy. */
  history(): HistoryEvent[] {
    return [...this.#events]
  }

  #stamp(): { timeMs?: number } {
    return this.#nowMs === undefined ? {} : { timeMs: this.#nowMs() }
  }
}
