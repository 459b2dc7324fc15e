import { compareText } from '../record.ts'

/** What an observer says of its link to one member. Only the observer itself says anything newer. */
export interface AlertStatement {
  readonly observer: string
  /** Which life of the observer. */
  readonly generation: number
  readonly subject: string
  /** Which life of the subject. */
  readonly subjectGeneration: number
  /** Which statement of that life of the observer; it grows with each of them. */
  readonly version: number
  /** True: it does not reach the subject. False: it does, or does not observe it any more. */
  readonly raised: boolean
}

/** A statement, and since when it is known here. */
export interface HeldStatement {
  readonly statement: AlertStatement
  readonly sinceMs: number
}

/** Nobody observes that many: whoever says so is broken, and the rest of what it says is passed over. */
const MAX_STATEMENTS = 1_024

/** Above 0 where `a` is newer than `b`, about the same subject by the same observer. */
export function compareStatements(a: AlertStatement, b: AlertStatement): number {
  return (
    a.generation - b.generation ||
    a.subjectGeneration - b.subjectGeneration ||
    a.version - b.version ||
    Number(a.raised) - Number(b.raised)
  )
}

/**
 * The newest statement of each observer about each member. To merge takes the newest in a total order, so neither the order nor the number of
 * the messages matters.
 */
export class AlertBook {
  readonly #bySubject = new Map<string, Map<string, HeldStatement>>()
  /** How many there are of each observer. */
  readonly #counts = new Map<string, number>()

  /** True when it is news. */
  merge(statement: AlertStatement, nowMs: number): boolean {
    const { subject, observer } = statement
    const held = this.#bySubject.get(subject)
    const before = held?.get(observer)
    if (before !== undefined && compareStatements(statement, before.statement) <= 0) return false
    const count = this.#counts.get(observer) ?? 0
    if (before === undefined && count >= MAX_STATEMENTS) return false
    if (before === undefined) this.#counts.set(observer, count + 1)
    if (held === undefined) this.#bySubject.set(subject, new Map([[observer, { statement, sinceMs: nowMs }]]))
    else held.set(observer, { statement, sinceMs: nowMs })
    return true
  }

  get(subject: string, observer: string): HeldStatement | undefined {
    return this.#bySubject.get(subject)?.get(observer)
  }

  /** What the observers of `subject` say of it, by the ids of the observers. */
  about(subject: string): ReadonlyMap<string, HeldStatement> {
    return this.#bySubject.get(subject) ?? NOTHING
  }

  subjects(): IterableIterator<string> {
    return this.#bySubject.keys()
  }

  /** Nobody was heard for `lostMs`: what is known is not older for it. */
  excuse(lostMs: number): void {
    for (const held of this.#bySubject.values())
      for (const [observer, one] of held) held.set(observer, { ...one, sinceMs: one.sinceMs + lostMs })
  }

  /** Neither what it says nor what is said of it matters any more. */
  forget(id: string): void {
    for (const observer of this.about(id).keys()) this.#counts.set(observer, (this.#counts.get(observer) ?? 1) - 1)
    this.#bySubject.delete(id)
    for (const [subject, held] of this.#bySubject) {
      held.delete(id)
      if (held.size === 0) this.#bySubject.delete(subject)
    }
    this.#counts.delete(id)
  }

  /** All that is known, in the order of subject and observer. */
  all(): AlertStatement[] {
    const all = [...this.#bySubject.values()].flatMap((held) => [...held.values()].map(({ statement }) => statement))
    return all.sort((a, b) => compareText(a.subject, b.subject) || compareText(a.observer, b.observer))
  }

  /** A number of 32 bits that is the same wherever the same alerts stand, whatever else was said before. */
  sum(): number {
    let sum = 0
    for (const held of this.#bySubject.values())
      for (const { statement } of held.values()) if (statement.raised) sum = (sum + hashOf(statement)) >>> 0
    return sum
  }
}

const NOTHING: ReadonlyMap<string, HeldStatement> = new Map()

function hashOf({ observer, generation, subject, subjectGeneration, version }: AlertStatement): number {
  let hash = 0x811c9dc5
  const text = `${observer}\n${generation}\n${subject}\n${subjectGeneration}\n${version}`
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> 0
}
