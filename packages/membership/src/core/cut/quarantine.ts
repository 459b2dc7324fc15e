import { isLive, type MemberRecord, mergeRecords } from '../record.ts'

/** The wait doubles with each removal of the same life, so many times at most. */
const MAX_DOUBLINGS = 5

/** A life of a member that was removed. */
interface Removed {
  readonly record: MemberRecord
  /** How often. */
  readonly times: number
  /** When it was last seen out of touch. */
  unreachableMs: number
  /** What it said meanwhile, the newest of it. */
  held: MemberRecord | undefined
  /** When it was let in again; `undefined` while it is out. */
  admittedMs: number | undefined
}

/**
 * Keeps out who was removed, until its observers reach it again and have done so for a time. What it says of itself meanwhile is held back. For
 * the merge rule that is a delay, and the outcome of the merge does not depend on delays.
 *
 * It keeps out the whole life, whichever process says that it runs as that: the alerts against it are of that life as well, and two processes that wrongly run
 * as one would come in and be removed in turn.
 */
export class Quarantine {
  readonly #readmitAfterMs: number
  readonly #rememberMs: number
  readonly #removed = new Map<string, Removed>()
  #heldCount = 0

  /** @param rememberMs whoever stayed in for so long is as one that was never removed. */
  constructor(readmitAfterMs: number, rememberMs: number) {
    this.#readmitAfterMs = readmitAfterMs
    this.#rememberMs = rememberMs
  }

  /** Whether somebody waits to come back. */
  get isWaitedFor(): boolean {
    return this.#heldCount > 0
  }

  /** The member was removed: it died, as others say, at `record`. */
  remove(record: MemberRecord, nowMs: number): void {
    const before = this.#removed.get(record.id)
    const isSame = before?.record.generation === record.generation
    if (isSame && before.admittedMs === undefined) return
    const isLongAgo = before?.admittedMs !== undefined && nowMs - before.admittedMs >= this.#rememberMs
    const times = isSame && !isLongAgo ? before.times + 1 : 1
    this.forget(record.id)
    this.#removed.set(record.id, { record, times, unreachableMs: nowMs, held: undefined, admittedMs: undefined })
  }

  /** Whether `record` comes too early. It is kept then. */
  holdsBack(record: MemberRecord): boolean {
    const removed = this.#removed.get(record.id)
    if (removed === undefined || removed.admittedMs !== undefined) return false
    if (!isLive(record.state) || removed.record.generation !== record.generation) return false
    if (removed.held === undefined) this.#heldCount += 1
    removed.held = removed.held === undefined ? record : mergeRecords(removed.held, record)
    return true
  }

  /** Too many of its observers do not reach it now. */
  unreachable(id: string, nowMs: number): void {
    const removed = this.#removed.get(id)
    if (removed !== undefined) removed.unreachableMs = nowMs
  }

  /** Nobody was watching for `lostMs`. */
  excuse(lostMs: number): void {
    for (const removed of this.#removed.values()) removed.unreachableMs += lostMs
  }

  /** Those who may come back, with what they said last. */
  admit(nowMs: number): MemberRecord[] {
    if (!this.isWaitedFor) return []
    const admitted: MemberRecord[] = []
    for (const removed of this.#removed.values()) {
      if (removed.held === undefined || nowMs < this.#endOf(removed)) continue
      admitted.push(removed.held)
      this.#heldCount -= 1
      removed.held = undefined
      removed.admittedMs = nowMs
    }
    return admitted
  }

  /** How long a member that wants to come back has to wait if its observers reach it from now on; `undefined` for all others. */
  waitMs(id: string, nowMs: number): number | undefined {
    const removed = this.#removed.get(id)
    return removed?.held === undefined ? undefined : Math.max(0, this.#endOf(removed) - nowMs)
  }

  forget(id: string): void {
    if (this.#removed.get(id)?.held !== undefined) this.#heldCount -= 1
    this.#removed.delete(id)
  }

  #endOf({ unreachableMs, times }: Removed): number {
    return unreachableMs + this.#readmitAfterMs * 2 ** Math.min(times - 1, MAX_DOUBLINGS)
  }
}
