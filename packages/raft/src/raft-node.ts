import { EventHub, Lifecycle, NotRunningError, Pending, type StartOptions, type SubscribeOptions } from '@dsys/runtime'
import type { GroupLog } from '@dsys/storage'
import type { Raft, ReconfigureTarget } from './api.ts'
import { Applier } from './applier.ts'
import { batchBytes } from './batches.ts'
import { bootstrapGroup } from './bootstrap.ts'
import { isJoint, type Membership } from './core/configuration.ts'
import type { RaftCore } from './core/raft-core.ts'
import { factsOf } from './core-facts.ts'
import { damageOf } from './damaged-log.ts'
import { CommandTooLargeError, TransferFailedError, WitnessError } from './errors.ts'
import { explain } from './explain.ts'
import type { Explanation } from './findings.ts'
import { UNREACHABLE_PHI } from './follower-health.ts'
import { GroupDriver } from './group-driver.ts'
import { identityOf } from './identity.ts'
import { RaftMetrics } from './metrics.ts'
import {
  type CallOptions,
  type ProposeOptions,
  type RaftOptions,
  READ_CONSISTENCIES,
  type ReadOptions,
  type ReconfigureOptions,
} from './options.ts'
import type { RaftPorts } from './ports.ts'
import { Proposals } from './proposals.ts'
import { ReadQueue } from './read-queue.ts'
import { Reconfigurations } from './reconfigurations.ts'
import { checkMembers, frameLimits, type ResolvedOptions, resolveOptions } from './resolve-options.ts'
import { contentOf } from './snapshot-content.ts'
import type { FollowerStatus, RaftEvent, RaftStatus } from './status.ts'
import { successorOf } from './successor.ts'
import { TurnBudget, Turns } from './turns.ts'

const DEFAULT_TIMEOUT_MS = 5_000

/**
 * One member of a Raft group, with a state machine of your own (Ongaro and Ousterhout, "In Search of an Understandable
 * Consensus Algorithm", 2014; Ongaro's dissertation for pre-vote, transfer, ReadIndex and sessions).
 *
 * Every node of the group is made with the same `group`, and with the same `voters` or none. Start the transport and the log storage first.
 */
export class RaftNode<State, Command, Result> implements Raft<State, Command, Result> {
  readonly #ports: RaftPorts<State, Command, Result>
  readonly #options: ResolvedOptions
  readonly #applier: Applier<State, Command, Result>
  readonly #proposals: Proposals<Result>
  readonly #reads: ReadQueue<State>
  readonly #changes: Reconfigurations
  readonly #metrics: RaftMetrics
  readonly #hub = new EventHub<RaftEvent>()
  readonly #lifecycle: Lifecycle
  #log: GroupLog | undefined
  #driver: GroupDriver<State, Command, Result> | undefined
  #maxCommandBytes = 0
  #startedMs = 0
  /** What damage took of the log, for those who ask for events later. */
  #damage: (RaftEvent & { type: 'LogDamaged' }) | undefined

  /** Throws a RangeError when the options do not fit each other or the transport. */
  constructor(ports: RaftPorts<State, Command, Result>, options: RaftOptions) {
    this.#ports = ports
    this.#options = resolveOptions(options)
    const { id, group, maxPending, maxPendingBytes, electionTimeoutMs } = this.#options
    if (ports.transport.self.id !== id) {
      throw new RangeError(`id (${id}) must be that of the transport (${ports.transport.self.id})`)
    }
    this.#applier = new Applier(ports.machine, this.#options)
    this.#metrics = new RaftMetrics(ports.meter, group)
    const config = { group, maxPending, resendAfterMs: electionTimeoutMs, metrics: this.#metrics }
    this.#proposals = new Proposals(ports.clock, ports.random, {
      ...config,
      maxPendingBytes,
      proposer: `${id}#${ports.transport.self.generation}`,
    })
    this.#reads = new ReadQueue(ports.clock, config)
    this.#changes = new Reconfigurations(ports.clock, config)
    this.#lifecycle = new Lifecycle(`the raft node ${id} of group ${group}`, {
      start: ({ signal }) => this.#start(signal),
      stop: () => this.#stop(),
    })
  }

  /**
   * Opens the log, restores the state from the newest snapshot, and takes part in the group. Resolves without waiting for
   * a leader.
   *
   * @throws what the log storage throws (`DSYS_STORAGE_…`), and RangeError when a frame of the transport is too small.
   */
  start(options: StartOptions = {}): Promise<void> {
    return this.#lifecycle.start(options)
  }

  async stop(): Promise<void> {
    try {
      await this.#lifecycle.stop()
    } finally {
      // A node that was never started has streams too.
      this.#hub.close()
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async #start(signal: AbortSignal): Promise<void> {
    const { clock, logger, random, transport, log } = this.#ports
    const { id, group } = this.#options
    const limits = frameLimits(this.#options, transport.capabilities.maxFrameBytes)
    this.#maxCommandBytes = limits.maxCommandBytes
    const groupLog = await log.openGroup(group, { signal, salvage: this.#options.repairFromPeers })
    this.#log = groupLog
    await this.#restore(groupLog)
    const { incarnation, stored } = identityOf(groupLog, id, random, transport.self.generation)
    signal.throwIfAborted()
    this.#driver = new GroupDriver({
      clock,
      logger: logger.child({ part: 'raft', node: id, group }),
      transport,
      log: groupLog,
      applier: this.#applier,
      proposals: this.#proposals,
      reads: this.#reads,
      changes: this.#changes,
      hub: this.#hub,
      metrics: this.#metrics,
      options: this.#options,
      limits,
      incarnation,
      seed: random.integer(0, 2 ** 32),
      buggify: this.#ports.buggify,
      host: this.#ports.host,
    })
    this.#startedMs = clock.monotonicMs()
    this.#damage = damageOf(groupLog, this.#driver.core, logger.child({ part: 'raft', node: id, group }))
    if (this.#damage !== undefined) this.#hub.publish(this.#damage)
    this.#driver.begin(stored)
  }

  async #restore(log: GroupLog): Promise<void> {
    const snapshot = log.snapshot()
    if (snapshot === undefined) return
    const { clock, host } = this.#ports
    const turns = new Turns(host?.snapshots.budget ?? new TurnBudget(clock))
    const decoded = await this.#applier.decode(contentOf(snapshot), turns)
    this.#applier.adopt(snapshot.meta.index, decoded)
  }

  async #stop(): Promise<void> {
    const { logger } = this.#ports
    const { id, electionTimeoutMs } = this.#options
    const driver = this.#driver
    if (driver !== undefined) {
      if (driver.failure === undefined) {
        // Who could take over is known of an awake group only.
        driver.core.wake(this.#ports.clock.monotonicMs())
        if (driver.core.role === 'leader' && this.#bestSuccessor() !== undefined) {
          // A group that has nobody to take over elects by itself once this node is gone.
          await this.#transfer(driver, { timeoutMs: electionTimeoutMs }).catch((error: unknown) =>
            logger.log('warn', 'leadership could not be handed over before stopping', { node: id, error }),
          )
        }
        await this.#drain(driver, 2 * electionTimeoutMs)
      }
      await driver.end(() => new NotRunningError(`the raft node ${id}`, 'stopped'))
    }
    this.#hub.close()
    await this.#log?.[Symbol.asyncDispose]()
  }

  /** Waits until no caller waits any more, or `timeoutMs` have passed: then the rest is told that this node stopped. */
  async #drain(driver: GroupDriver<State, Command, Result>, timeoutMs: number): Promise<void> {
    const idle = (): boolean => this.#proposals.size + this.#reads.size + this.#changes.size === 0
    if (idle()) return
    const drained = new Pending<boolean>({
      clock: this.#ports.clock,
      timeoutMs,
      onTimeout: () => new Error('draining took too long'),
    })
    const unwatch = driver.onTurn(() => {
      if (idle() || driver.failure !== undefined) drained.resolve(true)
    })
    driver.wake()
    try {
      await drained.promise
    } catch {
      this.#ports.logger.log('warn', 'calls were still waiting when the node stopped', {
        node: this.#options.id,
        proposals: this.#proposals.size,
        reads: this.#reads.size,
        reconfigurations: this.#changes.size,
      })
    } finally {
      unwatch()
    }
  }

  propose(command: Command, options: ProposeOptions = {}): Promise<Result> {
    try {
      const driver = this.#withData('takes no proposals')
      const encoded = this.#applier.commandCodec.encode(command)
      if (encoded.length > this.#maxCommandBytes) {
        throw new CommandTooLargeError(encoded.length, this.#maxCommandBytes)
      }
      const result = this.#proposals.add(encoded, options)
      driver.wake()
      return result
    } catch (error) {
      return Promise.reject(error)
    }
  }

  openClient(options: CallOptions = {}): Promise<string> {
    try {
      const driver = this.#withData('takes no proposals')
      const id = this.#proposals.addClient(options)
      driver.wake()
      return id
    } catch (error) {
      return Promise.reject(error)
    }
  }

  proposeAll(commands: readonly Command[], options: ProposeOptions = {}): Promise<Result[]> {
    try {
      const driver = this.#withData('takes no proposals')
      if (commands.length === 0) return Promise.resolve([])
      const encoded = commands.map((command) => this.#applier.commandCodec.encode(command))
      const bytes = batchBytes(encoded)
      if (bytes > this.#maxCommandBytes) throw new CommandTooLargeError(bytes, this.#maxCommandBytes)
      const results = this.#proposals.addBatch(encoded, options)
      driver.wake()
      return results
    } catch (error) {
      return Promise.reject(error)
    }
  }

  read<T>(query: (state: State) => T, options: ReadOptions = {}): Promise<T> {
    try {
      const driver = this.#withData('answers no reads')
      const { consistency = 'linearizable' } = options
      if (!READ_CONSISTENCIES.includes(consistency))
        throw new RangeError(`consistency must be one of ${READ_CONSISTENCIES.join(', ')}, got ${consistency}`)
      this.#metrics.read(consistency)
      if (this.#isFreshEnough(options)) return Promise.resolve(query(this.#applier.state))
      const answer = this.#reads.add(query, options)
      driver.wake()
      return answer
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Whether the state of this node will do for a read without a word to anybody. */
  #isFreshEnough({ consistency, maxStalenessMs }: ReadOptions): boolean {
    if (consistency !== 'bounded') {
      // Who gives a bound relies on it, and a stale read would not keep it.
      if (maxStalenessMs === undefined) return consistency === 'stale'
      throw new RangeError(`maxStalenessMs belongs to a bounded read alone, got ${maxStalenessMs}`)
    }
    if (!(maxStalenessMs >= 0))
      throw new RangeError(`maxStalenessMs must be a number, 0 or more, got ${maxStalenessMs}`)
    return this.#reads.isFresh(this.#applier.lastApplied, this.#ports.clock.monotonicMs(), maxStalenessMs)
  }

  /** The driver of a running node; throws NotRunningError or RaftFailedError. */
  #running(): GroupDriver<State, Command, Result> {
    this.#lifecycle.assertRunning()
    const driver = this.#driver as GroupDriver<State, Command, Result>
    if (driver.failure !== undefined) throw driver.failure
    return driver
  }

  /** The same, where data is needed; throws WitnessError on a witness. */
  #withData(what: string): GroupDriver<State, Command, Result> {
    const driver = this.#running()
    if (this.#options.witness) throw new WitnessError(this.#options.group, what)
    return driver
  }

  /** How this node stands. After stop, how it stood then; before start it throws NotRunningError. */
  status(): RaftStatus {
    const { id, group } = this.#options
    if (this.#driver === undefined) throw new NotRunningError(`the raft node ${id}`, this.#lifecycle.state)
    const { core, failure } = this.#driver
    return {
      id,
      group,
      // A node that has stopped itself leads nobody and follows nobody, whatever it did before.
      role: failure === undefined ? core.role : 'follower',
      term: core.term,
      leader: failure === undefined ? core.leader : undefined,
      commitIndex: core.commitIndex,
      lastApplied: this.#applier.lastApplied,
      lastIndex: core.log.lastIndex,
      firstIndex: core.log.firstIndex,
      snapshotIndex: this.#driver.snapshotIndex,
      repair: core.abstention,
      ...membersAsSeen(core),
      asleep: core.sleep !== undefined,
      followers: this.#followers(),
    }
  }

  explain(): Explanation {
    const status = this.status()
    const driver = this.#driver as GroupDriver<State, Command, Result>
    const nowMs = this.#ports.clock.monotonicMs()
    return explain({
      status,
      ...driver.observed(nowMs),
      ...this.#options,
      core: factsOf(driver.core.view, nowMs),
      runsForMs: nowMs - this.#startedMs,
      connection: this.#ports.transport.connection,
      failure: driver.failure,
      proposals: this.#proposals.size,
      proposalBytes: this.#proposals.bytes,
      reads: this.#reads.size,
    })
  }

  #followers(): FollowerStatus[] {
    const nowMs = this.#ports.clock.monotonicMs()
    const phi = (id: string): number | undefined => this.#driver?.followers.phi(id, nowMs)
    return [...(this.#driver?.core.progress ?? [])].map(([id, progress]) => ({
      id,
      state: progress.state,
      matchIndex: progress.match,
      lastHeardMs: progress.heardMs === undefined ? undefined : nowMs - progress.heardMs,
      phi: phi(id),
      reachable: (phi(id) ?? 0) < UNREACHABLE_PHI,
    }))
  }

  async transferLeadership(options: CallOptions & { readonly to?: string } = {}): Promise<void> {
    await this.#transfer(this.#running(), options)
  }

  async #transfer(
    driver: GroupDriver<State, Command, Result>,
    options: CallOptions & { readonly to?: string },
  ): Promise<void> {
    const { clock } = this.#ports
    const { id, group } = this.#options
    driver.core.wake(clock.monotonicMs())
    const to = options.to ?? this.#bestSuccessor()
    const fail = (why: string): TransferFailedError => new TransferFailedError(group, why)
    options.signal?.throwIfAborted()
    if (to === undefined) throw fail('no other voter that could lead was heard lately')
    if (!driver.core.transfer(to, clock.monotonicMs()))
      throw fail(`this node does not lead, or ${to} is no other voter, or holds no data, or has lost some of it`)
    const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS
    const moved = new Pending<void>({
      clock,
      timeoutMs,
      signal: options.signal,
      onTimeout: () => fail(`${to} did not take over within ${timeoutMs} ms`),
    })
    const unwatch = driver.onTurn(() => {
      const { leader, role, transferTarget } = driver.core
      if (driver.failure !== undefined) moved.reject(driver.failure)
      else if (driver.ended) moved.reject(fail('this node stopped'))
      else if (leader !== undefined && leader !== id) moved.resolve()
      else if (role === 'leader' && transferTarget === undefined) moved.reject(fail(`${to} did not take over in time`))
    })
    driver.wake()
    try {
      await moved.promise
    } finally {
      unwatch()
    }
  }

  #bestSuccessor(): string | undefined {
    const { electionTimeoutMs } = this.#options
    return this.#driver && successorOf(this.#driver.core, this.#followers(), electionTimeoutMs)
  }

  async bootstrap({ voters }: { readonly voters: readonly string[] }, options: CallOptions = {}): Promise<void> {
    const driver = this.#withData('begins no group')
    checkMembers({ voters, learners: [] }, this.#maxCommandBytes)
    const { id, group } = this.#options
    await bootstrapGroup({ id, group, clock: this.#ports.clock, driver }, voters, options)
  }

  reconfigure(target: ReconfigureTarget, options: ReconfigureOptions = {}): Promise<Membership> {
    try {
      const driver = this.#running()
      const wanted = membershipOf(target)
      checkMembers(wanted, this.#maxCommandBytes)
      const done = this.#changes.add(wanted, options)
      driver.wake()
      return done
    } catch (error) {
      return Promise.reject(error)
    }
  }

  events(options: SubscribeOptions = {}): AsyncIterableIterator<RaftEvent, undefined> {
    if (this.#driver === undefined) return this.#hub.subscribe(options)
    const { announced, failure } = this.#driver
    const { role, term, leader } = announced
    const state: RaftEvent[] = [
      { type: 'RoleChanged', role, term, why: 'the state at the beginning of this stream' },
      { type: 'LeaderChanged', leader, term },
    ]
    if (this.#damage !== undefined && this.#driver.core.abstention !== undefined) state.push(this.#damage)
    // A node may fail before anybody listens, and then nothing else happens any more.
    if (failure !== undefined) state.push({ type: 'Failed', error: failure })
    return this.#hub.subscribe(options, state)
  }
}

/** A copy of what a caller wants, without what is nobody. */
function membershipOf({ voters, learners = [], witnesses = [] }: ReconfigureTarget): Membership {
  if (!Array.isArray(voters)) throw new RangeError('voters must be a list of ids')
  const members = { voters: [...voters], learners: [...learners] }
  return witnesses.length === 0 ? members : { ...members, witnesses: [...witnesses] }
}

/** The members as the newest configuration of this node has them, and what is about to change. */
function membersAsSeen(core: RaftCore): Pick<RaftStatus, 'voters' | 'learners' | 'witnesses' | 'change'> {
  const { index, configuration } = core.configuration
  const { voters, outgoing, learners, target, witnesses = [] } = configuration
  const joint = isJoint(configuration)
  // While both configurations are in force, everybody who counts in one of them counts.
  const counting = joint ? [...new Set([...voters, ...outgoing])] : voters
  if (target !== undefined)
    return { voters, learners, witnesses, change: { phase: 'catching-up', voters: target.voters } }
  if (joint) return { voters: counting, learners, witnesses, change: { phase: 'joint', voters } }
  if (index > core.commitIndex) return { voters, learners, witnesses, change: { phase: 'committing', voters } }
  return { voters, learners, witnesses, change: undefined }
}
