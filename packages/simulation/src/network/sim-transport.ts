import { Pending } from '@dsys/runtime'
import {
  type Destination,
  FrameBudget,
  type FrameBudgetLimits,
  type PeerAddress,
  type TransportCapabilities,
  TransportEndpoint,
} from '@dsys/transport'
import type { SimProcess } from '../process.ts'
import { SimUnreachableError } from './errors.ts'

/** What a transport needs of the network that made it. */
export interface SimBroker extends FrameBudgetLimits {
  readonly broadcast: boolean
  readonly fastNegative: boolean
  readonly maxFrameBytes: number
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
    tag?: number,
  ): void
}

/**
 * The transport of one life of a node in a simulation; made by `SimNetwork.endpoint`.
 *
 * Its `start` waits for the broker where that is away. Throws SimUnreachableError (`DSYS_SIMULATION_UNREACHABLE`).
 */
export class SimTransport extends TransportEndpoint {
  readonly capabilities: TransportCapabilities
  readonly place: string
  readonly #broker: SimBroker
  readonly #process: SimProcess
  readonly #outbound: FrameBudget
  readonly #inbound: FrameBudget
  #attached = false
  #waiting: Pending<void> | undefined

  /** Use `SimNetwork.endpoint`. */
  constructor(broker: SimBroker, self: PeerAddress, process: SimProcess, place: string) {
    super(process, { self })
    const { broadcast, fastNegative, maxFrameBytes } = broker
    this.capabilities = Object.freeze({ broadcast, fastNegative, maxFrameBytes })
    this.place = place
    this.#broker = broker
    this.#process = process
    this.#outbound = new FrameBudget(broker)
    this.#inbound = new FrameBudget(broker)
  }

  /** For the network: the process lives and this has not been stopped. */
  get lives(): boolean {
    return this.#process.alive && this.connection !== 'closed'
  }

  /** For the network: it has subscribed, and nobody has noticed that it is gone. */
  get attached(): boolean {
    return this.#attached && this.#process.alive
  }

  protected override async join(signal: AbortSignal): Promise<void> {
    this.#broker.join(this)
    while (!this.#broker.reachable(this.place)) await this.#brokerAtHand(signal)
    this.#attached = true
    this.connected()
  }

  protected override async leave(): Promise<void> {
    this.#broker.leave(this)
    this.#attached = false
  }

  protected override transmit(to: Destination, channel: string, frame: Uint8Array, tag: number | undefined): boolean {
    if (this.isSelf(to)) return this.#sendLocally(channel, frame)
    const { id, generation } = to
    const places = this.#broker.placesOf(this, id)
    if (!this.#reserve(places.length, frame.byteLength)) return false
    this.#broker.send(this, places, generation === undefined ? { id } : { id, generation }, channel, frame, tag)
    return true
  }

  protected override transmitToAll(channel: string, frame: Uint8Array): boolean {
    const places = this.#broker.placesOf(this)
    if (!this.#reserve(places.length, frame.byteLength)) return false
    this.#broker.send(this, places, undefined, channel, frame)
    return true
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
  #reserve(copies: number, frameBytes: number): boolean {
    if (this.connection !== 'connected' || !this.#process.alive) return false
    return this.#outbound.take(copies, copies * frameBytes)
  }

  /** For the network: a frame of this transport has arrived or is lost. */
  release(bytes: number): void {
    this.#outbound.giveBack(1, bytes)
  }

  /** For the network: a frame is here. False when the process is paused, and has no room for more that waits. */
  offer(channel: string, frame: Uint8Array, from: PeerAddress): boolean {
    if (!this.#inbound.take(1, frame.byteLength)) return false
    this.#process.input(() => {
      this.#inbound.giveBack(1, frame.byteLength)
      this.#receive(channel, frame, from)
    })
    return true
  }

  #receive(channel: string, frame: Uint8Array, from: PeerAddress): void {
    if (this.connection === 'connected') this.arrived(channel, frame, from)
  }

  /** For the network: a frame of this transport met nobody. */
  peerAbsent(peer: Destination, channel: string, tag: number | undefined): void {
    this.#process.input(() => this.metNobody(peer, channel, tag))
  }

  /** For the network: the broker is gone, and this can tell. */
  brokerLost(): void {
    this.#process.input(() => this.disconnected('the simulated broker is away'))
  }

  /** For the network: the broker is back. */
  brokerBack(): void {
    this.#process.input(() => {
      this.#waiting?.resolve()
      if (this.#attached) this.connected()
    })
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
}
