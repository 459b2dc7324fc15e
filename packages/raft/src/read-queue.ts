import { type Clock, Pending } from '@dsys/runtime'
import { NoLeaderError, OverloadedError, ReadTimeoutError } from './errors.ts'
import type { CallOptions } from './options.ts'

const DEFAULT_TIMEOUT_MS = 5_000
/** Questions to the leader that may be open at once; the reads that come meanwhile share the next one. */
const MAX_OPEN_TICKETS = 4

interface WaitingRead<State> {
  readonly query: (state: State) => unknown
  readonly pending: Pending<unknown>
}

interface Batch<State> {
  readonly reads: readonly WaitingRead<State>[]
  /** When to ask again if no answer comes. */
  resendMs: number
}

interface ConfirmedBatch<State> {
  readonly reads: readonly WaitingRead<State>[]
  readonly index: number
}

/** What the reads of a node need to know. */
export interface ReadQueueConfig {
  readonly group: string
  readonly maxPending: number
  /** A question to the leader that is not answered is asked again after this long. */
  readonly resendAfterMs: number
}

/**
 * The linearizable reads that callers of this node wait for. All that wait share one question to the leader, a ticket; its
 * answer is the index that the state machine must have applied before they are served from the state of this node.
 */
export class ReadQueue<State> {
  readonly #clock: Clock
  readonly #config: ReadQueueConfig
  #waiting: WaitingRead<State>[] = []
  readonly #asked = new Map<number, Batch<State>>()
  #confirmed: ConfirmedBatch<State>[] = []
  #size = 0
  #nextTicket = 1
  #everAsked = false

  constructor(clock: Clock, config: ReadQueueConfig) {
    this.#clock = clock
    this.#config = config
  }

  get size(): number {
    return this.#size
  }

  add<T>(query: (state: State) => T, options: CallOptions): Promise<T> {
    const { group, maxPending } = this.#config
    if (this.#size >= maxPending) return Promise.reject(new OverloadedError(group, `${maxPending} reads`))
    const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS
    const pending = new Pending<unknown>({
      clock: this.#clock,
      timeoutMs,
      signal: options.signal,
      onTimeout: () => (this.#everAsked ? new ReadTimeoutError(group, timeoutMs) : new NoLeaderError(group, timeoutMs)),
    })
    this.#size++
    this.#waiting.push({ query, pending })
    return pending.promise as Promise<T>
  }

  /** A new ticket for all reads that wait, unless enough questions are open. Ask the leader about it. */
  take(nowMs: number): number | undefined {
    if (this.#waiting.length === 0 || this.#asked.size >= MAX_OPEN_TICKETS) return undefined
    const ticket = this.#nextTicket++
    this.#everAsked = true
    this.#asked.set(ticket, { reads: this.#waiting, resendMs: nowMs + this.#config.resendAfterMs })
    this.#waiting = []
    return ticket
  }

  /** The leader has confirmed: the reads of `ticket` may be served once `index` is applied. A ticket counts once. */
  confirmed(ticket: number, index: number): void {
    const batch = this.#asked.get(ticket)
    if (batch === undefined) return
    this.#asked.delete(ticket)
    this.#confirmed.push({ reads: batch.reads, index })
  }

  /** The question was not, or will not be, answered: ask again, under a new ticket. */
  returned(ticket: number): void {
    const batch = this.#asked.get(ticket)
    if (batch === undefined) return
    this.#asked.delete(ticket)
    this.#waiting.push(...batch.reads)
  }

  /** The one that was asked does not lead: ask again at `resendMs`, or when another leader is known. */
  refused(ticket: number, resendMs: number): void {
    const batch = this.#asked.get(ticket)
    if (batch !== undefined) batch.resendMs = resendMs
  }

  leaderChanged(): void {
    for (const ticket of [...this.#asked.keys()]) this.returned(ticket)
  }

  /** Takes back what was long without an answer, and forgets callers that gave up. Returns whether anything waits. */
  resendOverdue(nowMs: number): boolean {
    for (const [ticket, batch] of this.#asked) {
      if (nowMs >= batch.resendMs) this.returned(ticket)
    }
    const before = this.#waiting.length
    this.#waiting = this.#waiting.filter((read) => !read.pending.settled)
    this.#size -= before - this.#waiting.length
    return this.#size > 0
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
