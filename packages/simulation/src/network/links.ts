import type { Random } from '@dsys/runtime'
import type { Scheduler } from '../scheduler.ts'
import type { Trace } from '../trace.ts'
import type { FaultyNetwork, LinkTrouble, Restore } from '../world.ts'
import { assertKnobs, type Flight, Link, type LinkKnobs } from './link.ts'
import { Outages } from './outages.ts'

export type { LinkKnobs } from './link.ts'

/** What {@link SimLinks} works with. `P` is what travels: bytes, or the objects of a pure core. */
export interface SimLinksPorts<P> {
  readonly scheduler: Scheduler
  /** Each link draws from a stream of its own, so frames of one do not shift those of another. */
  readonly random: Random
  readonly knobs: LinkKnobs
  /**
   * Told of each fate but plain arrival, as `network.<fate>`: `lost` by chance, `duplicated`, `late`, `reordered`, `cut` by
   * a cut link or a lost broker, `held` and later `burst`, `stale` after a reconnect.
   */
  readonly count: (what: string) => void
  /** Notes `send` and `lose` at the sender, `receive` at the receiver; the first number is that of the frame. */
  readonly trace?: Trace
  /**
   * A checksum of what is sent, of 32 bits, which goes into the hash of the trace. Default: none, and two runs in which the same
   * frames say something else have the same hash.
   */
  readonly digest?: (payload: P) => number
  /** Says what a frame is, for people; asked where the trace is kept. */
  readonly describe?: (payload: P) => string
  /** A node lost its broker and knows it, or has it back, which is told also where the node never knew. */
  readonly onConnection?: (node: string, connected: boolean) => void
  /** One copy of a frame will not arrive; `copiesUnderWay` more of the same frame may. May come from inside `send`. */
  readonly onLost?: (from: string, to: string, payload: P, copiesUnderWay: number) => void
  /**
   * Whether the process that sent `payload` still lives: what it had kept for a lost broker dies with it. Default: it
   * does.
   */
  readonly lives?: (payload: P) => boolean
}

/** Takes a frame that arrived. Never called from inside `send`; `copiesUnderWay` more of the same frame may follow. */
export type Deliver<P> = (from: string, to: string, payload: P, copiesUnderWay: number) => void

/** The most frames that one link holds, and that one node keeps for its lost broker; further ones are lost. */
const MAX_HELD = 65_536

/** As a sender it stands for the broker itself: what it says to a node fares as that node's own connection does. */
export const BROKER = ''

const NOTHING: Restore = () => undefined

/** What can be done to simulated links besides sending over them. */
export interface SimFaults extends FaultyNetwork {
  /** Whether no fault is in force and nothing is held or kept, whatever the knobs say. */
  readonly calm: boolean
  /**
   * When the last frame that is under way now arrives at the latest; now, when none is. A bound for what must come true after a
   * healing counts from here: an old word that arrives late may well set the receiver back.
   */
  readonly underWayUntilMs: number
  /** Whether `node` has its broker: in fact, or as far as it was told. Default: in fact. */
  connected(node: string, options?: { readonly toldOnly: boolean }): boolean
  /**
   * Ends every fault for good: from now on each frame takes half a millisecond and arrives once, and what is held arrives.
   * What is under way arrives when it was to arrive, perhaps late. Faults that begin later do nothing.
   */
  heal(): void
  /** As `heal`, for the nodes `ids` and the links among them; the others stay as they are. */
  healAmong(ids: readonly string[]): void
}

/**
 * The links between the nodes of a simulation, one for each direction, and all that can be wrong with them. What travels
 * is not looked at, so a pure core sends objects over it and a transport sends bytes.
 *
 * A frame is lost to a cut when the link is cut as it is sent or as it would arrive: one whose way takes longer than the
 * cut arrives after it, stale.
 */
export class SimLinks<P> implements SimFaults {
  readonly #ports: SimLinksPorts<P>
  readonly #scheduler: Scheduler
  readonly #trace: Trace | undefined
  readonly #deliver: Deliver<P>
  readonly #links = new Map<string, Map<string, Link<P>>>()
  readonly #outages: Outages<P>
  /** Whose links among each other are healed for good; undefined means those of all nodes. */
  #core: ReadonlySet<string> | undefined = new Set([BROKER])
  #frames = 0
  #lastArrivalMs = 0

  /** Throws RangeError for a knob out of its range. */
  constructor(ports: SimLinksPorts<P>, deliver: Deliver<P>) {
    assertKnobs(ports.knobs)
    this.#ports = ports
    this.#scheduler = ports.scheduler
    this.#trace = ports.trace
    this.#deliver = deliver
    this.#outages = new Outages((node, connected) => ports.onConnection?.(node, connected))
  }

  get calm(): boolean {
    if (this.#outages.any) return false
    for (const links of this.#links.values()) for (const link of links.values()) if (!link.calm) return false
    return true
  }

  get underWayUntilMs(): number {
    return Math.max(this.#lastArrivalMs, this.#scheduler.nowMs)
  }

  connected(node: string, { toldOnly }: { readonly toldOnly: boolean } = { toldOnly: false }): boolean {
    return toldOnly ? !this.#outages.told(node) : !this.#outages.has(node)
  }

  /** Puts a frame under way. */
  send(from: string, to: string, payload: P): void {
    const link = this.#link(from, to)
    const frame = ++this.#frames
    this.#note('send', from, to, frame, payload)
    const flight: Flight<P> = { link, frame, payload, copies: { underWay: 1 } }
    if (this.#outages.any && from !== to && this.#outages.has(from)) this.#keep(flight)
    else this.#launch(flight)
  }

  cut(from: string, to: string): Restore {
    return this.#fault(from, to, (link) => {
      link.cuts++
      return () => link.cuts--
    })
  }

  hold(from: string, to: string): Restore {
    return this.#fault(from, to, (link) => {
      link.holds++
      return () => {
        link.holds--
        this.#release(link)
      }
    })
  }

  trouble(from: string, to: string, trouble: LinkTrouble): Restore {
    return this.#fault(from, to, (link) => link.trouble(trouble))
  }

  /** See {@link FaultyNetwork.disconnect}. What is sent to the node meanwhile is lost, since the broker has lost it too. */
  disconnect(node: string, options: { readonly buffered: boolean }): Restore {
    // Those of a healed core keep their broker.
    if (this.#core === undefined || this.#core.has(node)) return NOTHING
    const end = this.#outages.begin(node, options.buffered)
    return () => {
      for (const flight of end()) this.#flush(flight)
    }
  }

  heal(): void {
    this.#core = undefined
    for (const links of this.#links.values()) for (const link of links.values()) this.#heal(link)
    // Now that nothing can befall them.
    for (const flight of this.#outages.endAll()) this.#flush(flight)
  }

  healAmong(ids: readonly string[]): void {
    if (this.#core === undefined) return
    const core = new Set([...this.#core, ...ids])
    this.#core = core
    for (const links of this.#links.values()) {
      for (const link of links.values()) if (core.has(link.from) && core.has(link.to)) this.#heal(link)
    }
    for (const id of ids) for (const flight of this.#outages.endOf(id)) this.#flush(flight)
  }

  #heal(link: Link<P>): void {
    if (link.healed) return
    link.heal()
    this.#release(link)
  }

  #fault(from: string, to: string, begin: (link: Link<P>) => () => void): Restore {
    const link = this.#link(from, to)
    if (link.healed) return NOTHING
    const end = begin(link)
    const { era } = link
    let over = false
    return () => {
      if (over || link.era !== era) return
      over = true
      end()
    }
  }

  #link(from: string, to: string): Link<P> {
    let links = this.#links.get(from)
    if (links === undefined) {
      links = new Map()
      this.#links.set(from, links)
    }
    const known = links.get(to)
    if (known !== undefined) return known
    const link = new Link<P>(from, to, this.#ports.knobs, this.#ports.random)
    if (this.#core === undefined || (this.#core.has(from) && this.#core.has(to))) link.heal()
    links.set(to, link)
    return link
  }

  /** The sender has no broker: it drops the frame when it knows, and keeps it when it does not. */
  #keep(flight: Flight<P>): void {
    const { from } = flight.link
    if (this.#outages.told(from) || !this.#outages.keep(from, flight, MAX_HELD)) this.#lose(flight, 'cut')
  }

  /** The sender has its broker back. */
  #flush(flight: Flight<P>): void {
    if (this.#ports.lives?.(flight.payload) === false) {
      this.#lose(flight, 'cut')
      return
    }
    this.#ports.count('network.stale')
    this.#launch(flight)
  }

  #launch(flight: Flight<P>): void {
    const { link } = flight
    if (link.cuts > 0) this.#lose(flight, 'cut')
    else if (link.loses()) this.#lose(flight, 'lost')
    else {
      const duplicator = link.duplicates()
      if (duplicator !== undefined) {
        this.#ports.count('network.duplicated')
        flight.copies.underWay++
        this.#arriveAfter(link.heldBackMs(duplicator), flight)
      }
      this.#depart(flight)
    }
  }

  #depart(flight: Flight<P>): void {
    const { link } = flight
    let delayMs = link.delayMs()
    const delayer = link.late()
    if (delayer !== undefined) {
      this.#ports.count('network.late')
      delayMs += link.latenessMs(delayer)
    }
    const reorderer = link.reorders()
    if (reorderer !== undefined) {
      this.#ports.count('network.reordered')
      delayMs += link.heldBackMs(reorderer)
    } else if (link.fifo) {
      const arrivalMs = Math.max(this.#scheduler.nowMs + delayMs, link.lastArrivalMs)
      link.lastArrivalMs = arrivalMs
      this.#arriveAt(arrivalMs, flight)
      return
    }
    this.#arriveAfter(delayMs, flight)
  }

  #arriveAfter(delayMs: number, flight: Flight<P>): void {
    this.#arriveAt(this.#scheduler.nowMs + delayMs, flight)
  }

  #arriveAt(arrivalMs: number, flight: Flight<P>): void {
    if (arrivalMs > this.#lastArrivalMs) this.#lastArrivalMs = arrivalMs
    this.#scheduler.at(arrivalMs, () => this.#arrive(flight))
  }

  #arrive(flight: Flight<P>): void {
    const { link } = flight
    if (link.holds === 0 && link.heldFrames === 0) {
      this.#receive(flight)
    } else if (link.heldFrames < MAX_HELD) {
      // Also behind what is just let go, which was here first.
      if (link.holds > 0) this.#ports.count('network.held')
      link.hold(flight)
    } else {
      this.#lose(flight, 'lost')
    }
  }

  /** Lets go what is held, one frame an event: all at this moment, and each followed by what it brings about. */
  #release(link: Link<P>): void {
    if (link.holds === 0 && link.heldFrames > 0) this.#scheduler.after(0, () => this.#letGo(link))
  }

  #letGo(link: Link<P>): void {
    if (link.holds > 0) return
    const flight = link.letGo()
    if (flight === undefined) return
    this.#ports.count('network.burst')
    this.#receive(flight)
    this.#release(link)
  }

  #receive(flight: Flight<P>): void {
    const { link, frame, payload, copies } = flight
    const { from, to } = link
    if (link.cuts > 0 || (this.#outages.any && from !== to && this.#outages.has(to))) {
      this.#lose(flight, 'cut')
      return
    }
    copies.underWay--
    this.#note('receive', to, from, frame, payload)
    this.#deliver(from, to, payload, copies.underWay)
  }

  #lose({ link, frame, payload, copies }: Flight<P>, fate: 'lost' | 'cut'): void {
    copies.underWay--
    this.#ports.count(`network.${fate}`)
    this.#note('lose', link.from, link.to, frame, payload)
    this.#ports.onLost?.(link.from, link.to, payload, copies.underWay)
  }

  #note(what: string, node: string, peer: string, frame: number, payload: P): void {
    const trace = this.#trace
    if (trace === undefined) return
    trace.add(this.#scheduler.nowMs, node, what, peer, frame)
    if (what === 'send' && this.#ports.digest !== undefined) trace.content(this.#ports.digest(payload))
    if (trace.kept && this.#ports.describe !== undefined) trace.detail(this.#ports.describe(payload))
  }
}
