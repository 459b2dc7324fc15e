import { type Clock, EventHub, Lifecycle, type StartOptions } from '@dsys/runtime'
import {
  assertChannel,
  assertFrameFits,
  assertGeneration,
  assertNodeId,
  ChannelHandlers,
  type ConnectionState,
  type Destination,
  type FrameHandler,
  type PeerAddress,
  type Transport,
  type TransportCapabilities,
  type TransportEvent,
} from '@dsys/transport'

/** What an endpoint needs of the network it belongs to. */
export interface Network {
  readonly clock: Clock
  readonly maxFrameBytes: number
  readonly maxQueuedFrames: number
  readonly maxQueuedBytes: number
  /** False when a later life of the node is there already. */
  attach(endpoint: MemoryTransport): boolean
  detach(endpoint: MemoryTransport): void
  send(from: MemoryTransport, to: Destination, channel: string, frame: Uint8Array): void
  peersOf(endpoint: MemoryTransport): Destination[]
}

/** The transport of one life of a node in a {@link MemoryNetwork}, which makes it. */
export class MemoryTransport implements Transport {
  readonly self: PeerAddress
  readonly capabilities: TransportCapabilities
  readonly #network: Network
  readonly #lifecycle: Lifecycle
  readonly #handlers: ChannelHandlers
  readonly #events = new EventHub<TransportEvent>()
  #connection: ConnectionState = 'idle'
  #queuedFrames = 0
  #queuedBytes = 0

  /** Use `MemoryNetwork.endpoint`. */
  constructor(network: Network, self: PeerAddress) {
    this.self = Object.freeze({ ...self })
    this.capabilities = Object.freeze({ broadcast: true, fastNegative: true, maxFrameBytes: network.maxFrameBytes })
    this.#network = network
    this.#handlers = new ChannelHandlers({ clock: network.clock })
    this.#lifecycle = new Lifecycle(`transport of ${self.id}`, {
      start: async () => {
        this.#connection = 'disconnected'
        if (network.attach(this)) this.connected()
      },
      stop: async () => {
        network.detach(this)
        this.#connection = 'closed'
        this.#events.publish({ type: 'closed' })
        this.#events.close()
        this.#handlers.clear()
      },
    })
  }

  get connection(): ConnectionState {
    return this.#lifecycle.state === 'stopped' ? 'closed' : this.#connection
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

  send(to: Destination, channel: string, frame: Uint8Array): boolean {
    this.#lifecycle.assertRunning()
    assertNodeId(to.id)
    if (to.generation !== undefined) assertGeneration(to.generation)
    assertChannel(channel)
    assertFrameFits(frame, this.capabilities.maxFrameBytes)
    if (!this.#hasRoom(1, frame.byteLength)) return false
    this.#network.send(this, to, channel, frame)
    return true
  }

  broadcast(channel: string, frame: Uint8Array): boolean {
    this.#lifecycle.assertRunning()
    assertChannel(channel)
    assertFrameFits(frame, this.capabilities.maxFrameBytes)
    const peers = this.#network.peersOf(this)
    if (!this.#hasRoom(peers.length, frame.byteLength * peers.length)) return false
    for (const peer of peers) this.#network.send(this, peer, channel, frame)
    return true
  }

  listen(channel: string, handler: FrameHandler): () => void {
    return this.#handlers.listen(channel, handler)
  }

  observe(handler: (event: TransportEvent) => void): () => void {
    return this.#events.handle(handler)
  }

  #hasRoom(frames: number, bytes: number): boolean {
    return (
      this.#connection === 'connected' &&
      this.#queuedFrames + frames <= this.#network.maxQueuedFrames &&
      this.#queuedBytes + bytes <= this.#network.maxQueuedBytes
    )
  }

  /** For the network: takes room for frames that go under way; false when there is none. */
  reserve(frames: number, bytes: number): boolean {
    if (!this.#hasRoom(frames, bytes)) return false
    this.#queuedFrames += frames
    this.#queuedBytes += bytes
    return true
  }

  /** For the network: gives the room of {@link MemoryTransport.reserve} back. */
  release(frames: number, bytes: number): void {
    this.#queuedFrames -= frames
    this.#queuedBytes -= bytes
  }

  /** For the network: a frame is here. */
  receive(channel: string, frame: Uint8Array, from: PeerAddress): void {
    if (this.#connection === 'connected') this.#handlers.deliver(channel, frame, from)
  }

  /** For the network: a frame of this endpoint met nobody. */
  peerAbsent(peer: Destination, channel: string): void {
    if (this.#connection === 'connected') this.#events.publish({ type: 'peer-absent', peer, channel })
  }

  /** For the network: this endpoint has a connection (again). */
  connected(): void {
    if (this.#connection !== 'disconnected') return
    this.#connection = 'connected'
    this.#events.publish({ type: 'connected' })
  }

  /** For the network: this endpoint lost its connection. */
  disconnected(why: string): void {
    if (this.#connection !== 'connected') return
    this.#connection = 'disconnected'
    this.#events.publish({ type: 'disconnected', why })
  }
}
