import type { AlertStatement } from './alert-book.ts'
import { statementBytes } from './alert-codec.ts'

interface Waiting {
  readonly statement: AlertStatement
  transmits: number
}

/** The statements that still have to be told: one for each observer and subject, the newest. */
export class AlertNews {
  readonly #waiting = new Map<string, Waiting>()

  get size(): number {
    return this.#waiting.size
  }

  add(statement: AlertStatement): void {
    const key = `${statement.observer}\n${statement.subject}`
    this.#waiting.delete(key)
    this.#waiting.set(key, { statement, transmits: 0 })
  }

  /** Neither what it says nor what is said of it matters any more. */
  forget(id: string): void {
    for (const [key, { statement }] of this.#waiting)
      if (statement.observer === id || statement.subject === id) this.#waiting.delete(key)
  }

  /** Takes the statements told least often, as many as fit in `maxBytes`. Each is taken `limit` times in all. */
  take(maxBytes: number, limit: number): AlertStatement[] {
    const inOrder = [...this.#waiting].sort(([, a], [, b]) => a.transmits - b.transmits)
    const taken: AlertStatement[] = []
    let room = maxBytes
    for (const [key, waiting] of inOrder) {
      room -= statementBytes(waiting.statement)
      if (room < 0) break
      taken.push(waiting.statement)
      waiting.transmits += 1
      if (waiting.transmits >= limit) this.#waiting.delete(key)
    }
    return taken
  }
}

/** Cuts `statements` into parts of at most `maxBytes`, at least one part. */
export function statementsInParts(statements: readonly AlertStatement[], maxBytes: number): AlertStatement[][] {
  let part: AlertStatement[] = []
  const parts = [part]
  let room = maxBytes
  for (const statement of statements) {
    const bytes = statementBytes(statement)
    if (bytes > room && part.length > 0) {
      part = []
      parts.push(part)
      room = maxBytes
    }
    room -= bytes
    part.push(statement)
  }
  return parts
}
