/**
 * How a leader sends to a follower.
 *
 * - `probe`: the place where the logs agree is not known; one append at a time looks for it.
 * - `replicate`: it is known; appends are pipelined.
 * - `snapshot`: the entries it needs are compacted away; it gets a snapshot, and no appends meanwhile.
 */
export type ProgressState = 'probe' | 'replicate' | 'snapshot'

interface InflightAppend {
  readonly lastIndex: number
  readonly bytes: number
}

/**
 * What a leader knows of one follower.
 *
 * Invariant: 0 <= match < next. Entries up to `match` are on the follower's disk and equal to the leader's.
 */
export class Progress {
  state: ProgressState = 'probe'
  match = 0
  next: number
  /** The newest confirmation round that came back. */
  ackedRound = 0
  /** When the follower was last heard in this term, monotonic. */
  heardMs: number | undefined
  /** The highest commitIndex that was sent. */
  sentCommit = 0
  /** The highest index that was proposed on behalf of the follower, whose callers wait for the commit. */
  wantsCommit = 0
  /** It has lost entries, and may not have all that is committed yet: leadership is not handed to it. */
  mending = false
  /** In `probe`: an append is on its way. */
  probeSent = false
  /** An answer to an append came since the last heartbeat. */
  appendAnswered = false
  /** The newest round that it agreed to sleep by; `undefined` when it refused since. */
  sleepsSinceRound: number | undefined
  /** For one that is no member any more: when the leader stops to send to it. */
  leavesMs: number | undefined
  /** The incarnation in which it has answered this leader. */
  incarnation: number | undefined
  /** It is sent no data; also when it is no member any more. */
  readonly witness: boolean
  readonly #inflight: InflightAppend[] = []
  #inflightBytes = 0
  /** The present round of catching up ends when the follower has this entry. */
  #roundEnd: number
  #roundBeganMs: number
  /** How long the last round took. */
  #roundMs = Number.POSITIVE_INFINITY

  constructor(next: number, nowMs: number, witness = false) {
    this.next = next
    this.witness = witness
    this.#roundEnd = next - 1
    this.#roundBeganMs = nowMs
  }

  /**
   * A follower catches up in rounds: each brings it what the log had when the round began, so each is shorter than the one before, and
   * one that is short tells that little is missing (dissertation §4.2.1).
   */
  noteCatchUp(nowMs: number, lastIndex: number): void {
    if (this.match < this.#roundEnd) return
    this.#roundMs = nowMs - this.#roundBeganMs
    this.#roundBeganMs = nowMs
    this.#roundEnd = lastIndex
  }

  /** Whether it answers, and lacks nothing, or no more than `withinMs` of what the log that ends at `lastIndex` has got. */
  isCaughtUp(nowMs: number, lastIndex: number, withinMs: number): boolean {
    if (this.state !== 'replicate' || this.heardMs === undefined || nowMs - this.heardMs > withinMs) return false
    return this.match >= lastIndex || (this.#roundMs <= withinMs && nowMs - this.#roundBeganMs <= withinMs)
  }

  /** How long the last round took, and how long the present one takes already. */
  catchUp(nowMs: number): { readonly roundMs: number; readonly roundForMs: number } {
    return { roundMs: this.#roundMs, roundForMs: nowMs - this.#roundBeganMs }
  }

  get inflightBytes(): number {
    return this.#inflightBytes
  }

  get inflightCount(): number {
    return this.#inflight.length
  }

  /** Any answer of this term shows that the follower lives, and confirms the round that it brings back. */
  heard(nowMs: number, round: number): void {
    this.heardMs = nowMs
    this.ackedRound = Math.max(this.ackedRound, round)
  }

  becomeProbe(): void {
    this.#clearInflight()
    this.state = 'probe'
    this.probeSent = false
    this.next = this.match + 1
  }

  becomeReplicate(): void {
    this.#clearInflight()
    this.state = 'replicate'
    this.next = this.match + 1
  }

  becomeSnapshot(): void {
    this.#clearInflight()
    this.state = 'snapshot'
  }

  /** An append with entries up to `lastIndex` left. */
  sent(lastIndex: number, bytes: number): void {
    if (this.state === 'replicate') {
      this.#inflight.push({ lastIndex, bytes })
      this.#inflightBytes += bytes
      this.next = lastIndex + 1
    } else {
      this.probeSent = true
    }
  }

  /**
   * The follower says that it has lost entries. If it refuses what it has acknowledged, its acknowledgements are void, and the place where
   * the logs agree is looked for anew. A word that comes late costs that search and no more: `match` goes down, never up (P-13).
   */
  lostEntries(rejectedIndex: number, hintIndex: number): void {
    this.mending = true
    if (rejectedIndex > this.match && hintIndex >= this.match) return
    this.match = 0
    if (this.state === 'snapshot') return
    this.becomeProbe()
    this.next = Math.max(Math.min(rejectedIndex, hintIndex + 1), 1)
  }

  /** The follower has everything up to `index`. Returns whether that is news. */
  accepted(index: number): boolean {
    while (this.#inflight[0] !== undefined && this.#inflight[0].lastIndex <= index) {
      this.#inflightBytes -= this.#inflight[0].bytes
      this.#inflight.shift()
    }
    this.next = Math.max(this.next, index + 1)
    if (index <= this.match) return false
    this.match = index
    return true
  }

  /**
   * The follower refused an append behind `rejectedIndex`. Returns false when the refusal is old news.
   *
   * @param hintIndex the highest place where the logs may agree. It never moves `match` (P-13) nor takes `next` to it (P-19).
   */
  rejected(rejectedIndex: number, hintIndex: number): boolean {
    if (this.state === 'replicate') {
      if (rejectedIndex <= this.match) return false
      this.becomeProbe()
      return true
    }
    if (this.state === 'snapshot' || this.next - 1 !== rejectedIndex) return false
    this.next = Math.max(Math.min(rejectedIndex, hintIndex + 1), this.match + 1)
    this.probeSent = false
    return true
  }

  #clearInflight(): void {
    this.#inflight.length = 0
    this.#inflightBytes = 0
  }
}
