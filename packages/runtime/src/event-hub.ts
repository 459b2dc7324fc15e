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

type Waiter<E> = (result: IteratorResult<E, undefined>) => void

class Subscriber<E> {
  readonly #capacity: number
  readonly #onEnd: () => void
  /** Invariant: events wait, or callers of next() do, never both. */
  #queue: E[]
  #waiters: Waiter<E>[] = []
  #failure: EventsLaggedError | undefined
  #ended = false

  constructor(initial: Iterable<E>, capacity: number, onEnd: () => void) {
    this.#queue = [...initial]
    this.#capacity = Math.max(capacity, this.#queue.length)
    this.#onEnd = onEnd
  }

  push(event: E): void {
    if (this.#ended) return
    const waiter = this.#waiters.shift()
    if (waiter !== undefined) {
      waiter({ done: false, value: event })
    } else if (this.#queue.length < this.#capacity) {
      this.#queue.push(event)
    } else {
      this.#failure = new EventsLaggedError(this.#capacity)
      this.cancel()
    }
  }

  /** Ends the stream after what is queued. */
  end(): void {
    if (this.#ended) return
    this.#ended = true
    for (const waiter of this.#waiters) waiter({ done: true, value: undefined })
    this.#waiters = []
    this.#onEnd()
  }

  /** Ends the stream and forgets what is queued. */
  cancel(): void {
    this.#queue = []
    this.end()
  }

  next(): Promise<IteratorResult<E, undefined>> {
    const event = this.#queue.shift()
    if (event !== undefined) return Promise.resolve({ done: false, value: event })
    if (this.#failure !== undefined) {
      const failure = this.#failure
      this.#failure = undefined
      return Promise.reject(failure)
    }
    if (this.#ended) return Promise.resolve({ done: true, value: undefined })
    return new Promise((resolve) => this.#waiters.push(resolve))
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

  /** How many handlers and streams there are. */
  get size(): number {
    return this.#handlers.size + this.#subscribers.size
  }

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

  /**
   * An endless stream that begins with `initial`. It ends after what is queued with the signal or with
   * {@link EventHub.close}, and at once on `break`.
   *
   * @throws RangeError when `capacity` is not a whole number, 1 or more.
   */
  subscribe(options: SubscribeOptions = {}, initial: Iterable<E> = []): AsyncIterableIterator<E, undefined> {
    const { signal, capacity = DEFAULT_CAPACITY } = options
    if (!Number.isSafeInteger(capacity) || capacity < 1)
      throw new RangeError(`capacity must be 1 or more, got ${capacity}`)
    const onAbort = (): void => subscriber.end()
    const subscriber = new Subscriber(initial, capacity, () => {
      this.#subscribers.delete(subscriber)
      signal?.removeEventListener('abort', onAbort)
    })
    this.#subscribers.add(subscriber)
    signal?.addEventListener('abort', onAbort, { once: true })
    if (signal?.aborted || this.#closed) subscriber.end()
    return {
      next: () => subscriber.next(),
      return: async () => {
        subscriber.cancel()
        return { done: true, value: undefined }
      },
      [Symbol.asyncIterator]() {
        return this
      },
    }
  }

  /** Ends every stream after what is queued, and forgets the handlers. Later streams hold their initial events only. */
  close(): void {
    this.#closed = true
    for (const subscriber of this.#subscribers) subscriber.end()
    this.#handlers.clear()
  }
}
