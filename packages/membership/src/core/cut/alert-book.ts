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

/** Nobody observes that many: of whoever says so, what it withdrew longest ago is forgotten first, and where it withdrew nothing, the rest is passed over. */
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

/** What one observer says. */
interface Said {
  readonly subjects: Set<string>
  /** Those of whom it says that it reaches them, the one that it said so of longest ago in front. */
  readonly withdrawn: Set<string>
}

/**
 * The newest statement of each observer about each member. To merge takes the newest in a total order, so neither the order nor the number of
 * the messages matters.
 *
 * An alert that was withdrawn is remembered for a time, so that a late word of the alert itself does not bring it back, and then forgotten. Should it come later
 * still, its observer withdraws it once more.
 */
export class AlertBook {
  readonly #bySubject = new Map<string, Map<string, HeldStatement>>()
  readonly #byObserver = new Map<string, Said>()
  /** What was withdrawn, the oldest in front. */
  readonly #withdrawn = new Map<string, AlertStatement>()
  #sum = 0

  /** True when it is news. */
  merge(statement: AlertStatement, nowMs: number): boolean {
    const { subject, observer, raised } = statement
    const before = this.get(subject, observer)
    if (before !== undefined && compareStatements(statement, before.statement) <= 0) return false
    if (before === undefined && !this.#findRoom(observer)) return false
    if (before !== undefined) this.#remove(before.statement)
    const said = this.#byObserver.get(observer) ?? { subjects: new Set(), withdrawn: new Set() }
    const held = this.#bySubject.get(subject) ?? new Map<string, HeldStatement>()
    this.#byObserver.set(observer, said)
    this.#bySubject.set(subject, held)
    said.subjects.add(subject)
    held.set(observer, { statement, sinceMs: nowMs })
    if (raised) this.#sum = (this.#sum + hashOf(statement)) >>> 0
    else {
      said.withdrawn.add(subject)
      this.#withdrawn.set(keyOf(statement), statement)
    }
    return true
  }

  #findRoom(observer: string): boolean {
    const said = this.#byObserver.get(observer)
    if (said === undefined || said.subjects.size < MAX_STATEMENTS) return true
    for (const subject of said.withdrawn) {
      this.#drop(subject, observer)
      return true
    }
    return false
  }

  #drop(subject: string, observer: string): void {
    const held = this.get(subject, observer)
    if (held !== undefined) this.#remove(held.statement)
  }

  #remove(statement: AlertStatement): void {
    const { subject, observer, raised } = statement
    const held = this.#bySubject.get(subject)
    held?.delete(observer)
    if (held?.size === 0) this.#bySubject.delete(subject)
    const said = this.#byObserver.get(observer)
    said?.subjects.delete(subject)
    said?.withdrawn.delete(subject)
    if (said?.subjects.size === 0) this.#byObserver.delete(observer)
    if (raised) this.#sum = (this.#sum - hashOf(statement)) >>> 0
    else this.#withdrawn.delete(keyOf(statement))
  }

  get(subject: string, observer: string): HeldStatement | undefined {
    return this.#bySubject.get(subject)?.get(observer)
  }

  subjects(): IterableIterator<string> {
    return this.#bySubject.keys()
  }

  /** Nobody was heard for `lostMs`: what is known is not older for it. */
  excuse(lostMs: number): void {
    for (const held of this.#bySubject.values())
      for (const [observer, one] of held) held.set(observer, { ...one, sinceMs: one.sinceMs + lostMs })
  }

  /** Forgets what was withdrawn before `beforeMs`, but for what `isNews` still. Looks at no more than it forgets, and one. */
  forgetWithdrawn(beforeMs: number, isNews: (observer: string, subject: string) => boolean): void {
    for (const { observer, subject } of this.#withdrawn.values()) {
      const held = this.get(subject, observer)
      if (held === undefined || held.sinceMs >= beforeMs || isNews(observer, subject)) return
      this.#remove(held.statement)
    }
  }

  /** The node runs as its life `generation`: what an earlier one said, and what was said of it, counts no more. */
  renew(id: string, generation: number): void {
    for (const [observer, { statement }] of this.#bySubject.get(id) ?? NOTHING)
      if (statement.subjectGeneration < generation) this.#drop(id, observer)
    for (const subject of this.#byObserver.get(id)?.subjects ?? []) {
      const held = this.get(subject, id)
      if (held !== undefined && held.statement.generation < generation) this.#remove(held.statement)
    }
  }

  /** Forgets what anybody but `observer` says. */
  keepOnly(observer: string): void {
    for (const [subject, held] of this.#bySubject)
      for (const other of held.keys()) if (other !== observer) this.#drop(subject, other)
  }

  /** Neither what it says nor what is said of it matters any more. */
  forget(id: string): void {
    for (const observer of this.#bySubject.get(id)?.keys() ?? []) this.#drop(id, observer)
    for (const subject of this.#byObserver.get(id)?.subjects ?? []) this.#drop(subject, id)
  }

  /** All that is known, in the order of subject and observer. */
  all(): AlertStatement[] {
    const all = [...this.#bySubject.values()].flatMap((held) => [...held.values()].map(({ statement }) => statement))
    return all.sort((a, b) => compareText(a.subject, b.subject) || compareText(a.observer, b.observer))
  }

  /** A number of 32 bits that is the same wherever the same alerts stand, whatever else was said before. */
  sum(): number {
    return this.#sum
  }
}

const NOTHING: ReadonlyMap<string, HeldStatement> = new Map()

const keyOf = ({ observer, subject }: AlertStatement): string => `${observer}\n${subject}`

function hashOf({ observer, generation, subject, subjectGeneration, version }: AlertStatement): number {
  let hash = 0x811c9dc5
  const text = `${observer}\n${generation}\n${subject}\n${subjectGeneration}\n${version}`
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> 0
}
