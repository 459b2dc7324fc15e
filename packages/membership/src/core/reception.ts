import type { PeerAddress } from '@dsys/transport'
import type { AntiEntropy } from './anti-entropy.ts'
import type { Conflicts } from './conflicts.ts'
import type { Detector } from './detector.ts'
import type { Farewell } from './farewell.ts'
import type { Freshness } from './freshness.ts'
import type { GossipSchedule } from './gossip-schedule.ts'
import { hearRumor } from './hearsay.ts'
import type { FrameHeader, Message } from './message.ts'
import type { OtherVersions } from './other-versions.ts'
import type { Outlook } from './outlook.ts'
import type { OwnRecord } from './own-record.ts'
import type { CoreParts } from './parts.ts'
import type { Queries } from './queries.ts'
import { isSameProcess, type MemberRecord } from './record.ts'
import type { UserBroadcasts } from './user-broadcasts.ts'
import type { Entry } from './view.ts'

/** What is known of all is told with these: it may be old. */
const SYNC_KINDS: ReadonlySet<Message['kind']> = new Set(['sync-request', 'sync-reply', 'sync-delta'])

/** What a {@link Reception} hands messages to. */
export interface ReceptionContext {
  readonly parts: CoreParts
  readonly detector: Detector
  readonly own: OwnRecord
  readonly outlook: Outlook
  readonly antiEntropy: AntiEntropy
  readonly conflicts: Conflicts
  readonly freshness: Freshness
  readonly otherVersions: OtherVersions
  readonly broadcasts: UserBroadcasts
  readonly queries: Queries
  readonly gossip: GossipSchedule
  readonly state: () => 'new' | 'active' | 'leaving' | 'ended'
  /** The farewell of this node, once it is under way. */
  readonly farewell: () => Farewell | undefined
  /** A later life of this node has taken over. */
  readonly superseded: (generation: number, nowMs: number) => void
}

/** Takes messages in: tells those that count from those of an earlier life or of long ago, and hands each to whom it concerns. */
export class Reception {
  readonly #context: ReceptionContext
  readonly #parts: CoreParts

  constructor(context: ReceptionContext) {
    this.#context = context
    this.#parts = context.parts
  }

  get #isActive(): boolean {
    return this.#context.state() === 'active'
  }

  /** @param header of the frame that has brought the message; without it, nothing is known of the sending process. */
  receive(message: Message, from: PeerAddress, nowMs: number, header?: FrameHeader): void {
    const { freshness, conflicts, detector } = this.#context
    const known = this.#parts.view.get(from.id)
    if (known !== undefined && from.generation < known.record.generation) this.#onStale(message, from, known, nowMs)
    else if (header !== undefined && known !== undefined && freshness.isExpired(from, header, nowMs))
      this.#parts.emit({ type: 'count', what: 'expired-frame' })
    else {
      if (header !== undefined) conflicts.onFrame(from, header, nowMs)
      this.#onMessage(message, from, header, nowMs)
      if (this.#isActive) detector.onHeard(from, nowMs)
      detector.watch(nowMs)
    }
  }

  /** A frame came that is of another version of the protocol. */
  receiveOtherVersion(header: FrameHeader | undefined, from: PeerAddress, nowMs: number): void {
    const version = this.#context.otherVersions.meet(header, from)
    if (version !== undefined) this.#parts.courier.tell(from, this.#context.own.record, nowMs, version)
  }

  /** An earlier life of a node speaks: nothing of it counts. If it still runs, it learns that it has been replaced. */
  #onStale(message: Message, from: PeerAddress, known: Entry, nowMs: number): void {
    const { conflicts } = this.#context
    this.#parts.emit({ type: 'count', what: 'stale-frame' })
    if (message.kind === 'ack') conflicts.onEarlierAck(message.seq, from, nowMs)
    else if (this.#isActive) conflicts.onEarlierLife(from)
    if (message.kind === 'ping') this.#parts.courier.tell(from, known.record, nowMs)
  }

  #onMessage(message: Message, from: PeerAddress, header: FrameHeader | undefined, nowMs: number): void {
    const { self } = this.#parts
    const bySync = SYNC_KINDS.has(message.kind)
    for (const rumor of message.rumors) {
      this.#context.conflicts.onRecord(rumor.record, from, nowMs)
      if (rumor.record.id === self.id) this.#onRumorOfSelf(rumor.record, from, nowMs)
      else hearRumor(this.#parts, rumor, from, bySync, nowMs)
    }
    if (this.#context.state() === 'ended') return
    const { detector, broadcasts, queries, gossip } = this.#context
    const cut = this.#parts.cut()
    switch (message.kind) {
      case 'ping':
        if (message.generation === self.generation) this.#onPing(message.seq, from, nowMs)
        break
      case 'ack':
        detector.onAck(message.seq, from, header?.nonce || undefined, nowMs)
        cut?.onAck(message.seq, from, header?.nonce || undefined, nowMs)
        this.#context.farewell()?.onAck(message.seq, from)
        break
      case 'alerts':
        if (this.#isActive) cut?.onAlerts(message, from, nowMs)
        break
      case 'ping-request': {
        const { seq, target, generation } = message
        detector.onPingRequest(from, seq, { id: target, generation }, nowMs)
        break
      }
      case 'ping-answer':
        detector.onPingAnswer(message.seq, from, message.reached ? 'reached' : 'failed', nowMs)
        break
      case 'ping-busy':
        detector.onPingAnswer(message.seq, from, 'busy', nowMs)
        break
      case 'broadcasts':
        if (this.#isActive && broadcasts.hear(message.items, nowMs)) gossip.news(nowMs)
        break
      case 'query':
      case 'answer':
        if (this.#isActive) queries.onMessage(message, from, nowMs)
        break
      default:
        this.#context.antiEntropy.onMessage(message, from, this.#isActive, nowMs)
        break
    }
  }

  #onPing(seq: number, from: PeerAddress, nowMs: number): void {
    const { courier, view } = this.#parts
    this.#context.outlook.onPing(from.id, nowMs)
    courier.send(from, { kind: 'ack', seq }, nowMs)
    const known = view.get(from.id)
    const isStranger = known === undefined || known.record.generation < from.generation
    if (isStranger && this.#isActive) courier.state(from, 'sync-request', nowMs)
  }

  #onRumorOfSelf(record: MemberRecord, from: PeerAddress, nowMs: number): void {
    const { own: self, conflicts, superseded } = this.#context
    this.#parts.cut()?.onRumorOfSelf(record, from, nowMs)
    const own = self.record
    const isForeign = record.generation === own.generation && record.incarnation > own.incarnation
    if (isForeign && isSameProcess(record, own)) conflicts.onForeignStatement(own, record.incarnation, from, nowMs)
    if (self.hears(record, this.#isActive, nowMs)) superseded(record.generation, nowMs)
  }
}
