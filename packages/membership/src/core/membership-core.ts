import { type Buggify, invariant, type Random, SeededRandom } from '@dsys/runtime'
import type { Destination, PeerAddress } from '@dsys/transport'
import type { Member } from '../events.ts'
import type { ResolvedOptions } from '../options.ts'
import { Courier } from './courier.ts'
import { Detector } from './detector.ts'
import type { Effect } from './effects.ts'
import { Farewell } from './farewell.ts'
import type { Message } from './message.ts'
import { sample } from './prober.ts'
import {
  compareRecords,
  isLive,
  type MemberRecord,
  type MemberState,
  type Metadata,
  metadataEntries,
  type Rumor,
} from './record.ts'
import { type Cause, type Entry, memberOf, View } from './view.ts'

/** What the core is made of. */
export interface CoreOptions extends ResolvedOptions {
  readonly self: PeerAddress
  /** Where all its chance comes from: the same seed and inputs give the same effects. */
  readonly seed: number
  readonly canBroadcast: boolean
  readonly maxFrameBytes: number
  /** Rare behaviour on demand, in a simulation. */
  readonly buggify?: Buggify | undefined
}

/** How many members are synced with after a reconnect, and how many are told a farewell one by one. */
const RECONNECT_SYNCS = 2
const FAREWELLS = 8
const FIRST_JOIN_RETRY_MS = 200
/** Hearsay suspicions wait up to this much longer, so that the accuser's verdict comes first and is not said by all at once. */
const HEARSAY_PART = 0.25

/**
 * The protocol, without a clock, timer, chance or I/O of its own: inputs with the time go in, effects come out.
 *
 * Times are those of one monotonic clock, in milliseconds. Nothing but `tick` judges a member; the driver calls it when
 * `deadlineMs` has come and the input that had arrived by then was delivered.
 */
export class MembershipCore {
  readonly #options: CoreOptions
  readonly #self: PeerAddress
  readonly #random: Random
  readonly #view: View
  readonly #courier: Courier
  readonly #detector: Detector
  #effects: Effect[] = []
  #state: 'new' | 'active' | 'leaving' | 'ended' = 'new'
  #connected = false
  #everConnected = false
  #joined = false
  #farewell: Farewell | undefined
  #warnedOfTwin = false
  #joinRetryMs = FIRST_JOIN_RETRY_MS
  #nextJoinMs = 0
  #nextProbeMs = 0
  #nextGossipMs = 0
  #nextSyncMs = 0

  constructor(options: CoreOptions) {
    this.#options = options
    this.#self = options.self
    this.#random = new SeededRandom(options.seed)
    const emit = (effect: Effect): void => void this.#effects.push(effect)
    this.#view = new View(options.self, options.maxMembers, emit, (id) => this.#courier.forget(id))
    this.#courier = new Courier(options, this.#view, emit)
    this.#detector = new Detector({
      options,
      random: this.#random,
      buggify: options.buggify,
      view: this.#view,
      emit,
      send: (to, body, nowMs) => this.#courier.send(to, body, nowMs),
      accuse: (entry, state, why, nowMs) => this.#accuse(entry, state, why, nowMs),
    })
  }

  /** Everybody known, this node included, ordered by id. */
  members(): Member[] {
    return [...this.#view.entries.values()].map(memberOf).sort((a, b) => (a.id < b.id ? -1 : 1))
  }

  /** How many are in each state, this node included. */
  tally(): Record<MemberState, number> {
    const tally = { alive: 0, suspect: 0, dead: 0, left: 0 }
    for (const { record } of this.#view.entries.values()) tally[record.state] += 1
    return tally
  }

  member(id: string): Member | undefined {
    const entry = this.#view.get(id)
    return entry === undefined ? undefined : memberOf(entry)
  }

  /** When `tick` is wanted next; `undefined` when nothing is waited for. */
  deadlineMs(): number | undefined {
    if (this.#state === 'leaving') return this.#farewell?.deadlineMs()
    if (this.#state !== 'active' || !this.#connected) return undefined
    const gossipMs = this.#courier.hasNews && this.#view.live.size > 0 ? this.#nextGossipMs : Number.POSITIVE_INFINITY
    const joinMs = this.#joined ? Number.POSITIVE_INFINITY : this.#nextJoinMs
    return Math.min(this.#detector.deadlineMs(), this.#nextProbeMs, this.#nextSyncMs, gossipMs, joinMs)
  }

  /** Begins: announces this node and asks for the state of the others, now or once there is a connection. */
  join(nowMs: number): Effect[] {
    if (this.#state !== 'new') return []
    this.#state = 'active'
    const record: MemberRecord = {
      ...this.#self,
      incarnation: 0,
      state: 'alive',
      metadata: metadataEntries(this.#options.metadata),
    }
    this.#apply(record, { nowMs, why: 'this node has started' })
    if (this.#connected) this.#greet(nowMs)
    return this.#take()
  }

  /** Says goodbye. `farewell-done` follows, at the latest after `leaveTimeoutMs`. */
  leave(nowMs: number): Effect[] {
    if (this.#state !== 'active') {
      // It never joined, or was superseded: there is nothing to say.
      this.#end(0)
      return this.#take()
    }
    const own = this.#ownRecord()
    const record: MemberRecord = { ...own, incarnation: own.incarnation + 1, state: 'left' }
    const peers = this.#connected ? sample(this.#view.live.values(), FAREWELLS, this.#random) : []
    this.#apply(record, { nowMs, why: 'this node leaves' })
    this.#state = 'leaving'
    const waiting = new Map(peers.map((peer) => [this.#detector.nextSeq(), addressOf(peer)]))
    this.#farewell = new Farewell(
      {
        leaveTimeoutMs: this.#options.leaveTimeoutMs,
        say: (unheard, sayMs) => {
          this.#courier.broadcast(record, sayMs)
          for (const [seq, to] of unheard) this.#courier.farewell(to, seq, sayMs)
        },
        done: (heardBy) => this.#end(heardBy),
      },
      waiting,
      nowMs,
    )
    this.#farewell.begin(nowMs)
    return this.#take()
  }

  updateMetadata(metadata: Metadata, nowMs: number): Effect[] {
    if (this.#state === 'active') {
      const own = this.#ownRecord()
      const record = { ...own, incarnation: own.incarnation + 1, metadata: metadataEntries(metadata) }
      this.#apply(record, { nowMs, why: 'its metadata changed' })
      this.#announce(record, nowMs)
    }
    return this.#take()
  }

  /** The connection of this node to the network is there, or is not. */
  connection(connected: boolean, nowMs: number): Effect[] {
    if (connected === this.#connected) return []
    this.#connected = connected
    if (!connected) {
      this.#detector.shutGate(Number.POSITIVE_INFINITY)
      return this.#take()
    }
    const again = this.#everConnected
    this.#everConnected = true
    this.#detector.shutGate(again ? nowMs + this.#suspicionMs() : nowMs)
    if (this.#state !== 'active') return this.#take()
    // What fell due meanwhile is due now; it does not mean that this process was blocked.
    this.#nextProbeMs = Math.max(this.#nextProbeMs, nowMs)
    this.#nextSyncMs = this.#nextSyncMs === 0 ? 0 : Math.max(this.#nextSyncMs, nowMs)
    this.#nextGossipMs = Math.max(this.#nextGossipMs, nowMs)
    // Others may have missed us meanwhile: a higher incarnation refutes whatever they say.
    if (again) this.#announce(this.#restate(this.#ownRecord().incarnation + 1, nowMs), nowMs)
    this.#greet(nowMs)
    for (const peer of sample(this.#view.live.values(), RECONNECT_SYNCS, this.#random)) {
      this.#courier.state(addressOf(peer), 'sync-request', nowMs)
    }
    return this.#take()
  }

  /** The transport met nobody at `peer`. */
  absent(peer: Destination, nowMs: number): Effect[] {
    if (this.#state === 'active') this.#detector.onAbsent(peer, nowMs)
    return this.#take()
  }

  receive(message: Message, from: PeerAddress, nowMs: number): Effect[] {
    if (this.#state === 'new' || this.#state === 'ended') return []
    const known = this.#view.get(from.id)
    if (known !== undefined && from.generation < known.record.generation) this.#onStale(message, from, known, nowMs)
    else this.#onMessage(message, from, nowMs)
    return this.#take()
  }

  /** An earlier life of a node speaks: nothing of it counts. If it still runs, it learns that it has been replaced. */
  #onStale(message: Message, from: PeerAddress, known: Entry, nowMs: number): void {
    this.#effects.push({ type: 'count', what: 'stale-frame' })
    if (message.kind === 'ping') this.#courier.tell(from, known.record, nowMs)
  }

  #onMessage(message: Message, from: PeerAddress, nowMs: number): void {
    const bySync = message.kind === 'sync-request' || message.kind === 'sync-reply'
    for (const rumor of message.rumors) this.#onRumor(rumor, from, bySync, nowMs)
    if (this.#state === 'ended') return
    switch (message.kind) {
      case 'ping':
        if (message.generation === this.#self.generation) this.#onPing(message.seq, from, nowMs)
        break
      case 'ack':
        this.#detector.onAck(message.seq, from, nowMs)
        this.#farewell?.onAck(message.seq, from)
        break
      case 'ping-request': {
        const { seq, target, generation } = message
        this.#detector.onPingRequest(from, seq, { id: target, generation }, nowMs)
        break
      }
      case 'ping-answer':
        this.#detector.onPingAnswer(message.seq, from, message.reached, nowMs)
        break
      case 'hello':
        if (this.#answersHello(message.answers)) this.#courier.state(from, 'sync-reply', nowMs)
        break
      case 'sync-request':
        if (message.last) this.#courier.state(from, 'sync-reply', nowMs)
        this.#onJoined(from)
        break
      case 'sync-reply':
        this.#onJoined(from)
        break
      case 'gossip':
        break
    }
  }

  #onPing(seq: number, from: PeerAddress, nowMs: number): void {
    this.#courier.send(from, { kind: 'ack', seq }, nowMs)
    const known = this.#view.get(from.id)
    const isStranger = known === undefined || known.record.generation < from.generation
    if (isStranger && this.#state === 'active') this.#courier.state(from, 'sync-request', nowMs)
  }

  #answersHello(answers: number): boolean {
    if (this.#state !== 'active') return false
    if (answers > 0 && this.#buggify('membership.unanswered-hello')) return false
    return answers === 0 || this.#random.float() < answers / Math.max(1, this.#view.live.size)
  }

  #onJoined(from: PeerAddress): void {
    if (this.#joined || from.id === this.#self.id) return
    this.#joined = true
    this.#effects.push({ type: 'joined', via: from.id })
  }

  #onRumor(rumor: Rumor, from: PeerAddress, bySync: boolean, nowMs: number): void {
    if (rumor.record.id === this.#self.id) {
      this.#onRumorOfSelf(rumor.record, nowMs)
      return
    }
    const known = this.#view.get(rumor.record.id)
    const record = bySync ? doubted(rumor.record, known?.record) : rumor.record
    const isOver = !isLive(record.state) && rumor.ageMs >= this.#options.rememberDeadMs
    if (!this.#view.isNews(record) || (known === undefined && isOver)) return
    const isAccusation = record.state === 'suspect' || record.state === 'dead'
    const accuser = isAccusation ? (rumor.accuser ?? from.id) : undefined
    this.#apply(record, {
      nowMs,
      why: hearsay(record, known?.record, from.id, accuser),
      sinceMs: isLive(record.state) ? nowMs : nowMs - rumor.ageMs,
      accuser,
      suspicionMs: this.#suspicionMs() * (1 + this.#random.float() * HEARSAY_PART),
    })
  }

  #onRumorOfSelf(record: MemberRecord, nowMs: number): void {
    const own = this.#ownRecord()
    if (compareRecords(record, own) <= 0) return
    if (record.generation > this.#self.generation) {
      this.#apply(record, { nowMs, why: 'a later life of this node has announced itself' })
      this.#state = 'ended'
      this.#effects.push({ type: 'superseded', generation: record.generation })
      return
    }
    if (this.#state !== 'active') return
    if (record.state === 'alive' && !this.#warnedOfTwin) {
      this.#warnedOfTwin = true
      const message =
        'somebody else speaks as this life of this node: two processes share an id, or a generation was used twice'
      this.#effects.push({ type: 'warning', message, fields: { ...this.#self, incarnation: record.incarnation } })
    }
    this.#effects.push({ type: 'count', what: 'refutation' })
    const restated = this.#restate(record.incarnation + 1, nowMs)
    // A double would answer an announcement with one of its own, and so on, as fast as the network is: it hears of this with
    // the next gossip.
    if (record.state !== 'alive') this.#announce(restated, nowMs)
  }

  /** Says again, above all that is said of this node, that it is alive. */
  #restate(incarnation: number, nowMs: number): MemberRecord {
    const record: MemberRecord = { ...this.#ownRecord(), incarnation, state: 'alive' }
    this.#apply(record, { nowMs, why: 'this node refuted what was said of it' })
    return record
  }

  #accuse(entry: Entry, state: 'suspect' | 'dead', why: string, nowMs: number): void {
    const record: MemberRecord = { ...entry.record, state }
    const cause: Cause = { nowMs, why, accuser: this.#self.id, suspicionMs: this.#suspicionMs() }
    if (this.#apply(record, cause)) this.#announce(record, nowMs)
  }

  /** The one place where the view changes. Every change is news to pass on. */
  #apply(record: MemberRecord, cause: Cause): boolean {
    if (!this.#view.apply(record, cause)) return false
    this.#courier.spread(record)
    invariant(this.#courier.newsSize <= this.#view.entries.size, 'news is of nodes that are known')
    this.#nextGossipMs = Math.max(this.#nextGossipMs, cause.nowMs)
    if (this.#view.live.has(record.id)) this.#detector.rotation.add(record.id)
    else this.#detector.rotation.remove(record.id)
    return true
  }

  /** First-hand news goes to everybody at once where the transport can, else it is gossiped without waiting. */
  #announce(record: MemberRecord, nowMs: number): void {
    const isLost = this.#options.canBroadcast && this.#buggify('membership.lost-broadcast')
    if (this.#options.canBroadcast && !isLost) this.#courier.broadcast(record, nowMs)
    else this.#nextGossipMs = nowMs
  }

  /** @param wantedMs the `deadlineMs` that this tick was planned for; input that came since may have moved it. */
  tick(nowMs: number, wantedMs: number | undefined = this.deadlineMs()): Effect[] {
    const lateMs = nowMs - (wantedMs ?? nowMs)
    // Less than this is the jitter of timers, and covered by judging after the input of this turn.
    if (lateMs > this.#options.probeTimeoutMs / 2) this.#detector.extend(lateMs, nowMs)
    const dueMs = this.deadlineMs()
    if (dueMs === undefined || nowMs < dueMs) return this.#take()
    if (this.#state === 'leaving') this.#farewell?.tick(nowMs)
    else this.#tickActive(nowMs)
    return this.#take()
  }

  #tickActive(nowMs: number): void {
    const { probeIntervalMs, gossipIntervalMs, rememberDeadMs, syncIntervalMs } = this.#options
    this.#detector.tick(nowMs)
    if (nowMs >= this.#nextProbeMs) {
      this.#nextProbeMs = nowMs + probeIntervalMs
      if (!this.#buggify('membership.skipped-probes')) this.#detector.startProbes(nowMs)
    }
    if (nowMs >= this.#nextGossipMs && this.#courier.hasNews) {
      this.#nextGossipMs = nowMs + gossipIntervalMs * (this.#buggify('membership.late-gossip') ? 4 : 1)
      for (const peer of sample(this.#view.live.values(), this.#options.gossipFanout, this.#random)) {
        if (this.#courier.hasNews) this.#courier.send(addressOf(peer), { kind: 'gossip' }, nowMs)
      }
    }
    if (!this.#joined && nowMs >= this.#nextJoinMs) this.#greet(nowMs)
    if (nowMs >= this.#nextSyncMs) {
      const isEarly = this.#buggify('membership.early-sync')
      this.#nextSyncMs = nowMs + (isEarly ? probeIntervalMs : syncIntervalMs * (0.75 + this.#random.float() / 2))
      this.#view.reap(nowMs, rememberDeadMs)
      this.#sync(nowMs)
    }
  }

  /** Push/pull with one member; and a hello to one who is missing, so that the parts of a healed partition find each other. */
  #sync(nowMs: number): void {
    const [peer] = sample(this.#view.live.values(), 1, this.#random)
    if (peer !== undefined) this.#courier.state(addressOf(peer), 'sync-request', nowMs)
    const dead = [...this.#view.entries.values()].filter(({ record }) => record.state === 'dead')
    const missing = new Set(dead.map(({ record }) => record.id))
    for (const seed of this.#options.seeds) if (!this.#view.live.has(seed)) missing.add(seed)
    missing.delete(this.#self.id)
    const [lost] = sample(missing, 1, this.#random)
    if (lost !== undefined) this.#courier.hello(lost, nowMs)
    const isMyTurn = this.#random.float() * (this.#view.live.size + 1) < 1
    if (isMyTurn) this.#courier.helloToAll(nowMs)
  }

  /** Makes this node known, and asks for the state. Repeated ever more slowly until somebody answers. */
  #greet(nowMs: number): void {
    if (!this.#joined) {
      this.#nextJoinMs = nowMs + this.#joinRetryMs
      this.#joinRetryMs = Math.min(this.#joinRetryMs * 2, this.#options.syncIntervalMs)
    }
    if (this.#nextSyncMs === 0) {
      this.#nextSyncMs = nowMs + this.#options.syncIntervalMs * (0.5 + this.#random.float() / 2)
      this.#nextProbeMs = nowMs + this.#options.probeIntervalMs * this.#random.float()
    }
    this.#courier.helloToAll(nowMs)
    for (const id of this.#options.seeds) if (id !== this.#self.id) this.#courier.hello(id, nowMs)
  }

  #end(heardBy: number): void {
    this.#state = 'ended'
    this.#effects.push({ type: 'farewell-done', heardBy })
  }

  /** SWIM §4.2: the timeout grows with the time that a refutation needs to travel. */
  #suspicionMs(): number {
    // Rounded, since `Math.log10` differs between engines in the last digit.
    const scale = Math.round(1_000 * Math.log10(this.#view.live.size + 1)) / 1_000
    return this.#options.suspicionTimeoutMs * Math.max(1, scale)
  }

  #buggify(point: string): boolean {
    return this.#options.buggify?.(point) === true
  }

  #ownRecord(): MemberRecord {
    return (this.#view.get(this.#self.id) as Entry).record
  }

  #take(): Effect[] {
    const effects = this.#effects
    this.#effects = []
    return effects
  }
}

const addressOf = ({ record }: Entry): PeerAddress => ({ id: record.id, generation: record.generation })

/**
 * A full exchange may bring a death from the other side of a partition, about a member that we know to live. It counts as a
 * suspicion, which the member can refute in time; a death that is really so comes out of it as well.
 */
function doubted(record: MemberRecord, known: MemberRecord | undefined): MemberRecord {
  const knownToLive = known !== undefined && known.generation === record.generation && isLive(known.state)
  return record.state === 'dead' && knownToLive ? { ...record, state: 'suspect' } : record
}

function hearsay(
  record: MemberRecord,
  known: MemberRecord | undefined,
  from: string,
  accuser: string | undefined,
): string {
  switch (record.state) {
    case 'alive':
      if (known?.generation === record.generation && known.state === 'suspect') return 'it refuted the suspicion'
      if (known?.generation === record.generation && known.state === 'dead') return 'it refuted that it was dead'
      if (known?.generation === record.generation && known.state === 'alive') return 'its metadata changed'
      return record.id === from ? 'it announced itself' : `${from} knows it`
    case 'suspect':
      return `${accuser ?? from} suspects it`
    case 'dead':
      return `${accuser ?? from} declared it dead`
    case 'left':
      return 'it said that it leaves'
  }
}
