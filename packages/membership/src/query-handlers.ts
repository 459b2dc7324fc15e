import { type Clock, DsysError, type Logger, type TimerHandle } from '@dsys/runtime'
import type { QueryToAnswer } from './core/answering.ts'
import { MAX_ANSWER_BYTES, type QueryFailure, type QueryResult } from './core/query-message.ts'
import type { QueryHandler } from './user-messages.ts'
import { checkName, checkPayload } from './user-names.ts'

/** Handlers that run at a time for somebody who waits; beyond this, members are told to ask later. */
export const MAX_RUNNING_HANDLERS = 64

/** What the handlers may do. */
export interface QueryHandlerPorts {
  readonly clock: Clock
  readonly logger: Logger
  /** Gives an answer to the core. */
  readonly answer: (key: string, result: QueryResult) => void
  /** The time of a query is over, and its handler is not done. */
  readonly late: () => void
}

interface Running {
  readonly controller: AbortController
  readonly timer: TimerHandle
}

/** Runs the handlers of the application for the queries of others. */
export class QueryHandlers {
  readonly #ports: QueryHandlerPorts
  readonly #handlers = new Map<string, QueryHandler>()
  readonly #running = new Map<string, Running>()

  constructor(ports: QueryHandlerPorts) {
    this.#ports = ports
  }

  set(name: string, handler: QueryHandler): () => void {
    checkName('the name of a query', name)
    if (typeof handler !== 'function') throw new TypeError('the handler of a query must be a function')
    if (this.#handlers.has(name))
      throw new TypeError(`there is a handler for the query ${JSON.stringify(name)} already`)
    this.#handlers.set(name, handler)
    return () => {
      if (this.#handlers.get(name) === handler) this.#handlers.delete(name)
    }
  }

  run(query: QueryToAnswer): void {
    const { clock, answer, late } = this.#ports
    const handler = this.#handlers.get(query.name)
    if (handler === undefined) answer(query.key, { ok: false, failure: unknownQuery(query.name) })
    else if (this.#running.size >= MAX_RUNNING_HANDLERS) answer(query.key, { ok: false, failure: OVERLOADED })
    else {
      const controller = new AbortController()
      const timer = clock.setTimer(query.leftMs, () => {
        // Its place is free again whether it heeds the signal or not: 64 handlers that wait for ever would else silence this member for good.
        this.#running.delete(query.key)
        late()
        controller.abort(new DOMException('nobody waits for the answer any more', 'TimeoutError'))
      })
      this.#running.set(query.key, { controller, timer })
      const deadlineMs = clock.monotonicMs() + query.leftMs
      void this.#run(query, handler, deadlineMs, controller.signal).then((result) => {
        // What comes when nobody waits any more is not given to anybody.
        if (!this.#running.delete(query.key)) return
        timer.cancel()
        answer(query.key, result)
      })
    }
  }

  /** Tells every handler that runs to give up. One that does not leaves nothing behind but itself. */
  stop(): void {
    for (const { controller, timer } of this.#running.values()) {
      timer.cancel()
      controller.abort(new DOMException('this node stops', 'AbortError'))
    }
  }

  async #run(
    { name, payload, from }: QueryToAnswer,
    handler: QueryHandler,
    deadlineMs: number,
    signal: AbortSignal,
  ): Promise<QueryResult> {
    try {
      // In a turn of its own: what is under way in the core ends first.
      await undefined
      const answer = await handler(Object.freeze({ name, payload, from, deadlineMs, signal }))
      checkPayload(answer)
      if (answer.length > MAX_ANSWER_BYTES) throw new AnswerTooLargeError(name, answer.length)
      // A copy: it may be sent again.
      return { ok: true, payload: new Uint8Array(answer) }
    } catch (error) {
      const isContract = error instanceof DsysError
      if (!isContract && !signal.aborted)
        this.#ports.logger.log('error', 'a handler of a query failed', { query: name, from: from.id, error })
      return { ok: false, failure: isContract ? error.toJSON() : HANDLER_FAILED }
    }
  }
}

/** The answer of a handler is over the limit (`DSYS_MEMBERSHIP_ANSWER_TOO_LARGE`). Who asks is told so. */
class AnswerTooLargeError extends DsysError {
  constructor(name: string, bytes: number) {
    super(`the answer to ${JSON.stringify(name)} has ${bytes} bytes; at most ${MAX_ANSWER_BYTES} are allowed`, {
      code: 'DSYS_MEMBERSHIP_ANSWER_TOO_LARGE',
      retryable: false,
      outcome: 'unknown',
      hint: 'Answer with a summary, and move what is large by calls of your own (Rpc of @dsys/transport).',
    })
  }
}

const HANDLER_FAILED: QueryFailure = Object.freeze({
  code: 'DSYS_MEMBERSHIP_QUERY_HANDLER_FAILED',
  message: 'the handler of the query failed',
  hint: 'The log of that member has the error itself.',
  retryable: false,
  outcome: 'unknown',
})

const OVERLOADED: QueryFailure = Object.freeze({
  code: 'DSYS_MEMBERSHIP_QUERY_OVERLOADED',
  message: 'too many queries run at this member',
  hint: 'Ask again a little later, and fewer at a time.',
  retryable: true,
  outcome: 'not-applied',
})

const unknownQuery = (name: string): QueryFailure => ({
  code: 'DSYS_MEMBERSHIP_QUERY_UNKNOWN',
  message: `this member has no handler for ${JSON.stringify(name)}`,
  hint: 'It runs another version of the application, or has not set this handler yet.',
  retryable: false,
  outcome: 'not-applied',
})
