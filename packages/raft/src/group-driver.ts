import { type Buggify, type Clock, type EventHub, InvariantError, type Logger, type TimerHandle } from '@dsys/runtime'
import type { GroupLog, RecoveredLog } from '@dsys/storage'
import type { Transport } from '@dsys/transport'
import type { Applier } from './applier.ts'
import type { RestoredState } from './core/begin.ts'
import { decodePlaced } from './core/configuration-codec.ts'
import { entryBytes } from './core/log.ts'
import { type Effects, RaftCore } from './core/raft-core.ts'
import { OutcomeUnknownError, RaftFailedError } from './errors.ts'
import type { ObservedFacts } from './findings.ts'
import { FollowerHealth } from './follower-health.ts'
import { GroupInbox } from './group-inbox.ts'
import { type Announced, GroupNews } from './group-news.ts'
import { GroupTimer } from './group-timer.ts'
import type { GroupHost } from './groups/group-host.ts'
import { MembersDesk } from './members-desk.ts'
import type { RaftMetrics } from './metrics.ts'
import { Outgoing } from './outgoing.ts'
import { ProposalDesk } from './proposal-desk.ts'
import type { Proposals } from './proposals.ts'
import { ReadDesk } from './read-desk.ts'
import type { ReadQueue } from './read-queue.ts'
import type { Reconfigurations } from './reconfigurations.ts'
import type { frameLimits, ResolvedOptions } from './resolve-options.ts'
import { SnapshotKeeper } from './snapshot-keeper.ts'
import type { RaftEvent } from './status.ts'

/** Entries that one turn applies at the most, so that messages and timers get theirs. */
const MAX_APPLIED_PER_TURN = 4_096
/** Unwritten and uncommitted entries that a leader takes on before it pushes back. */
const MAX_UNCOMMITTED_BYTES = 64 * 1_024 * 1_024
const MAX_INFLIGHT_BYTES = 8 * 1_024 * 1_024

/** What a {@link GroupDriver} is made of. */
export interface GroupDriverParts<State, Command, Result> {
  readonly clock: Clock
  readonly logger: Logger
  readonly transport: Transport
  readonly log: GroupLog
  readonly applier: Applier<State, Command, Result>
  readonly proposals: Proposals<Result>
  readonly reads: ReadQueue<State>
  readonly changes: Reconfigurations
  readonly hub: EventHub<RaftEvent>
  readonly options: ResolvedOptions
  readonly limits: ReturnType<typeof frameLimits>
  readonly metrics: RaftMetrics
  readonly seed: number
  /** The number by which the group knows this node and its disk. */
  readonly incarnation: number
  /** Rare behaviour on demand; absent outside a simulation. */
  readonly buggify: Buggify | undefined
  /** Where this group shares a host with others; absent for one that stands alone. */
  readonly host: GroupHost | undefined
}

function restoredFrom({ hardState, snapshot, entries, lost }: RecoveredLog): RestoredState {
  if (snapshot === undefined) return { hardState, snapshot, entries, lost }
  const { index, term, context } = snapshot
  return { hardState, snapshot: { index, term, configuration: decodePlaced(context) }, entries, lost }
}

/**
 * Moves the effects of one core to the ports, and what the ports bring to the core.
 *
 * Whatever one turn of the event loop brings in, frames, proposals and finished writes, is given to the core at once and
 * its effects are taken once, at the end of the turn: so entries, messages and syncs are shared without any waiting.
 */
export class GroupDriver<State, Command, Result> {
  readonly core: RaftCore
  readonly followers: FollowerHealth
  readonly #parts: GroupDriverParts<State, Command, Result>
  readonly #outgoing: Outgoing
  readonly #snapshots: SnapshotKeeper<State, Command, Result>
  readonly #readDesk: ReadDesk
  readonly #proposalDesk: ProposalDesk
  readonly #membersDesk: MembersDesk
  readonly #inbox: GroupInbox
  readonly #news: GroupNews
  readonly #timer: GroupTimer
  readonly #writes = new Set<Promise<void>>()
  readonly #turnHandlers = new Set<() => void>()
  #flush: TimerHandle | undefined
  #unlisten: (() => void) | undefined
  #failure: RaftFailedError | undefined
  #ended = false
  #joined = false

  constructor(parts: GroupDriverParts<State, Command, Result>) {
    this.#parts = parts
    const { clock, options, limits, log, transport } = parts
    this.#outgoing = new Outgoing(transport, this.channel, { ...parts, ...limits })
    this.followers = new FollowerHealth(options.heartbeatIntervalMs)
    this.core = new RaftCore(
      {
        id: options.id,
        voters: options.voters,
        electionTimeoutMs: options.electionTimeoutMs,
        priority: options.priority,
        witness: options.witness,
        incarnation: parts.incarnation,
        ...(options.leaseClockDrift === undefined ? {} : { leaseClockDrift: options.leaseClockDrift }),
        heartbeatIntervalMs: options.heartbeatIntervalMs,
        ...parts.host?.timing,
        maxAppendBytes: limits.maxAppendBytes,
        maxInflightAppends: options.maxInflightAppends,
        maxInflightBytes: MAX_INFLIGHT_BYTES,
        maxUncommittedBytes: MAX_UNCOMMITTED_BYTES,
      },
      restoredFrom(log.recovered),
      parts.seed,
      clock.monotonicMs(),
    )
    const desks = { ...parts, ...limits, id: options.id, core: this.core, outgoing: this.#outgoing }
    this.#readDesk = new ReadDesk(desks)
    this.#proposalDesk = new ProposalDesk(desks)
    this.#membersDesk = new MembersDesk({
      ...desks,
      desk: this.#readDesk,
      group: options.group,
      retryAfterMs: options.heartbeatIntervalMs,
      wake: () => this.wake(),
    })
    this.#inbox = new GroupInbox({
      ...parts,
      core: this.core,
      proposalDesk: this.#proposalDesk,
      readDesk: this.#readDesk,
      membersDesk: this.#membersDesk,
      wake: () => this.wake(),
      fail: (error) => this.#fail(error),
    })
    this.#news = new GroupNews(parts, this.core)
    this.#timer = new GroupTimer({
      clock,
      heartbeatIntervalMs: options.heartbeatIntervalMs,
      waitsWhenLate: () => this.core.role !== 'leader',
      due: (nowMs, lateMs) => this.#due(nowMs, lateMs),
    })
    this.#snapshots = new SnapshotKeeper({
      ...parts,
      core: this.core,
      snapshotEveryBytes: options.snapshotEveryBytes,
      keepEntries: options.keepEntries,
      chunkBytes: limits.maxAppendBytes,
      roomBytes: limits.roomBytes,
      resendAfterMs: options.electionTimeoutMs,
      publish: (event) => parts.hub.publish(event),
      wake: () => this.wake(),
      fail: (error) => this.#fail(error),
    })
  }

  get channel(): string {
    return `raft-${this.#parts.options.group}`
  }

  /** The index of the newest snapshot on disk, 0 without one. */
  get snapshotIndex(): number {
    return this.#snapshots.index
  }

  /** The role and leader that {@link RaftEvent}s have told of last: what a new stream of events begins with. */
  get announced(): Readonly<Announced> {
    return this.#news.announced
  }

  /** It takes no more part in the group. */
  get ended(): boolean {
    return this.#ended
  }

  /** Why the node stopped itself. */
  get failure(): RaftFailedError | undefined {
    return this.#failure
  }

  /** What this driver has seen of the world around its core. */
  observed(nowMs: number): ObservedFacts {
    return {
      silentMs: this.#inbox.silentMs(nowMs),
      paused: this.#timer.paused(nowMs),
      ...this.#snapshots.observed(nowMs),
      strangers: this.#membersDesk.strangers(nowMs),
      phi: this.followers.all(nowMs),
    }
  }

  /** Begins to listen and to keep time: once `stored`, so that nobody hears of an incarnation that a crash could take away. */
  begin(stored: Promise<void> | undefined): void {
    if (stored === undefined) {
      this.#join()
      return
    }
    const joined = stored.then(
      () => {
        this.#writes.delete(joined)
        if (!this.#ended) this.#join()
      },
      (error) => {
        this.#writes.delete(joined)
        this.#fail(error)
      },
    )
    this.#writes.add(joined)
  }

  #join(): void {
    this.#joined = true
    const { clock, transport, logger } = this.#parts
    this.#unlisten = transport.listen(this.channel, (frame, from) => {
      if (!this.#ended) this.#inbox.receive(frame, from)
    })
    this.#parts.host?.attach({
      leads: (term) => this.core.role === 'leader' && this.core.term === term,
      wake: (heardMs) => {
        this.core.wake(clock.monotonicMs(), heardMs)
        this.wake()
      },
    })
    // Nobody else can lead a group of one.
    const { voters, outgoing } = this.core.configuration.configuration
    if (voters.length === 1 && outgoing.length === 0) this.core.campaign(clock.monotonicMs())
    if (voters.length === 0)
      logger.log('info', 'neither log nor options name voters: this node waits to be added, or for bootstrap')
    this.wake()
  }

  /** Calls `handler` after each turn, and when the driver ends, until the returned function is called. */
  onTurn(handler: () => void): () => void {
    this.#turnHandlers.add(handler)
    return () => void this.#turnHandlers.delete(handler)
  }

  /** Something has changed: take the core's effects at the end of this turn. */
  wake(): void {
    if (this.#flush !== undefined || this.#ended || !this.#joined) return
    this.#flush = this.#parts.clock.afterIo(() => {
      this.#flush = undefined
      this.#turn()
    })
  }

  #turn(): void {
    if (this.#ended) return
    if (this.#parts.buggify?.('raft.late-turn') === true) {
      this.wake()
      return
    }
    try {
      const nowMs = this.#parts.clock.monotonicMs()
      this.#news.tell(this.core.takeEvents())
      this.core.busy(this.#busy, nowMs)
      this.#proposalDesk.handOver(nowMs)
      this.#readDesk.ask(nowMs)
      this.#membersDesk.ask(nowMs)
      const effects = this.core.takeEffects()
      for (const { to, message } of effects.messages) this.#outgoing.add(to, message)
      if (this.#readDesk.answer(effects)) this.wake()
      // What needs this write is still held by the core. The rest leaves first: handing a write to the disk takes this thread a while.
      this.#outgoing.flush()
      this.#write(effects, nowMs)
      // Behind the write: a snapshot may be durable only after what was written before it.
      this.#snapshots.send(effects.snapshotWanted)
      for (const { from, message } of effects.snapshotTraffic) this.#snapshots.receive(from, message)
      if (effects.snapshotWanted.length > 0 || effects.snapshotTraffic.length > 0) this.wake()
      this.#outgoing.flush()
      this.#apply()
      this.#membersDesk.tell()
      this.#membersDesk.warn(nowMs)
      this.#measure(nowMs)
      this.#arm(nowMs)
      this.#parts.host?.sleeps(this.core.sleep)
      for (const handler of this.#turnHandlers) handler()
    } catch (error) {
      this.#fail(error)
    }
  }

  #measure(nowMs: number): void {
    const { applier, metrics, proposals, reads } = this.#parts
    const { lastApplied } = applier
    const readings = { lastApplied, proposals: proposals.size, reads: reads.size, snapshotIndex: this.snapshotIndex }
    metrics.turn(this.core, readings, nowMs)
  }

  #write({ write }: Effects, issuedMs: number): void {
    if (write === undefined) return
    const { clock, log, metrics } = this.#parts
    const { id, hardState, entries } = write
    const done = log.persist(hardState === undefined ? { entries } : { hardState, entries }).then(
      () => {
        this.#writes.delete(done)
        if (this.#ended) return
        const nowMs = clock.monotonicMs()
        metrics.written(nowMs - issuedMs)
        try {
          this.core.durable(id, nowMs)
        } catch (error) {
          this.#fail(error)
        }
        this.wake()
      },
      (error) => {
        this.#writes.delete(done)
        this.#fail(error)
      },
    )
    this.#writes.add(done)
  }

  /** Applies what is committed, settles the proposals that wait for it, and serves the reads that it was missing for. */
  #apply(): void {
    const { applier, clock, metrics, proposals, reads, buggify } = this.#parts
    const { commitIndex, log } = this.core
    const most = buggify?.('raft.small-apply-batch') === true ? 1 : MAX_APPLIED_PER_TURN
    const upTo = Math.min(commitIndex, applier.lastApplied + most)
    const [first, beganMs] = [applier.lastApplied, applier.lastApplied < upTo ? clock.monotonicMs() : 0]
    while (applier.lastApplied < upTo) {
      const entry = log.at(applier.lastApplied + 1)
      if (entry === undefined)
        throw new InvariantError(`entry ${applier.lastApplied + 1} is committed but not in the log`)
      const applied = applier.apply(entry)
      this.#snapshots.applied(entryBytes(entry))
      if (applied === undefined) continue
      proposals.applied(applied)
      // What waited for the session can go now.
      if (applied.type === 'session-opened') this.wake()
    }
    if (first < upTo) metrics.applied(upTo - first, clock.monotonicMs() - beganMs)
    this.core.applied(applier.lastApplied)
    reads.serve(applier.state, applier.lastApplied)
    this.#snapshots.takeIfDue()
    if (applier.lastApplied < commitIndex) this.wake()
  }

  /** Somebody waits for something of this group. */
  get #busy(): boolean {
    const { proposals, reads, changes } = this.#parts
    return proposals.size > 0 || reads.size > 0 || changes.size > 0 || this.#snapshots.sending
  }

  /** Sets the timer for what is due next. */
  #arm(nowMs: number): void {
    const { nextDueMs } = this.core
    const { heartbeatIntervalMs } = this.#parts.options
    this.#timer.set(this.#busy ? Math.min(nextDueMs, nowMs + heartbeatIntervalMs) : nextDueMs, nowMs)
  }

  #due(nowMs: number, lateMs: number): void {
    const { proposals, reads, metrics } = this.#parts
    try {
      this.core.tick(nowMs)
      proposals.resendOverdue(nowMs)
      reads.resendOverdue(nowMs)
      this.#snapshots.tick(nowMs)
      this.followers.observe(this.core, nowMs, lateMs)
      metrics.followers(this.core, this.followers.all(nowMs), nowMs)
    } catch (error) {
      this.#fail(error)
      return
    }
    this.#turn()
  }

  /** Going on could harm data: nothing more leaves this node, and everybody who waits is told. */
  #fail(error: unknown): void {
    if (this.#ended) return
    const { hub, logger, options } = this.#parts
    this.#failure = new RaftFailedError(options.group, error)
    logger.log('error', 'the node has stopped itself', { error })
    this.#halt()
    this.#rejectAll(() => this.#failure as RaftFailedError)
    hub.publish({ type: 'Failed', error: this.#failure })
    for (const handler of this.#turnHandlers) handler()
  }

  #halt(): void {
    this.#ended = true
    this.#parts.metrics.ended()
    this.#snapshots.stop()
    this.#flush?.cancel()
    this.#timer.end()
    this.#unlisten?.()
    this.#parts.host?.detach(this.#failure !== undefined)
  }

  #rejectAll(error: (attempts: number) => Error): void {
    this.#parts.proposals.rejectAll(error)
    this.#parts.reads.rejectAll(() => error(0))
    this.#parts.changes.rejectAll((asked) => error(asked ? 1 : 0))
  }

  /** Stops at once. Resolves when no write is under way. */
  async end(stopped: () => Error): Promise<void> {
    const { group } = this.#parts.options
    if (!this.#ended) this.#halt()
    this.#rejectAll((attempts) =>
      attempts === 0 ? stopped() : new OutcomeUnknownError(group, 'this node stopped while it was on its way'),
    )
    for (const handler of this.#turnHandlers) handler()
    await Promise.allSettled([...this.#writes, this.#snapshots.settled()])
  }
}
