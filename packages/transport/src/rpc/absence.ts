import type { Clock } from '@dsys/runtime'
import type { Destination } from '../port.ts'

/** For how long after a call without an answer a report may still be about it. */
const REPORT_MAX_AGE_MS = 30_000
const MAX_CLOUDED = 4_096

interface Waiting<T> {
  readonly calls: Set<T>
  /** Reports that are about some of `calls`. */
  reports: number
}

const keyOf = (to: Destination): string => `${to.generation ?? ''} ${to.id}`

/**
 * Finds out which requests met nobody. A report of the transport names a destination, not a frame, so it proves
 * something only when it can be about nothing else: when as many reports as requests are outstanding to a destination,
 * all of them met nobody. After a request whose fate stays open (a timeout), a later report may be about that one, so
 * reports on its destination prove nothing for a while, and calls to it wait for their deadline.
 */
export class AbsenceLedger<T> {
  readonly #clock: Clock
  readonly #waiting = new Map<string, Waiting<T>>()
  readonly #cloudedUntilMs = new Map<string, number>()
  #allCloudedUntilMs = Number.NEGATIVE_INFINITY

  constructor(ports: { readonly clock: Clock }) {
    this.#clock = ports.clock
  }

  /** A request of `call` left for `to`. */
  sent(to: Destination, call: T): void {
    const key = keyOf(to)
    const waiting = this.#waiting.get(key) ?? { calls: new Set(), reports: 0 }
    this.#waiting.set(key, waiting)
    waiting.calls.add(call)
  }

  /** `call` was answered, so its request met its node. Returns the calls that are now known to have met nobody. */
  answered(to: Destination, call: T): readonly T[] {
    const waiting = this.#remove(to, call)
    return waiting === undefined ? [] : this.#takeAbsent(keyOf(to), waiting)
  }

  /** `call` ended, and nobody knows what became of its request. */
  leftOpen(to: Destination, call: T): void {
    if (this.#remove(to, call) === undefined) return
    const nowMs = this.#clock.monotonicMs()
    if (this.#cloudedUntilMs.size >= MAX_CLOUDED) {
      this.#cloudedUntilMs.clear()
      this.#allCloudedUntilMs = nowMs + REPORT_MAX_AGE_MS
    }
    const key = keyOf(to)
    this.#cloudedUntilMs.set(key, nowMs + REPORT_MAX_AGE_MS)
    // What was reported so far may have been about the request that stays open.
    const waiting = this.#waiting.get(key)
    if (waiting !== undefined) waiting.reports = 0
  }

  /** A request to `to` met nobody. Returns the calls that are now known to have met nobody. */
  reported(to: Destination): readonly T[] {
    const key = keyOf(to)
    const waiting = this.#waiting.get(key)
    if (waiting === undefined || this.#isClouded(key)) return []
    waiting.reports++
    return this.#takeAbsent(key, waiting)
  }

  #isClouded(key: string): boolean {
    const nowMs = this.#clock.monotonicMs()
    if (nowMs < this.#allCloudedUntilMs) return true
    const untilMs = this.#cloudedUntilMs.get(key)
    if (untilMs === undefined) return false
    if (nowMs < untilMs) return true
    this.#cloudedUntilMs.delete(key)
    return false
  }

  #remove(to: Destination, call: T): Waiting<T> | undefined {
    const key = keyOf(to)
    const waiting = this.#waiting.get(key)
    if (waiting === undefined || !waiting.calls.delete(call)) return undefined
    if (waiting.calls.size === 0) this.#waiting.delete(key)
    return waiting
  }

  #takeAbsent(key: string, waiting: Waiting<T>): readonly T[] {
    if (waiting.reports < waiting.calls.size) return []
    this.#waiting.delete(key)
    return [...waiting.calls]
  }
}
