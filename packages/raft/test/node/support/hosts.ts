import {
  type GroupOptions,
  RaftGroups,
  type RaftGroupsOptions,
  type RaftNode,
  type RaftStatus,
  type StateMachine,
} from '@dsys/raft'
import { type LogFields, type Logger, SeededRandom, silentMeter, VirtualClock } from '@dsys/runtime'
import { MemoryLogDisk, MemoryLogStorage } from '@dsys/storage-memory'
import type { Transport } from '@dsys/transport'
import { MemoryNetwork, type MemoryNetworkOptions } from '@dsys/transport-memory'
import { CHANNEL } from '../../../src/groups/host-channel.ts'
import { decodeHostFrame, encodeHostFrame, type HostMessage } from '../../../src/groups/host-wire.ts'
import { encodeFrame } from '../../../src/wire.ts'
import { LifeClock } from './life.ts'

const STEP_MS = 5

/** Says whether a message leaves its host. */
export type HostFilter = (from: string, to: string, message: HostMessage) => boolean

/** Options of {@link Hosts}. */
export interface HostsOptions {
  readonly size?: number
  readonly groups?: number
  readonly seed?: number
  readonly raft?: Partial<RaftGroupsOptions>
  readonly group?: Partial<GroupOptions>
  readonly network?: MemoryNetworkOptions
  /** What each sync of a disk waits for. */
  readonly sync?: (clock: VirtualClock) => Promise<void>
}

interface Life {
  readonly transport: Transport
  readonly groups: RaftGroups
  readonly clock: LifeClock
}

/** Hosts with many groups in one process, in virtual time and by one seed: every host has a replica of every group. */
export class Hosts<State, Command, Result> implements AsyncDisposable {
  readonly ids: readonly string[]
  readonly names: readonly string[]
  readonly clock = new VirtualClock()
  readonly network: MemoryNetwork
  readonly lives = new Map<string, Life>()
  /** What members have failed by, and which. */
  readonly errors: { readonly member: string; readonly error: unknown }[] = []
  /** Frames that were sent since it was set to 0. */
  frames = 0
  /** While set, decides on every message of every host. */
  filter: HostFilter | undefined
  readonly #machine: StateMachine<State, Command, Result>
  readonly #options: HostsOptions
  readonly #random: SeededRandom
  readonly #disks = new Map<string, MemoryLogDisk>()

  constructor(machine: StateMachine<State, Command, Result>, options: HostsOptions = {}) {
    this.#machine = machine
    this.#options = options
    this.#random = new SeededRandom(options.seed ?? 1)
    this.ids = Array.from({ length: options.size ?? 3 }, (_, i) => `n${i + 1}`)
    this.names = Array.from({ length: options.groups ?? 6 }, (_, i) => `g${i + 1}`)
    this.network = new MemoryNetwork({ clock: this.clock, random: this.#random.stream('network') }, options.network)
    for (const id of this.ids) {
      const { sync } = options
      this.#disks.set(id, new MemoryLogDisk(sync === undefined ? {} : { sync: () => sync(this.clock) }))
    }
  }

  /** Hosts that all run, with all groups open. */
  static async start<State, Command, Result>(
    machine: StateMachine<State, Command, Result>,
    options: HostsOptions = {},
  ): Promise<Hosts<State, Command, Result>> {
    const hosts = new Hosts(machine, options)
    for (const id of hosts.ids) await hosts.start(id)
    return hosts
  }

  async start(id: string): Promise<void> {
    const clock = new LifeClock(this.clock)
    const transport = this.#filtered(this.network.endpoint(id))
    const log = new MemoryLogStorage({ disk: this.disk(id) })
    await transport.start()
    await log.start()
    const random = this.#random.stream(id)
    const groups = new RaftGroups(
      { clock, random, logger: this.#logger(clock), meter: silentMeter, transport, log },
      { id, ...this.#options.raft },
    )
    this.lives.set(id, { groups, clock, transport })
    await groups.start()
    for (const group of this.names) await this.open(id, group)
  }

  open(id: string, group: string): Promise<RaftNode<State, Command, Result>> {
    return this.groups(id).open({ group, voters: this.ids, ...this.#options.group }, this.#machine)
  }

  #logger(clock: LifeClock, more: LogFields = {}): Logger {
    return {
      log: (level, _message, fields) => {
        if (level !== 'error' || clock.over) return
        this.errors.push({ member: `${more.group} at ${more.node}`, error: fields?.error })
      },
      child: (fields) => this.#logger(clock, { ...more, ...fields }),
    }
  }

  #filtered(inner: Transport): Transport {
    const send: Transport['send'] = (to, channel, frame) => {
      const { filter } = this
      this.frames++
      if (filter === undefined) return inner.send(to, channel, frame)
      const passed = decodeHostFrame(frame).filter((message) => filter(inner.self.id, to.id, message))
      return passed.length > 0 && inner.send(to, channel, encodeHostFrame(passed))
    }
    return new Proxy(inner, {
      get: (target, name) => {
        if (name === 'send') return send
        const value = Reflect.get(target, name, target)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  }

  disk(id: string): MemoryLogDisk {
    return this.#disks.get(id) as MemoryLogDisk
  }

  #life(id: string): Life {
    const life = this.lives.get(id)
    if (life === undefined) throw new Error(`${id} does not run`)
    return life
  }

  groups(id: string): RaftGroups {
    return this.#life(id).groups
  }

  transport(id: string): Transport {
    return this.#life(id).transport
  }

  node(id: string, group: string): RaftNode<State, Command, Result> {
    const node = this.groups(id).get(group)
    if (node === undefined) throw new Error(`${group} is not open at ${id}`)
    return node
  }

  /** How every member of `group` stands that is open on a host that runs. */
  members(group: string): RaftStatus[] {
    return [...this.lives.values()].flatMap(({ groups }) => groups.get(group)?.status() ?? [])
  }

  /** The one that leads `group`: of the highest term, where more than one thinks so. */
  leader(group: string): string | undefined {
    const leaders = this.members(group).filter(({ role }) => role === 'leader')
    return leaders.sort((a, b) => b.term - a.term)[0]?.id
  }

  followers(group: string): string[] {
    const leader = this.leader(group)
    return [...this.lives.keys()].filter((id) => id !== leader)
  }

  /** Whether every open member of each group, or of `group`, sleeps. */
  allAsleep(group?: string): boolean {
    return (group === undefined ? this.names : [group]).every((name) =>
      this.members(name).every(({ asleep }) => asleep),
    )
  }

  async asleep(withinMs?: number): Promise<void> {
    await this.waitFor('every group to sleep', () => this.allAsleep(), withinMs)
  }

  /** Kills the host as a power cut would: of its disk only what was durable is left. */
  crash(id: string): void {
    this.lives.get(id)?.clock.end()
    this.lives.delete(id)
    this.network.disconnect(id, 'the host crashed')
    this.disk(id).crash()
  }

  /** Nothing goes between `id` and the others. */
  isolate(id: string): void {
    this.network.partition(
      [id],
      this.ids.filter((each) => each !== id),
    )
  }

  /** The member of `group` at `id` stops itself, as by a bug: it is sent what no leader can be sent, or nothing where it does not lead. */
  fail(id: string, group: string, generation?: number): void {
    const { term, lastIndex } = this.node(id, group).status()
    const from = [...this.lives.keys()].find((each) => each !== id)
    if (from === undefined) return
    const request = { term, prevIndex: lastIndex, prevTerm: term, commitIndex: 0, round: 0, entries: [] }
    const frame = encodeFrame([{ type: 'append-request', ...request }])
    const message: HostMessage = { type: 'group-frame', group, generation, frame }
    this.transport(from).send({ id }, CHANNEL, encodeHostFrame([message]))
  }

  advance(ms: number): Promise<void> {
    return this.clock.advanceAsync(ms)
  }

  /** Moves virtual time until `condition` holds. */
  async waitFor(what: string, condition: () => boolean, withinMs = 30_000): Promise<void> {
    const deadlineMs = this.clock.monotonicMs() + withinMs
    await this.clock.advanceAsync(0)
    while (!condition()) {
      if (this.clock.monotonicMs() >= deadlineMs)
        throw new Error(`not within ${withinMs} ms: ${what}\n${this.describe()}`)
      await this.clock.advanceAsync(STEP_MS)
    }
  }

  /** Moves virtual time until `work` is done, and returns or throws what it did. */
  async run<T>(work: Promise<T>, withinMs?: number): Promise<T> {
    let done = false
    const settled = (): void => {
      done = true
    }
    work.then(settled, settled)
    await this.waitFor('the end of a call', () => done, withinMs)
    return work
  }

  describe(): string {
    return this.names
      .flatMap((name) =>
        this.members(name).map(({ id, role, term, asleep, lastIndex, commitIndex }) =>
          [name, id, role, term, asleep ? 'asleep' : 'awake', commitIndex, lastIndex].join(' '),
        ),
      )
      .slice(0, 40)
      .join('\n')
  }

  /** Ends everything at once. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const id of [...this.lives.keys()]) this.crash(id)
  }
}
