import { SeededRandom } from '@dsys/runtime'
import { MembershipCore } from '../dist/core/membership-core.js'
import { resolveOptions } from '../dist/options.js'

/**
 * How one system behaves.
 *
 * @typedef {object} System
 * @property {string} name
 * @property {Partial<import('../dist/options.js').MembershipOptions>} options
 * @property {number} [silentFailures]
 * @property {boolean} [broadcast] whether the network takes a frame for all
 * @property {boolean} judgesInTimers whether timers that are overdue come before the frames that wait, and nobody notices that they are late
 */

/**
 * What stands still: `process` is a whole process, as by a long collection of garbage; `messages` are the frames from and to it, while
 * its timers run, as in the experiments of the Lifeguard paper.
 *
 * @typedef {'process' | 'messages'} Slowness
 */

/** @typedef {import('../dist/core/effects.js').Effect} Effect */
/** @typedef {Extract<Effect, { type: 'send' | 'broadcast' }>} Send */
/** @typedef {import('../dist/events.js').MemberEvent} MemberEvent */
/**
 * @typedef {object} Node
 * @property {import('@dsys/transport').PeerAddress} self
 * @property {MembershipCore} core
 * @property {boolean} running
 * @property {boolean} connected
 * @property {boolean} blocked
 * @property {{ from: import('@dsys/transport').PeerAddress, send: Send }[]} incoming
 * @property {{ to: Node, send: Send }[]} outgoing
 * @property {number | undefined} dueMs
 * @property {number} epoch of the entry in the queue that counts
 */
/** @typedef {{ atMs: number, order: number, run: () => void }} Entry */

const STRANGER = { id: 'stranger', generation: 1 }
const MIN_DELAY_MS = 1
const MAX_DELAY_MS = 5

/** Cores of membership over a network of their own, in virtual time, from one seed. No frame is lost. */
export class World {
  nowMs = 1_000
  frames = 0
  /** @type {Node[]} */
  nodes = []
  /** @type {(node: Node, event: MemberEvent) => void} */
  onEvent = () => undefined
  /** While the broker is away no frame arrives, whatever a node knows of that. */
  isBrokerAway = false
  /** What leaves a node. @type {(node: Node, send: Send) => void} */
  onSend = () => undefined
  /** Whether a frame is lost on its way. @type {(from: Node, to: Node) => boolean} */
  loses = () => false
  /** @type {Map<string, Node>} */
  #byId = new Map()
  /** @type {Entry[]} */
  #heap = []
  #order = 0
  #system
  #slowness
  #random
  /** Of each core, as it has them: its own copy. @type {{ retransmitFactor: number }[]} */
  #options = []

  /** @param {number} members @param {System} system @param {Slowness} slowness @param {number} seed */
  constructor(members, system, slowness, seed) {
    this.#system = system
    this.#slowness = slowness
    this.#random = new SeededRandom(seed)
    for (let i = 0; i < members; i++) {
      const self = { id: `n${i}`, generation: 1 }
      const core = this.#newCore(self, 1 + i)
      const [incoming, outgoing] = [[], []]
      const states = { running: true, connected: true, blocked: false }
      const node = { self, core, ...states, incoming, outgoing, dueMs: undefined, epoch: 0 }
      this.nodes.push(node)
      this.#byId.set(self.id, node)
    }
    this.#introduce()
  }

  /** @param {import('@dsys/transport').PeerAddress} self @param {number} nonce */
  #newCore(self, nonce) {
    const options = {
      ...resolveOptions({ cluster: 'bench', ...this.#system.options }),
      self,
      seed: this.#random.integer(0, 2 ** 32),
      nonce,
      canBroadcast: this.#system.broadcast === true,
      maxFrameBytes: 65_536,
      silentFailures: this.#system.silentFailures,
    }
    this.#options.push(options)
    return new MembershipCore(options)
  }

  /**
   * Lets the news of the beginning go by: in a large cluster it would take minutes of processor time to tell it as often as usual, although all
   * know it.
   *
   * @param {number} forMs
   */
  settle(forMs) {
    const factors = this.#options.map((options) => options.retransmitFactor)
    for (const options of this.#options) options.retransmitFactor = 0
    this.run(forMs)
    for (const [i, options] of this.#options.entries()) options.retransmitFactor = factors[i] ?? 1
  }

  /** Loses its connection, or has it again. @param {Node} node @param {boolean} connected */
  connect(node, connected) {
    node.connected = connected
    this.#input(node, (core, nowMs) => core.connection(connected, nowMs))
  }

  /** The process ends, and the next life of the node begins, without a connection where there is none. @param {Node} node */
  restart(node) {
    node.self = { id: node.self.id, generation: node.self.generation + 1 }
    node.core = this.#newCore(node.self, this.#order + 1)
    node.dueMs = undefined
    node.epoch += 1
    this.#input(node, (core, nowMs) => [...core.connection(node.connected, nowMs), ...core.join(nowMs)])
  }

  /** @param {Node} node @param {(core: MembershipCore, nowMs: number) => Effect[]} input */
  input(node, input) {
    this.#input(node, input)
  }

  /** Everybody knows everybody from the beginning, by what each says of itself. */
  #introduce() {
    const rumors = this.nodes.flatMap(({ core }) => {
      core.connection(true, this.nowMs)
      core.join(this.nowMs)
      const answers = core.receive({ kind: 'sync-request', last: true, rumors: [] }, STRANGER, this.nowMs)
      return answers.flatMap((effect) => (effect.type === 'send' ? effect.message.rumors : []))
    })
    for (const node of this.nodes) {
      const other = /** @type {Node} */ (this.nodes.find((each) => each !== node))
      const others = rumors.filter(({ record }) => record.id !== node.self.id)
      const reply = { kind: /** @type {const} */ ('sync-reply'), last: true, rumors: others }
      this.#input(node, (core, nowMs) => core.receive(reply, other.self, nowMs))
    }
  }

  /** @param {number} forMs */
  run(forMs) {
    const endMs = this.nowMs + forMs
    for (let entry = this.#heap[0]; entry !== undefined && entry.atMs <= endMs; entry = this.#heap[0]) {
      this.#pop()
      this.nowMs = entry.atMs
      entry.run()
    }
    this.nowMs = endMs
  }

  /** @param {number} delayMs @param {() => void} run */
  after(delayMs, run) {
    this.#push({ atMs: this.nowMs + delayMs, order: this.#order++, run })
  }

  /** @param {Node} node */
  block(node) {
    node.blocked = true
  }

  /** @param {Node} node */
  unblock(node) {
    node.blocked = false
    const isOverdue = this.#slowness === 'process' && node.dueMs !== undefined && node.dueMs < this.nowMs
    const wantedMs = this.#system.judgesInTimers ? this.nowMs : (node.dueMs ?? this.nowMs)
    if (isOverdue && this.#system.judgesInTimers) this.#input(node, (core, nowMs) => core.tick(nowMs, wantedMs))
    for (const { to, send } of node.outgoing.splice(0)) this.#fly(node, to, send)
    for (const { from, send } of node.incoming.splice(0)) this.#deliver(from, node, send)
    if (isOverdue && !this.#system.judgesInTimers) this.#input(node, (core, nowMs) => core.tick(nowMs, wantedMs))
    else this.#arm(node)
  }

  /** @param {Node} node @param {(core: MembershipCore, nowMs: number) => Effect[]} input */
  #input(node, input) {
    for (const effect of input(node.core, this.nowMs)) {
      if (effect.type === 'event') this.onEvent(node, effect.event)
      else if (effect.type === 'send' || effect.type === 'broadcast') this.#send(node, effect)
    }
    this.#arm(node)
  }

  /** @param {Node} node @param {Send} send */
  #send(node, send) {
    this.frames += 1
    this.onSend(node, send)
    if (!node.connected || this.isBrokerAway) return
    const one = send.type === 'send' ? this.#byId.get(send.to.id) : undefined
    const all = send.type === 'send' ? [one] : this.nodes.filter((each) => each !== node)
    for (const to of all) {
      if (to === undefined) continue
      if (node.blocked && this.#slowness === 'messages') node.outgoing.push({ to, send })
      else this.#fly(node, to, send)
    }
  }

  /** @param {Node} from @param {Node} to @param {Send} send */
  #fly(from, to, send) {
    if (this.loses(from, to)) return
    const delayMs = MIN_DELAY_MS + this.#random.float() * (MAX_DELAY_MS - MIN_DELAY_MS)
    const sender = from.self
    this.after(delayMs, () => {
      if (to.blocked) to.incoming.push({ from: sender, send })
      else this.#deliver(sender, to, send)
    })
  }

  /** @param {import('@dsys/transport').PeerAddress} from @param {Node} to @param {Send} send */
  #deliver(from, to, send) {
    const isMeant = send.type === 'broadcast' || (send.to.generation ?? to.self.generation) === to.self.generation
    if (!to.running || !to.connected || !isMeant) return
    this.#input(to, (core, nowMs) => core.receive(send.message, from, nowMs, send.header))
  }

  /** @param {Node} node */
  #arm(node) {
    if (node.blocked && this.#slowness === 'process') return
    const dueMs = node.core.deadlineMs()
    if (dueMs === node.dueMs) return
    node.dueMs = dueMs
    const epoch = ++node.epoch
    if (dueMs === undefined) return
    this.after(Math.max(0, dueMs - this.nowMs), () => {
      if (epoch !== node.epoch || !node.running) return
      if (node.blocked && this.#slowness === 'process') return
      node.dueMs = undefined
      this.#input(node, (core, nowMs) => core.tick(nowMs, nowMs))
    })
  }

  /** @param {Entry} entry */
  #push(entry) {
    const heap = this.#heap
    let at = heap.length
    heap.push(entry)
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!isBefore(entry, /** @type {Entry} */ (heap[parent]))) break
      heap[at] = /** @type {Entry} */ (heap[parent])
      at = parent
    }
    heap[at] = entry
  }

  #pop() {
    const heap = this.#heap
    const last = /** @type {Entry} */ (heap.pop())
    if (heap.length === 0) return
    let at = 0
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      const right = heap[child + 1]
      if (right !== undefined && isBefore(right, /** @type {Entry} */ (heap[child]))) child += 1
      if (!isBefore(/** @type {Entry} */ (heap[child]), last)) break
      heap[at] = /** @type {Entry} */ (heap[child])
      at = child
    }
    heap[at] = last
  }
}

/** @param {Entry} a @param {Entry} b */
const isBefore = (a, b) => (a.atMs === b.atMs ? a.order < b.order : a.atMs < b.atMs)
