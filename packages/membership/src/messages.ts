import type { Clock, Logger, SubscribeOptions } from '@dsys/runtime'
import { Broadcasts, checkBroadcast } from './broadcasts.ts'
import type { Effect } from './core/effects.ts'
import type { MembershipCore } from './core/membership-core.ts'
import { BroadcastOverloadedError } from './errors.ts'
import type { Member } from './events.ts'
import type { MembershipMetrics } from './metrics.ts'
import { Queries } from './queries.ts'
import { QueryHandlers } from './query-handlers.ts'
import type { Broadcast, BroadcastOptions, Query, QueryHandler, QueryOptions } from './user-messages.ts'

/** What the messages need of the membership. */
export interface MessagesContext {
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: MembershipMetrics
  readonly members: () => readonly Member[]
  readonly core: () => MembershipCore | undefined
  /** Gives the core an input, and carries out what it asks for. */
  readonly input: (input: (core: MembershipCore, nowMs: number) => readonly Effect[]) => void
}

/** What the core asks for that is about messages. */
export type MessageEffect = Extract<Effect, { type: 'user-broadcast' | 'query' | 'answer' | 'query-ended' }>

/** What the application says through the membership: broadcasts, queries and answers. */
export class Messages {
  readonly #context: MessagesContext
  readonly #broadcasts = new Broadcasts()
  readonly #queries: Queries
  readonly #handlers: QueryHandlers

  constructor(context: MessagesContext) {
    const { clock, logger, metrics, members, input } = context
    this.#context = context
    this.#queries = new Queries({
      members,
      ask: (question) => input((core, nowMs) => core.ask(question, nowMs)),
      cancel: (number) => input((core) => core.cancelQuery(number)),
    })
    this.#handlers = new QueryHandlers({
      clock,
      logger,
      answer: (key, result) => {
        metrics.query(result.ok ? 'answered' : 'failed')
        input((core, nowMs) => core.answer(key, result, nowMs))
      },
      late: () => metrics.query('late'),
    })
  }

  broadcast(topic: string, payload: Uint8Array, options: BroadcastOptions): void {
    const { clock, core, input, metrics } = this.#context
    const { ttlMs } = checkBroadcast(topic, payload, options)
    // A copy: the caller may go on to use it.
    const bytes = new Uint8Array(payload)
    if (core()?.hasRoomFor(topic, bytes, clock.monotonicMs()) !== true) throw new BroadcastOverloadedError(topic)
    input((one, nowMs) => one.broadcast(topic, bytes, ttlMs, nowMs))
    metrics.broadcastSent()
  }

  broadcasts(topic: string, options: SubscribeOptions): AsyncIterableIterator<Broadcast, undefined> {
    return this.#broadcasts.subscribe(topic, options)
  }

  query(name: string, payload: Uint8Array, options: QueryOptions): Query {
    const query = this.#queries.begin(name, payload, options)
    this.#context.metrics.query('asked')
    return query
  }

  onQuery(name: string, handler: QueryHandler): () => void {
    return this.#handlers.set(name, handler)
  }

  /** Carries out what the core asks for. */
  carryOut(effect: MessageEffect): void {
    switch (effect.type) {
      case 'user-broadcast':
        this.#context.metrics.broadcastDelivered()
        this.#broadcasts.deliver(effect.broadcast)
        break
      case 'query':
        this.#handlers.run(effect.query)
        break
      case 'answer':
        this.#queries.onAnswer(effect.number, effect.from, effect.result)
        break
      case 'query-ended':
        this.#queries.onEnd(effect.number, effect.end, effect.silent, effect.absent)
        break
    }
  }

  /** The membership has fallen silent: nothing comes in or goes out any more. */
  silence(why: Error): void {
    this.#handlers.stop()
    this.#queries.fail(why)
  }

  /** Ends all streams. */
  close(): void {
    this.#broadcasts.close()
  }
}
