import { Lifecycle, type Runtime, type Service, type StartOptions } from '@dsys/runtime'
import type { LogStorage } from '@dsys/storage'
import type { Transport } from '@dsys/transport'
import { GroupOpenError, TooManyGroupsError } from '../errors.ts'
import type { StateMachine } from '../machine.ts'
import type { RaftOptions } from '../options.ts'
import { RaftNode } from '../raft-node.ts'
import type { SnapshotShare } from '../snapshot-keeper.ts'
import { SendingPlaces } from '../snapshot-transfer.ts'
import { TurnBudget } from '../turns.ts'
import type { GroupHost } from './group-host.ts'
import { GroupTransport } from './group-transport.ts'
import { type RaftGroupsOptions, type ResolvedGroupsOptions, resolveGroupsOptions } from './groups-options.ts'
import { HostChannel } from './host-channel.ts'
import { HostTurns } from './host-turns.ts'
import { Sleepers } from './sleepers.ts'

/** What a RaftGroups may do. The caller starts and stops transport and log. */
export interface RaftGroupsPorts extends Runtime {
  readonly transport: Transport
  /** Keeps the logs of all groups. */
  readonly log: LogStorage
}

/** Options of one group; the others are those of the {@link RaftGroups}, the same for all of its groups. */
export type GroupOptions = Omit<RaftOptions, 'id' | 'electionTimeoutMs' | 'heartbeatIntervalMs' | 'leaseClockDrift'>

/** How the groups of a node stand, in numbers. */
export interface RaftGroupsStatus {
  readonly id: string
  /** Groups that are open. */
  readonly groups: number
  /** Those of them that sleep. */
  readonly asleep: number
  /** Nodes that the sleeping ones count on: each gets one beat a heartbeat interval. */
  readonly watchedPeers: number
  /** Frames that came for a group that is not open here, or that could not be read. */
  readonly dropped: number
}

// biome-ignore lint/suspicious/noExplicitAny: the types of state, commands and results are between a group and its owner.
type AnyNode = RaftNode<any, any, any>

/**
 * Many Raft groups of one node: one channel of the transport, one log storage, and beats for all that sleep. A group in which nothing happens
 * costs nothing but its memory; it wakes by whatever anybody wants of it, and when a node that it counts on is not heard any more.
 *
 * Every node that has one of the groups needs a RaftGroups with the same times; a `RaftNode` that stands alone does not hear them.
 */
export class RaftGroups implements Service {
  readonly #ports: RaftGroupsPorts
  readonly #options: ResolvedGroupsOptions
  readonly #turns: HostTurns
  readonly #channel: HostChannel
  readonly #sleepers: Sleepers
  readonly #open = new Map<string, AnyNode>()
  readonly #snapshots: SnapshotShare
  readonly #lifecycle: Lifecycle

  /** Throws a RangeError when the options do not fit each other or the transport. */
  constructor(ports: RaftGroupsPorts, options: RaftGroupsOptions) {
    this.#ports = ports
    this.#options = resolveGroupsOptions(options)
    const { id } = this.#options
    const { transport, clock, logger, meter } = ports
    if (transport.self.id !== id) {
      throw new RangeError(`id (${id}) must be that of the transport (${transport.self.id})`)
    }
    this.#snapshots = { budget: new TurnBudget(clock), places: new SendingPlaces() }
    this.#turns = new HostTurns(clock, () => this.#channel.flush())
    this.#sleepers = new Sleepers({
      ...this.#options,
      clock: this.#turns,
      maxFrameBytes: transport.capabilities.maxFrameBytes,
      send: (to, message) => this.#channel.add(to, message),
    })
    this.#channel = new HostChannel({
      transport,
      logger: logger.child({ part: 'raft-groups', node: id }),
      meter,
      receive: (from, message) => this.#sleepers.receive(from, message),
      wanted: () => this.#turns.wanted(),
    })
    this.#lifecycle = new Lifecycle(`the raft groups of ${id}`, {
      start: async () => this.#channel.begin(),
      stop: () => this.#stop(),
    })
  }

  /** Begins to listen. Open the groups after it. */
  start(options: StartOptions = {}): Promise<void> {
    return this.#lifecycle.start(options)
  }

  /** Stops every group, all at once: each hands over its leadership and finishes what it can. Throws what the first that fails throws. */
  stop(): Promise<void> {
    return this.#lifecycle.stop()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  /**
   * Starts this node's member of a group, and returns it once its log is open, without waiting for a leader. Stop it by
   * {@link RaftGroups.close}, or by its own `stop`. One that has failed stays, to be looked at, until it is closed.
   *
   * @throws GroupOpenError, TooManyGroupsError, NotRunningError, RangeError for options that do not fit, and what the log storage throws.
   */
  async open<State, Command, Result>(
    options: GroupOptions,
    machine: StateMachine<State, Command, Result>,
    { signal }: StartOptions = {},
  ): Promise<RaftNode<State, Command, Result>> {
    this.#lifecycle.assertRunning()
    const { id, electionTimeoutMs, heartbeatIntervalMs, leaseClockDrift, maxGroups } = this.#options
    const { group } = options
    if (this.#open.has(group)) throw new GroupOpenError(group)
    if (this.#open.size >= maxGroups) throw new TooManyGroupsError(maxGroups)
    const ports = {
      ...this.#ports,
      machine,
      clock: this.#turns,
      transport: new GroupTransport(this.#ports.transport, this.#channel, group),
      host: this.#hostOf(group),
    }
    const timing = { electionTimeoutMs, heartbeatIntervalMs, leaseClockDrift }
    const node = new RaftNode(ports, { ...options, ...timing, id })
    this.#open.set(group, node)
    try {
      await node.start(signal === undefined ? {} : { signal })
    } catch (error) {
      this.#forget(group, node)
      throw error
    }
    return node
  }

  /** The member of a group that is open here. Its types are those that it was opened with. */
  get(group: string): AnyNode | undefined {
    return this.#open.get(group)
  }

  /** The names of the groups that are open here, in the order in which they were opened. */
  list(): string[] {
    return [...this.#open.keys()]
  }

  /** Stops the member of a group; does nothing where none is open. The group can be opened again afterwards. */
  async close(group: string): Promise<void> {
    const node = this.#open.get(group)
    if (node === undefined) return
    try {
      await node.stop()
    } finally {
      this.#forget(group, node)
    }
  }

  status(): RaftGroupsStatus {
    const { asleep, peers } = this.#sleepers
    const { dropped } = this.#channel
    return { id: this.#options.id, groups: this.#open.size, asleep, watchedPeers: peers, dropped }
  }

  #hostOf(group: string): GroupHost {
    const { sleepAfterMs, heartbeatIntervalMs } = this.#options
    const sleepAfterHeartbeats = Math.ceil(sleepAfterMs / heartbeatIntervalMs)
    const sleeping = Number.isFinite(sleepAfterHeartbeats) ? { sleepAfterHeartbeats } : {}
    return {
      timing: { alignHeartbeats: true, ...sleeping },
      snapshots: this.#snapshots,
      attach: (member) => this.#sleepers.attach(group, member),
      sleeps: (sleep) => this.#sleepers.sleeps(group, sleep),
      detach: (failed) => {
        this.#sleepers.detach(group)
        const node = this.#open.get(group)
        // One that has failed stays to be looked at, until it is closed. One that is stopped goes when that is done.
        if (failed || node === undefined) return
        const forget = (): void => this.#forget(group, node)
        node.stop().then(forget, forget)
      },
    }
  }

  #forget(group: string, node: AnyNode): void {
    if (this.#open.get(group) === node) this.#open.delete(group)
  }

  async #stop(): Promise<void> {
    const ended = await Promise.allSettled([...this.#open.values()].map((node) => node.stop()))
    this.#open.clear()
    this.#sleepers.end()
    this.#channel.end()
    const failed = ended.find((each): each is PromiseRejectedResult => each.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }
}
