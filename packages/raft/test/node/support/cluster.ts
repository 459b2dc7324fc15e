import { type RaftEvent, RaftNode, type RaftOptions, type StateMachine } from '@dsys/raft'
import {
  type LogFields,
  type Logger,
  type LogLevel,
  type Meter,
  type Runtime,
  SeededRandom,
  silentMeter,
  VirtualClock,
} from '@dsys/runtime'
import type { LogStorage } from '@dsys/storage'
import { MemoryLogDisk, MemoryLogStorage } from '@dsys/storage-memory'
import type { Transport } from '@dsys/transport'
import { MemoryNetwork, type MemoryNetworkOptions } from '@dsys/transport-memory'
import { FilteredTransport, LifeClock, type MessageFilter } from './life.ts'

const STEP_MS = 5
const DEFAULT_WITHIN_MS = 30_000

/** Options of a {@link Cluster}. */
export interface ClusterOptions {
  readonly size?: number
  /** Default: n1, n2, and so on. */
  readonly ids?: readonly string[]
  /** The voters that the group begins with; the other nodes wait to be added. Default: all. */
  readonly initial?: readonly string[]
  readonly seed?: number
  readonly raft?: Partial<RaftOptions>
  readonly network?: MemoryNetworkOptions
  /** What a node sends in place of each of its frames, as a node of another version would. */
  readonly rewrite?: (id: string, frame: Uint8Array) => Uint8Array
  /** Default: one that keeps nothing. */
  readonly meter?: (id: string) => Meter
  /** What each sync of a disk waits for. */
  readonly sync?: (id: string, clock: VirtualClock) => Promise<void>
  /** Where the logs live, if not in memory. */
  readonly storage?: ClusterStorage
}

/** Storage of another kind than that in memory. */
export interface ClusterStorage {
  /** A storage for a new life of the node, not started yet. */
  open(id: string, runtime: Runtime): LogStorage
  /** The node crashes as by a power cut. */
  crash(id: string): void
}

/** One life of a node. */
export interface Life<State, Command, Result> {
  readonly raft: RaftNode<State, Command, Result>
  readonly transport: Transport
  readonly storage: LogStorage
  readonly clock: LifeClock
  readonly events: RaftEvent[]
}

interface LogLine {
  readonly level: LogLevel
  readonly message: string
  readonly fields: LogFields
}

/** A group of whole nodes in one process, in virtual time and by one seed. */
export class Cluster<State, Command, Result> implements AsyncDisposable {
  readonly ids: readonly string[]
  readonly clock = new VirtualClock()
  readonly network: MemoryNetwork
  readonly disks = new Map<string, MemoryLogDisk>()
  readonly lives = new Map<string, Life<State, Command, Result>>()
  readonly logged: LogLine[] = []
  /** While set, decides on every message of every node. */
  filter: MessageFilter | undefined
  readonly #machine: StateMachine<State, Command, Result>
  readonly #options: ClusterOptions
  readonly #random: SeededRandom

  constructor(machine: StateMachine<State, Command, Result>, options: ClusterOptions = {}) {
    this.#machine = machine
    this.#options = options
    this.#random = new SeededRandom(options.seed ?? 1)
    this.ids = options.ids ?? Array.from({ length: options.size ?? 3 }, (_, i) => `n${i + 1}`)
    this.network = new MemoryNetwork({ clock: this.clock, random: this.#random.stream('network') }, options.network)
    for (const id of this.ids) {
      const { sync } = options
      this.disks.set(id, new MemoryLogDisk(sync === undefined ? {} : { sync: () => sync(id, this.clock) }))
    }
  }

  /** A cluster whose nodes all run. */
  static async start<State, Command, Result>(
    machine: StateMachine<State, Command, Result>,
    options: ClusterOptions = {},
  ): Promise<Cluster<State, Command, Result>> {
    const cluster = new Cluster(machine, options)
    for (const id of cluster.ids) await cluster.start(id)
    return cluster
  }

  /** A node that is not started yet, over its disk. */
  async prepare(
    id: string,
    machine = this.#machine,
    raftOptions: Partial<RaftOptions> = {},
  ): Promise<Life<State, Command, Result>> {
    const clock = new LifeClock(this.clock)
    const transport = new FilteredTransport(
      this.network.endpoint(id),
      () => this.filter,
      (frame) => this.#options.rewrite?.(id, frame) ?? frame,
    )
    const runtime = {
      clock,
      // Every life of a node draws the same: what must differ between lives must not come from chance alone.
      random: this.#random.stream(id),
      logger: this.#logger(clock, { node: id }),
      meter: this.#options.meter?.(id) ?? silentMeter,
    }
    const storage = this.#options.storage?.open(id, runtime) ?? new MemoryLogStorage({ disk: this.disk(id) })
    await transport.start()
    await storage.start()
    const ports = {
      ...runtime,
      transport,
      log: storage,
      machine,
    }
    const { initial = this.ids } = this.#options
    const voters = initial.includes(id) ? initial : []
    const raft = new RaftNode(ports, { id, group: 'test', voters, ...this.#options.raft, ...raftOptions })
    const life = { raft, transport, storage, clock, events: [] as RaftEvent[] }
    this.lives.set(id, life)
    return life
  }

  async start(
    id: string,
    machine = this.#machine,
    raftOptions: Partial<RaftOptions> = {},
  ): Promise<RaftNode<State, Command, Result>> {
    const { raft, events } = await this.prepare(id, machine, raftOptions)
    await raft.start()
    void collect(raft.events({ capacity: 100_000 }), events)
    return raft
  }

  /** What a life logs; once it is over it says nothing any more. */
  #logger(clock: LifeClock, fields: LogFields): Logger {
    return {
      log: (level, message, more = {}) => {
        if (!clock.over) this.logged.push({ level, message, fields: { ...fields, ...more } })
      },
      child: (more) => this.#logger(clock, { ...fields, ...more }),
    }
  }

  disk(id: string): MemoryLogDisk {
    return this.disks.get(id) as MemoryLogDisk
  }

  life(id: string): Life<State, Command, Result> {
    const life = this.lives.get(id)
    if (life === undefined) throw new Error(`${id} does not run`)
    return life
  }

  node(id: string): RaftNode<State, Command, Result> {
    return this.life(id).raft
  }

  /** Kills the node as a power cut would: nothing of it goes on, and of its disk only what was durable is left. */
  crash(id: string, options: { readonly keep?: number } = {}): void {
    this.life(id).clock.end()
    this.lives.delete(id)
    this.network.disconnect(id, 'the node crashed')
    this.disk(id).crash(options)
    this.#options.storage?.crash(id)
  }

  /** Stops the node, and what it runs on. */
  async stop(id: string): Promise<void> {
    const { raft, transport, storage } = this.life(id)
    await this.run(raft.stop())
    this.lives.delete(id)
    await transport.stop()
    await storage.stop()
  }

  /** The id of the one that leads: of the highest term, where more than one thinks so. */
  leader(): string | undefined {
    const leaders = [...this.lives].filter(([, { raft }]) => raft.status().role === 'leader')
    return leaders.sort(([, a], [, b]) => b.raft.status().term - a.raft.status().term)[0]?.[0]
  }

  /** Waits for a leader that a majority of the running nodes follows, and returns its id. */
  async elected(): Promise<string> {
    let leader: string | undefined
    await this.waitFor('a leader', () => {
      leader = this.leader()
      const followed = [...this.lives.values()].filter(({ raft }) => raft.status().leader === leader)
      return leader !== undefined && followed.length > this.ids.length / 2
    })
    return leader as string
  }

  followers(): string[] {
    const leader = this.leader()
    return [...this.lives.keys()].filter((id) => id !== leader)
  }

  advance(ms: number): Promise<void> {
    return this.clock.advanceAsync(ms)
  }

  /** Moves virtual time until `condition` holds. */
  async waitFor(what: string, condition: () => boolean, withinMs = DEFAULT_WITHIN_MS): Promise<void> {
    const deadlineMs = this.clock.monotonicMs() + withinMs
    await this.clock.advanceAsync(0)
    while (!condition()) {
      if (this.clock.monotonicMs() >= deadlineMs)
        throw new Error(`not within ${withinMs} ms: ${what}\n${this.describe()}`)
      await this.clock.advanceAsync(STEP_MS)
    }
  }

  /** Moves virtual time until `work` is done, and returns or throws what it did. */
  async run<T>(work: Promise<T>, withinMs = DEFAULT_WITHIN_MS): Promise<T> {
    let done = false
    const settled = (): void => {
      done = true
    }
    work.then(settled, settled)
    await this.waitFor('the end of a call', () => done, withinMs)
    return work
  }

  /** Waits until every running node has applied everything. */
  async converged(): Promise<void> {
    await this.waitFor('the same log, applied on every node', () => {
      const all = [...this.lives.values()].map(({ raft }) => raft.status())
      const last = Math.max(...all.map(({ lastIndex }) => lastIndex))
      return all.every(({ lastApplied, lastIndex }) => lastApplied === last && lastIndex === last)
    })
  }

  /** The state of a node as it is, without asking anybody. */
  state(id: string): Promise<State> {
    return this.node(id).read((state) => structuredClone(state), { consistency: 'stale' })
  }

  describe(): string {
    return [...this.lives].map(([id, { raft }]) => `${id}: ${JSON.stringify(raft.status())}`.slice(0, 600)).join('\n')
  }

  /** Ends everything at once; what is still waiting stays so. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const id of [...this.lives.keys()]) this.crash(id)
  }
}

async function collect(stream: AsyncIterable<RaftEvent>, into: RaftEvent[]): Promise<void> {
  for await (const event of stream) into.push(event)
}
