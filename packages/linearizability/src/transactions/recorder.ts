import type { MicroOperation, TransactionEvent } from './history.ts'
import { formatTransactions } from './json-lines.ts'

/** A transaction that was invoked and whose outcome is not yet recorded. Each of the last three is called once, and one of them only. */
export interface PendingTransaction {
  /**
   * Adds an operation that the transaction is about to try, for transactions whose operations are not known beforehand. Note a write
   * before it is sent: if the outcome stays unknown, the checker must know what may have been written.
   */
  note(operation: MicroOperation): void
  /** It took effect; the operations carry the results of the reads. Without operations, those that were invoked and noted. */
  ok(operations?: readonly MicroOperation[]): void
  /** It certainly did not, and never will. */
  fail(operations?: readonly MicroOperation[]): void
  /** Nobody knows: a lost answer, a deadline. */
  unknown(operations?: readonly MicroOperation[]): void
}

/**
 * Records what clients do with transactions, in the order in which the calls arrive, which is taken for the order in real time. Call
 * `invoke` before the first message leaves, and the completion after the answer has arrived.
 */
export class TransactionRecorder {
  readonly #events: TransactionEvent[] = []
  readonly #open = new Map<string | number, () => void>()

  /** A client begins a transaction. Throws a RangeError if the process has one under way. */
  invoke(process: string | number, operations: readonly MicroOperation[] = []): PendingTransaction {
    if (this.#open.has(process))
      throw new RangeError(`the process ${JSON.stringify(process)} has a transaction under way`)
    const attempted: MicroOperation[] = [...operations]
    let done = false
    this.#events.push({ type: 'invoke', process, value: [...operations] })
    const complete = (type: 'ok' | 'fail' | 'unknown', value: readonly MicroOperation[] = attempted): void => {
      if (done) throw new RangeError('the outcome of this transaction was recorded before')
      done = true
      this.#open.delete(process)
      this.#events.push({ type, process, value: [...value] })
    }
    this.#open.set(process, () => complete('unknown'))
    return {
      note: (operation) => {
        if (done) throw new RangeError('the outcome of this transaction was recorded before')
        attempted.push(operation)
      },
      ok: (value) => complete('ok', value),
      fail: (value) => complete('fail', value),
      unknown: (value) => complete('unknown', value),
    }
  }

  /** Records an unknown outcome for every transaction under way, at the end of a run. */
  end(): void {
    for (const giveUp of [...this.#open.values()]) giveUp()
  }

  /** What was recorded up to now. */
  events(): TransactionEvent[] {
    return [...this.#events]
  }

  /** The same as JSON lines. */
  toJsonLines(): string {
    return formatTransactions(this.#events)
  }
}
