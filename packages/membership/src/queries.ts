import type { PeerAddress } from '@dsys/transport'
import type { QueryEnd, Question } from './core/asking.ts'
import { MAX_QUERY_BYTES, MAX_QUERY_MS, type QueryResult } from './core/query-message.ts'
import { isLive } from './core/record.ts'
import { QueryOverloadedError, QueryTooLargeError } from './errors.ts'
import type { Member } from './events.ts'
import { matches } from './member-filter.ts'
import { QueryRun } from './query-run.ts'
import type { Query, QueryOptions } from './user-messages.ts'
import { checkName, checkPayload } from './user-names.ts'

const DEFAULT_TIMEOUT_MS = 2_000
/** Queries of this node under way; one more is refused. */
export const MAX_QUERIES = 32

/** What the queries need of the membership. */
export interface QueriesContext {
  readonly members: () => readonly Member[]
  readonly ask: (question: Question) => void
  readonly cancel: (number: number) => void
}

/** The queries of this node that are under way. */
export class Queries {
  readonly #context: QueriesContext
  readonly #runs = new Map<number, QueryRun>()
  #number = 0

  constructor(context: QueriesContext) {
    this.#context = context
  }

  begin(name: string, payload: Uint8Array, options: QueryOptions): Query {
    const { signal } = options
    const { timeoutMs } = checkQuery(name, payload, options)
    signal?.throwIfAborted()
    if (this.#runs.size >= MAX_QUERIES) throw new QueryOverloadedError(name, MAX_QUERIES)
    const { targets, filtered, absent } = choose(this.#context.members(), options)
    this.#number += 1
    const number = this.#number
    const onAbort = (): void => {
      this.#context.cancel(number)
      run.fail(signal?.reason)
    }
    const run = new QueryRun({ filtered, absent }, () => {
      this.#runs.delete(number)
      signal?.removeEventListener('abort', onAbort)
    })
    this.#runs.set(number, run)
    signal?.addEventListener('abort', onAbort, { once: true })
    this.#context.ask({ number, name, payload: new Uint8Array(payload), timeoutMs, targets })
    return run
  }

  onAnswer(number: number, from: PeerAddress, result: QueryResult): void {
    this.#runs.get(number)?.add(from, result)
  }

  onEnd(number: number, end: QueryEnd, silent: readonly string[], absent: readonly string[]): void {
    this.#runs.get(number)?.end(end, silent, absent)
  }

  /** No answer will come any more. */
  fail(error: unknown): void {
    for (const run of [...this.#runs.values()]) run.fail(error)
  }
}

interface Chosen {
  readonly targets: readonly string[]
  readonly filtered: readonly string[]
  readonly absent: readonly string[]
}

function choose(members: readonly Member[], { nodes, filter = {} }: QueryOptions): Chosen {
  const fits = typeof filter === 'function' ? filter : (member: Member) => matches(member, filter)
  const named = nodes === undefined ? undefined : new Set(nodes)
  const missing = new Set(nodes)
  const targets: string[] = []
  const filtered: string[] = []
  for (const member of members) {
    if (!isLive(member.state)) continue
    missing.delete(member.id)
    const isMeant = named?.has(member.id) !== false && fits(member)
    if (isMeant) targets.push(member.id)
    else filtered.push(member.id)
  }
  return { targets, filtered, absent: [...missing] }
}

function checkQuery(name: string, payload: Uint8Array, options: QueryOptions): { readonly timeoutMs: number } {
  checkName('the name of a query', name)
  checkPayload(payload)
  const { timeoutMs = DEFAULT_TIMEOUT_MS } = options
  if (!(timeoutMs >= 1 && timeoutMs <= MAX_QUERY_MS))
    throw new RangeError(`timeoutMs must be from 1 to ${MAX_QUERY_MS} milliseconds, got ${timeoutMs}`)
  if (payload.length > MAX_QUERY_BYTES) throw new QueryTooLargeError(payload.length, MAX_QUERY_BYTES)
  return { timeoutMs }
}
