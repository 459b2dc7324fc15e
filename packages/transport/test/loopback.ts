import { EventHub, Lifecycle, type StartOptions, systemClock } from '@dsys/runtime'
import {
  assertChannel,
  assertFrameFits,
  assertGeneration,
  assertNodeId,
  BroadcastUnsupportedError,
  ChannelHandlers,
  type ConnectionState,
  type Destination,
  type FrameHandler,
  type PeerAddress,
  type Transport,
  type TransportCapabilities,
  type TransportEvent,
} from '../src/index.ts'

/** The least that a transport can be: no broadcast, no report of absence. Endpoints that share `wire` reach each other. */
export class Loopback implements Transport {
  readonly self: PeerAddress
  readonly capabilities: TransportCapabilities = { broadcast: false, fastNegative: false, maxFrameBytes: 4_096 }
  connection: ConnectionState = 'idle'
  readonly #wire: Map<string, Loopback>
  readonly #handlers = new ChannelHandlers({ clock: systemClock })
  readonly #events = new EventHub<TransportEvent>()
  readonly #lifecycle: Lifecycle

  constructor(wire: Map<string, Loopback>, self: PeerAddress) {
    this.#wire = wire
    this.self = self
    this.#lifecycle = new Lifecycle('loopback', {
      start: async () => {
        wire.set(self.id, this)
        this.#set('connected')
      },
      stop: async () => {
        if (wire.get(self.id) === this) wire.delete(self.id)
        this.#set('closed')
      },
    })
  }

  #set(state: 'connected' | 'closed'): void {
    this.connection = state
    this.#events.publish({ type: state })
  }

  start(options?: StartOptions): Promise<void> {
    return this.#lifecycle.start(options)
  }

  async stop(): Promise<void> {
    await this.#lifecycle.stop()
    this.connection = 'closed'
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  send(to: Destination, channel: string, frame: Uint8Array): boolean {
    this.#lifecycle.assertRunning()
    assertNodeId(to.id)
    if (to.generation !== undefined) assertGeneration(to.generation)
    assertChannel(channel)
    assertFrameFits(frame, this.capabilities.maxFrameBytes)
    const copy = new Uint8Array(frame)
    systemClock.afterIo(() => {
      const target = this.#wire.get(to.id)
      if (target === undefined || (to.generation ?? target.self.generation) !== target.self.generation) return
      target.#handlers.deliver(channel, copy, this.self)
    })
    return true
  }

  broadcast(): boolean {
    this.#lifecycle.assertRunning()
    throw new BroadcastUnsupportedError()
  }

  listen(channel: string, handler: FrameHandler): () => void {
    return this.#handlers.listen(channel, handler)
  }

  observe(handler: (event: TransportEvent) => void): () => void {
    return this.#events.handle(handler)
  }
}
