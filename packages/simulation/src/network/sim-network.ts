import type { Random } from '@dsys/runtime'
import { assertNodeId, assertPeerAddress, type Destination } from '@dsys/transport'
import { checksumOf, hashText, mixIn } from '../checksum.ts'
import type { SimProcess } from '../process.ts'
import type { Scheduler } from '../scheduler.ts'
import type { Trace } from '../trace.ts'
import type { LinkKnobs } from './link.ts'
import { BROKER, type SimFaults, SimLinks } from './links.ts'
import { type SimBroker, SimTransport } from './sim-transport.ts'

/** What a {@link SimNetwork} works with. */
export interface SimNetworkPorts {
  readonly scheduler: Scheduler
  readonly random: Random
  readonly knobs: LinkKnobs
  /** Told of each fate of a frame, as by {@link SimLinks}; and `network.overrun`, a frame that a paused process had no room for. */
  readonly count: (what: string) => void
  readonly trace?: Trace
  /** Says what a frame is, for people; asked where the trace is kept. */
  readonly describe?: (channel: string, frame: Uint8Array) => string
}

/** Options of a {@link SimNetwork}. */
export interface SimNetworkOptions {
  /** Whether transports can broadcast. Default true. */
  readonly broadcast?: boolean
  /** Whether transports report `peer-absent`. The report travels as a frame does, so it may be late or lost. Default true. */
  readonly fastNegative?: boolean
  /** The chance that nobody notices that a frame met nobody. Default 0. */
  readonly missedAbsenceRate?: number
  /** The largest frame, in bytes, unless an endpoint says otherwise. Default 1 MiB. */
  readonly maxFrameBytes?: number
  /** How many frames of one endpoint may be under way, and wait for a paused process. Default 65,536. */
  readonly maxQueuedFrames?: number
  /** How many bytes of one endpoint may be under way, and wait for a paused process. Default 64 MiB. */
  readonly maxQueuedBytes?: number
  /** How long `start` waits for a broker that is away, in milliseconds of the process. Default 10,000. */
  readonly connectTimeoutMs?: number
}

/** Options of {@link SimNetwork.endpoint}. */
export interface SimEndpointOptions {
  /** The process that the endpoint belongs to: it gets nothing while that is paused, and never more once it is killed. */
  readonly process: SimProcess
  /** Default: one more than the highest so far of this node, beginning with 1. */
  readonly generation?: number
  /** Default: that of the network. */
  readonly maxFrameBytes?: number
  /**
   * Where it is attached, which is what faults of the network are about. Default: the id of the node. A second process
   * with the same id may be given a place of its own, to be cut from the first.
   */
  readonly place?: string
}

/** One frame under way, or the news that one met nobody. */
interface Parcel {
  readonly kind: 'frame' | 'absent'
  readonly sender: SimTransport
  /** Absent in a broadcast. */
  readonly to: Destination | undefined
  readonly channel: string
  readonly tag: number | undefined
  readonly bytes: Uint8Array
  /** Places to which copies are under way. */
  ways: number
  metNode: boolean
  reported: boolean
}

const DEFAULTS = Object.freeze({
  broadcast: true,
  fastNegative: true,
  missedAbsenceRate: 0,
  maxFrameBytes: 2 ** 20,
  maxQueuedFrames: 65_536,
  maxQueuedBytes: 64 * 2 ** 20,
  connectTimeoutMs: 10_000,
})

/**
 * The network of a simulation with real bytes: a `Transport` for each process, over links that fail as {@link SimLinks} do.
 *
 * It is like NATS in what two processes with the same id get: both get what is sent to the id alone, and each what names
 * its generation. A frame is resolved on arrival, so it meets the life that is there then.
 */
export class SimNetwork {
  /** What faults are done to. */
  readonly links: SimFaults
  readonly #links: SimLinks<Parcel>
  readonly #random: Random
  readonly #options: Required<SimNetworkOptions>
  readonly #count: (what: string) => void
  readonly #broker: SimBroker
  readonly #lastGeneration = new Map<string, number>()
  /** Endpoints by place: those that try to connect, and those that have. */
  readonly #atPlace = new Map<string, Set<SimTransport>>()
  /** Every place where a node has been, by its id: frames for it go to each. */
  readonly #placesOf = new Map<string, string[]>()

  /** Throws RangeError for a knob or an option out of its range. */
  constructor(ports: SimNetworkPorts, options: SimNetworkOptions = {}) {
    this.#options = checked({ ...DEFAULTS, ...options })
    this.#random = ports.random.stream('absence')
    this.#count = ports.count
    const { describe, ...rest } = ports
    this.#links = new SimLinks<Parcel>(
      {
        ...rest,
        digest: digestOf,
        ...(describe && { describe: (parcel) => describeParcel(parcel, describe) }),
        lives: ({ sender }) => sender.lives,
        onConnection: (place, connected) => this.#onConnection(place, connected),
        onLost: (_from, to, parcel, copiesUnderWay) => this.#onLost(to, parcel, copiesUnderWay),
      },
      (_from, to, parcel, copiesUnderWay) => this.#deliver(to, parcel, copiesUnderWay),
    )
    this.links = this.#links
    this.#broker = {
      ...this.#options,
      join: (transport) => this.#join(transport),
      leave: (transport) => void this.#atPlace.get(transport.place)?.delete(transport),
      reachable: (place) => this.#links.connected(place),
      placesOf: (sender, id) => (id === undefined ? this.#placesOfOthers(sender) : (this.#placesOf.get(id) ?? [id])),
      send: (sender, places, to, channel, frame, tag) => this.#send(sender, places, to, channel, frame, tag),
    }
  }

  /** A transport for one life of the node `id`, to be started by whoever owns it. */
  endpoint(id: string, options: SimEndpointOptions): SimTransport {
    assertNodeId(id)
    const last = this.#lastGeneration.get(id) ?? 0
    const self = { id, generation: options.generation ?? last + 1 }
    assertPeerAddress(self)
    this.#lastGeneration.set(id, Math.max(last, self.generation))
    const { process, place = id, maxFrameBytes = this.#options.maxFrameBytes } = options
    checked({ ...this.#options, maxFrameBytes })
    return new SimTransport({ ...this.#broker, maxFrameBytes }, self, process, place)
  }

  #join(transport: SimTransport): void {
    const { place, self } = transport
    const there = this.#atPlace.get(place) ?? new Set()
    this.#atPlace.set(place, there)
    for (const earlier of there) if (!earlier.lives) there.delete(earlier)
    there.add(transport)
    const places = this.#placesOf.get(self.id) ?? []
    if (!places.includes(place)) this.#placesOf.set(self.id, [...places, place])
  }

  /** Where anybody else is who would get a broadcast. */
  #placesOfOthers(sender: SimTransport): string[] {
    const places: string[] = []
    for (const [place, there] of this.#atPlace) {
      for (const transport of there) {
        if (transport === sender || !transport.attached) continue
        places.push(place)
        break
      }
    }
    return places
  }

  #send(
    sender: SimTransport,
    places: readonly string[],
    to: Destination | undefined,
    channel: string,
    frame: Uint8Array,
    tag: number | undefined,
  ): void {
    const bytes = new Uint8Array(frame)
    const ways = places.length
    const parcel: Parcel = { kind: 'frame', sender, to, channel, tag, bytes, ways, metNode: false, reported: false }
    for (const place of places) this.#links.send(sender.place, place, parcel)
  }

  #deliver(place: string, parcel: Parcel, copiesUnderWay: number): void {
    if (parcel.kind === 'absent') {
      this.#report(parcel)
      return
    }
    this.#ended(parcel, copiesUnderWay)
    const receivers = this.#receivers(place, parcel)
    if (receivers.length === 0) {
      this.#metNobody(parcel, copiesUnderWay)
      return
    }
    parcel.metNode = true
    for (const receiver of receivers) {
      if (!receiver.offer(parcel.channel, new Uint8Array(parcel.bytes), parcel.sender.self))
        this.#count('network.overrun')
    }
  }

  #receivers(place: string, { sender, to }: Parcel): SimTransport[] {
    const receivers: SimTransport[] = []
    for (const transport of this.#atPlace.get(place) ?? []) {
      if (transport === sender || !transport.attached) continue
      const { id, generation } = transport.self
      if (to === undefined || (to.id === id && (to.generation ?? generation) === generation)) receivers.push(transport)
    }
    return receivers
  }

  /** A node whose connection the broker knows to be gone is not there, as far as the broker can tell. */
  #onLost(place: string, parcel: Parcel, copiesUnderWay: number): void {
    if (parcel.kind === 'absent') return
    this.#ended(parcel, copiesUnderWay)
    if (!this.#links.connected(place, { toldOnly: true })) this.#metNobody(parcel, copiesUnderWay)
  }

  #ended(parcel: Parcel, copiesUnderWay: number): void {
    if (copiesUnderWay > 0) return
    parcel.ways--
    parcel.sender.release(parcel.bytes.byteLength)
  }

  #metNobody(parcel: Parcel, copiesUnderWay: number): void {
    const { sender, to, channel, tag } = parcel
    if (!this.#options.fastNegative || to === undefined) return
    if (copiesUnderWay > 0 || parcel.ways > 0 || parcel.metNode) return
    const { missedAbsenceRate } = this.#options
    if (missedAbsenceRate > 0 && this.#random.float() < missedAbsenceRate) return
    const bytes = new Uint8Array()
    const news: Parcel = { kind: 'absent', sender, to, channel, tag, bytes, ways: 1, metNode: false, reported: false }
    this.#links.send(BROKER, sender.place, news)
  }

  #report(parcel: Parcel): void {
    const { sender, to, channel, tag } = parcel
    // The network may have duplicated the news; a frame is reported once.
    if (parcel.reported || to === undefined) return
    parcel.reported = true
    sender.peerAbsent(to, channel, tag)
  }

  #onConnection(place: string, connected: boolean): void {
    for (const transport of this.#atPlace.get(place) ?? []) {
      if (connected) transport.brokerBack()
      else transport.brokerLost()
    }
  }
}

function digestOf({ kind, to, channel, bytes }: Parcel): number {
  const addressed = mixIn(hashText(channel), to?.generation ?? 0)
  return kind === 'absent' ? addressed : checksumOf(bytes, addressed)
}

function describeParcel(
  { kind, to, channel, bytes }: Parcel,
  describe: NonNullable<SimNetworkPorts['describe']>,
): string {
  if (kind === 'absent') return `nobody at ${to?.id} for ${channel}`
  return `${channel} ${describe(channel, bytes)}`
}

function checked(options: Required<SimNetworkOptions>): Required<SimNetworkOptions> {
  const { missedAbsenceRate, maxFrameBytes, maxQueuedFrames, maxQueuedBytes, connectTimeoutMs } = options
  for (const [name, value] of Object.entries({ maxFrameBytes, maxQueuedFrames, maxQueuedBytes, connectTimeoutMs })) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new RangeError(`${name} must be a whole number, 1 or more, got ${value}`)
    }
  }
  if (maxQueuedBytes < maxFrameBytes) {
    throw new RangeError(`maxQueuedBytes (${maxQueuedBytes}) must be at least maxFrameBytes (${maxFrameBytes})`)
  }
  if (!(missedAbsenceRate >= 0 && missedAbsenceRate <= 1)) {
    throw new RangeError(`missedAbsenceRate is a chance from 0 to 1, got ${missedAbsenceRate}`)
  }
  return options
}
