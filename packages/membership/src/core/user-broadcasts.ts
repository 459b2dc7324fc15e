import type { Courier } from './courier.ts'
import { OncePerProcess } from './once.ts'
import type { CoreOptions, CoreParts } from './parts.ts'
import { newsBytes } from './user-codec.ts'
import { keyOf, type UserNews, UserNewsQueue } from './user-news.ts'
import type { View } from './view.ts'

/** The most room that broadcasts take in one frame. */
const MAX_ROOM_BYTES = 8_192

/** What they need of the core around them. */
export interface BroadcastParts extends Pick<CoreParts, 'self' | 'emit' | 'buggify'> {
  readonly options: Pick<CoreOptions, 'canBroadcast' | 'nonce'>
  readonly view: Pick<View, 'get' | 'live'>
  readonly courier: Pick<Courier, 'retransmits' | 'broadcastNews'>
}

/** Spreads the broadcasts of the application as rumors are spread, and gives each to this node once. */
export class UserBroadcasts {
  readonly #parts: BroadcastParts
  readonly #once: OncePerProcess
  readonly #queue = new UserNewsQueue()
  #sequence = 0

  constructor(parts: BroadcastParts) {
    this.#parts = parts
    this.#once = new OncePerProcess(parts.view)
  }

  /** Whether there is something to tell. */
  get hasNews(): boolean {
    return this.#queue.size > 0
  }

  /** Whether another broadcast of this node finds room. */
  hasRoomFor(topic: string, payload: Uint8Array, nowMs: number): boolean {
    return this.#queue.hasRoomFor(newsBytes(this.#draft(topic, payload, 0)), nowMs)
  }

  /** Sends to all, this node included. Where nobody else is there, nobody else is told. */
  publish(topic: string, payload: Uint8Array, ttlMs: number, nowMs: number): void {
    const { courier, options, view, buggify } = this.#parts
    this.#sequence += 1
    const news = this.#draft(topic, payload, ttlMs)
    this.#deliver(news)
    if (view.live.size === 0) return
    const isLost = options.canBroadcast && buggify('membership.lost-broadcast')
    const atOnce = options.canBroadcast && !isLost
    if (atOnce) courier.broadcastNews(news)
    this.#queue.add(news, newsBytes(news), true, atOnce ? 1 : 0, nowMs)
  }

  /** Others tell what they heard. True when some of it is new here. */
  hear(items: readonly UserNews[], nowMs: number): boolean {
    const { courier, options, emit, self } = this.#parts
    let isNew = false
    for (const news of items) {
      if (news.origin === self.id || news.leftMs <= 0) continue
      const heard = this.#once.take({ ...news, id: news.origin }, news.sequence)
      if (heard === 'stranger') emit({ type: 'count', what: 'strange-broadcast' })
      // All were told at once; the rest is for those who missed that, and the fewer tell it the better.
      if (heard === 'again' && options.canBroadcast) this.#queue.heard(keyOf(news), courier.retransmits)
      if (heard !== 'first') continue
      isNew = true
      this.#deliver(news)
      this.#queue.add(news, newsBytes(news), false, 0, nowMs)
    }
    return isNew
  }

  /** What is told with the next gossip, as far as it fits. */
  take(roomBytes: number, nowMs: number): UserNews[] {
    return this.#queue.take(nowMs, Math.min(roomBytes, MAX_ROOM_BYTES), this.#parts.courier.retransmits)
  }

  /** Nothing is known of the node any more. */
  forget(id: string): void {
    this.#once.forget(id)
  }

  #draft(topic: string, payload: Uint8Array, leftMs: number): UserNews {
    const { self, view, options } = this.#parts
    const nonce = view.get(self.id)?.record.nonce ?? options.nonce
    return { origin: self.id, generation: self.generation, nonce, sequence: this.#sequence, topic, payload, leftMs }
  }

  #deliver({ topic, payload, origin, generation, sequence }: UserNews): void {
    const from = Object.freeze({ id: origin, generation })
    const broadcast = Object.freeze({ topic, payload: new Uint8Array(payload), origin: from, sequence })
    this.#parts.emit({ type: 'user-broadcast', broadcast })
  }
}
