import type { PeerAddress } from '@dsys/transport'
import type { QueryEnd } from './core/asking.ts'
import type { QueryResult } from './core/query-message.ts'
import { QueryAnswerError } from './errors.ts'
import type { Query, QueryAnswer, QuerySummary } from './user-messages.ts'

/** What is known of those who were not asked, or could not be. */
export interface NotAsked {
  readonly filtered: readonly string[]
  readonly absent: readonly string[]
}

type Outcome = { readonly summary: QuerySummary } | { readonly error: unknown }

/** Collects the answers to one query, at most one for each who was asked. */
export class QueryRun implements Query {
  readonly #notAsked: NotAsked
  readonly #release: () => void
  readonly #answers: QueryAnswer[] = []
  #outcome: Outcome | undefined
  #waiters: (() => void)[] = []

  /** @param release is called once, when the query is over. */
  constructor(notAsked: NotAsked, release: () => void) {
    this.#notAsked = notAsked
    this.#release = release
  }

  add(from: PeerAddress, result: QueryResult): void {
    const answer: QueryAnswer = result.ok
      ? { ok: true, from, payload: result.payload }
      : { ok: false, from, error: new QueryAnswerError(from, result.failure) }
    this.#answers.push(Object.freeze(answer))
    this.#wake()
  }

  end(end: QueryEnd, silent: readonly string[], gone: readonly string[]): void {
    const { filtered, absent } = this.#notAsked
    const whose = (ok: boolean): string[] => this.#answers.filter((one) => one.ok === ok).map(({ from }) => from.id)
    const lists = { answered: whose(true), failed: whose(false), silent, absent: [...absent, ...gone], filtered }
    const ordered = Object.entries(lists).map(([name, ids]) => [name, Object.freeze([...ids].sort())])
    this.#settle({ summary: Object.freeze({ end, ...Object.fromEntries(ordered) }) as QuerySummary })
  }

  fail(error: unknown): void {
    this.#settle({ error })
  }

  async summary(): Promise<QuerySummary> {
    while (this.#outcome === undefined) await this.#changed()
    if ('error' in this.#outcome) throw this.#outcome.error
    return this.#outcome.summary
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<QueryAnswer, undefined> {
    for (let next = 0; ; ) {
      const answer = this.#answers[next]
      if (answer !== undefined) {
        next += 1
        yield answer
      } else if (this.#outcome === undefined) await this.#changed()
      else if ('error' in this.#outcome) throw this.#outcome.error
      else return undefined
    }
  }

  #settle(outcome: Outcome): void {
    if (this.#outcome !== undefined) return
    this.#outcome = outcome
    this.#release()
    this.#wake()
  }

  /** The next answer, or the end. Bounded, as the core ends each query at its deadline. */
  #changed(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve))
  }

  #wake(): void {
    const waiters = this.#waiters
    this.#waiters = []
    for (const wake of waiters) wake()
  }
}
