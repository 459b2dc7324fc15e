import {
  type Clock,
  Lifecycle,
  type Logger,
  NotRunningError,
  Pending,
  type Random,
  type Service,
  type StartOptions,
  systemRandom,
} from '@dsys/runtime'
import { assertChannel } from '../checks.ts'
import { FrameTooLargeError } from '../errors.ts'
import type { Destination, PeerAddress, Transport } from '../port.ts'
import { CallRoom } from './call-room.ts'
import {
  type CallId,
  decode,
  type Envelope,
  encodeCancel,
  encodeFailure,
  encodeMethod,
  encodeRequest,
  MAX_TIMEOUT_MS,
} from './codec.ts'
import {
  RpcNotSentError,
  RpcOverloadedError,
  RpcPeerAbsentError,
  RpcRemoteError,
  RpcStoppedError,
  RpcTimeoutError,
  RpcUnknownMethodError,
  toFailure,
} from './errors.ts'
import { type RpcHandler, RpcServer } from './server.ts'
import { encodeTrace, type TraceContext } from './trace.ts'

/** The ports of an {@link Rpc}. The transport is not started or stopped by it. */
export interface RpcPorts {
  readonly clock: Clock
  readonly logger: Logger
  readonly transport: Transport
  /** Default: that of this process. */
  readonly random?: Random
}

/** Options of an {@link Rpc}. */
export interface RpcOptions {
  /** Requests travel on this channel, answers on `<channel>-reply`; so at most 58 characters of `a-z 0-9 -`. */
  readonly channel: string
  /** How many calls of this node may wait for an answer; a further one throws RpcOverloadedError, or waits (`whenFull`). Default 1,024. */
  readonly maxInFlight?: number
  /** How many of them to one peer, so that one which hangs leaves room for the others. Default 256. */
  readonly maxInFlightPerPeer?: number
  /** How many calls may wait for room; a further one throws RpcOverloadedError. Default 1,024. */
  readonly maxWaiting?: number
  /** How many requests of others may run here; a further one is refused. Default 1,024. */
  readonly maxConcurrentRequests?: number
  /** How long a call waits unless it says otherwise, in milliseconds, up to 2^32 - 1. Default 5,000. */
  readonly defaultTimeoutMs?: number
}

/** Options of {@link Rpc.call}. With a trace the handler gets it as well. */
export interface CallOptions extends TraceContext {
  /** How long to wait for the answer, and for room before, in milliseconds, up to 2^32 - 1. Default `defaultTimeoutMs`. */
  readonly timeoutMs?: number
  /**
   * What becomes of the call when `maxInFlight` or `maxInFlightPerPeer` are under way. `refuse`: RpcOverloadedError at once. `wait`: it
   * waits for its turn, within its deadline, so that whoever awaits each call is as fast as its peers are. Default `refuse`.
   */
  readonly whenFull?: 'refuse' | 'wait'
  /** Gives the call up: it rejects with the signal's reason, and the peer is told. The outcome is unknown then. */
  readonly signal?: AbortSignal
}

const DEFAULTS = Object.freeze({
  maxInFlight: 1_024,
  maxInFlightPerPeer: 256,
  maxWaiting: 1_024,
  maxConcurrentRequests: 1_024,
  defaultTimeoutMs: 5_000,
})

/**
 * The ids of an Rpc begin at its session times this, so that those of two are apart for as many calls, most often for far more: a report about a
 * request of an earlier one on the same transport names no call of the next. They stay far below the 2^48 that the wire takes.
 */
const CALLS_APART = 2 ** 15

interface Call {
  readonly to: Destination
  readonly method: string
  readonly pending: Pending<Uint8Array>
}

/** It has to fit the wire. */
function assertTimeout(name: string, timeoutMs: number): void {
  if (!(timeoutMs > 0 && timeoutMs <= MAX_TIMEOUT_MS))
    throw new RangeError(`${name} must be more than 0 and at most ${MAX_TIMEOUT_MS}, got ${timeoutMs}`)
}

/**
 * Requests and answers over any transport, both ways over one channel. Each call ends by its deadline; its error says
 * whether the request ran (`outcome`): a lost answer is `unknown`, never a failure. Nothing is repeated by itself.
 */
export class Rpc implements Service {
  readonly #clock: Clock
  readonly #transport: Transport
  readonly #logger: Logger
  readonly #random: Random
  readonly #options: Required<RpcOptions>
  readonly #replyChannel: string
  readonly #lifecycle: Lifecycle
  readonly #server: RpcServer
  readonly #calls = new Map<number, Call>()
  readonly #room: CallRoom
  readonly #ends: (() => void)[] = []
  #session = 0
  /** The id of a call is the tag of its request too. */
  #lastId = 0

  constructor(ports: RpcPorts, options: RpcOptions) {
    this.#options = { ...DEFAULTS, ...options }
    this.#replyChannel = `${options.channel}-reply`
    assertChannel(options.channel)
    assertChannel(this.#replyChannel)
    for (const name of Object.keys(DEFAULTS) as (keyof typeof DEFAULTS)[]) {
      const value = this.#options[name]
      if (!Number.isSafeInteger(value) || value < 1)
        throw new RangeError(`${name} must be a whole number, 1 or more, got ${value}`)
    }
    assertTimeout('defaultTimeoutMs', this.#options.defaultTimeoutMs)
    this.#clock = ports.clock
    this.#transport = ports.transport
    this.#logger = ports.logger
    this.#random = ports.random ?? systemRandom
    this.#room = new CallRoom(this.#options)
    this.#server = new RpcServer(
      { clock: ports.clock, logger: ports.logger, reply: (to, frame) => this.#reply(to, frame) },
      this.#options.maxConcurrentRequests,
    )
    this.#lifecycle = new Lifecycle(`RPC on "${options.channel}"`, {
      start: async () => this.#start(),
      stop: async () => this.#stop(),
    })
  }

  /** Listens on the two channels. Throws ChannelTakenError (`DSYS_TRANSPORT_CHANNEL_TAKEN`). */
  start(options?: StartOptions): Promise<void> {
    return this.#lifecycle.start(options)
  }

  /** Rejects the calls under way with RpcStoppedError, and tells handlers that run to give up. */
  stop(): Promise<void> {
    return this.#lifecycle.stop()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  /** Answers `method` with `handler`, also before `start`. A second handler throws TypeError. Returns what ends it. */
  handle(method: string, handler: RpcHandler): () => void {
    encodeMethod(method)
    return this.#server.handle(method, handler)
  }

  /**
   * Calls `method` at `to`, and resolves with the answer.
   *
   * @param to with a generation, only that life of the node answers.
   * @throws RpcTimeoutError, RpcOverloadedError, RpcPeerAbsentError, RpcNotSentError, RpcUnknownMethodError,
   *   RpcStoppedError, RpcRemoteError, FrameTooLargeError, NotRunningError, or the reason of the signal.
   */
  async call(to: Destination, method: string, payload: Uint8Array, options: CallOptions = {}): Promise<Uint8Array> {
    this.#lifecycle.assertRunning()
    const { signal, timeoutMs = this.#options.defaultTimeoutMs, whenFull = 'refuse' } = options
    assertTimeout('timeoutMs', timeoutMs)
    const encodedMethod = encodeMethod(method)
    const extensions = encodeTrace(options)
    signal?.throwIfAborted()
    // Without waiting the request leaves in this very turn.
    const leftMs = this.#room.take(to.id) ? timeoutMs : await this.#waitForRoom(to, method, timeoutMs, whenFull, signal)
    try {
      const id = { session: this.#session, id: ++this.#lastId }
      const frame = encodeRequest(id, leftMs, encodedMethod, payload, extensions)
      return await this.#exchange(id, to, method, frame, leftMs, signal)
    } finally {
      this.#room.leave(to.id)
    }
  }

  /** Resolves with what is left of the time once room is taken. */
  async #waitForRoom(
    to: Destination,
    method: string,
    timeoutMs: number,
    whenFull: 'refuse' | 'wait',
    signal: AbortSignal | undefined,
  ): Promise<number> {
    const overloaded = (): Error => new RpcOverloadedError('local', to, method)
    if (whenFull === 'refuse' || !this.#room.mayWait) throw overloaded()
    const untilMs = this.#clock.monotonicMs() + timeoutMs
    await this.#room.wait(to.id, { clock: this.#clock, timeoutMs, onTimeout: overloaded, signal })
    const leftMs = untilMs - this.#clock.monotonicMs()
    try {
      // Between its turn and now it may have been given up, or this node stopped.
      this.#lifecycle.assertRunning()
      signal?.throwIfAborted()
      if (!(leftMs > 0)) throw overloaded()
      return leftMs
    } catch (error) {
      this.#room.leave(to.id)
      throw error
    }
  }

  async #exchange(
    id: CallId,
    to: Destination,
    method: string,
    frame: Uint8Array,
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array> {
    if (!this.#transport.send(to, this.#options.channel, frame, id.id)) throw new RpcNotSentError(to, method)
    const onTimeout = (): Error => new RpcTimeoutError(to, method, timeoutMs)
    const pending = new Pending<Uint8Array>({ clock: this.#clock, timeoutMs, onTimeout, signal })
    const call = { to, method, pending }
    this.#calls.set(id.id, call)
    try {
      return await pending.promise
    } finally {
      this.#forget(id, call)
    }
  }

  /** A call that is still in the table here ended without an answer. */
  #forget(id: CallId, call: Call): void {
    if (this.#calls.delete(id.id)) this.#sendReply(call.to, encodeCancel(id))
  }

  #start(): void {
    this.#session = this.#random.integer(0, 2 ** 32)
    this.#lastId = this.#session * CALLS_APART
    const receive = (frame: Uint8Array, from: PeerAddress): void => {
      const envelope = decode(frame)
      if (envelope === undefined)
        this.#logger.log('debug', 'dropped a frame that is no RPC of this version', { from: from.id })
      else this.#receive(envelope, from)
    }
    for (const channel of [this.#options.channel, this.#replyChannel])
      this.#ends.push(this.#transport.listen(channel, receive))
    this.#ends.push(
      this.#transport.observe((event) => {
        if (event.type === 'peer-absent' && event.channel === this.#options.channel) this.#metNobody(event.tag)
      }),
    )
  }

  #stop(): void {
    for (const end of this.#ends.splice(0)) end()
    this.#server.stop()
    // Their room goes to those who wait for some, who find that nothing runs any more.
    for (const { to, method, pending } of this.#calls.values()) pending.reject(new RpcStoppedError(to, method))
  }

  #receive(envelope: Envelope, from: PeerAddress): void {
    const { call } = envelope
    switch (envelope.kind) {
      case 'request':
        this.#server.request(from, envelope)
        break
      case 'cancel':
        this.#server.cancel(from, call)
        break
      case 'result':
        this.#take(call, from)?.pending.resolve(envelope.payload)
        break
      case 'failure':
        this.#take(call, from)?.pending.reject(new RpcRemoteError(from, envelope.failure))
        break
      case 'refusal': {
        const refused = this.#take(call, from)
        if (envelope.reason === 'overloaded')
          refused?.pending.reject(new RpcOverloadedError('remote', from, refused.method))
        else refused?.pending.reject(new RpcUnknownMethodError(from, refused.method))
        break
      }
    }
  }

  /** The call that an answer of `from` belongs to; `undefined` for one that is late, repeated, or not of its peer. */
  #take({ session, id }: CallId, from: PeerAddress): Call | undefined {
    const call = session === this.#session ? this.#calls.get(id) : undefined
    if (call === undefined || call.pending.settled || call.to.id !== from.id) return undefined
    if (call.to.generation !== undefined && call.to.generation !== from.generation) return undefined
    this.#calls.delete(id)
    return call
  }

  /** A request met nobody. One without a tag is none of an Rpc, and one of an earlier Rpc has no call here. */
  #metNobody(tag: number | undefined): void {
    const call = tag === undefined ? undefined : this.#calls.get(tag)
    if (tag === undefined || call === undefined) return
    this.#calls.delete(tag)
    call.pending.reject(new RpcPeerAbsentError(call.to, call.method))
  }

  #reply(to: PeerAddress, frame: Uint8Array): void {
    try {
      this.#sendReply(to, frame)
    } catch (error) {
      if (!(error instanceof FrameTooLargeError)) throw error
      const answer = decode(frame)
      if (answer === undefined) throw error
      const { failure } = toFailure(error)
      // The handler has run, so the error of the answer must not say that nothing happened.
      this.#sendReply(to, encodeFailure(answer.call, { ...failure, outcome: 'unknown' }))
    }
  }

  /** An answer that cannot leave is lost, as frames may be: the caller runs into its deadline. */
  #sendReply(to: Destination, frame: Uint8Array): void {
    try {
      this.#transport.send(to, this.#replyChannel, frame)
    } catch (error) {
      if (!(error instanceof NotRunningError)) throw error
    }
  }
}
