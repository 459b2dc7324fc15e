import {
  type Buggify,
  type Clock,
  EventHub,
  Lifecycle,
  type Logger,
  type Meter,
  NotRunningError,
  Pending,
  type Random,
  type Service,
  type StartOptions,
  type SubscribeOptions,
  type TimerHandle,
} from '@dsys/runtime'
import type { PeerAddress, Transport, TransportEvent } from '@dsys/transport'
import { decodeMessage, encodeMessage } from './core/codec.ts'
import { MIN_FRAME_BYTES } from './core/courier.ts'
import type { Description } from './core/description.ts'
import type { Effect } from './core/effects.ts'
import { MAX_KNOWN_PEERS } from './core/known-peers.ts'
import { MembershipCore } from './core/membership-core.ts'
import { isLive } from './core/record.ts'
import { TransportFrameTooSmallError } from './errors.ts'
import type { Member, MembershipEvent } from './events.ts'
import { describeEvidence, type Evidence } from './evidence.ts'
import { explainMember } from './explain-member.ts'
import type { MemberExplanation } from './findings.ts'
import { History } from './history.ts'
import { type MemberFilter, matches } from './member-filter.ts'
import { Messages } from './messages.ts'
import { MembershipMetrics } from './metrics.ts'
import { checkDescription, type MembershipOptions, type ResolvedOptions, resolveOptions } from './options.ts'
import { PeerMemory, type PeerStorage } from './peer-memory.ts'
import { reportEvent } from './report-event.ts'
import { type MembershipStatus, unstartedView } from './status.ts'
import type { MembershipTopology } from './topology.ts'
import type { Broadcast, BroadcastOptions, Query, QueryHandler, QueryOptions } from './user-messages.ts'

/** What a {@link Membership} may do. */
export interface MembershipPorts {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly meter: Meter
  /** Must be started before the membership and stopped after it. Its `self` is this member. */
  readonly transport: Transport
  /**
   * Keeps who was in the cluster, under one key, so that a process that is started again finds it without seeds, however long it was
   * away. Any `StateStorage` of `@dsys/storage` that runs. Default: none.
   */
  readonly peers?: PeerStorage
  /** Present in a simulation alone. */
  readonly buggify?: Buggify
}

const CHANNEL = 'membership'
/** How long a storage is waited for that only helps. */
const PEER_STORAGE_TIMEOUT_MS = 2_000
/** How much longer than `leaveTimeoutMs` the end of a farewell is waited for, should the timer of the core be late. */
const FAREWELL_SLACK_MS = 1_000

/**
 * Who is in the cluster and who is alive: SWIM over any transport. Each node has its own view; views agree soon after the last
 * change, never by vote. Do not decide with it what only one node may do.
 */
export class Membership implements Service {
  readonly #ports: MembershipPorts
  readonly #options: ResolvedOptions
  readonly #lifecycle: Lifecycle
  readonly #hub = new EventHub<MembershipEvent>()
  readonly #messages: Messages
  readonly #history: History
  readonly #metrics: MembershipMetrics
  readonly #logger: Logger
  #core: MembershipCore | undefined
  #timer: TimerHandle | undefined
  #judging = false
  #failed = false
  /** Why this member has fallen silent although nobody stopped it. */
  #silenced: string | undefined
  #joined: Pending<void> | undefined
  #farewell: Pending<void> | undefined
  #peers: PeerMemory | undefined
  readonly #release: (() => void)[] = []

  /** Throws RangeError or TypeError for options out of their limits, MetadataTooLargeError (`DSYS_MEMBERSHIP_METADATA_TOO_LARGE`). */
  constructor(ports: MembershipPorts, options: MembershipOptions) {
    this.#ports = ports
    this.#options = resolveOptions(options)
    this.#history = new History(this.#options.maxMembers)
    this.#metrics = new MembershipMetrics(ports.meter)
    this.#logger = ports.logger.child({ part: 'membership', cluster: this.#options.cluster })
    this.#messages = new Messages({
      clock: ports.clock,
      logger: this.#logger,
      metrics: this.#metrics,
      members: () => this.members(),
      core: () => this.#core,
      input: (input) => this.#input(input),
    })
    this.#lifecycle = new Lifecycle('membership', {
      start: ({ signal }) => this.#start(signal),
      stop: () => this.#stop(),
    })
  }

  /**
   * Joins. Resolves when the state was exchanged with another member, or after `joinTimeoutMs` alone; being alone is no error, and the
   * search goes on. Throws TransportFrameTooSmallError (`DSYS_MEMBERSHIP_FRAME_TOO_SMALL`), ChannelTakenError (`DSYS_TRANSPORT_CHANNEL_TAKEN`) where another member
   * runs over the same transport, the signal's reason, or NotRunningError (`DSYS_NOT_RUNNING`) after a stop.
   */
  start(options?: StartOptions): Promise<void> {
    return this.#lifecycle.start(options)
  }

  /** Leaves: tells the others, waits up to `leaveTimeoutMs` for some to hear it, ends all event streams. */
  stop(): Promise<void> {
    return this.#lifecycle.stop()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  /**
   * Everybody this node knows, itself included, ordered by id; or those that `filter` means. Dead and gone ones stay for `rememberDeadMs`. Empty
   * before the start. While `status().view` is stale this is the last view that was not: whoever died since is still alive in it.
   */
  members(filter: MemberFilter = {}): readonly Member[] {
    return this.#core?.members().filter((member) => matches(member, filter)) ?? []
  }

  /** What this node knows of the node `id`; `undefined` when nothing is known of it, or it was forgotten. */
  member(id: string): Member | undefined {
    return this.#core?.member(id)
  }

  /**
   * Those that are alive, itself included, ordered by id; or those of them that `filter` means. A suspected member is not among them. While
   * `status().view` is stale some of them may be gone, as this node cannot tell.
   */
  alive(filter: Omit<MemberFilter, 'state'> = {}): readonly Member[] {
    return this.members({ ...filter, state: 'alive' })
  }

  /**
   * The present state as `MemberUp` (then `MemberSuspected` where it is so) and `ViewStale` where it is so, then `Synced`, then every change. The stream
   * ends with the signal or the stop; it throws EventsLaggedError (`DSYS_EVENTS_LAGGED`) when more than `capacity` events
   * wait for this consumer.
   */
  events(options: SubscribeOptions = {}): AsyncIterableIterator<MembershipEvent, undefined> {
    const state = this.members().flatMap((member): MembershipEvent[] => {
      if (!isLive(member.state)) return []
      const present: Evidence = { kind: 'present' }
      const up = told('MemberUp', { ...member, state: 'alive' }, present)
      if (member.state === 'alive') return [up]
      return [up, told('MemberSuspected', member, this.#core?.outlook.evidence(member.id) ?? present)]
    })
    return this.#hub.subscribe(options, [...state, ...(this.#core?.staleness.present() ?? []), { type: 'Synced' }])
  }

  /**
   * Replaces what is given of the metadata, roles, capabilities and tags of this node, and tells the others; the rest stays. Throws MetadataTooLargeError
   * (`DSYS_MEMBERSHIP_METADATA_TOO_LARGE`), TypeError for what is not text, NotRunningError (`DSYS_NOT_RUNNING`); nothing is changed then.
   */
  update(changes: Partial<Description>): void {
    this.#assertSpeaking()
    const { metadata, roles, capabilities, tags } = this.member(this.#ports.transport.self.id) ?? this.#options
    const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined))
    const description: Description = { metadata, roles, capabilities, tags, ...given }
    checkDescription(description)
    this.#input((core, nowMs) => core.update(description, nowMs))
  }

  /**
   * Sends `payload` to the subscribers of `topic` at all members, this one included. It spreads by gossip: with high probability
   * every member that is there within `ttlMs` gets it, at most once for each life of it, in no certain order. Nobody says who got it.
   *
   * @param topic of 1 to 128 characters.
   * @param payload of at most 1,024 bytes.
   * @throws BroadcastTooLargeError (`DSYS_MEMBERSHIP_BROADCAST_TOO_LARGE`), BroadcastOverloadedError
   * (`DSYS_MEMBERSHIP_BROADCAST_OVERLOADED`, try again) when 256 broadcasts of this node or 64 KiB of them are under way, NotRunningError
   * (`DSYS_NOT_RUNNING`); nobody was told then.
   */
  broadcast(topic: string, payload: Uint8Array, options: BroadcastOptions = {}): void {
    this.#assertSpeaking()
    this.#messages.broadcast(topic, payload, options)
  }

  /**
   * The broadcasts of `topic`, those of this node too, from now on. The stream ends with the signal or the stop; it throws EventsLaggedError
   * (`DSYS_EVENTS_LAGGED`) when more than `capacity` wait for this consumer. It may begin before the start.
   */
  broadcasts(topic: string, options: SubscribeOptions = {}): AsyncIterableIterator<Broadcast, undefined> {
    return this.#messages.broadcasts(topic, options)
  }

  /**
   * Asks all members, this one included, or those that `options` chooses, and gives their answers as they come. Each is asked again until it
   * has answered or the time is over; a handler runs at most once for each query and life of a member. It ends early when all have
   * answered or are gone.
   *
   * @param name of 1 to 128 characters, for which the members have a handler by `onQuery`.
   * @param payload of at most 1,024 bytes.
   * @throws QueryTooLargeError (`DSYS_MEMBERSHIP_QUERY_TOO_LARGE`), QueryOverloadedError (`DSYS_MEMBERSHIP_QUERY_OVERLOADED`) when 32 queries
   * of this node are under way, NotRunningError (`DSYS_NOT_RUNNING`), the signal's reason; nobody was asked then.
   */
  query(name: string, payload: Uint8Array, options: QueryOptions = {}): Query {
    this.#assertSpeaking()
    return this.#messages.query(name, payload, options)
  }

  /**
   * Answers the queries of the name `name`, those of this node too, until the returned function is called. It may be set before the start. A
   * second handler for the same name is a TypeError.
   */
  onQuery(name: string, handler: QueryHandler): () => void {
    return this.#messages.onQuery(name, handler)
  }

  /**
   * Why the member `id` is in the state it is in, or was removed: findings with their evidence, and what happened to it. It answers for every
   * id; of members that are forgotten it knows what happened as long as no `maxMembers` others had something happen to them since.
   */
  explain(id: string): MemberExplanation {
    const { clock, transport } = this.#ports
    const nowMs = clock.monotonicMs()
    const { conflicts, localHealth, view } = this.status()
    return explainMember({
      id,
      member: this.member(id),
      facts: this.#core?.outlook.facts(id, nowMs),
      incidents: this.#history.of(id),
      conflict: conflicts.find((conflict) => conflict.id === id),
      view,
      health: localHealth,
      isSelf: id === transport.self.id,
      silenced: this.#silenced,
      nowMs,
    })
  }

  /** Who probes and suspects whom, as far as this node knows: see {@link MembershipTopology} for what that is. `undefined` before the start. */
  topology(): MembershipTopology | undefined {
    return this.#core?.outlook.topology(this.#ports.clock.monotonicMs())
  }

  /**
   * Ids of up to 256 other nodes by which the cluster can be found again, for the option `knownPeers` of a later run: those that are there first.
   * Not needed with the port `peers`.
   */
  knownPeers(): readonly string[] {
    const core = this.#core
    if (core === undefined) return this.#options.knownPeers
    const met = core.knownPeers().map(({ id }) => id)
    return [...met, ...core.formerPeers()].slice(0, MAX_KNOWN_PEERS)
  }

  /** How the membership stands here and now. */
  status(): MembershipStatus {
    const nowMs = this.#ports.clock.monotonicMs()
    const unhurt = { multiplier: 1, maxMultiplier: this.#options.maxHealthMultiplier, because: 'healthy' }
    return Object.freeze({
      conflicts: this.#core?.conflicts(nowMs) ?? [],
      alerts: this.#core?.cut?.alerts() ?? [],
      removedSinceMs: this.#core?.cut?.removedSinceMs,
      localHealth: this.#core?.localHealth ?? Object.freeze(unhurt),
      view: this.#core?.gate.status(nowMs) ?? unstartedView(nowMs),
    })
  }

  #assertSpeaking(): void {
    this.#lifecycle.assertRunning()
    if (this.#silenced !== undefined) throw new NotRunningError('membership', this.#silenced)
  }

  async #start(signal: AbortSignal): Promise<void> {
    const { clock, random, transport } = this.#ports
    const { capabilities, self } = transport
    if (capabilities.maxFrameBytes < MIN_FRAME_BYTES) {
      throw new TransportFrameTooSmallError(capabilities.maxFrameBytes, MIN_FRAME_BYTES)
    }
    // Before anything runs: where the channel is taken, another member speaks for this node, and a farewell would be about it.
    this.#release.push(transport.listen(CHANNEL, (frame, from) => this.#onFrame(frame, from)))
    this.#release.push(transport.observe((event) => this.#onTransportEvent(event)))
    const kept = this.#ports.peers === undefined ? [] : await this.#loadPeers(this.#ports.peers, signal)
    this.#core = new MembershipCore({
      ...this.#options,
      knownPeers: [...new Set([...this.#options.knownPeers, ...kept])].slice(0, MAX_KNOWN_PEERS),
      self,
      seed: random.stream('membership').integer(0, 2 ** 32),
      nonce: drawNonce(random.stream('membership nonce')),
      canBroadcast: capabilities.broadcast,
      maxFrameBytes: capabilities.maxFrameBytes,
      buggify: this.#ports.buggify,
    })
    const alone = new Error('nobody answered in time')
    const joined = new Pending<void>({ clock, timeoutMs: this.#options.joinTimeoutMs, onTimeout: () => alone, signal })
    this.#joined = joined
    this.#input((core, nowMs) => [...core.connection(transport.connection === 'connected', nowMs), ...core.join(nowMs)])
    await joined.promise.catch((error: unknown) => {
      if (error !== alone) throw error
      this.#logger.log('info', 'nobody answered yet; this member begins alone and keeps looking')
    })
  }

  async #loadPeers(storage: PeerStorage, signal: AbortSignal): Promise<readonly string[]> {
    this.#peers = new PeerMemory({
      clock: this.#ports.clock,
      logger: this.#logger,
      storage,
      cluster: this.#options.cluster,
      intervalMs: this.#options.syncIntervalMs,
      timeoutMs: PEER_STORAGE_TIMEOUT_MS,
      known: () => this.#core?.knownPeers() ?? [],
    })
    return await this.#peers.load(signal)
  }

  async #stop(): Promise<void> {
    try {
      if (this.#core !== undefined && !this.#failed) {
        const late = new Error('the farewell took too long')
        const timeoutMs = this.#options.leaveTimeoutMs + FAREWELL_SLACK_MS
        this.#farewell = new Pending<void>({ clock: this.#ports.clock, timeoutMs, onTimeout: () => late })
        const { promise } = this.#farewell
        this.#input((core, nowMs) => core.leave(nowMs))
        await promise.catch((error: unknown) => this.#logger.log('warn', 'the farewell was cut short', { error }))
      }
    } finally {
      this.#silence()
      if (!this.#failed) await this.#peers?.close()
      this.#hub.close()
      this.#messages.close()
    }
  }

  #silence(): void {
    this.#messages.silence(new NotRunningError('membership', this.#silenced ?? 'stopped'))
    this.#timer?.cancel()
    this.#timer = undefined
    this.#peers?.cancel()
    for (const release of this.#release.splice(0)) release()
  }

  #onFrame(frame: Uint8Array, from: PeerAddress): void {
    const decoded = decodeMessage(frame, this.#options.cluster)
    if (decoded.ok) this.#input((core, nowMs) => core.receive(decoded.message, from, nowMs, decoded.header))
    else {
      if (decoded.reason === 'version')
        this.#input((core, nowMs) => core.receiveOtherVersion(decoded.header, from, nowMs))
      this.#metrics.dropped(decoded.reason)
      this.#logger.log('debug', 'a frame was dropped', { from: from.id, reason: decoded.reason, why: decoded.why })
    }
  }

  #onTransportEvent(event: TransportEvent): void {
    switch (event.type) {
      case 'connected':
        this.#input((core, nowMs) => core.connection(true, nowMs))
        break
      case 'disconnected':
      case 'closed':
        this.#input((core, nowMs) => core.connection(false, nowMs))
        break
      case 'peer-absent':
        if (event.channel === CHANNEL) this.#input((core, nowMs) => core.absent(event.peer, nowMs))
        break
    }
  }

  /** Gives the core an input, carries out what it asks for, and sets the timer anew. */
  #input(input: (core: MembershipCore, nowMs: number) => readonly Effect[]): void {
    const core = this.#core
    if (core === undefined || this.#failed) return
    try {
      for (const effect of input(core, this.#ports.clock.monotonicMs())) this.#carryOut(effect)
      this.#arm(core)
    } catch (error) {
      // Deviation: every error is caught here, since a transport's handler must not throw. It is a defect, and this member falls
      // silent: the others will see it die.
      this.#failed = true
      this.#silenced = 'stopped by a defect'
      core.gate.end(this.#ports.clock.monotonicMs())
      this.#silence()
      this.#logger.log('error', 'membership has stopped itself because of a defect', { error })
      this.#joined?.reject(error)
      this.#farewell?.reject(error)
    }
  }

  #carryOut(effect: Effect): void {
    const { transport, clock } = this.#ports
    switch (effect.type) {
      case 'send':
      case 'broadcast': {
        const frame = encodeMessage(effect.message, this.#options.cluster, effect.header)
        // A transport that is not connected has nothing to send on; what is lost here is lost like any frame.
        const sent =
          transport.connection === 'connected' &&
          this.#ports.buggify?.('membership.refused-frame') !== true &&
          (effect.type === 'send' ? transport.send(effect.to, CHANNEL, frame) : transport.broadcast(CHANNEL, frame))
        if (!sent) this.#metrics.unsent()
        break
      }
      case 'event':
        reportEvent(effect.event, this.#logger, this.#metrics)
        this.#peers?.changed()
        this.#history.add(effect.event, clock.monotonicMs())
        if (this.#core !== undefined) this.#metrics.members(this.#core.tally())
        this.#hub.publish(effect.event)
        break
      case 'forgotten':
        this.#history.forgotten(effect.id, effect.last, effect.evidence, clock.monotonicMs())
        if (this.#core !== undefined) this.#metrics.members(this.#core.tally())
        break
      case 'joined':
        this.#joined?.resolve()
        break
      case 'farewell-done':
        this.#farewell?.resolve()
        break
      case 'superseded':
        this.#silenced = `superseded by generation ${effect.generation} of this node`
        this.#logger.log('error', 'a later life of this node is in the cluster; this one has fallen silent', {
          ...transport.self,
          laterGeneration: effect.generation,
        })
        break
      case 'warning':
        this.#logger.log('warn', effect.message, effect.fields)
        break
      case 'health':
        this.#metrics.health(effect.multiplier)
        break
      case 'count':
        this.#metrics.count(effect.what)
        break
      default:
        this.#messages.carryOut(effect)
        break
    }
  }

  /** A timer never judges: it asks for one turn of input first, since a blocked process sees its timers before its frames. */
  #arm(core: MembershipCore): void {
    if (this.#judging) return
    this.#timer?.cancel()
    this.#timer = undefined
    const dueMs = core.deadlineMs()
    if (dueMs === undefined || this.#failed) return
    const { clock, buggify } = this.#ports
    const lateMs = buggify?.('membership.late-judgement') === true ? this.#options.probeTimeoutMs : 0
    this.#timer = clock.setTimer(Math.max(0, dueMs - clock.monotonicMs()) + lateMs, () => {
      this.#judging = true
      this.#timer = clock.afterIo(() => {
        this.#judging = false
        this.#input((judge, nowMs) => judge.tick(nowMs, dueMs))
      })
    })
  }
}

const told = (type: 'MemberUp' | 'MemberSuspected', member: Member, evidence: Evidence): MembershipEvent =>
  Object.freeze({ type, member, why: describeEvidence(evidence), evidence })

/** From 1 to 2^52: two processes hardly ever draw the same. */
function drawNonce(random: Random): number {
  return 1 + random.integer(0, 2 ** 20) * 2 ** 32 + random.integer(0, 2 ** 32)
}
