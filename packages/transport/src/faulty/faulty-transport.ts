import { type Clock, EventHub, NotRunningError, type Random, type StartOptions } from '@dsys/runtime'
import { ChannelHandlers } from '../channel-handlers.ts'
import { assertChannel, assertFrameFits, assertGeneration, assertNodeId, assertTag } from '../checks.ts'
import { BroadcastUnsupportedError } from '../errors.ts'
import type { FrameBudgetLimits } from '../frame-budget.ts'
import type {
  ConnectionState,
  Destination,
  FrameHandler,
  PeerAddress,
  Transport,
  TransportCapabilities,
  TransportEvent,
} from '../port.ts'
import { HeldFrames } from './held-frames.ts'
import { drawPassages, type LinkConditions, type Passage, resolveLink } from './link.ts'

/** What a {@link FaultyTransport} needs besides the transport: where its delays and its chance come from. */
export interface FaultyPorts {
  /** Give a virtual clock to run in virtual time. */
  readonly clock: Clock
  /** Decides on loss, duplication, delay and order. Give a seeded one to replay a run. */
  readonly random: Random
}

/** Options of a {@link FaultyTransport}. */
export interface FaultyOptions extends Partial<FrameBudgetLimits> {
  /** How many frames may be held back at once, of both directions; a further one is lost, and `send` says false. Default 65,536. */
  readonly maxQueuedFrames?: number
  /** How many bytes of them. Default 64 MiB. */
  readonly maxQueuedBytes?: number
}

/** Which frames a fault is done to: those of this node, those of the peer, or both. */
export type Direction = 'out' | 'in' | 'both'

/** What faults have done so far, in frames; a broadcast is one. */
export interface FaultCounts {
  /** By a cut, or a lost connection. */
  readonly cut: number
  /** By chance. */
  readonly lost: number
  readonly duplicated: number
  readonly delayed: number
  /** Lost since too many were held back. */
  readonly overflowed: number
}

const DEFAULTS = Object.freeze({ maxQueuedFrames: 65_536, maxQueuedBytes: 64 * 2 ** 20 })
/** For how long after a duplicate no report of absence without a tag is believed: for which copy it is, it does not say. */
const REPORT_MAX_AGE_MS = 30_000
const WAYS = ['out', 'in'] as const
type Way = (typeof WAYS)[number]

/** The faults of one way between this node and its peers. */
class WayFaults {
  readonly cuts = new Set<string>()
  readonly links = new Map<string, LinkConditions>()
  every: LinkConditions | undefined

  conditions(peer: string): LinkConditions | undefined {
    return this.links.get(peer) ?? this.every
  }
}

/**
 * A transport with faults on demand around any other one, for tests, drills and demonstrations: on a network that cannot be cut
 * itself, such as that of a broker. Without a fault it does nothing at all.
 *
 * What it does is what the port allows a network to do anyway. Frames of a node to itself are left alone.
 */
export class FaultyTransport implements Transport {
  readonly #inner: Transport
  readonly #clock: Clock
  readonly #random: Random
  readonly #handlers: ChannelHandlers
  readonly #held: HeldFrames
  readonly #events = new EventHub<TransportEvent>()
  readonly #faults: Readonly<Record<Way, WayFaults>> = { out: new WayFaults(), in: new WayFaults() }
  readonly #counts = { cut: 0, lost: 0, duplicated: 0, delayed: 0, overflowed: 0 }
  #connectionTaken = false
  #reportsDoubtfulUntilMs = Number.NEGATIVE_INFINITY

  constructor(inner: Transport, ports: FaultyPorts, options: FaultyOptions = {}) {
    const limits = { ...DEFAULTS, ...options }
    for (const [name, value] of Object.entries(limits)) {
      if (!Number.isSafeInteger(value) || value < 1)
        throw new RangeError(`${name} must be a whole number, 1 or more, got ${value}`)
    }
    this.#inner = inner
    this.#clock = ports.clock
    this.#random = ports.random
    this.#handlers = new ChannelHandlers(ports)
    this.#held = new HeldFrames(ports.clock, limits)
    inner.observe((event) => this.#onEvent(event))
  }

  get self(): PeerAddress {
    return this.#inner.self
  }

  get capabilities(): TransportCapabilities {
    return this.#inner.capabilities
  }

  get connection(): ConnectionState {
    const { connection } = this.#inner
    return connection === 'connected' && this.#connectionTaken ? 'disconnected' : connection
  }

  /** What faults have done so far: a test that saw none of them has shown little. */
  get counts(): FaultCounts {
    return { ...this.#counts }
  }

  /** Frames that are held back now. */
  get held(): number {
    return this.#held.size
  }

  /**
   * Loses every frame between this node and `peer`, also those that are held back, until {@link FaultyTransport.heal}. A broadcast names no
   * receiver, so `out` does not stop it: cut it at the receiver, `in`.
   */
  cut(peer: string, direction: Direction = 'both'): void {
    assertNodeId(peer)
    for (const way of waysOf(direction)) this.#faults[way].cuts.add(peer)
  }

  /** Ends cuts: those with `peer`, or all. */
  heal(peer?: string): void {
    for (const way of WAYS) {
      if (peer === undefined) this.#faults[way].cuts.clear()
      else this.#faults[way].cuts.delete(peer)
    }
  }

  /**
   * Says anew how frames fare: with all peers, or with one `peer`, which goes before all. `undefined` makes it perfect, or for one
   * peer as with all. Frames that are held back keep their time. Throws RangeError for conditions out of their range.
   */
  setLink(
    conditions: LinkConditions | undefined,
    { peer, direction = 'both' }: { readonly peer?: string; readonly direction?: Direction } = {},
  ): void {
    const link = conditions === undefined ? undefined : Object.freeze(resolveLink(conditions))
    if (peer !== undefined) assertNodeId(peer)
    for (const way of waysOf(direction)) {
      const faults = this.#faults[way]
      if (peer === undefined) faults.every = link
      else if (link === undefined) faults.links.delete(peer)
      else faults.links.set(peer, link)
    }
  }

  /** Takes the connection from this node, as a lost broker would: it reports `disconnected`, nothing leaves, and nothing arrives. */
  disconnect(why = 'disconnected by a fault'): void {
    if (this.#connectionTaken) return
    const wasConnected = this.connection === 'connected'
    this.#connectionTaken = true
    this.#counts.cut += this.#held.clear()
    if (wasConnected) this.#events.publish({ type: 'disconnected', why })
  }

  /** Gives the connection back, if the transport below has one. */
  reconnect(): void {
    if (!this.#connectionTaken) return
    this.#connectionTaken = false
    if (this.connection === 'connected') this.#events.publish({ type: 'connected' })
  }

  start(options?: StartOptions): Promise<void> {
    return this.#inner.start(options)
  }

  /** What is held back is lost. */
  stop(): Promise<void> {
    return this.#inner.stop()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  send(to: Destination, channel: string, frame: Uint8Array, tag?: number): boolean {
    const faults = this.#faults.out
    const isCut = faults.cuts.has(to.id)
    const link = faults.conditions(to.id)
    const isUntouched = to.id === this.self.id || (!isCut && link === undefined && this.#held.size === 0)
    if (isUntouched && !this.#connectionTaken) return this.#inner.send(to, channel, frame, tag)
    assertNodeId(to.id)
    if (to.generation !== undefined) assertGeneration(to.generation)
    if (tag !== undefined) assertTag(tag)
    this.#assertLegal(channel, frame)
    if (this.connection !== 'connected') return false
    if (isCut) {
      this.#counts.cut += 1
      return true
    }
    // The tag names one frame: of two copies one may meet the peer, and the report about the other would be taken for one about both.
    const pass = (copies: number): boolean => this.#inner.send(to, channel, frame, copies === 1 ? tag : undefined)
    return this.#leave(`out ${to.id}`, link, frame, pass, () => this.#faults.out.cuts.has(to.id))
  }

  broadcast(channel: string, frame: Uint8Array): boolean {
    const link = this.#faults.out.every
    const pass = (): boolean => this.#inner.broadcast(channel, frame)
    if (!this.#connectionTaken && link === undefined && this.#held.size === 0) return pass()
    if (!this.capabilities.broadcast) {
      this.#assertRunning()
      throw new BroadcastUnsupportedError()
    }
    this.#assertLegal(channel, frame)
    if (this.connection !== 'connected') return false
    return this.#leave('out', link, frame, pass, () => false)
  }

  listen(channel: string, handler: FrameHandler): () => void {
    const forget = this.#handlers.listen(channel, handler)
    try {
      const end = this.#inner.listen(channel, (frame, from) => this.#arrive(channel, frame, from))
      return () => {
        end()
        forget()
      }
    } catch (error) {
      forget()
      throw error
    }
  }

  observe(handler: (event: TransportEvent) => void): () => void {
    return this.#events.handle(handler)
  }

  /** Draws what becomes of a frame of this node. False when no copy of it was taken. */
  #leave(
    path: string,
    link: LinkConditions | undefined,
    frame: Uint8Array,
    pass: (copies: number) => boolean,
    isCut: () => boolean,
  ): boolean {
    const passages = this.#draw(link)
    const hand = (): boolean => {
      if (passages.length > 1) this.#reportsDoubtfulUntilMs = this.#clock.monotonicMs() + REPORT_MAX_AGE_MS
      return pass(passages.length)
    }
    const later = (): void => {
      if (isCut() || this.connection !== 'connected') this.#counts.cut += 1
      // The server of a new connection may take less than the one before.
      else if (frame.byteLength <= this.capabilities.maxFrameBytes) hand()
    }
    let taken = passages.length === 0
    for (const passage of passages) {
      const isNow = this.#held.passesAtOnce(path, passage)
      taken = (isNow ? hand() : this.#hold(path, passage, frame.byteLength, later)) || taken
    }
    return taken
  }

  #arrive(channel: string, frame: Uint8Array, from: PeerAddress): void {
    const deliver = (bytes: Uint8Array): void => this.#handlers.deliver(channel, bytes, from)
    const isCut = (): boolean => this.#connectionTaken || this.#faults.in.cuts.has(from.id)
    if (from.id === this.self.id && !this.#connectionTaken) {
      deliver(frame)
      return
    }
    if (isCut()) {
      this.#counts.cut += 1
      return
    }
    const path = `in ${from.id}`
    const passages = this.#draw(this.#faults.in.conditions(from.id))
    // Each copy is bytes of its own, and made before a handler may write to the first.
    const copies = passages.map((passage, i) => ({ passage, bytes: i === 0 ? frame : new Uint8Array(frame) }))
    for (const { passage, bytes } of copies) {
      const later = (): void => {
        if (isCut()) this.#counts.cut += 1
        else deliver(bytes)
      }
      if (this.#held.passesAtOnce(path, passage)) deliver(bytes)
      else this.#hold(path, passage, bytes.byteLength, later)
    }
  }

  #draw(link: LinkConditions | undefined): readonly Passage[] {
    const passages = drawPassages(link, this.#random)
    if (passages.length === 0) this.#counts.lost += 1
    if (passages.length > 1) this.#counts.duplicated += 1
    return passages
  }

  #hold(path: string, passage: Passage, frameBytes: number, release: () => void): boolean {
    const isHeld = this.#held.hold(path, passage, frameBytes, release)
    if (isHeld) this.#counts.delayed += 1
    else this.#counts.overflowed += 1
    return isHeld
  }

  #onEvent(event: TransportEvent): void {
    switch (event.type) {
      case 'connected':
      case 'disconnected':
        if (!this.#connectionTaken) this.#events.publish(event)
        break
      case 'identity-conflict':
        this.#events.publish(event)
        break
      case 'peer-absent':
        // Of two copies one may have met the peer, and there must be no more than one report a frame. Only a frame of one copy has a tag.
        if (this.#connectionTaken) break
        if (event.tag !== undefined || this.#clock.monotonicMs() >= this.#reportsDoubtfulUntilMs)
          this.#events.publish(event)
        break
      case 'closed':
        this.#held.clear()
        this.#handlers.clear()
        this.#events.publish(event)
        this.#events.close()
        break
    }
  }

  #assertLegal(channel: string, frame: Uint8Array): void {
    this.#assertRunning()
    assertChannel(channel)
    assertFrameFits(frame, this.capabilities.maxFrameBytes)
  }

  #assertRunning(): void {
    const { connection } = this.#inner
    if (connection === 'idle' || connection === 'closed')
      throw new NotRunningError(`transport of ${this.self.id}`, connection)
  }
}

const waysOf = (direction: Direction): readonly Way[] => (direction === 'both' ? WAYS : [direction])

/**
 * `transport` with faults on demand; see {@link FaultyTransport}. Give it to whoever would have got the transport, and start and
 * stop it in its place.
 */
export function faulty(transport: Transport, ports: FaultyPorts, options?: FaultyOptions): FaultyTransport {
  return new FaultyTransport(transport, ports, options)
}
