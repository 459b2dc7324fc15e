import { decodeFrame, encodeFrame, incarnationIn, type Message, RaftCore } from '@dsys/raft/core'
import { SeededRandom } from '@dsys/runtime'
import {
  Aim,
  Counts,
  FAULTS,
  FaultAtlas,
  mixIn,
  Nemesis,
  type Plan,
  type RunOptions,
  type RunResult,
  Scheduler,
  SimLinks,
  SimWorld,
  seededBuggify,
  Trace,
  type Violation,
} from '@dsys/simulation'
import { Checker } from './checker.ts'
import { ClientHistory } from './client-history.ts'
import { CoreNode } from './core-node.ts'
import type { DriverBug, RaftWorld } from './core-world.ts'
import { digestMessage } from './digest-message.ts'
import { knobsOf, type RaftKnobs } from './knobs.ts'
import { leaseTrapFaults } from './lease-traps.ts'
import { Liveness } from './liveness.ts'
import { isEstranged } from './lost-disks.ts'
import type { ClientOperation } from './operations.ts'
import { ownFaults } from './own-faults.ts'
import { PromiseWatch } from './promise-watch.ts'
import { Served } from './served.ts'
import { violationOf } from './violation.ts'

/** What a run is made with, besides its plan. */
export interface RaftVariant {
  /** The core to run, where it is not the real one. */
  readonly Core?: typeof RaftCore
  readonly bug?: DriverBug
  /** Whether disks are looked at too, or only what the paper promises. Default true. */
  readonly direct?: boolean
}

/** What goes from node to node: one message, and by which disk its sender is known. */
interface Frame {
  readonly message: Message
  readonly incarnation: number | undefined
}

function digestFrame({ message, incarnation }: Frame): number {
  const digest = digestMessage(message)
  return incarnation === undefined ? digest : mixIn(digest, incarnation)
}

/** Of so many operations one goes to a node that may not lead, as those of a client do that has not heard of an election. */
const ASTRAY_EVERY = 16

/** Runs one cluster through one plan. */
export class RaftRun {
  readonly #plan: Plan
  readonly #knobs: RaftKnobs
  readonly #scheduler = new Scheduler()
  readonly #trace: Trace
  readonly #counts = new Counts()
  readonly #count = (what: string): void => this.#counts.add(what)
  readonly #aim: Aim
  readonly #nodes: CoreNode[] = []
  readonly #byId = new Map<string, CoreNode>()
  readonly #history: ClientHistory
  readonly #served = new Served()
  readonly #checker: Checker
  readonly #links: SimLinks<Frame>
  readonly #nemesis: Nemesis
  readonly #world: SimWorld
  readonly #atlas: FaultAtlas
  readonly #random: SeededRandom
  #healed = false

  constructor(
    plan: Plan,
    { Core = RaftCore, bug = 'none', direct = true }: RaftVariant,
    { keepTrace = false }: RunOptions,
  ) {
    this.#plan = plan
    this.#knobs = knobsOf(plan)
    this.#trace = new Trace({ keep: keepTrace })
    this.#random = new SeededRandom(plan.seed)
    this.#aim = new Aim(plan.aims, this.#random.stream('aim'), this.#count)
    this.#history = new ClientHistory({
      nowMs: () => this.#scheduler.nowMs,
      planned: plan.operations.length,
      note: (node, what, op, key) => this.#trace.add(this.#scheduler.nowMs, node, what, '', op, key),
    })
    this.#checker = new Checker(this.#nodes, direct)
    this.#links = this.#makeLinks()
    const ids = Array.from({ length: plan.nodes }, (_, i) => `n${i + 1}`)
    const world: RaftWorld = {
      scheduler: this.#scheduler,
      trace: this.#trace,
      knobs: this.#knobs,
      ids,
      firstVoters: ids.slice(0, this.#knobs.firstVoters),
      witnesses: ids.slice(ids.length - this.#knobs.witnesses),
      checker: this.#checker,
      promises: direct && this.#knobs.leaseClockDrift > 0 ? new PromiseWatch(this.#knobs.electionTimeoutMs) : undefined,
      history: this.#history,
      served: this.#served,
      aim: this.#aim,
      aimsBetween:
        plan.aims.type === 'drawn'
          ? (plan.aims.rates['effect'] ?? 0) > 0
          : plan.aims.crashes.some(({ moment }) => moment === 'effect'),
      buggify: seededBuggify(this.#random.stream('buggify'), plan.buggify, this.#count, () => !this.#healed),
      bug,
      Core,
      count: this.#count,
      identified: (id) => ids.indexOf(id) >= this.#knobs.withoutIncarnation,
      send: (from, to, message, incarnation) => this.#links.send(from, to, this.#carry({ message, incarnation })),
      trouble: (from, to, trouble) => this.#links.trouble(from, to, trouble),
    }
    for (const id of ids) {
      const random = new SeededRandom(plan.seed).stream(`node ${id}`)
      const node = new CoreNode(id, world, random, () => this.#healed)
      this.#nodes.push(node)
      this.#byId.set(id, node)
    }
    this.#world = new SimWorld({
      machines: this.#nodes.map(({ machine }) => machine),
      network: this.#links,
      leader: () => this.#leader()?.id,
    })
    this.#atlas = new FaultAtlas(this.#votersChange ? 0 : Math.ceil(plan.nodes / 2) - 1)
    this.#nemesis = new Nemesis({
      scheduler: this.#scheduler,
      world: this.#world,
      atlas: this.#atlas,
      trace: this.#trace,
      count: this.#count,
      actions: {
        ...FAULTS,
        ...ownFaults(this.#nodes, this.#checker, this.#count),
        ...leaseTrapFaults(this.#nodes, this.#knobs.electionTimeoutMs),
      },
    })
  }

  get #votersChange(): boolean {
    return this.#knobs.faultKinds.some((kind) => kind === 'reconfigure' || kind === 'disk-replaced')
  }

  run(): RunResult {
    let violation: Violation | undefined
    try {
      this.#chaos()
      this.#heal()
      violation = this.#history.check(this.#count)
    } catch (error) {
      violation = violationOf(error, this.#scheduler.nowMs)
    }
    const { nowMs, steps } = this.#scheduler
    return {
      hash: this.#trace.hash,
      virtualMs: nowMs,
      steps,
      counts: this.#counts.byName,
      aimed: this.#aim.made,
      ...(violation === undefined ? {} : { violation }),
      ...(this.#trace.kept
        ? { trace: this.#trace.events, histories: new Map([['registers', this.#history.lines()]]) }
        : {}),
    }
  }

  #makeLinks(): SimLinks<Frame> {
    const { networkDelayMs, networkOrder, lossRate, duplicateRate, reorderRate, tailRate, electionTimeoutMs } =
      this.#knobs
    return new SimLinks<Frame>(
      {
        scheduler: this.#scheduler,
        random: this.#random.stream('links'),
        knobs: {
          delayMs: networkDelayMs,
          order: networkOrder,
          lossRate,
          duplicateRate,
          reorderRate,
          tailRate,
          tailMaxMs: 4 * electionTimeoutMs,
        },
        count: this.#count,
        trace: this.#trace,
        digest: digestFrame,
        describe: ({ message }) =>
          JSON.stringify(message, (_, value) => (value instanceof Uint8Array ? value.length : value)),
      },
      (from, to, { message, incarnation }) => this.#byId.get(to)?.driver?.deliver(from, message, incarnation),
    )
  }

  /** No object crosses that a node could change unseen: its bytes do, or it is frozen, in most seeds for want of time neither. */
  #carry(frame: Frame): Frame {
    const { message } = frame
    switch (this.#knobs.carriage) {
      case 'wire': {
        const bytes = encodeFrame([message], frame.incarnation)
        return { message: decodeFrame(bytes)[0] as Message, incarnation: incarnationIn(bytes) }
      }
      case 'frozen':
        if (message.type === 'append-request') for (const entry of message.entries) Object.freeze(entry)
        if (message.type === 'append-request') Object.freeze(message.entries)
        Object.freeze(message)
        return frame
      case 'plain':
        return frame
    }
  }

  /** The one of the highest term among those that take themselves for the leader. */
  #leader(): CoreNode | undefined {
    let found: CoreNode | undefined
    for (const node of this.#nodes) {
      if (node.core?.role === 'leader' && node.core.term > (found?.core?.term ?? -1)) found = node
    }
    return found
  }

  #chaos(): void {
    const { turnDelayMs } = this.#knobs
    for (const { machine } of this.#nodes) {
      if (turnDelayMs > 0) machine.slow(turnDelayMs)
      machine.restart()
    }
    this.#nemesis.schedule(this.#plan.faults)
    this.#operate(0)
    this.#scheduler.run(this.#plan.chaosMs)
    this.#counts.add('chaos.acked-writes', this.#served.times('write'))
    if (this.#served.times('write') > 0) return
    // Elections without proposals are what that weather is about.
    this.#count(this.#knobs.weather === 'lone-entries' ? 'chaos.without-writes' : 'chaos.idle')
  }

  /** Runs the operations from the one at `position` on, each at its time. */
  #operate(position: number): void {
    const operation = this.#plan.operations[position] as ClientOperation | undefined
    if (operation === undefined) return
    this.#scheduler.at(operation.atMs, () => {
      if (this.#healed) return
      this.ask(operation)
      this.#operate(position + 1)
    })
  }

  /** Brings an operation to everybody who takes itself for the leader, and some to one who may not. Writes to two are two writes. */
  ask({ type, key, value }: Pick<ClientOperation, 'type' | 'key' | 'value'>): void {
    const astray = value % ASTRAY_EVERY === 0 ? (value / ASTRAY_EVERY) % this.#nodes.length : undefined
    for (const [position, { core, driver }] of this.#nodes.entries()) {
      if (core?.role !== 'leader' && position !== astray) continue
      if (type === 'read') driver?.read(key)
      else {
        const behalf = value % 2 === 0 ? this.#nodes[(value >> 1) % this.#nodes.length]?.id : undefined
        driver?.write(key, value * this.#nodes.length + position, behalf)
      }
    }
  }

  /** Those whose disk is gone: for good, or until the group takes them back. */
  #lost(): ReadonlySet<string> {
    const { members } = this.#checker
    const estranged = this.#nodes.filter((node) => members !== undefined && isEstranged(members, node))
    return new Set([...this.#atlas.lost, ...estranged.map(({ id }) => id)])
  }

  #heal(): void {
    this.#healed = true
    this.#aim.stop()
    new Liveness({
      links: this.#links,
      scheduler: this.#scheduler,
      trace: this.#trace,
      nemesis: this.#nemesis,
      checker: this.#checker,
      served: this.#served,
      knobs: this.#knobs,
      nodes: this.#nodes,
      random: this.#random.stream('liveness'),
      lost: this.#lost(),
      votersChange: this.#votersChange,
      count: this.#count,
      ask: (operation) => this.ask(operation),
      nextKey: ((this.#plan.operations.at(-1)?.['key'] as number | undefined) ?? 0) + 1,
      nextValue: this.#plan.operations.length + 1,
    }).run()
  }
}
