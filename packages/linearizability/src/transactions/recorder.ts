import { showJson } from '../json.ts'
import { type MicroOperation, operationProblem, type TransactionEvent } from './history.ts'
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

  /**
   * A client begins a transaction. All that is recorded is copied.
   *
   * @throws RangeError if the process has one under way; TypeError, here and from the result, for a key or a value that is no number
   * and no text.
   */
  invoke(process: string | number, operations: readonly MicroOperation[] = []): PendingTransaction {
    if (this.#open.has(process)) throw new RangeError(`the process ${showJson(process)} has a transaction under way`)
    const attempted: MicroOperation[] = copyOperations(operations)
    let done = false
    this.#events.push({ type: 'invoke', process, value: [...attempted] })
    const complete = (type: 'ok' | 'fail' | 'unknown', value: readonly MicroOperation[] = attempted): void => {
      if (done) throw new RangeError('the outcome of this transaction was recorded before')
      this.#events.push({ type, process, value: copyOperations(value) })
      done = true
      this.#open.delete(process)
    }
    this.#open.set(process, () => complete('unknown'))
    return {
      note: (operation) => {
        if (done) throw new RangeError('the outcome of this transaction was recorded before')
        attempted.push(...copyOperations([operation]))
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

/** Nobody can change what was recorded, as a store would that returned the very list it keeps. */
function copyOperations(operations: readonly MicroOperation[]): MicroOperation[] {
  return operations.map(([f, key, value]) => {
    // Many stores call the initial state `null`.
    const copied = [f, key, Array.isArray(value) ? [...value] : (value ?? undefined)] as MicroOperation
    const problem = operationProblem(copied)
    if (problem !== undefined) throw new TypeError(problem)
    return copied
  })
}
