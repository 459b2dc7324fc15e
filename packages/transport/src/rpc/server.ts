import type { Clock, Logger, TimerHandle } from '@dsys/runtime'
import type { PeerAddress } from '../port.ts'
import { type CallId, encodeFailure, encodeRefusal, encodeResult } from './codec.ts'
import { RpcTimeoutError, toFailure } from './errors.ts'
import { decodeTrace, type TraceContext } from './trace.ts'

/** What a handler knows of the request besides its payload. */
export interface RpcContext extends TraceContext {
  readonly from: PeerAddress
  /** Fires when the caller gave up, or its deadline is over. */
  readonly signal: AbortSignal
  /** When the deadline is over, on the monotonic scale of this node's clock: what is left goes on to calls that the handler makes. */
  readonly deadlineMs: number
}

/** Answers requests of one method. */
export type RpcHandler = (payload: Uint8Array, context: RpcContext) => Promise<Uint8Array>

/** A request, as it came in. */
export interface IncomingRequest {
  readonly call: CallId
  readonly timeoutMs: number
  readonly method: string
  readonly extensions: Uint8Array
  readonly payload: Uint8Array
}

export interface ServerPorts {
  readonly clock: Clock
  readonly logger: Logger
  /** Sends an answer. */
  readonly reply: (to: PeerAddress, frame: Uint8Array) => void
}

/** The calls whose duplicates are recognised after they ended. */
const MAX_REMEMBERED = 16_384

interface Running {
  readonly controller: AbortController
  readonly deadline: TimerHandle
}

const keyOf = (from: PeerAddress, call: CallId): string => `${call.id} ${call.session} ${from.generation} ${from.id}`

/** The answering half of RPC: bounded, and each request at most once within the window that it remembers. */
export class RpcServer {
  readonly #ports: ServerPorts
  readonly #maxConcurrentRequests: number
  readonly #handlers = new Map<string, RpcHandler>()
  readonly #running = new Map<string, Running>()
  readonly #ended = new Set<string>()

  constructor(ports: ServerPorts, maxConcurrentRequests: number) {
    this.#ports = ports
    this.#maxConcurrentRequests = maxConcurrentRequests
  }

  handle(method: string, handler: RpcHandler): () => void {
    if (this.#handlers.has(method)) throw new TypeError(`"${method}" has a handler already`)
    this.#handlers.set(method, handler)
    let ended = false
    return () => {
      // The same function may be the handler anew by now.
      if (!ended && this.#handlers.get(method) === handler) this.#handlers.delete(method)
      ended = true
    }
  }

  request(from: PeerAddress, { call, timeoutMs, method, extensions, payload }: IncomingRequest): void {
    const key = keyOf(from, call)
    // The network may deliver a frame twice; a cancel may overtake its request.
    if (this.#running.has(key) || this.#ended.has(key)) return
    const handler = this.#handlers.get(method)
    if (handler === undefined || this.#running.size >= this.#maxConcurrentRequests) {
      this.#remember(key)
      this.#ports.reply(from, encodeRefusal(call, handler === undefined ? 'unknown-method' : 'overloaded'))
      return
    }
    const controller = new AbortController()
    const giveUp = (): void => this.#abort(key, new RpcTimeoutError({ id: from.id }, method, timeoutMs))
    const deadline = this.#ports.clock.setTimer(timeoutMs, giveUp)
    this.#running.set(key, { controller, deadline })
    const deadlineMs = this.#ports.clock.monotonicMs() + timeoutMs
    const context = { from, signal: controller.signal, deadlineMs, ...decodeTrace(extensions) }
    void this.#run(key, call, method, context, () => handler(payload, context))
  }

  async #run(
    key: string,
    call: CallId,
    method: string,
    { from, traceparent }: RpcContext,
    run: () => Promise<Uint8Array>,
  ): Promise<void> {
    let answer: Uint8Array
    let awaited: boolean
    try {
      // Encoded while the request still runs, so that a result which is no bytes fails as its handler would.
      answer = encodeResult(call, await run())
      awaited = this.#finish(key)
    } catch (error) {
      // Nobody waits for the answer of a request that was given up; its handler failed because of that, most likely.
      awaited = this.#finish(key)
      const { failure, expected } = toFailure(error)
      if (!expected && awaited) {
        const shown = error instanceof Error ? (error.stack ?? error.message) : String(error)
        const trace = traceparent === undefined ? {} : { traceparent }
        this.#ports.logger.log('error', 'a handler of RPC failed', { method, from: from.id, error: shown, ...trace })
      }
      answer = encodeFailure(call, failure)
    }
    // What the transport throws here is none of the handler.
    if (awaited) this.#ports.reply(from, answer)
  }

  /** The caller gave up. */
  cancel(from: PeerAddress, call: CallId): void {
    const key = keyOf(from, call)
    this.#abort(key, new DOMException('the caller gave up', 'AbortError'))
    this.#remember(key)
  }

  /** Tells every handler that runs to give up; nothing is answered from here on. */
  stop(): void {
    for (const key of [...this.#running.keys()]) this.#abort(key, new DOMException('this node stops', 'AbortError'))
    this.#handlers.clear()
  }

  /**
   * The request keeps its place among those that run until its handler has returned, so handlers that ignore the signal
   * still count against the limit.
   */
  #abort(key: string, reason: Error): void {
    const running = this.#running.get(key)
    running?.deadline.cancel()
    running?.controller.abort(reason)
  }

  /** Whether the caller still waits. */
  #finish(key: string): boolean {
    const running = this.#running.get(key)
    running?.deadline.cancel()
    this.#running.delete(key)
    this.#remember(key)
    return running !== undefined && !running.controller.signal.aborted
  }

  #remember(key: string): void {
    if (this.#ended.size >= MAX_REMEMBERED) {
      // Sets keep the order of insertion: this is the oldest.
      for (const oldest of this.#ended) {
        this.#ended.delete(oldest)
        break
      }
    }
    this.#ended.add(key)
  }
}
