import type { PeerAddress } from '@dsys/transport'
import { OncePerProcess } from './once.ts'
import type { CoreParts } from './parts.ts'
import type { QueryBody } from './query-codec.ts'
import type { QueryId, QueryResult } from './query-message.ts'

/** Queries that are remembered until their time is over; beyond this, others are told to ask later. */
export const MAX_REMEMBERED_QUERIES = 1_024
/** How often those whose time is over are looked for. */
const SWEEP_MS = 1_000

/** A query that this node shall answer. */
export interface QueryToAnswer {
  /** What the answer is given with. */
  readonly key: string
  readonly from: PeerAddress
  readonly name: string
  readonly payload: Uint8Array
  readonly leftMs: number
}

interface Remembered extends QueryId {
  readonly from: PeerAddress
  readonly endMs: number
  result: QueryResult | undefined
}

/** What it needs of the core around it. */
export interface AnsweringParts extends Pick<CoreParts, 'self' | 'view' | 'courier' | 'emit'> {
  /** This node has answered itself. */
  readonly answerSelf: (answer: QueryId & { readonly result: QueryResult }) => void
}

const OVERLOADED: QueryResult = Object.freeze({
  ok: false,
  failure: Object.freeze({
    code: 'DSYS_MEMBERSHIP_QUERY_OVERLOADED',
    message: 'too many queries wait for this member',
    hint: 'Ask again a little later, and fewer at a time.',
    retryable: true,
    outcome: 'not-applied',
  }),
})

/** Gives each query to this node once, and its answer as often as it is asked for again. */
export class Answering {
  readonly #parts: AnsweringParts
  readonly #once: OncePerProcess
  readonly #remembered = new Map<string, Remembered>()
  #nextSweepMs = 0

  constructor(parts: AnsweringParts) {
    this.#parts = parts
    this.#once = new OncePerProcess(parts.view)
  }

  onQuery({ nonce, number, leftMs, name, payload }: QueryBody, from: PeerAddress, nowMs: number): void {
    if (leftMs <= 0) return
    const key = `${from.generation}/${nonce}/${number}/${from.id}`
    const known = this.#remembered.get(key)
    if (known !== undefined) {
      if (known.result !== undefined && nowMs < known.endMs) this.#send(known, known.result)
      return
    }
    this.#sweep(nowMs)
    const query: Remembered = { nonce, number, from, endMs: nowMs + leftMs, result: undefined }
    if (this.#remembered.size >= MAX_REMEMBERED_QUERIES) {
      this.#send(query, OVERLOADED)
      return
    }
    const heard = this.#once.take({ ...from, nonce }, number)
    if (heard === 'stranger') this.#parts.emit({ type: 'count', what: 'strange-query' })
    if (heard !== 'first') return
    this.#remembered.set(key, query)
    this.#parts.emit({ type: 'query', query: { key, from, name, payload, leftMs } })
  }

  /** The answer is there. One that comes when the time is over is not sent. */
  answer(key: string, result: QueryResult, nowMs: number): void {
    const query = this.#remembered.get(key)
    if (query === undefined || query.result !== undefined || nowMs >= query.endMs) return
    query.result = result
    this.#send(query, result)
  }

  forget(id: string): void {
    this.#once.forget(id)
  }

  #send({ from, nonce, number }: Remembered, result: QueryResult): void {
    const { self, courier, answerSelf } = this.#parts
    if (from.id === self.id) answerSelf({ nonce, number, result })
    else courier.post(from, { kind: 'answer', nonce, number, result, rumors: [] })
  }

  #sweep(nowMs: number): void {
    if (nowMs < this.#nextSweepMs && this.#remembered.size < MAX_REMEMBERED_QUERIES) return
    this.#nextSweepMs = nowMs + SWEEP_MS
    for (const [key, { endMs }] of this.#remembered) if (nowMs >= endMs) this.#remembered.delete(key)
  }
}
