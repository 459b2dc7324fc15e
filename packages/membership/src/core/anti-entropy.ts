import type { PeerAddress } from '@dsys/transport'
import { DigestSync } from './digest-sync.ts'
import { MAX_KNOWN_PEERS } from './known-peers.ts'
import type { Message } from './message.ts'
import { addressOf, type CoreParts } from './parts.ts'
import { Rotation } from './prober.ts'

const FIRST_JOIN_RETRY_MS = 200
/** How many of the peers of an earlier run are asked at a time. */
const FORMER_PEERS = 8
/** How many members are synced with after a reconnect. */
const RECONNECT_SYNCS = 2

/** Exchanges all that is known: at the join, after a reconnect, and now and then. Looks for those that are missing. */
export class AntiEntropy {
  readonly #parts: CoreParts
  readonly #digests: DigestSync
  /** Of an earlier run and not heard of in this one, or dead for so long that nothing else is known of them any more. */
  readonly #former: Rotation
  #joined = false
  #joinRetryMs = FIRST_JOIN_RETRY_MS
  #nextJoinMs = 0
  #nextSyncMs = 0

  constructor(parts: CoreParts) {
    this.#parts = parts
    this.#digests = new DigestSync(parts)
    this.#former = new Rotation(parts.random)
    for (const id of parts.options.knownPeers) if (id !== parts.self.id) this.#former.add(id)
  }

  deadlineMs(): number {
    return Math.min(this.#nextSyncMs, this.#joined ? Number.POSITIVE_INFINITY : this.#nextJoinMs)
  }

  /** What fell due while there was no connection is due now; it does not mean that this process was blocked. */
  reconnected(nowMs: number): void {
    this.#nextSyncMs = this.#nextSyncMs === 0 ? 0 : Math.max(this.#nextSyncMs, nowMs)
  }

  /** Makes this node known, and asks for the state. Repeated ever more slowly until somebody answers. */
  greet(nowMs: number): void {
    const { options, courier, random, self } = this.#parts
    if (!this.#joined) {
      this.#nextJoinMs = nowMs + this.#joinRetryMs
      this.#joinRetryMs = Math.min(this.#joinRetryMs * 2, options.syncIntervalMs)
    }
    if (this.#nextSyncMs === 0) this.#nextSyncMs = nowMs + options.syncIntervalMs * (0.5 + random.float() / 2)
    courier.helloToAll(this.#joined, nowMs)
    for (const id of options.seeds) if (id !== self.id) courier.hello(id, this.#joined, nowMs)
    if (this.#joined) return
    for (let i = 0; i < Math.min(FORMER_PEERS, this.#former.size); i++) {
      const id = this.#former.next(() => true)
      if (id !== undefined) courier.hello(id, false, nowMs)
    }
  }

  /** Pulls from more than one, as one of them may be as far behind. */
  catchUp(): void {
    const { view, random } = this.#parts
    for (const peer of view.sampleLive(RECONNECT_SYNCS, random)) this.#digests.begin(addressOf(peer))
  }

  /** Takes in a message of a synchronisation, behind its rumors; `active`: this node does not leave. */
  onMessage(message: Message, from: PeerAddress, active: boolean, nowMs: number): void {
    const { courier } = this.#parts
    switch (message.kind) {
      case 'hello':
        if (!active || !this.#answersHello(message.answers)) break
        if (message.joined) this.#digests.begin(from)
        else courier.state(from, 'sync-reply', nowMs)
        break
      case 'sync-request':
        if (message.last) courier.state(from, 'sync-reply', nowMs)
        this.#onJoined(from)
        break
      case 'sync-reply':
        this.#onJoined(from)
        break
      case 'digest':
        this.#digests.onDigest(message.sums, from)
        break
      case 'digest-answer':
        this.#digests.onAnswer(message.ranges, from, nowMs)
        break
      case 'sync-delta':
        this.#digests.onDelta(message.pull, from, nowMs)
        this.#onJoined(from)
        break
      default:
        break
    }
  }

  #answersHello(answers: number): boolean {
    const { buggify, random, view } = this.#parts
    if (answers > 0 && buggify('membership.unanswered-hello')) return false
    return answers === 0 || random.float() < answers / Math.max(1, view.live.size)
  }

  #onJoined(from: PeerAddress): void {
    if (this.#joined || from.id === this.#parts.self.id) return
    this.#joined = true
    this.#parts.emit({ type: 'joined', via: from.id })
  }

  tick(nowMs: number): void {
    const { options, buggify, random, view } = this.#parts
    if (!this.#joined && nowMs >= this.#nextJoinMs) this.greet(nowMs)
    if (nowMs < this.#nextSyncMs) return
    const isEarly = buggify('membership.early-sync')
    const intervalMs = isEarly ? options.probeIntervalMs : options.syncIntervalMs * (0.75 + random.float() / 2)
    this.#nextSyncMs = nowMs + intervalMs
    view.reap(nowMs, options.rememberDeadMs)
    this.#sync(nowMs)
  }

  /** It is known now, as any other one. */
  met(id: string): void {
    this.#former.remove(id)
  }

  /** It was dead for so long that it is forgotten; but the other part of a partition may come back later still. */
  lose(id: string): void {
    this.#former.add(id)
    if (this.#former.size <= MAX_KNOWN_PEERS) return
    const other = this.#former.next(() => true)
    if (other !== undefined) this.#former.remove(other)
  }

  /** Those that may be there and are not known any more, or not yet. */
  former(): string[] {
    return this.#former.all()
  }

  /** One of the dead, of the seeds that are not there, and of those that were known once. */
  #drawLost(): string | undefined {
    const { view, options, self, random } = this.#parts
    const isMissing = (id: string): boolean => id !== self.id && !view.live.has(id) && !view.dead.has(id)
    const seeds = options.seeds.filter(isMissing)
    const choices = seeds.length + view.dead.size + this.#former.size
    if (choices === 0) return undefined
    const drawn = random.integer(0, choices)
    if (drawn < seeds.length) return seeds[drawn]
    return drawn < seeds.length + view.dead.size ? view.dead.sample(1, random)[0] : this.#former.next(() => true)
  }

  /** Push/pull with one member; and a hello to one who is missing, so that the parts of a healed partition find each other. */
  #sync(nowMs: number): void {
    const { view, courier, random } = this.#parts
    const [peer] = view.sampleLive(1, random)
    if (peer !== undefined) this.#digests.begin(addressOf(peer))
    const lost = this.#drawLost()
    if (lost !== undefined) courier.hello(lost, this.#joined, nowMs)
    const isMyTurn = random.float() * (view.live.size + 1) < 1
    if (isMyTurn) courier.helloToAll(this.#joined, nowMs)
  }
}
