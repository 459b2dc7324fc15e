import { SeededRandom } from '@dsys/runtime'
import type { Destination, PeerAddress } from '@dsys/transport'
import type { IdConflict, Member } from '../events.ts'
import type { LocalHealthStatus } from '../status.ts'
import { AntiEntropy } from './anti-entropy.ts'
import type { Question } from './asking.ts'
import { Conflicts } from './conflicts.ts'
import { Courier } from './courier.ts'
import { CutDetector } from './cut/cut-detector.ts'
import type { Description } from './description.ts'
import { Detector } from './detector.ts'
import type { Effect } from './effects.ts'
import { Farewell } from './farewell.ts'
import { Freshness } from './freshness.ts'
import { GossipSchedule } from './gossip-schedule.ts'
import { IsolationGate } from './isolation.ts'
import { MAX_KNOWN_PEERS } from './known-peers.ts'
import { LocalHealth } from './local-health.ts'
import type { FrameHeader, Message } from './message.ts'
import { OtherVersions } from './other-versions.ts'
import { Outlook } from './outlook.ts'
import { OwnRecord } from './own-record.ts'
import { addressOf, type CoreOptions, type CoreParts } from './parts.ts'
import { Queries } from './queries.ts'
import type { QueryResult } from './query-message.ts'
import { Reception } from './reception.ts'
import type { MemberRecord, MemberState } from './record.ts'
import { StaleView } from './stale-view.ts'
import { SuspicionClock } from './suspicion.ts'
import { UserBroadcasts } from './user-broadcasts.ts'
import { PROTOCOL_VERSIONS } from './versions.ts'
import { memberOf, View } from './view.ts'
import { ViewChanges } from './view-changes.ts'

/** How many members are told a farewell one by one. */
const FAREWELLS = 8

/**
 * The protocol, without a clock, timer, chance or I/O of its own: inputs with the time go in, effects come out.
 *
 * Times are those of one monotonic clock, in milliseconds. Nothing but `tick` judges a member; the driver calls it when
 * `deadlineMs` has come and the input that had arrived by then was delivered.
 */
export class MembershipCore {
  readonly #options: CoreOptions
  readonly #parts: CoreParts
  readonly #view: View
  readonly #courier: Courier
  /** Whether this node can tell who is there. */
  readonly gate: IsolationGate
  readonly #health: LocalHealth
  readonly #detector: Detector
  /** Where it decides who is removed. */
  readonly cut: CutDetector | undefined
  /** How others stand, and why. */
  readonly outlook: Outlook
  readonly #own: OwnRecord
  readonly #antiEntropy: AntiEntropy
  readonly #conflicts: Conflicts
  readonly #freshness: Freshness
  readonly #times: SuspicionClock
  readonly staleness: StaleView
  readonly #broadcasts: UserBroadcasts
  readonly #queries: Queries
  readonly #gossip = new GossipSchedule()
  readonly #reception: Reception
  #effects: Effect[] = []
  #state: 'new' | 'active' | 'leaving' | 'ended' = 'new'
  #farewell: Farewell | undefined
  #nextProbeMs = 0
  #greeted = false

  constructor(options: CoreOptions) {
    this.#options = options
    const emit = (effect: Effect): void => void this.#effects.push(effect)
    this.#view = new View(options.self, options.maxMembers, emit, (id, wasDead) => this.#forgotten(id, wasDead))
    this.#times = new SuspicionClock(options, this.#view)
    this.gate = new IsolationGate({ options, view: this.#view, times: this.#times })
    this.staleness = new StaleView(options.self, this.#view, this.gate, emit)
    this.#courier = new Courier(options, this.#view, emit)
    this.#health = new LocalHealth(options.maxHealthMultiplier, (multiplier) => emit({ type: 'health', multiplier }))
    const buggify = (point: string): boolean => options.buggify?.(point) === true
    const changes = new ViewChanges({
      options,
      view: this.#view,
      courier: this.#courier,
      gossip: this.#gossip,
      detector: () => this.#detector,
      antiEntropy: () => this.#antiEntropy,
      cut: () => this.cut,
      buggify,
    })
    this.#parts = {
      options,
      self: options.self,
      random: new SeededRandom(options.seed),
      view: this.#view,
      courier: this.#courier,
      health: this.#health,
      cut: () => this.cut,
      emit,
      buggify,
      apply: changes.apply,
      announce: changes.announce,
      confirm: changes.confirm,
      answered: (id, nowMs) => this.#answered(id, nowMs),
    }
    this.#detector = new Detector({
      ...this.#parts,
      options,
      buggify: options.buggify,
      gate: this.gate,
      send: (to, body, nowMs) => this.#courier.send(to, body, nowMs),
      times: () => this.#times.now(),
      accuse: (entry, state, evidence, nowMs) => changes.accuse(entry, state, evidence, nowMs),
      confirm: (entry, nowMs) => {
        if (changes.confirm(entry, [options.self.id], nowMs)) changes.announce(entry.record, nowMs)
      },
    })
    if (options.removal === 'cut') this.cut = new CutDetector(this.#parts, this.gate, () => this.#detector.nextSeq())
    const { rememberDeadMs } = options
    this.outlook = new Outlook({
      self: options.self,
      view: this.#view,
      detector: this.#detector,
      cut: this.cut,
      rememberDeadMs,
    })
    this.#own = new OwnRecord(this.#parts)
    this.#antiEntropy = new AntiEntropy(this.#parts)
    this.#conflicts = new Conflicts({
      ...this.#parts,
      rememberMs: rememberDeadMs,
      nextSeq: () => this.#detector.nextSeq(),
      ask: (to, seq) => this.#courier.ask(to, seq),
      tell: (to, about, nowMs) => this.#courier.tell(to, about, nowMs),
    })
    this.#freshness = new Freshness(Math.min(options.maxFrameAgeMs, options.rememberDeadMs / 2))
    this.#broadcasts = new UserBroadcasts(this.#parts)
    this.#queries = new Queries(this.#parts)
    this.#reception = this.#newReception(new OtherVersions(options.versions ?? PROTOCOL_VERSIONS, emit))
  }

  #newReception(otherVersions: OtherVersions): Reception {
    return new Reception({
      parts: this.#parts,
      detector: this.#detector,
      own: this.#own,
      outlook: this.outlook,
      antiEntropy: this.#antiEntropy,
      conflicts: this.#conflicts,
      freshness: this.#freshness,
      otherVersions,
      broadcasts: this.#broadcasts,
      queries: this.#queries,
      gossip: this.#gossip,
      state: () => this.#state,
      farewell: () => this.#farewell,
      superseded: (generation, nowMs) => this.#superseded(generation, nowMs),
    })
  }

  /** Everybody known, this node included, ordered by id. */
  members(): Member[] {
    return [...this.#view.entries.values()].map(memberOf).sort((a, b) => (a.id < b.id ? -1 : 1))
  }

  /** How many are in each state, this node included. */
  tally(): Record<MemberState, number> {
    return this.#view.tally()
  }

  member(id: string): Member | undefined {
    const entry = this.#view.get(id)
    return entry === undefined ? undefined : memberOf(entry)
  }

  /** What may help to find the cluster again after a restart: who is there, then who was declared dead. */
  knownPeers(): MemberRecord[] {
    return this.#view.present().slice(0, MAX_KNOWN_PEERS)
  }

  /** Those that were known once: of an earlier run, or dead for long. */
  formerPeers(): string[] {
    return this.#antiEntropy.former()
  }

  get localHealth(): LocalHealthStatus {
    return this.#health.status()
  }

  /** Processes that run with the id of another one, as far as they were noticed lately. */
  conflicts(nowMs: number): IdConflict[] {
    return this.#conflicts.list(nowMs)
  }

  /** When `tick` is wanted next; `undefined` when nothing is waited for. */
  deadlineMs(): number | undefined {
    if (this.#state === 'leaving') return this.#farewell?.deadlineMs()
    if (this.#state !== 'active') return undefined
    const queryMs = this.#queries.asking.deadlineMs(this.gate.connected)
    if (!this.gate.connected) return queryMs === Number.POSITIVE_INFINITY ? undefined : queryMs
    const gossipMs = this.#hasNews && this.#view.live.size > 0 ? this.#gossip.nextMs : Number.POSITIVE_INFINITY
    const memberMs = Math.min(this.#detector.deadlineMs(), this.#nextProbeMs, this.#antiEntropy.deadlineMs())
    const cutMs = this.cut?.deadlineMs() ?? Number.POSITIVE_INFINITY
    return Math.min(memberMs, gossipMs, queryMs, cutMs, this.gate.deadlineMs())
  }

  /** Begins: announces this node and asks for the state of the others, now or once there is a connection. */
  join(nowMs: number): Effect[] {
    if (this.#state !== 'new') return []
    this.#state = 'active'
    this.#own.begin(nowMs)
    this.gate.begin(nowMs)
    if (this.gate.connected) this.#greet(nowMs)
    return this.#take()
  }

  /** Says goodbye. `farewell-done` follows, at the latest after `leaveTimeoutMs`. */
  leave(nowMs: number): Effect[] {
    if (this.#state !== 'active') {
      // It never joined, or was superseded: there is nothing to say.
      this.#end(0)
      return this.#take()
    }
    this.#queries.asking.stop()
    const peers = this.gate.connected ? this.#view.sampleLive(FAREWELLS, this.#parts.random) : []
    const record = this.#own.leave(nowMs)
    this.#state = 'leaving'
    this.gate.end(nowMs)
    const waiting = new Map(peers.map((peer) => [this.#detector.nextSeq(), addressOf(peer)]))
    this.#farewell = new Farewell(
      {
        leaveTimeoutMs: this.#options.leaveTimeoutMs,
        courier: this.#courier,
        record,
        done: (heardBy) => this.#end(heardBy),
      },
      waiting,
      nowMs,
    )
    this.#farewell.begin(nowMs)
    return this.#take()
  }

  /** This node describes itself otherwise. */
  update(description: Description, nowMs: number): Effect[] {
    if (this.#state === 'active') this.#own.update(description, nowMs)
    return this.#take()
  }

  /** Whether another broadcast of this node finds room. */
  hasRoomFor(topic: string, payload: Uint8Array, nowMs: number): boolean {
    return this.#broadcasts.hasRoomFor(topic, payload, nowMs)
  }

  /** Sends `payload` to the subscribers of all members. */
  broadcast(topic: string, payload: Uint8Array, ttlMs: number, nowMs: number): Effect[] {
    if (this.#state !== 'active') return []
    this.#broadcasts.publish(topic, payload, ttlMs, nowMs)
    this.#gossip.news(nowMs)
    return this.#take()
  }

  /** Asks members. `answer` follows for each one, and `query-ended`. */
  ask(question: Question, nowMs: number): Effect[] {
    if (this.#state === 'active') this.#queries.asking.begin(question, nowMs)
    return this.#take()
  }

  cancelQuery(number: number): Effect[] {
    this.#queries.asking.cancel(number)
    return this.#take()
  }

  /** Answers a query that came by an effect with this key. */
  answer(key: string, result: QueryResult, nowMs: number): Effect[] {
    if (this.#state === 'active') this.#queries.answering.answer(key, result, nowMs)
    return this.#take()
  }

  /** The connection of this node to the network is there, or is not. */
  connection(connected: boolean, nowMs: number): Effect[] {
    const isOver = this.#state === 'leaving' || this.#state === 'ended'
    if (connected === this.gate.connected || isOver) return []
    if (!connected) {
      this.gate.lost(nowMs)
      this.#detector.drop()
      this.cut?.drop(nowMs)
      return this.#take()
    }
    const again = this.gate.regained(nowMs)
    this.#detector.drop()
    this.cut?.drop(nowMs)
    if (this.#state !== 'active') return this.#take()
    this.#antiEntropy.reconnected(nowMs)
    this.#queries.asking.reconnected(nowMs)
    this.#nextProbeMs = Math.max(this.#nextProbeMs, nowMs)
    this.#gossip.news(nowMs)
    if (again) this.#own.returns(nowMs)
    this.#greet(nowMs)
    this.#antiEntropy.catchUp()
    this.#detector.watch(nowMs)
    return this.#take()
  }

  /** The transport met nobody at `peer`. */
  absent(peer: Destination, nowMs: number): Effect[] {
    if (this.#state === 'active') this.#detector.onAbsent(peer, nowMs)
    return this.#take()
  }

  /** @param header of the frame that has brought the message; without it, nothing is known of the sending process. */
  receive(message: Message, from: PeerAddress, nowMs: number, header?: FrameHeader): Effect[] {
    if (this.#state === 'new' || this.#state === 'ended') return []
    this.#reception.receive(message, from, nowMs, header)
    return this.#take()
  }

  /** A frame came that is of another version of the protocol. */
  receiveOtherVersion(header: FrameHeader | undefined, from: PeerAddress, nowMs: number): Effect[] {
    if (this.#state !== 'active') return []
    this.#reception.receiveOtherVersion(header, from, nowMs)
    return this.#take()
  }

  #superseded(generation: number, nowMs: number): void {
    this.#state = 'ended'
    this.#queries.asking.stop()
    this.gate.end(nowMs)
    this.#effects.push({ type: 'superseded', generation })
  }

  /** Who was cut off does on return as after a lost connection: it refutes what was said meanwhile, and pulls what it missed. */
  #answered(id: string, nowMs: number): void {
    this.#detector.suspicions.moved()
    if (!this.gate.answered(id, nowMs) || this.#state !== 'active') return
    this.#detector.forgive()
    this.#own.returns(nowMs)
    this.#antiEntropy.catchUp()
  }

  #forgotten(id: string, wasDead: boolean): void {
    if (wasDead) this.#antiEntropy.lose(id)
    this.outlook.forget(id)
    this.#courier.forget(id)
    this.#freshness.forget(id)
    this.#conflicts.forget(id)
    this.#broadcasts.forget(id)
    this.#detector.timeouts.forget(id)
    this.#queries.answering.forget(id)
    this.cut?.forget(id)
  }

  /** @param wantedMs the `deadlineMs` that this tick was planned for; input that came since may have moved it. */
  tick(nowMs: number, wantedMs: number | undefined = this.deadlineMs()): Effect[] {
    const lateMs = nowMs - (wantedMs ?? nowMs)
    // Less than this is the jitter of timers, and covered by judging after the input of this turn.
    if (lateMs > this.#options.probeTimeoutMs / 2) {
      this.#detector.extend(lateMs, nowMs)
      this.cut?.excuse(lateMs)
      this.gate.excuse(lateMs, nowMs + this.#options.probeTimeoutMs)
      this.#health.raise(1 + Math.floor(lateMs / this.#options.probeIntervalMs), 'late-timer')
    }
    const dueMs = this.deadlineMs()
    if (dueMs === undefined || nowMs < dueMs) return this.#take()
    if (this.#state === 'leaving') this.#farewell?.tick(nowMs)
    else this.#tickActive(nowMs)
    this.#detector.watch(nowMs)
    return this.#take()
  }

  #tickActive(nowMs: number): void {
    const { probeIntervalMs, gossipIntervalMs, gossipFanout } = this.#options
    const { buggify, random } = this.#parts
    this.#queries.asking.tick(this.gate.connected, nowMs)
    if (!this.gate.connected) return
    this.gate.tick(nowMs)
    this.staleness.tell()
    this.#detector.tick(nowMs)
    this.cut?.tick(nowMs)
    if (nowMs >= this.#nextProbeMs) {
      this.#nextProbeMs = nowMs + probeIntervalMs * this.#health.multiplier
      if (!buggify('membership.skipped-probes')) (this.cut ?? this.#detector).startProbes(nowMs)
    }
    if (nowMs >= this.#gossip.nextMs && this.#hasNews) {
      this.#gossip.gossiped(nowMs, gossipIntervalMs * (buggify('membership.late-gossip') ? 4 : 1))
      for (const peer of this.#view.sampleLive(gossipFanout, random)) {
        if (this.#hasNews) this.#courier.gossip(addressOf(peer), (room) => this.#broadcasts.take(room, nowMs), nowMs)
      }
    }
    this.#antiEntropy.tick(nowMs)
  }

  get #hasNews(): boolean {
    return this.#courier.hasNews || this.#broadcasts.hasNews
  }

  #greet(nowMs: number): void {
    if (!this.#greeted) this.#nextProbeMs = nowMs + this.#options.probeIntervalMs * this.#parts.random.float()
    this.#greeted = true
    this.#antiEntropy.greet(nowMs)
  }

  #end(heardBy: number): void {
    this.#state = 'ended'
    this.#effects.push({ type: 'farewell-done', heardBy })
  }

  #take(): Effect[] {
    if (this.#state === 'active') this.staleness.tell()
    const effects = this.#effects
    this.#effects = []
    return effects
  }
}
