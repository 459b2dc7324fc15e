import type { Clock, LogFields, Logger, LogLevel } from '@dsys/runtime'

const QUIET_MS = 1_000

/** Says each thing once a second at most, with how often it happened: what a peer can cause must not fill the log. */
export class SparseLog {
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #said = new Map<string, { untilMs: number; times: number }>()

  constructor(ports: { readonly clock: Clock; readonly logger: Logger }) {
    this.#clock = ports.clock
    this.#logger = ports.logger
  }

  /** @param message one of few: it is remembered. */
  log(level: LogLevel, message: string, fields: LogFields = {}): void {
    const nowMs = this.#clock.monotonicMs()
    const said = this.#said.get(message) ?? { untilMs: nowMs, times: 0 }
    this.#said.set(message, said)
    said.times++
    if (nowMs < said.untilMs) return
    this.#logger.log(level, message, said.times === 1 ? fields : { ...fields, times: said.times })
    said.untilMs = nowMs + QUIET_MS
    said.times = 0
  }
}
