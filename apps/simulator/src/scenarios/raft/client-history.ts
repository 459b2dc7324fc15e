import { checkLinearizability, formatHistory, HistoryRecorder, registerModel } from '@dsys/linearizability'
import { BrokenPromise } from '@dsys/simulation'

/** An operation under way. Without an end its outcome is unknown. */
export interface Call {
  ok(output: unknown): void
  fail(): void
  unknown(): void
}

/** Operations that one run records at the most: of a longer one only some registers are judged, all of their operations. */
const MAX_OPERATIONS = 2_000
/** How much is tried before a history counts as undecided. */
const BUDGET = 500_000

/** What clients asked and got, register by register. */
export class ClientHistory {
  readonly #recorder: HistoryRecorder
  readonly #everyKey: number

  /** @param planned how many operations will come. */
  constructor(nowMs: () => number, planned: number) {
    this.#recorder = new HistoryRecorder({ nowMs })
    this.#everyKey = Math.ceil(Math.max(planned, 1) / MAX_OPERATIONS)
  }

  write(key: number, value: number): Call | undefined {
    return this.#invoke(key, { op: 'write', value })
  }

  read(key: number): Call | undefined {
    return this.#invoke(key, { op: 'read' })
  }

  /** Each operation has a client of its own, so no client goes on after an outcome that it does not know. */
  #invoke(key: number, input: unknown): Call | undefined {
    if (key % this.#everyKey !== 0) return undefined
    return this.#recorder.invoke(`c${this.#recorder.operations}`, `r${key}`, input)
  }

  /** Throws BrokenPromise when no order of the operations explains what clients got. */
  check(count: (what: string) => void): void {
    const history = this.#recorder.history()
    const { verdict, failure } = checkLinearizability(registerModel({ initial: 0 }), history, { budget: BUDGET })
    count(`history.${verdict}`)
    if (verdict === 'not-linearizable') throw new BrokenPromise('linearizable', failure?.text ?? 'no order explains it')
  }

  /** The history as JSON lines. */
  lines(): string {
    return formatHistory(this.#recorder.history(), { model: 'register' })
  }
}
