import type { LogFields, Logger, LogLevel } from '@dsys/runtime'
import type { Scheduler } from '../scheduler.ts'
import type { SimLife } from './life.ts'

/** What a node has logged. */
export interface LogLine {
  readonly atMs: number
  readonly node: string
  readonly generation: number
  readonly level: LogLevel
  readonly message: string
  readonly fields: LogFields
}

/** The most lines that are kept; the oldest go first. */
const MAX_LINES = 20_000

/** What all nodes of a simulation have logged, in the order in which they did. */
export class LogBook {
  readonly #scheduler: Scheduler
  readonly #onLine: (line: LogLine) => void
  #lines: LogLine[] = []

  /** @param onLine is told of each line. */
  constructor(scheduler: Scheduler, onLine: (line: LogLine) => void = () => undefined) {
    this.#scheduler = scheduler
    this.#onLine = onLine
  }

  get lines(): readonly LogLine[] {
    return this.#lines
  }

  /** The logger of one life. Once it is over, it says nothing any more. */
  logger(life: SimLife, fields: LogFields = {}): Logger {
    return {
      log: (level, message, more = {}) => {
        if (life.alive) this.#add(life, level, message, { ...fields, ...more })
      },
      child: (more) => this.logger(life, { ...fields, ...more }),
    }
  }

  #add({ id, generation }: SimLife, level: LogLevel, message: string, fields: LogFields): void {
    const line: LogLine = { atMs: this.#scheduler.nowMs, node: id, generation, level, message, fields }
    this.#lines.push(line)
    if (this.#lines.length > MAX_LINES) this.#lines = this.#lines.slice(MAX_LINES / 10)
    this.#onLine(line)
  }
}
