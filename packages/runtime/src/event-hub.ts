import { DsysError } from './errors.ts'

/** A subscriber did not keep up (`DSYS_EVENTS_LAGGED`). It missed events: subscribe again, which begins with the state. */
export class EventsLaggedError extends DsysError {
  readonly capacity: number

  constructor(capacity: number) {
    super(`more than ${capacity} events were waiting for this subscriber`, {
      code: 'DSYS_EVENTS_LAGGED',
      retryable: true,
      outcome: 'not-applied',
      hint: 'Subscribe again: the new stream begins with the present state. Consume faster, or raise capacity.',
    })
    this.capacity = capacity
  }
}

/** Options of a subscription. */
export interface SubscribeOptions {
  /** Ends the stream without an error. */
  readonly signal?: AbortSignal
  /** How many events may wait for this subscriber before its stream ends with {@link EventsLaggedError}. Default 1,024. */
  readonly capacity?: number
}

const DEFAULT_CAPACITY = 1_024

class Subscriber<E> {
  readonly #queue: E[]
  readonly #capacity: number
  #failure: EventsLaggedError | undefined
  #ended = false
  #wake: (() => void) | undefined

  constructor(initial: Iterable<E>, capacity: number) {
    this.#queue = [...initial]
    this.#capacity = Math.max(capacity, this.#queue.length)
  }

  push(event: E): void {
    if (this.#ended) return
    if (this.#queue.length >= this.#capacity) {
      this.#failure = new EventsLaggedError(this.#capacity)
      this.#queue.length = 0
      this.end()
    } else {
      this.#queue.push(event)
      this.#wake?.()
    }
  }

  end(): void {
    this.#ended = true
    this.#wake?.()
  }

  async next(): Promise<IteratorResult<E, undefined>> {
    for (;;) {
      const event = this.#queue.shift()
      if (event !== undefined) return { done: false, value: event }
      if (this.#failure !== undefined) {
        const failure = this.#failure
        this.#failure = undefined
        throw failure
      }
      if (this.#ended) return { done: true, value: undefined }
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }
}

/**
 * Gives one source of events to many subscribers, each with its own bounded queue: a slow one loses its own stream and
 * holds up nobody.
 */
export class EventHub<E extends object> {
  readonly #subscribers = new Set<Subscriber<E>>()
  readonly #handlers = new Set<(event: E) => void>()
  #closed = false

  /** Gives `event` to every handler, at once, and to every stream. */
  publish(event: E): void {
    for (const handler of this.#handlers) handler(event)
    for (const subscriber of this.#subscribers) subscriber.push(event)
  }

  /** Calls `handler` for each event, synchronously, until the returned function is called. It must not throw. */
  handle(handler: (event: E) => void): () => void {
    this.#handlers.add(handler)
    return () => void this.#handlers.delete(handler)
  }

  /** An endless stream that begins with `initial`. It ends with the signal, with {@link EventHub.close}, or on `break`. */
  subscribe(options: SubscribeOptions = {}, initial: Iterable<E> = []): AsyncIterableIterator<E, undefined> {
    const subscriber = new Subscriber(initial, options.capacity ?? DEFAULT_CAPACITY)
    const { signal } = options
    const end = (): void => {
      this.#subscribers.delete(subscriber)
      signal?.removeEventListener('abort', end)
      subscriber.end()
    }
    this.#subscribers.add(subscriber)
    signal?.addEventListener('abort', end, { once: true })
    if (signal?.aborted || this.#closed) end()
    return {
      next: () => subscriber.next(),
      return: async () => {
        end()
        return { done: true, value: undefined }
      },
      [Symbol.asyncIterator]() {
        return this
      },
    }
  }

  /** Ends every stream after what is queued, and forgets the handlers. */
  close(): void {
    this.#closed = true
    for (const subscriber of this.#subscribers) subscriber.end()
    this.#subscribers.clear()
    this.#handlers.clear()
  }
}
