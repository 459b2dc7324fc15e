import { type Clock, type Random, systemClock, systemRandom } from '@dsys/runtime'
import { assertGeneration, assertNodeId, type Destination, type PeerAddress } from '@dsys/transport'
import { drawPassages, type LinkConditions, type Passage, resolveLink } from '@dsys/transport/faulty'
import { MemoryTransport, type Network } from './memory-transport.ts'

/** The ports of a {@link MemoryNetwork}. */
export interface MemoryNetworkPorts {
  /** Default: the clock of this process. Give a virtual clock to run in virtual time. */
  readonly clock?: Clock
  /** Decides on loss, duplication, delay and order. Default: that of this process. Give a seeded one to replay a run. */
  readonly random?: Random
}

/** Says how frames fare between two nodes, asked for each frame; `undefined` means a perfect link. */
export type LinkFunction = (from: PeerAddress, to: string) => LinkConditions | undefined

/** Options of a {@link MemoryNetwork}. */
export interface MemoryNetworkOptions {
  /** The largest frame, in bytes. Default 1 MiB. */
  readonly maxFrameBytes?: number
  /** How many frames of one endpoint may be under way; `send` returns false beyond. Default 65,536. */
  readonly maxQueuedFrames?: number
  /** How many bytes of one endpoint may be under way; at least `maxFrameBytes`. Default 64 MiB. */
  readonly maxQueuedBytes?: number
  /** How frames fare between two nodes. Default: all arrive, once, in order. May be changed later by `setLink`. */
  readonly link?: LinkFunction | LinkConditions
}

/** Options of {@link MemoryNetwork.endpoint}. */
export interface EndpointOptions {
  /** Higher than that of every earlier endpoint with this id in this network. Default: one more, beginning with 1. */
  readonly generation?: number
}

const DEFAULTS = Object.freeze({ maxFrameBytes: 2 ** 20, maxQueuedFrames: 65_536, maxQueuedBytes: 64 * 2 ** 20 })

/** One copy of a frame that has been sent and not yet been delivered. */
interface Flight {
  readonly from: MemoryTransport
  readonly to: Destination
  readonly channel: string
  readonly frame: Uint8Array
  readonly tag: number | undefined
  readonly fate: Fate
}

/** What becomes of all copies of one frame: it met nobody only if none of them met a node. */
interface Fate {
  copiesUnderWay: number
  metNode: boolean
}

/**
 * A network inside one process, with faults on demand. Each instance is a network of its own; there is no registry.
 *
 * Frames are copied, and delivered in a later turn of the clock (`afterIo`), never from inside `send`.
 */
export class MemoryNetwork {
  readonly #clock: Clock
  readonly #random: Random
  readonly #options: Required<Omit<MemoryNetworkOptions, 'link'>>
  readonly #network: Network
  #link: LinkFunction | undefined
  readonly #lastGeneration = new Map<string, number>()
  readonly #live = new Map<string, MemoryTransport>()
  readonly #cuts = new Map<string, Set<string>>()
  /** When the last frame of a delayed link arrives, by sender and receiver, so that the next does not overtake it. */
  readonly #lastArrivalMs = new WeakMap<MemoryTransport, Map<string, number>>()
  #arrived: Flight[] = []
  #deliveryPlanned = false

  constructor(ports: MemoryNetworkPorts = {}, options: MemoryNetworkOptions = {}) {
    this.#clock = ports.clock ?? systemClock
    this.#random = ports.random ?? systemRandom
    const { link, ...limits } = options
    this.#options = { ...DEFAULTS, ...limits }
    for (const [name, value] of Object.entries(this.#options)) {
      if (!Number.isSafeInteger(value) || value < 1)
        throw new RangeError(`${name} must be a whole number, 1 or more, got ${value}`)
    }
    if (this.#options.maxQueuedBytes < this.#options.maxFrameBytes) {
      throw new RangeError(
        `maxQueuedBytes (${this.#options.maxQueuedBytes}) must be at least maxFrameBytes (${this.#options.maxFrameBytes})`,
      )
    }
    if (link !== undefined) this.setLink(link)
    this.#network = {
      clock: this.#clock,
      ...this.#options,
      attach: (endpoint) => this.#attach(endpoint),
      detach: (endpoint) => this.#detach(endpoint),
      send: (from, to, channel, frame, tag) => this.#send(from, to, channel, frame, tag),
      peersOf: (endpoint) => this.#peersOf(endpoint),
    }
  }

  /**
   * A transport for the node `id`. Once started, it takes the place of an earlier life of that node, which receives and
   * sends nothing from then on. Throws RangeError when `generation` is not higher than those before.
   */
  endpoint(id: string, options: EndpointOptions = {}): MemoryTransport {
    assertNodeId(id)
    const last = this.#lastGeneration.get(id) ?? 0
    const generation = options.generation ?? last + 1
    assertGeneration(generation)
    if (generation <= last)
      throw new RangeError(`generation ${generation} of ${JSON.stringify(id)} must be higher than ${last}`)
    this.#lastGeneration.set(id, generation)
    return new MemoryTransport(this.#network, { id, generation })
  }

  /**
   * Says anew how frames fare between two nodes; `undefined` makes all links perfect. Frames under way are not touched. Throws RangeError for
   * conditions out of their range; where a function gives such, each `send` that it is asked for does.
   */
  setLink(link: LinkFunction | LinkConditions | undefined): void {
    if (link === undefined || typeof link === 'function') this.#link = link
    else {
      const conditions = Object.freeze(resolveLink(link))
      this.#link = () => conditions
    }
  }

  /** Loses every frame from `from` to `to`, one way, also those under way, until {@link MemoryNetwork.heal}. */
  cut(from: string, to: string): void {
    const targets = this.#cuts.get(from) ?? new Set()
    this.#cuts.set(from, targets.add(to))
  }

  /** Cuts both ways between the members of different groups. Nodes in no group keep all their links. */
  partition(...groups: readonly (readonly string[])[]): void {
    for (const group of groups) {
      for (const other of groups) {
        if (other !== group) for (const from of group) for (const to of other) this.cut(from, to)
      }
    }
  }

  /** Ends every cut and partition. Disconnected nodes stay disconnected. */
  heal(): void {
    this.#cuts.clear()
  }

  /** Takes the connection of the node `id` from it, as a lost broker would: it reports `disconnected`, and `send` returns false. */
  disconnect(id: string, why = 'disconnected by the test'): void {
    this.#live.get(id)?.disconnect(why)
  }

  /** Gives a disconnected node its connection back. */
  reconnect(id: string): void {
    this.#live.get(id)?.reconnect()
  }

  #attach(endpoint: MemoryTransport): boolean {
    const { id, generation } = endpoint.self
    const earlier = this.#live.get(id)
    if (earlier !== undefined && earlier.self.generation > generation) return false
    this.#live.set(id, endpoint)
    earlier?.disconnect(`generation ${generation} of this node took its place`)
    return true
  }

  #detach(endpoint: MemoryTransport): void {
    if (this.#live.get(endpoint.self.id) === endpoint) this.#live.delete(endpoint.self.id)
  }

  #peersOf(endpoint: MemoryTransport): Destination[] {
    const peers: Destination[] = []
    for (const peer of this.#live.values()) if (peer !== endpoint) peers.push(peer.self)
    return peers
  }

  #send(from: MemoryTransport, to: Destination, channel: string, frame: Uint8Array, tag: number | undefined): void {
    if (this.#isCut(from.self.id, to.id)) return
    const conditions = this.#link?.(from.self, to.id)
    const fate: Fate = { copiesUnderWay: 0, metNode: false }
    for (const passage of drawPassages(conditions, this.#random)) {
      if (!from.reserve(frame.byteLength)) return
      fate.copiesUnderWay++
      // Each copy is bytes of its own: a handler owns what it gets.
      const flight = { from, to, channel, frame: new Uint8Array(frame), tag, fate }
      const delayMs = conditions === undefined ? 0 : this.#delayOf(from, to.id, passage)
      if (delayMs > 0) this.#clock.setTimer(delayMs, () => this.#arrive(flight))
      else this.#arrive(flight)
    }
  }

  /** The delay of a passage, stretched so that it does not overtake what was sent before on the same link. */
  #delayOf(from: MemoryTransport, to: string, passage: Passage): number {
    const nowMs = this.#clock.monotonicMs()
    if (passage.overtakable) return passage.delayMs
    const byReceiver = this.#lastArrivalMs.get(from) ?? new Map<string, number>()
    this.#lastArrivalMs.set(from, byReceiver)
    const arrivalMs = Math.max(nowMs + passage.delayMs, byReceiver.get(to) ?? 0)
    byReceiver.set(to, arrivalMs)
    return arrivalMs - nowMs
  }

  #arrive(flight: Flight): void {
    this.#arrived.push(flight)
    if (this.#deliveryPlanned) return
    this.#deliveryPlanned = true
    this.#clock.afterIo(() => this.#deliverArrived())
  }

  /** What handlers send meanwhile waits for the next turn, so two chatty nodes do not starve the event loop. */
  #deliverArrived(): void {
    const flights = this.#arrived
    this.#arrived = []
    this.#deliveryPlanned = false
    for (const flight of flights) this.#deliver(flight)
  }

  #deliver({ from, to, channel, frame, tag, fate }: Flight): void {
    from.release(frame.byteLength)
    fate.copiesUnderWay--
    if (this.#isCut(from.self.id, to.id)) return
    const target = this.#live.get(to.id)
    if (target !== undefined && (to.generation ?? target.self.generation) === target.self.generation) {
      fate.metNode = true
      target.receive(channel, frame, from.self)
    } else if (fate.copiesUnderWay === 0 && !fate.metNode) {
      from.peerAbsent(to, channel, tag)
    }
  }

  #isCut(from: string, to: string): boolean {
    return this.#cuts.size > 0 && this.#cuts.get(from)?.has(to) === true
  }
}
