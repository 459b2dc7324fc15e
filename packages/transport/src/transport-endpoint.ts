import { type Clock, EventHub, Lifecycle, type StartOptions } from '@dsys/runtime'
import { ChannelHandlers } from './channel-handlers.ts'
import {
  assertChannel,
  assertFrameFits,
  assertGeneration,
  assertNodeId,
  assertPeerAddress,
  assertTag,
} from './checks.ts'
import { BroadcastUnsupportedError } from './errors.ts'
import type {
  ConnectionState,
  Destination,
  FrameHandler,
  PeerAddress,
  Transport,
  TransportCapabilities,
  TransportEvent,
} from './port.ts'

/** Options of a {@link TransportEndpoint}. */
export interface TransportEndpointOptions {
  readonly self: PeerAddress
  /** What its errors call it. Default: `transport of <id>`. */
  readonly name?: string
}

/**
 * The part of an adapter that is the same in each: the life of an endpoint, its connection, events and channels, and the
 * checks of what it is given to send. An adapter extends it with what is its own.
 *
 * It asks the adapter to {@link TransportEndpoint.join} and to {@link TransportEndpoint.leave} the network, and to
 * {@link TransportEndpoint.transmit} frames that have been checked. The adapter tells it what happened: that it
 * {@link TransportEndpoint.connected} or {@link TransportEndpoint.disconnected}, that a frame
 * {@link TransportEndpoint.arrived} or {@link TransportEndpoint.metNobody}. It queues nothing and waits for nothing.
 *
 * Deviation: parts are put together elsewhere, and not derived. Here nearly all of the port would be methods that only
 * hand on to a part, again in each adapter.
 */
export abstract class TransportEndpoint implements Transport {
  readonly self: PeerAddress
  readonly #clock: Clock
  abstract readonly capabilities: TransportCapabilities
  readonly #lifecycle: Lifecycle
  readonly #handlers: ChannelHandlers
  readonly #events = new EventHub<TransportEvent>()
  #connection: ConnectionState = 'idle'

  /** Throws RangeError when `self` is not a legal address. */
  constructor(ports: { readonly clock: Clock }, options: TransportEndpointOptions) {
    const { self, name = `transport of ${self.id}` } = options
    assertPeerAddress(self)
    this.#clock = ports.clock
    this.self = Object.freeze({ ...self })
    this.#handlers = new ChannelHandlers(ports)
    this.#lifecycle = new Lifecycle(name, {
      start: ({ signal }) => {
        this.#connection = 'disconnected'
        return this.join(signal)
      },
      stop: async () => {
        try {
          await this.leave()
        } finally {
          this.#close()
        }
      },
    })
  }

  /**
   * Joins the network, tells that it {@link TransportEndpoint.connected}, and resolves once this node can be reached. When
   * it throws, or `signal` aborts, `leave` follows.
   */
  protected abstract join(signal: AbortSignal): Promise<void>

  /** Leaves the network, also one that was joined half. Called once; afterwards nothing arrives any more. */
  protected abstract leave(): Promise<void>

  /**
   * `send` of a frame that is legal, by an endpoint that runs: connected or not. Of a frame that met nobody,
   * {@link TransportEndpoint.metNobody} is told the `tag`.
   */
  protected abstract transmit(to: Destination, channel: string, frame: Uint8Array, tag: number | undefined): boolean

  /** `broadcast` of a frame that is legal, by an endpoint that runs: connected or not. Only for adapters that can. */
  protected transmitToAll(_channel: string, _frame: Uint8Array): boolean {
    throw new BroadcastUnsupportedError()
  }

  get connection(): ConnectionState {
    // While it stops it may wait for what was sent, but takes nothing more: whoever asks before sending must hear that.
    const { state } = this.#lifecycle
    return state === 'stopping' || state === 'stopped' ? 'closed' : this.#connection
  }

  start(options?: StartOptions): Promise<void> {
    return this.#lifecycle.start(options)
  }

  stop(): Promise<void> {
    return this.#lifecycle.stop()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  send(to: Destination, channel: string, frame: Uint8Array, tag?: number): boolean {
    this.#lifecycle.assertRunning()
    assertNodeId(to.id)
    if (to.generation !== undefined) assertGeneration(to.generation)
    if (tag !== undefined) assertTag(tag)
    this.#assertLegal(channel, frame)
    return this.transmit(to, channel, frame, tag)
  }

  broadcast(channel: string, frame: Uint8Array): boolean {
    this.#lifecycle.assertRunning()
    if (!this.capabilities.broadcast) throw new BroadcastUnsupportedError()
    this.#assertLegal(channel, frame)
    return this.transmitToAll(channel, frame)
  }

  listen(channel: string, handler: FrameHandler): () => void {
    return this.#handlers.listen(channel, handler)
  }

  /** What an observer throws, although it must not, reaches the process as uncaught; the adapter and the other observers go on. */
  observe(handler: (event: TransportEvent) => void): () => void {
    return this.#events.handle((event) => {
      try {
        handler(event)
      } catch (error) {
        this.#clock.afterIo(() => {
          throw error
        })
      }
    })
  }

  /** Whether a frame to `to` is one to this life of this node, which needs no network. */
  protected isSelf(to: Destination): boolean {
    return to.id === this.self.id && (to.generation ?? this.self.generation) === this.self.generation
  }

  /** It has a connection, for the first time or again. Does nothing where it has one, or has ended. */
  protected connected(): void {
    if (this.#connection !== 'disconnected') return
    this.#connection = 'connected'
    this.#events.publish({ type: 'connected' })
  }

  /** It lost its connection. Does nothing where it has none. */
  protected disconnected(why: string): void {
    if (this.#connection !== 'connected') return
    this.#connection = 'disconnected'
    this.#events.publish({ type: 'disconnected', why })
  }

  /** A frame is here. Goes to its handler whatever the connection is, which the adapter knows best. */
  protected arrived(channel: string, frame: Uint8Array, from: PeerAddress): void {
    this.#handlers.deliver(channel, frame, from)
  }

  /** A frame of this endpoint met nobody. Not reported without a connection, which is no evidence about a peer. */
  protected metNobody(peer: Destination, channel: string, tag: number | undefined): void {
    if (this.#connection !== 'connected') return
    this.#events.publish({ type: 'peer-absent', peer, channel, ...(tag === undefined ? {} : { tag }) })
  }

  /** Two processes claim one id, perhaps that of this node. */
  protected conflict(peer: PeerAddress, why: string): void {
    this.#events.publish({ type: 'identity-conflict', peer, why })
  }

  #assertLegal(channel: string, frame: Uint8Array): void {
    assertChannel(channel)
    assertFrameFits(frame, this.capabilities.maxFrameBytes)
  }

  #close(): void {
    this.#handlers.clear()
    this.#connection = 'closed'
    this.#events.publish({ type: 'closed' })
    this.#events.close()
  }
}
