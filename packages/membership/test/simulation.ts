import { SeededRandom } from '@dsys/runtime'
import type { Destination, PeerAddress } from '@dsys/transport'
import type { QueryToAnswer } from '../src/core/answering.ts'
import { decodeMessage, encodeMessage } from '../src/core/codec.ts'
import type { Effect } from '../src/core/effects.ts'
import { MembershipCore } from '../src/core/membership-core.ts'
import type { Message } from '../src/core/message.ts'
import type { QueryResult } from '../src/core/query-message.ts'
import type { VersionRange } from '../src/core/versions.ts'
import type { MemberEvent } from '../src/events.ts'
import { type MembershipOptions, resolveOptions } from '../src/options.ts'

interface Flight {
  readonly atMs: number
  readonly order: number
  readonly from: PeerAddress
  readonly to: Destination
  readonly frame: Uint8Array
}

/** What a {@link Simulation} is made of. */
export interface SimulationOptions {
  readonly seed: number
  readonly options?: Partial<MembershipOptions>
  /** Default false: as over TCP. */
  readonly canBroadcast?: boolean
  /** Whether the network says that nobody is there. Default false. */
  readonly fastNegative?: boolean
  readonly lossRate?: number
  readonly duplicateRate?: number
  readonly minDelayMs?: number
  readonly maxDelayMs?: number
}

/** One node of a simulation. */
export class SimulatedNode {
  readonly self: PeerAddress
  readonly core: MembershipCore
  readonly events: { readonly atMs: number; readonly event: MemberEvent }[] = []
  readonly others: Effect[] = []
  /** False after a kill. */
  running = true
  /** A stopped process: its clock goes on, its timers and frames wait. */
  paused = false
  connected = true
  readonly backlog: Flight[] = []
  /** Answers the queries of others, at once or, without a result, never. */
  onQuery: (query: QueryToAnswer) => QueryResult | undefined = () => undefined
  /** What an earlier version does not know: it reads the rumors of such a message, and nothing else. */
  unknownKinds: ReadonlySet<Message['kind']> = new Set()

  /** How it understands a message, where it is not as this code does. */
  reads: (message: Message) => Message = (message) => message
  /** What it speaks, where it is not what this code does. */
  readonly versions: VersionRange | undefined

  constructor(self: PeerAddress, core: MembershipCore, versions?: VersionRange) {
    this.self = self
    this.versions = versions
    this.core = core
  }

  stateOf(id: string): string | undefined {
    return this.core.member(id)?.state
  }
}

/** Cores over a network of its own, in virtual time, from one seed. Every message goes through the codec. */
export class Simulation {
  readonly #options: SimulationOptions
  readonly #random: SeededRandom
  readonly nodes = new Map<string, SimulatedNode>()
  nowMs = 1_000
  #order = 0
  #flights: Flight[] = []
  readonly #cuts = new Set<string>()
  readonly #deadlines = new Map<SimulatedNode, number | undefined>()
  frames = 0
  #double: SimulatedNode | undefined
  /** Whether a frame from one node to another one is lost; `chance` is drawn for it, from 0 to 1. */
  loses: (from: string, to: string, chance: number) => boolean = () => false

  constructor(options: SimulationOptions) {
    this.#options = options
    this.#random = new SeededRandom(options.seed)
  }

  /** Starts a life of the node `id`. */
  start(id: string, generation = 1, options: Partial<MembershipOptions> = {}, versions?: VersionRange): SimulatedNode {
    const self = { id, generation }
    const core = new MembershipCore({
      ...resolveOptions({ cluster: 'test', seeds: ['n1'], ...this.#options.options, ...options }),
      self,
      nonce: this.#random.integer(1, 2 ** 32),
      versions,
      seed: this.#random.integer(0, 2 ** 32),
      canBroadcast: this.#options.canBroadcast ?? false,
      maxFrameBytes: 65_536,
    })
    const node = new SimulatedNode(self, core, versions)
    this.nodes.set(id, node)
    this.#carryOut(node, core.connection(true, this.nowMs))
    this.#carryOut(node, core.join(this.nowMs))
    return node
  }

  startAll(count: number): SimulatedNode[] {
    return Array.from({ length: count }, (_, i) => this.start(`n${i + 1}`))
  }

  node(id: string): SimulatedNode {
    const node = this.nodes.get(id)
    if (node === undefined) throw new RangeError(`no node ${id}`)
    return node
  }

  /** A process that runs with the id of a node besides the one in `nodes`, and gets every frame that goes there. */
  double(node: SimulatedNode | undefined): void {
    this.#double = node
  }

  kill(id: string): void {
    this.node(id).running = false
  }

  leave(id: string): void {
    const node = this.node(id)
    this.#carryOut(node, node.core.leave(this.nowMs))
  }

  connect(id: string, connected: boolean): void {
    const node = this.node(id)
    node.connected = connected
    this.#carryOut(node, node.core.connection(connected, this.nowMs))
  }

  input(id: string, input: (core: MembershipCore, nowMs: number) => Effect[]): void {
    const node = this.node(id)
    this.#carryOut(node, input(node.core, this.nowMs))
  }

  pause(id: string): void {
    this.node(id).paused = true
  }

  /** The event loop goes on: as in Node.js, the timer that is overdue would come first, so the driver lets input in before it. */
  resume(id: string): void {
    const node = this.node(id)
    node.paused = false
    for (const flight of node.backlog.splice(0)) this.#deliver(flight)
  }

  cut(from: string, to: string): void {
    this.#cuts.add(`${from}>${to}`)
  }

  partition(...groups: readonly string[][]): void {
    for (const group of groups) {
      for (const other of groups) {
        if (group !== other) for (const from of group) for (const to of other) this.cut(from, to)
      }
    }
  }

  heal(): void {
    this.#cuts.clear()
  }

  /** Runs until `untilMs` more have passed, or `done` holds. */
  run(forMs: number, done: () => boolean = () => false): void {
    const endMs = this.nowMs + forMs
    while (!done()) {
      const flight = this.#flights[0]
      let due = flight?.atMs ?? Number.POSITIVE_INFINITY
      let judge: SimulatedNode | undefined
      for (const node of this.#all()) {
        const deadlineMs = node.running && !node.paused ? this.#deadlineOf(node) : undefined
        if (deadlineMs !== undefined && deadlineMs < due) {
          due = deadlineMs
          judge = node
        }
      }
      if (due > endMs) break
      this.nowMs = Math.max(this.nowMs, due)
      if (judge !== undefined) this.#carryOut(judge, judge.core.tick(this.nowMs))
      else if (flight !== undefined) {
        this.#flights.shift()
        this.#deliver(flight)
      }
    }
    if (!done()) this.nowMs = endMs
  }

  /** Whether all that run see exactly these alive, and nobody else as alive or suspect. */
  agrees(ids: readonly string[]): boolean {
    return ids.every((id) => {
      const live = this.node(id)
        .core.members()
        .filter(({ state }) => state === 'alive' || state === 'suspect')
      return live.length === ids.length && live.every((member) => member.state === 'alive' && ids.includes(member.id))
    })
  }

  /** Nothing but an input changes it. */
  #deadlineOf(node: SimulatedNode): number | undefined {
    if (!this.#deadlines.has(node)) this.#deadlines.set(node, node.core.deadlineMs())
    return this.#deadlines.get(node)
  }

  #carryOut(node: SimulatedNode, effects: readonly Effect[]): void {
    this.#deadlines.delete(node)
    for (const effect of effects) {
      if (effect.type === 'send') this.#send(node, effect.to, encodeMessage(effect.message, 'test', effect.header))
      else if (effect.type === 'broadcast') {
        const frame = encodeMessage(effect.message, 'test', effect.header)
        for (const id of this.nodes.keys()) if (id !== node.self.id) this.#send(node, { id }, frame)
      } else if (effect.type === 'event') node.events.push({ atMs: this.nowMs, event: effect.event })
      else {
        node.others.push(effect)
        const result = effect.type === 'query' ? node.onQuery(effect.query) : undefined
        if (effect.type === 'query' && result !== undefined)
          this.#carryOut(node, node.core.answer(effect.query.key, result, this.nowMs))
      }
    }
  }

  #send(node: SimulatedNode, to: Destination, frame: Uint8Array): void {
    if (!node.running || !node.connected) return
    this.frames += 1
    const { lossRate = 0, duplicateRate = 0, minDelayMs = 1, maxDelayMs = 5 } = this.#options
    const chance = this.#random.float()
    if (chance < lossRate || this.loses(node.self.id, to.id, chance)) return
    for (let copies = this.#random.float() < duplicateRate ? 2 : 1; copies > 0; copies--) {
      const atMs = this.nowMs + minDelayMs + this.#random.float() * (maxDelayMs - minDelayMs)
      const flight: Flight = { atMs, order: this.#order++, from: node.self, to, frame }
      let at = this.#flights.length
      while (at > 0 && (this.#flights[at - 1]?.atMs ?? 0) > atMs) at -= 1
      this.#flights.splice(at, 0, flight)
    }
  }

  #all(): SimulatedNode[] {
    return this.#double === undefined ? [...this.nodes.values()] : [...this.nodes.values(), this.#double]
  }

  #deliver(flight: Flight): void {
    const { to } = flight
    this.#deliverTo(this.nodes.get(to.id), flight)
    if (this.#double?.self.id === to.id) this.#deliverTo(this.#double, flight)
  }

  #deliverTo(target: SimulatedNode | undefined, flight: Flight): void {
    const { from, to, frame } = flight
    const sender = this.nodes.get(from.id)
    if (this.#cuts.has(`${from.id}>${to.id}`)) return
    const isThere =
      target?.running === true && (to.generation === undefined || to.generation === target.self.generation)
    if (!isThere) {
      if (this.#options.fastNegative === true && sender?.running === true) {
        this.#carryOut(sender, sender.core.absent(to, this.nowMs))
      }
    } else if (target.paused) target.backlog.push(flight)
    else if (target.connected) {
      const decoded = decodeMessage(frame, 'test', target.versions)
      if (decoded.ok) {
        const { message, header } = decoded
        const isKnown = !target.unknownKinds.has(message.kind)
        const read: Message = isKnown ? message : { kind: 'unknown', number: 99, rumors: message.rumors }
        this.#carryOut(target, target.core.receive(target.reads(read), from, this.nowMs, header))
      } else if (decoded.reason === 'version')
        this.#carryOut(target, target.core.receiveOtherVersion(decoded.header, from, this.nowMs))
      else throw new Error(`an own frame was not understood: ${decoded.why}`)
    }
  }
}
