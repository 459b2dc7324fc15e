import { checkLinearizability, formatHistory, HistoryRecorder, registerModel } from '@dsys/linearizability'
import type { Violation } from '@dsys/simulation'
import { failedOperation } from '../failed-operation.ts'

/** An operation under way. Without an end its outcome is unknown. */
export interface Call {
  ok(output: unknown): void
  fail(): void
  unknown(): void
}

/** What a {@link ClientHistory} works with. */
export interface ClientHistoryParts {
  readonly nowMs: () => number
  /** How many operations will come. */
  readonly planned: number
  /** Something became of the operation number `op` on the register `key`, through the node `node`. */
  readonly note: (node: string, what: string, op: number, key: number) => void
}

/** Operations that one run records at the most: of a longer one only some registers are judged, all of their operations. */
const MAX_OPERATIONS = 2_000
/** How much is tried before a history counts as undecided. */
const BUDGET = 500_000

/** What clients asked and got, register by register. */
export class ClientHistory {
  readonly #parts: ClientHistoryParts
  readonly #recorder: HistoryRecorder
  readonly #everyKey: number

  constructor(parts: ClientHistoryParts) {
    const { nowMs, planned } = parts
    this.#parts = parts
    this.#recorder = new HistoryRecorder({ nowMs })
    this.#everyKey = Math.ceil(Math.max(planned, 1) / MAX_OPERATIONS)
  }

  write(node: string, key: number, value: number): Call | undefined {
    return this.#invoke(node, key, { op: 'write', value })
  }

  read(node: string, key: number): Call | undefined {
    return this.#invoke(node, key, { op: 'read' })
  }

  /** Each operation has a client of its own, so no client goes on after an outcome that it does not know. */
  #invoke(node: string, key: number, input: { readonly op: string; readonly value?: number }): Call | undefined {
    if (key % this.#everyKey !== 0) return undefined
    const { note } = this.#parts
    const op = this.#recorder.operations
    const call = this.#recorder.invoke(`c${op}`, `r${key}`, input)
    note(node, `call.${input.op}`, op, key)
    return {
      ok: (output) => {
        note(node, 'ok', op, key)
        call.ok(output)
      },
      fail: () => {
        note(node, 'fail', op, key)
        call.fail()
      },
      unknown: () => {
        note(node, 'unknown', op, key)
        call.unknown()
      },
    }
  }

  /** What is wrong when no order of the operations explains what clients got, or when none can be found in time. */
  check(count: (what: string) => void, budget: number = BUDGET): Violation | undefined {
    const history = this.#recorder.history()
    const { verdict, failure } = checkLinearizability(registerModel({ initial: 0 }), history, { budget })
    count(`history.${verdict}`)
    const rule = 'linearizable'
    const endMs = this.#parts.nowMs()
    if (verdict === 'undecided') return { rule, message: 'the history is too tangled to be judged', atMs: endMs }
    return failure === undefined ? undefined : { rule, ...failedOperation(failure, endMs) }
  }

  /** The history as JSON lines. */
  lines(): string {
    return formatHistory(this.#recorder.history(), { model: 'register' })
  }
}
