import type { AlertStatement } from './alert-book.ts'
import { statementBytes } from './alert-codec.ts'

interface Waiting {
  readonly statement: AlertStatement
  readonly bytes: number
  transmits: number
}

const keyOf = (observer: string, subject: string): string => `${observer}\n${subject}`

/**
 * The statements that still have to be told: one for each observer and subject, the newest. They are divided by how often they were told, the one that has
 * waited longest in front, so that a frame is filled without a look at the rest.
 */
export class AlertNews {
  readonly #waiting = new Map<string, Waiting>()
  readonly #byTransmits: Map<string, Waiting>[] = []

  get size(): number {
    return this.#waiting.size
  }

  /** Whether there is something to tell of what `observer` says of `subject`. */
  has(observer: string, subject: string): boolean {
    return this.#waiting.has(keyOf(observer, subject))
  }

  add(statement: AlertStatement): void {
    const key = keyOf(statement.observer, statement.subject)
    this.#remove(key)
    this.#put(key, { statement, bytes: statementBytes(statement), transmits: 0 })
  }

  /** Tells no more of what anybody but `observer` says. */
  keepOnly(observer: string): void {
    for (const [key, { statement }] of this.#waiting) if (statement.observer !== observer) this.#remove(key)
  }

  /** Neither what it says nor what is said of it matters any more. */
  forget(id: string): void {
    for (const [key, { statement }] of this.#waiting)
      if (statement.observer === id || statement.subject === id) this.#remove(key)
  }

  /** Takes the statements told least often, as many as fit in `maxBytes`. Each is taken `limit` times in all. */
  take(maxBytes: number, limit: number): AlertStatement[] {
    const taken: [string, Waiting][] = []
    let room = maxBytes
    for (const [key, waiting] of this.#inOrder()) {
      room -= waiting.bytes
      if (room < 0) break
      taken.push([key, waiting])
    }
    for (const [key, waiting] of taken) {
      this.#remove(key)
      waiting.transmits += 1
      if (waiting.transmits < limit) this.#put(key, waiting)
    }
    return taken.map(([, { statement }]) => statement)
  }

  *#inOrder(): Generator<[string, Waiting]> {
    for (const part of this.#byTransmits) yield* part
  }

  #put(key: string, waiting: Waiting): void {
    while (this.#byTransmits.length <= waiting.transmits) this.#byTransmits.push(new Map())
    this.#byTransmits[waiting.transmits]?.set(key, waiting)
    this.#waiting.set(key, waiting)
  }

  #remove(key: string): void {
    const waiting = this.#waiting.get(key)
    if (waiting === undefined) return
    this.#waiting.delete(key)
    this.#byTransmits[waiting.transmits]?.delete(key)
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
