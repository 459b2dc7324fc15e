import { EventHub, Lifecycle, type StartOptions, systemClock } from '@dsys/runtime'
import {
  assertChannel,
  assertFrameFits,
  assertGeneration,
  assertNodeId,
  assertTag,
  ChannelHandlers,
  type ConnectionState,
  type Destination,
  type FrameHandler,
  type PeerAddress,
  type Transport,
  type TransportCapabilities,
  type TransportEvent,
} from '../src/index.ts'

const MAX_QUEUED_FRAMES = 4_096

/**
 * A transport that can all that a transport may, over `wire`. It is written from the port alone, without `TransportEndpoint`,
 * and open in every part: the tests of the suite plant their bugs in it.
 */
export class FullLoopback implements Transport {
  readonly self: PeerAddress
  readonly capabilities: TransportCapabilities = { broadcast: true, fastNegative: true, maxFrameBytes: 4_096 }
  connection: ConnectionState = 'idle'
  protected readonly wire: Map<string, FullLoopback>
  protected readonly handlers: ChannelHandlers = new ChannelHandlers({ clock: systemClock })
  protected readonly events: EventHub<TransportEvent> = new EventHub()
  protected readonly lifecycle: Lifecycle
  protected queued = 0

  constructor(wire: Map<string, FullLoopback>, self: PeerAddress) {
    this.wire = wire
    this.self = self
    this.lifecycle = new Lifecycle('full loopback', {
      start: async () => {
        wire.set(self.id, this)
        this.publish({ type: 'connected' })
      },
      stop: async () => this.close(),
    })
  }

  start(options?: StartOptions): Promise<void> {
    return this.lifecycle.start(options)
  }

  async stop(): Promise<void> {
    await this.lifecycle.stop()
    this.connection = 'closed'
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  send(to: Destination, channel: string, frame: Uint8Array, tag?: number): boolean {
    this.lifecycle.assertRunning()
    assertNodeId(to.id)
    if (to.generation !== undefined) assertGeneration(to.generation)
    if (tag !== undefined) assertTag(tag)
    assertChannel(channel)
    assertFrameFits(frame, this.capabilities.maxFrameBytes)
    return this.enqueue(to, channel, frame, tag)
  }

  broadcast(channel: string, frame: Uint8Array): boolean {
    this.lifecycle.assertRunning()
    assertChannel(channel)
    assertFrameFits(frame, this.capabilities.maxFrameBytes)
    if (this.connection !== 'connected') return false
    for (const peer of this.wire.values()) if (peer !== this && !this.enqueue(peer.self, channel, frame)) return false
    return true
  }

  listen(channel: string, handler: FrameHandler): () => void {
    return this.handlers.listen(channel, handler)
  }

  observe(handler: (event: TransportEvent) => void): () => void {
    return this.events.handle(handler)
  }

  /** As if its network were gone. */
  disconnect(): void {
    if (this.connection === 'connected') this.publish({ type: 'disconnected', why: 'the wire was pulled' })
  }

  reconnect(): void {
    if (this.connection === 'disconnected') this.publish({ type: 'connected' })
  }

  protected publish(event: TransportEvent): void {
    if (event.type !== 'peer-absent' && event.type !== 'identity-conflict') this.connection = event.type
    this.events.publish(event)
  }

  protected close(): void {
    if (this.wire.get(this.self.id) === this) this.wire.delete(this.self.id)
    this.publish({ type: 'closed' })
    this.events.close()
    this.handlers.clear()
  }

  protected enqueue(to: Destination, channel: string, frame: Uint8Array, tag?: number): boolean {
    if (this.connection !== 'connected' || this.queued >= MAX_QUEUED_FRAMES) return false
    this.queued++
    const copy = this.copyOf(frame)
    systemClock.afterIo(() => {
      this.queued--
      this.arrive(to, channel, copy, tag)
    })
    return true
  }

  protected copyOf(frame: Uint8Array): Uint8Array {
    return new Uint8Array(frame)
  }

  protected arrive(to: Destination, channel: string, frame: Uint8Array, tag?: number): void {
    const target = this.wire.get(to.id)
    if (target === undefined || (to.generation ?? target.self.generation) !== target.self.generation)
      this.absent(to, channel, tag)
    else target.receive(channel, frame, this.self)
  }

  protected receive(channel: string, frame: Uint8Array, from: PeerAddress): void {
    if (this.connection === 'connected') this.handlers.deliver(channel, frame, from)
  }

  /** The frame met nobody. */
  protected absent(peer: Destination, channel: string, tag?: number): void {
    if (this.connection === 'connected')
      this.publish({ type: 'peer-absent', peer, channel, ...(tag === undefined ? {} : { tag }) })
  }
}
