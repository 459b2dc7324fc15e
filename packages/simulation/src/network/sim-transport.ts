import { EventHub, Lifecycle, Pending, type StartOptions } from '@dsys/runtime'
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
} from '@dsys/transport'
import type { SimProcess } from '../process.ts'
import { SimUnreachableError } from './errors.ts'

/** What a transport needs of the network that made it. */
export interface SimBroker {
  readonly broadcast: boolean
  readonly fastNegative: boolean
  readonly maxFrameBytes: number
  readonly maxQueuedFrames: number
  readonly maxQueuedBytes: number
  readonly connectTimeoutMs: number
  join(transport: SimTransport): void
  leave(transport: SimTransport): void
  reachable(place: string): boolean
  /** The places of the node `id`; without an id, of all others. */
  placesOf(sender: SimTransport, id?: string): readonly string[]
  send(
    sender: SimTransport,
    places: readonly string[],
    to: Destination | undefined,
    channel: string,
    frame: Uint8Array,
  ): void
}

/** The transport of one life of a node in a simulation; made by `SimNetwork.endpoint`. */
export class SimTransport implements Transport {
  readonly self: PeerAddress
  readonly capabilities: TransportCapabilities
  readonly place: string
  readonly #broker: SimBroker
  readonly #process: SimProcess
  readonly #lifecycle: Lifecycle
  readonly #handlers: ChannelHandlers
  readonly #events = new EventHub<TransportEvent>()
  #connection: ConnectionState = 'idle'
  #attached = false
  #waiting: Pending<void> | undefined
  #outbound = { frames: 0, bytes: 0 }
  #inbound = { frames: 0, bytes: 0 }

  /** Use `SimNetwork.endpoint`. */
  constructor(broker: SimBroker, self: PeerAddress, process: SimProcess, place: string) {
    const { broadcast, fastNegative, maxFrameBytes } = broker
    this.self = Object.freeze({ ...self })
    this.capabilities = Object.freeze({ broadcast, fastNegative, maxFrameBytes })
    this.place = place
    this.#broker = broker
    this.#process = process
    this.#handlers = new ChannelHandlers(process)
    this.#lifecycle = new Lifecycle(`transport of ${self.id}`, {
      start: ({ signal }) => this.#start(signal),
      stop: async () => this.#stop(),
    })
  }

  get connection(): ConnectionState {
    return this.#lifecycle.state === 'stopped' ? 'closed' : this.#connection
  }

  /** For the network: the process lives and this has not been stopped. */
  get lives(): boolean {
    return this.#process.alive && this.#connection !== 'closed'
  }

  /** For the network: it has subscribed, and nobody has noticed that it is gone. */
  get attached(): boolean {
    return this.#attached && this.#process.alive
  }

  /** Waits for the broker where it is away. Throws SimUnreachableError (`DSYS_SIMULATION_UNREACHABLE`). */
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
    const { id, generation } = to
    assertNodeId(id)
    if (generation !== undefined) assertGeneration(generation)
    this.#check(channel, frame)
    if (id === this.self.id && (generation ?? this.self.generation) === this.self.generation) {
      return this.#sendLocally(channel, frame)
    }
    const places = this.#broker.placesOf(this, id)
    if (!this.#reserve(places.length, frame.byteLength)) return false
    this.#broker.send(this, places, generation === undefined ? { id } : { id, generation }, channel, frame)
    return true
  }

  broadcast(channel: string, frame: Uint8Array): boolean {
    this.#lifecycle.assertRunning()
    if (!this.capabilities.broadcast) throw new BroadcastUnsupportedError()
    this.#check(channel, frame)
    const places = this.#broker.placesOf(this)
    if (!this.#reserve(places.length, frame.byteLength)) return false
    this.#broker.send(this, places, undefined, channel, frame)
    return true
  }

  listen(channel: string, handler: FrameHandler): () => void {
    return this.#handlers.listen(channel, handler)
  }

  observe(handler: (event: TransportEvent) => void): () => void {
    return this.#events.handle(handler)
  }

  #check(channel: string, frame: Uint8Array): void {
    assertChannel(channel)
    assertFrameFits(frame, this.capabilities.maxFrameBytes)
  }

  /** A frame to oneself needs no network. */
  #sendLocally(channel: string, frame: Uint8Array): boolean {
    if (!this.#reserve(1, frame.byteLength)) return false
    const own = new Uint8Array(frame)
    this.#process.clock.afterIo(() => {
      this.release(own.byteLength)
      this.#receive(channel, own, this.self)
    })
    return true
  }

  /** A killed process does nothing any more, whatever of its code a promise still wakes. */
  #reserve(frames: number, bytes: number): boolean {
    const { maxQueuedFrames, maxQueuedBytes } = this.#broker
    const queue = this.#outbound
    if (this.#connection !== 'connected' || !this.#process.alive) return false
    if (queue.frames + frames > maxQueuedFrames || queue.bytes + frames * bytes > maxQueuedBytes) return false
    queue.frames += frames
    queue.bytes += frames * bytes
    return true
  }

  /** For the network: a frame of this transport has arrived or is lost. */
  release(bytes: number): void {
    this.#outbound.frames--
    this.#outbound.bytes -= bytes
  }

  /** For the network: a frame is here. False when the process is paused, and has no room for more that waits. */
  offer(channel: string, frame: Uint8Array, from: PeerAddress): boolean {
    const queue = this.#inbound
    const { maxQueuedFrames, maxQueuedBytes } = this.#broker
    if (queue.frames >= maxQueuedFrames || queue.bytes + frame.byteLength > maxQueuedBytes) return false
    queue.frames++
    queue.bytes += frame.byteLength
    this.#process.input(() => {
      queue.frames--
      queue.bytes -= frame.byteLength
      this.#receive(channel, frame, from)
    })
    return true
  }

  #receive(channel: string, frame: Uint8Array, from: PeerAddress): void {
    if (this.#connection === 'connected') this.#handlers.deliver(channel, frame, from)
  }

  /** For the network: a frame of this transport met nobody. */
  peerAbsent(peer: Destination, channel: string): void {
    this.#process.input(() => {
      if (this.#connection === 'connected') this.#events.publish({ type: 'peer-absent', peer, channel })
    })
  }

  /** For the network: the broker is gone, and this can tell. */
  brokerLost(): void {
    this.#process.input(() => {
      if (this.#connection !== 'connected') return
      this.#connection = 'disconnected'
      this.#events.publish({ type: 'disconnected', why: 'the simulated broker is away' })
    })
  }

  /** For the network: the broker is back. */
  brokerBack(): void {
    this.#process.input(() => {
      this.#waiting?.resolve()
      if (this.#attached) this.#connected()
    })
  }

  #connected(): void {
    this.#attached = true
    if (this.#connection !== 'disconnected') return
    this.#connection = 'connected'
    this.#events.publish({ type: 'connected' })
  }

  async #start(signal: AbortSignal): Promise<void> {
    this.#connection = 'disconnected'
    this.#broker.join(this)
    while (!this.#broker.reachable(this.place)) await this.#brokerAtHand(signal)
    this.#connected()
  }

  async #brokerAtHand(signal: AbortSignal): Promise<void> {
    const timeoutMs = this.#broker.connectTimeoutMs
    const onTimeout = (): Error => new SimUnreachableError(timeoutMs)
    this.#waiting = new Pending<void>({ clock: this.#process.clock, timeoutMs, signal, onTimeout })
    try {
      await this.#waiting.promise
    } finally {
      this.#waiting = undefined
    }
  }

  #stop(): void {
    this.#broker.leave(this)
    this.#attached = false
    this.#connection = 'closed'
    this.#events.publish({ type: 'closed' })
    this.#events.close()
    this.#handlers.clear()
  }
}
