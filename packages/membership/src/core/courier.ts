import type { Buggify } from '@dsys/runtime'
import type { Destination, PeerAddress } from '@dsys/transport'
import type { Effect } from './effects.ts'
import { GossipQueue, inParts } from './gossip-queue.ts'
import type { FrameHeader, Message, MessageBody } from './message.ts'
import type { MemberRecord, Rumor } from './record.ts'
import { rumorBytes } from './record-codec.ts'
import type { UserNews } from './user-news.ts'
import { commonVersion, PROTOCOL_VERSIONS, type VersionRange } from './versions.ts'
import type { View } from './view.ts'

/** The smallest frame limit that membership works with: room for one message with one rumor, whatever they say. */
export const MIN_FRAME_BYTES = 4_096
/** Room for the cluster name, ids and numbers of a message. */
const HEADER_BYTES = 1_024
const MAX_PIGGYBACK_BYTES = 4_096
const MAX_SYNC_BYTES = 65_536
/** Room for few rumors, or for none. */
const SMALL_PIGGYBACK_BYTES = 64
/** The length before each rumor takes at most this. */
const RUMOR_LENGTH_BYTES = 2
/** How many of those who hear a broadcast hello answer it, on average. */
const HELLO_ANSWERS = 3

/** What the courier needs to know. */
export interface CourierOptions {
  readonly self: PeerAddress
  readonly nonce: number
  readonly versions?: VersionRange | undefined
  readonly canBroadcast: boolean
  readonly maxFrameBytes: number
  readonly retransmitFactor: number
  readonly buggify?: Buggify | undefined
}

/** Puts messages together: what is asked for, and the news that rides along. */
export class Courier {
  readonly #options: CourierOptions
  readonly #view: View
  readonly #emit: (effect: Effect) => void
  readonly #versions: VersionRange
  #sequence = 0
  readonly #queue = new GossipQueue((record, nowMs) => this.#rumorOf(record, nowMs))

  constructor(options: CourierOptions, view: View, emit: (effect: Effect) => void) {
    this.#options = options
    this.#view = view
    this.#emit = emit
    this.#versions = options.versions ?? PROTOCOL_VERSIONS
  }

  get hasNews(): boolean {
    return this.#queue.size > 0
  }

  /** Of how many nodes there is news to tell. */
  get newsSize(): number {
    return this.#queue.size
  }

  /** The node was forgotten, so there is nothing to tell of it. */
  forget(id: string): void {
    this.#queue.remove(id)
  }

  /** Has `record` passed on with the messages to come. */
  spread(record: MemberRecord): void {
    this.#queue.add(record)
  }

  /** Every message carries news; and whoever is thought ill of hears it first, so that it can refute. */
  send(to: PeerAddress, body: MessageBody, nowMs: number): void {
    this.post(to, { ...body, rumors: this.#piggyback(to, nowMs) })
  }

  /** Nothing but news: that of members first. What the application spreads has the room that is left, so it never crowds them out. */
  gossip(to: PeerAddress, itemsThatFit: (roomBytes: number) => readonly UserNews[], nowMs: number): void {
    const rumors = this.#piggyback(to, nowMs)
    const bytes = rumors.reduce((sum, rumor) => sum + rumorBytes(rumor) + RUMOR_LENGTH_BYTES, HEADER_BYTES)
    const items = itemsThatFit(this.#options.maxFrameBytes - bytes)
    this.post(to, items.length === 0 ? { kind: 'gossip', rumors } : { kind: 'broadcasts', items, rumors })
  }

  /** A broadcast of the application to everybody at once, where the transport can. */
  broadcastNews(news: UserNews): void {
    this.postToAll({ kind: 'broadcasts', items: [news], rumors: [] })
  }

  /** How often each piece of news is told. */
  get retransmits(): number {
    return this.#options.retransmitFactor * log2Up(this.#view.live.size + 2)
  }

  #piggyback(to: PeerAddress, nowMs: number): Rumor[] {
    const about = this.#view.get(to.id)
    const first = about !== undefined && about.record.state !== 'alive' ? this.#view.rumor(about, nowMs) : undefined
    const isSmall = this.#options.buggify?.('membership.small-gossip') === true
    const most = isSmall ? SMALL_PIGGYBACK_BYTES : MAX_PIGGYBACK_BYTES
    const bytes = Math.min(this.#options.maxFrameBytes - HEADER_BYTES, most)
    return this.#queue.take(nowMs, bytes, this.retransmits, first)
  }

  /** Tells `to` what is known of one node, and nothing else; in the version `version`, where it is not as usual. */
  tell(to: PeerAddress, about: MemberRecord, nowMs: number, version?: number): void {
    this.post(to, { kind: 'gossip', rumors: [this.#rumorOf(about, nowMs)] }, version)
  }

  /** Tells everybody at once, where the transport can. */
  broadcast(about: MemberRecord, nowMs: number): void {
    if (!this.#options.canBroadcast) return
    this.postToAll({ kind: 'gossip', rumors: [this.#rumorOf(about, nowMs)] })
  }

  /** To one node, which will answer, whatever life of it is there. */
  hello(id: string, joined: boolean, nowMs: number): void {
    const about = this.#view.get(id)
    const rumors = this.#ownRumor(nowMs)
    if (about !== undefined && about.record.state !== 'alive') rumors.push(this.#view.rumor(about, nowMs))
    this.post({ id }, { kind: 'hello', answers: 0, joined, rumors })
  }

  /** To all, of whom some will answer; where the transport can. */
  helloToAll(joined: boolean, nowMs: number): void {
    if (!this.#options.canBroadcast) return
    this.postToAll({ kind: 'hello', answers: HELLO_ANSWERS, joined, rumors: this.#ownRumor(nowMs) })
  }

  /** A ping that brings the news of our leaving, and nothing else. */
  farewell(to: PeerAddress, seq: number, nowMs: number): void {
    const { generation } = to
    this.post(to, { kind: 'ping', seq, generation, rumors: this.#ownRumor(nowMs) })
  }

  /** How much of a synchronisation fits a frame. */
  get roomBytes(): number {
    const isSmall = this.#options.buggify?.('membership.small-sync-parts') === true
    return isSmall ? 1 : Math.min(this.#options.maxFrameBytes, MAX_SYNC_BYTES) - HEADER_BYTES
  }

  /** A ping, and nothing else. */
  ask(to: PeerAddress, seq: number): void {
    this.post(to, { kind: 'ping', seq, generation: to.generation, rumors: [] })
  }

  /** All that is known, in as many frames as it takes. Each can be merged without the others. */
  state(to: Destination, kind: 'sync-request' | 'sync-reply', nowMs: number): void {
    const all = [...this.#view.entries.values()].map((entry) => this.#view.rumor(entry, nowMs))
    const parts = inParts(all, this.roomBytes)
    for (const [i, rumors] of parts.entries()) {
      this.post(to, { kind, last: i === parts.length - 1, rumors })
    }
  }

  /** Sends `message` as it is. */
  post(to: Destination, message: Message, version: number = this.#versionFor(to.id)): void {
    this.#emit({ type: 'send', to, header: this.#header(version), message })
  }

  /** Sends `message` to everybody at once, where the transport can. Whoever listens may be unknown. */
  postToAll(message: Message): void {
    this.#emit({ type: 'broadcast', header: this.#header(this.#versions.min), message })
  }

  #header(version: number): FrameHeader {
    this.#sequence += 1
    return {
      version,
      versions: this.#versions,
      nonce: this.#view.get(this.#options.self.id)?.record.nonce ?? this.#options.nonce,
      sequence: this.#sequence,
    }
  }

  /** The highest that both speak; the lowest that this node speaks where the other one is not known. */
  #versionFor(id: string): number {
    const theirs = this.#view.get(id)?.record.versions
    return (theirs === undefined ? undefined : commonVersion(theirs, this.#versions)) ?? this.#versions.min
  }

  #ownRumor(nowMs: number): Rumor[] {
    const own = this.#view.get(this.#options.self.id)
    return own === undefined ? [] : [this.#view.rumor(own, nowMs)]
  }

  #rumorOf(record: MemberRecord, nowMs: number): Rumor {
    const entry = this.#view.get(record.id)
    return entry?.record === record ? this.#view.rumor(entry, nowMs) : { record, ageMs: 0 }
  }
}

/** The logarithm of a whole number to the base 2, rounded up; in whole numbers, since `Math.log2` differs between engines. */
function log2Up(count: number): number {
  return 32 - Math.clz32(count - 1)
}
