import type { Clock } from '@dsys/runtime'
import {
  type Destination,
  FrameBudget,
  type FrameBudgetLimits,
  type PeerAddress,
  type TransportCapabilities,
  TransportEndpoint,
} from '@dsys/transport'

/** What an endpoint needs of the network it belongs to. */
export interface Network extends FrameBudgetLimits {
  readonly clock: Clock
  readonly maxFrameBytes: number
  /** False when a later life of the node is there already. */
  attach(endpoint: MemoryTransport): boolean
  detach(endpoint: MemoryTransport): void
  send(from: MemoryTransport, to: Destination, channel: string, frame: Uint8Array, tag: number | undefined): void
  peersOf(endpoint: MemoryTransport): Destination[]
}

/** The transport of one life of a node in a {@link MemoryNetwork}, which makes it. */
export class MemoryTransport extends TransportEndpoint {
  readonly capabilities: TransportCapabilities
  readonly #network: Network
  readonly #underWay: FrameBudget

  /** Use `MemoryNetwork.endpoint`. */
  constructor(network: Network, self: PeerAddress) {
    super(network, { self })
    this.capabilities = Object.freeze({ broadcast: true, fastNegative: true, maxFrameBytes: network.maxFrameBytes })
    this.#network = network
    this.#underWay = new FrameBudget(network)
  }

  protected override async join(): Promise<void> {
    if (this.#network.attach(this)) this.connected()
  }

  protected override async leave(): Promise<void> {
    this.#network.detach(this)
  }

  protected override transmit(to: Destination, channel: string, frame: Uint8Array, tag: number | undefined): boolean {
    if (!this.#hasRoom(1, frame.byteLength)) return false
    this.#network.send(this, to, channel, frame, tag)
    return true
  }

  protected override transmitToAll(channel: string, frame: Uint8Array): boolean {
    const peers = this.#network.peersOf(this)
    if (!this.#hasRoom(peers.length, frame.byteLength * peers.length)) return false
    for (const peer of peers) this.#network.send(this, peer, channel, frame, undefined)
    return true
  }

  #hasRoom(frames: number, bytes: number): boolean {
    return this.connection === 'connected' && this.#underWay.hasRoom(frames, bytes)
  }

  /** For the network: takes room for a copy of a frame that goes under way; false when there is none. */
  reserve(bytes: number): boolean {
    return this.connection === 'connected' && this.#underWay.take(1, bytes)
  }

  /** For the network: gives the room of {@link MemoryTransport.reserve} back. */
  release(bytes: number): void {
    this.#underWay.giveBack(1, bytes)
  }

  /** For the network: a frame is here. */
  receive(channel: string, frame: Uint8Array, from: PeerAddress): void {
    if (this.connection === 'connected') this.arrived(channel, frame, from)
  }

  /** For the network: a frame of this endpoint met nobody. */
  peerAbsent(peer: Destination, channel: string, tag: number | undefined): void {
    this.metNobody(peer, channel, tag)
  }

  /** For the network: this endpoint has its connection back. */
  reconnect(): void {
    this.connected()
  }

  /** For the network: this endpoint has no connection any more. */
  disconnect(why: string): void {
    this.disconnected(why)
  }
}
