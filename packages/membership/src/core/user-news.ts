/** One broadcast of the application, as nodes pass it on. */
export interface UserNews {
  /** Who sent it first: one process, told by these three. */
  readonly origin: string
  readonly generation: number
  readonly nonce: number
  /** Counts the broadcasts of that process, from 1. */
  readonly sequence: number
  readonly topic: string
  readonly payload: Uint8Array
  /** For how long it may still be passed on. Times under way are not counted, as no two clocks are compared. */
  readonly leftMs: number
  /** What a later version adds: passed on unread. */
  readonly unknown?: Uint8Array | undefined
}

/** Bytes of the payload of one broadcast. The same on every node: more is refused. */
export const MAX_BROADCAST_BYTES = 1_024
/** Of a topic, and of the name of a query. */
export const MAX_NAME_CHARACTERS = 128
/** Nothing is passed on for longer. */
export const MAX_TTL_MS = 3_600_000

/** Broadcasts of this node that others must still be told of: more than these, or more bytes, are pushed back. */
export const MAX_OWN_NEWS = 256
export const MAX_OWN_NEWS_BYTES = 65_536
/** Broadcasts of others that are passed on; beyond this, the one that was told most often is told no more. */
export const MAX_RELAYED_NEWS = 512

/** So many that do not fit are passed over before a frame counts as full. */
const MAX_MISSES = 8

interface Waiting {
  readonly key: string
  readonly news: UserNews
  readonly bytes: number
  readonly endMs: number
  readonly isOwn: boolean
  told: number
}

/** Which broadcast it is. */
export const keyOf = ({ origin, generation, nonce, sequence }: UserNews): string =>
  `${generation}/${nonce}/${sequence}/${origin}`

/** The broadcasts that still have to be told, divided by how often they were told, the one that has waited longest in front. */
export class UserNewsQueue {
  readonly #waiting = new Map<string, Waiting>()
  readonly #byTold: Map<string, Waiting>[] = []
  #own = 0
  #ownBytes = 0

  get size(): number {
    return this.#waiting.size
  }

  /** Whether another one of this node finds room. */
  hasRoomFor(bytes: number, nowMs: number): boolean {
    if (this.#fits(bytes)) return true
    for (const entry of [...this.#waiting.values()]) if (nowMs >= entry.endMs) this.#remove(entry)
    return this.#fits(bytes)
  }

  #fits(bytes: number): boolean {
    return this.#own < MAX_OWN_NEWS && this.#ownBytes + bytes <= MAX_OWN_NEWS_BYTES
  }

  /**
   * @param bytes of it in a frame.
   * @param told how often it was told already.
   */
  add(news: UserNews, bytes: number, isOwn: boolean, told: number, nowMs: number): void {
    const key = keyOf(news)
    if (!isOwn && this.#waiting.size - this.#own >= MAX_RELAYED_NEWS) this.#giveWay()
    if (isOwn) {
      this.#own += 1
      this.#ownBytes += bytes
    }
    this.#put({ key, news, bytes, endMs: nowMs + news.leftMs, isOwn, told })
  }

  /** Somebody told it to this node once more, and it counts as told by this one: where all know it, it is soon told no longer. */
  heard(key: string, limit: number): void {
    const entry = this.#waiting.get(key)
    if (entry !== undefined) this.#count(entry, limit)
  }

  /** Takes those told least often, as many as fit in `maxBytes`. Each is taken `limit` times at most. */
  take(nowMs: number, maxBytes: number, limit: number): UserNews[] {
    const taken: Waiting[] = []
    const ended: Waiting[] = []
    let bytes = 0
    let misses = 0
    for (const entry of this.#inOrder()) {
      if (nowMs >= entry.endMs) ended.push(entry)
      else if (bytes + entry.bytes <= maxBytes) {
        bytes += entry.bytes
        taken.push(entry)
      } else {
        misses += 1
        if (misses === MAX_MISSES) break
      }
    }
    for (const entry of ended) this.#remove(entry)
    for (const entry of taken) this.#count(entry, limit)
    return taken.map(({ news, endMs }) => ({ ...news, leftMs: endMs - nowMs }))
  }

  #count(entry: Waiting, limit: number): void {
    this.#byTold[entry.told]?.delete(entry.key)
    entry.told += 1
    if (entry.told < limit) this.#put(entry)
    else this.#remove(entry)
  }

  #giveWay(): void {
    for (let told = this.#byTold.length - 1; told >= 0; told--) {
      for (const entry of this.#byTold[told]?.values() ?? []) {
        if (entry.isOwn) continue
        this.#remove(entry)
        return
      }
    }
  }

  *#inOrder(): Generator<Waiting> {
    for (const part of this.#byTold) yield* part.values()
  }

  #put(entry: Waiting): void {
    while (this.#byTold.length <= entry.told) this.#byTold.push(new Map())
    this.#byTold[entry.told]?.set(entry.key, entry)
    this.#waiting.set(entry.key, entry)
  }

  #remove(entry: Waiting): void {
    this.#byTold[entry.told]?.delete(entry.key)
    if (!this.#waiting.delete(entry.key) || !entry.isOwn) return
    this.#own -= 1
    this.#ownBytes -= entry.bytes
  }
}
