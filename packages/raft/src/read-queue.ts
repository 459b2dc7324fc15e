import { type Clock, Deadlines, Pending } from '@dsys/runtime'
import { NoLeaderError, OverloadedError, ReadTimeoutError } from './errors.ts'
import type { RaftMetrics } from './metrics.ts'
import type { ReadOptions } from './options.ts'
import { Tickets } from './tickets.ts'

const DEFAULT_TIMEOUT_MS = 5_000
/** Questions of one kind to the leader that may be open at once; the reads that come meanwhile share the next one. */
const MAX_OPEN_TICKETS = 4

interface WaitingRead<State> {
  readonly query: (state: State) => unknown
  /** The leader's lease is enough. */
  readonly lease: boolean
  readonly pending: Pending<unknown>
  /** A leader was asked about it. */
  asked: boolean
}

interface Batch<State> {
  readonly lease: boolean
  readonly reads: WaitingRead<State>[]
  /** When the first of them was called. */
  readonly sinceMs: number
  readonly askedMs: number
  /** When to ask again if no answer comes. */
  resendMs: number
}

interface ConfirmedBatch<State> {
  readonly lease: boolean
  readonly reads: WaitingRead<State>[]
  readonly sinceMs: number
  readonly index: number
}

/** What the reads of a node need to know. */
export interface ReadQueueConfig {
  readonly group: string
  readonly maxPending: number
  /** A question to the leader that is not answered is asked again after this long. */
  readonly resendAfterMs: number
  readonly metrics: RaftMetrics
}

/**
 * The linearizable reads that callers of this node wait for. All that wait share one question to the leader, a ticket; its
 * answer is the index that the state machine must have applied before they are served from the state of this node.
 */
export class ReadQueue<State> {
  readonly #clock: Clock
  readonly #deadlines: Deadlines
  readonly #config: ReadQueueConfig
  #waiting: WaitingRead<State>[] = []
  readonly #asked = new Map<number, Batch<State>>()
  #confirmed: ConfirmedBatch<State>[] = []
  /** What this node knows to be fresh: every write that was acknowledged before `askedMs` is at or below `index`. */
  #fresh: { readonly index: number; readonly askedMs: number } | undefined
  /** When the first of `#waiting` was called. */
  #waitingSinceMs = 0
  #size = 0
  readonly #tickets = new Tickets()

  constructor(clock: Clock, config: ReadQueueConfig) {
    this.#clock = clock
    this.#deadlines = new Deadlines(clock)
    this.#config = config
  }

  get size(): number {
    return this.#size
  }

  add<T>(query: (state: State) => T, options: ReadOptions): Promise<T> {
    const { group, maxPending, metrics } = this.#config
    if (this.#size >= maxPending) {
      metrics.overloaded('reads')
      return Promise.reject(new OverloadedError(group, `${maxPending} reads`))
    }
    const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS
    const pending = new Pending<unknown>({
      clock: this.#deadlines,
      timeoutMs,
      signal: options.signal,
      onTimeout: () => (read.asked ? new ReadTimeoutError(group, timeoutMs) : new NoLeaderError(group, timeoutMs)),
    })
    const read: WaitingRead<State> = { query, lease: options.consistency === 'lease', pending, asked: false }
    this.#size++
    if (this.#waiting.length === 0) this.#waitingSinceMs = this.#clock.monotonicMs()
    this.#waiting.push(read)
    return pending.promise as Promise<T>
  }

  /** Whether a state with everything up to `lastApplied` has all that was acknowledged `maxStalenessMs` ago. */
  isFresh(lastApplied: number, nowMs: number, maxStalenessMs: number): boolean {
    const fresh = this.#fresh
    return fresh !== undefined && fresh.index <= lastApplied && nowMs - fresh.askedMs < maxStalenessMs
  }

  /**
   * A new ticket for all reads of a kind that wait, unless enough questions are open. Ask the leader about it.
   *
   * @param lease for those that the leader's lease is enough for, or for the others.
   */
  take(nowMs: number, lease: boolean): number | undefined {
    let open = 0
    for (const batch of this.#asked.values()) if (batch.lease === lease) open++
    if (open >= MAX_OPEN_TICKETS) return undefined
    const reads = this.#waiting.filter((read) => read.lease === lease)
    if (reads.length === 0) return undefined
    const ticket = this.#tickets.next(nowMs)
    for (const read of reads) read.asked = true
    const [sinceMs, resendMs] = [this.#waitingSinceMs, nowMs + this.#config.resendAfterMs]
    this.#asked.set(ticket, { lease, reads, sinceMs, askedMs: nowMs, resendMs })
    this.#waiting = reads.length === this.#waiting.length ? [] : this.#waiting.filter((read) => read.lease !== lease)
    return ticket
  }

  /** The leader has confirmed: the reads of `ticket` may be served once `index` is applied. A ticket counts once. */
  confirmed(ticket: number, index: number): void {
    const batch = this.#asked.get(ticket)
    if (batch === undefined) return
    this.#asked.delete(ticket)
    if (this.#fresh === undefined || batch.askedMs > this.#fresh.askedMs)
      this.#fresh = { index, askedMs: batch.askedMs }
    const { lease, reads, sinceMs } = batch
    this.#confirmed.push({ lease, reads, sinceMs, index })
  }

  /** The question was not, or will not be, answered: ask again, under a new ticket. */
  returned(ticket: number): void {
    const batch = this.#asked.get(ticket)
    if (batch === undefined) return
    this.#asked.delete(ticket)
    this.#waitingSinceMs = this.#waiting.length === 0 ? batch.sinceMs : Math.min(this.#waitingSinceMs, batch.sinceMs)
    this.#waiting = this.#waiting.concat(batch.reads)
  }

  /** The one that was asked does not lead: ask again at `resendMs`, or when another leader is known. */
  refused(ticket: number, resendMs: number): void {
    const batch = this.#asked.get(ticket)
    if (batch !== undefined) batch.resendMs = resendMs
  }

  leaderChanged(): void {
    for (const ticket of [...this.#asked.keys()]) this.returned(ticket)
  }

  /** Takes back what was long without an answer, and forgets callers that gave up. */
  resendOverdue(nowMs: number): void {
    for (const [ticket, batch] of this.#asked) {
      if (nowMs >= batch.resendMs) this.returned(ticket)
    }
    this.#waiting = this.#withoutSettled(this.#waiting)
    this.#confirmed = this.#confirmed.map((batch) => ({ ...batch, reads: this.#withoutSettled(batch.reads) }))
  }

  #withoutSettled(reads: WaitingRead<State>[]): WaitingRead<State>[] {
    const left = reads.filter((read) => !read.pending.settled)
    this.#size -= reads.length - left.length
    return left
  }

  /** Serves what `lastApplied` suffices for. A query that throws rejects its own read. */
  serve(state: State, lastApplied: number): void {
    if (this.#confirmed.length === 0) return
    const tooEarly: ConfirmedBatch<State>[] = []
    for (const batch of this.#confirmed) {
      if (batch.index > lastApplied) {
        tooEarly.push(batch)
        continue
      }
      this.#size -= batch.reads.length
      this.#config.metrics.readsServed(batch.lease, this.#clock.monotonicMs() - batch.sinceMs)
      for (const read of batch.reads) answer(read, state)
    }
    this.#confirmed = tooEarly
  }

  rejectAll(error: () => Error): void {
    const batches = [...this.#asked.values(), ...this.#confirmed, { reads: this.#waiting }]
    for (const { reads } of batches) for (const read of reads) read.pending.reject(error())
    this.#waiting = []
    this.#asked.clear()
    this.#confirmed = []
    this.#size = 0
  }
}

function answer<State>(read: WaitingRead<State>, state: State): void {
  if (read.pending.settled) return
  try {
    read.pending.resolve(read.query(state))
  } catch (error) {
    read.pending.reject(error)
  }
}
