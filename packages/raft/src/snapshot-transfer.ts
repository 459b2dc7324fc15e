import { crc32 } from '@dsys/runtime/bytes'
import type { StoredSnapshot } from '@dsys/storage'
import type { SnapshotChunk, SnapshotProgress } from './core/messages.ts'

/** How often a leader asks without an answer before the attempt is given up and it looks again where the follower stands. */
const MAX_ATTEMPTS = 10
/** What may be under way to one follower, which keeps no more in memory: by bytes, but one chunk at least, and by number. */
export const WINDOW_BYTES: number = 1_024 * 1_024
const WINDOW_CHUNKS = 16
/** Snapshots that a node sends at once; the other followers that want one wait. */
export const MAX_SENDINGS = 2

/** Counts the snapshots that a node sends, in all of its groups. */
export class SendingPlaces {
  #taken = 0

  /** Returns false when as many are sent as may. */
  take(): boolean {
    if (this.#taken >= MAX_SENDINGS) return false
    this.#taken++
    return true
  }

  release(): void {
    this.#taken--
  }
}

/** One snapshot on its way to one follower. */
class Sending {
  readonly snapshot: StoredSnapshot
  readonly checksum: number
  /** The follower has stored everything before. */
  #acknowledged = 0
  /** Everything before was sent once. */
  #sentUpTo = 0
  /** Chunks by their offset that were sent, and are not known to be stored. */
  readonly #underWay = new Map<number, { readonly bytes: number; readonly sentMs: number }>()
  #underWayBytes = 0
  readonly #again = new Set<number>()
  /** The follower has answered: until then one chunk asks whether it is there, and how much it has. */
  #answered = false
  #lastSentMs = 0
  attempts = 0
  /** Chunks are read side by side, and go in the order in which they were taken; this is the end of the last. */
  tail: Promise<unknown> = Promise.resolve()

  constructor(snapshot: StoredSnapshot, checksum: number) {
    this.snapshot = snapshot
    this.checksum = checksum
  }

  /** How much of it is stored there. */
  get acknowledged(): number {
    return this.#acknowledged
  }

  /** All of it is stored there; what is missing is the word that it is installed. */
  get delivered(): boolean {
    return this.#acknowledged >= this.snapshot.sizeBytes
  }

  /** Takes the chunk that should go now, which is under way from here on; `undefined` when none should. */
  take(chunkBytes: number, nowMs: number): { readonly offset: number; readonly bytes: number } | undefined {
    const offset = this.#next()
    if (offset === undefined) return undefined
    const bytes = Math.min(chunkBytes, this.snapshot.sizeBytes - offset)
    this.#arrived(offset)
    this.#underWay.set(offset, { bytes, sentMs: nowMs })
    this.#underWayBytes += bytes
    this.#sentUpTo = Math.max(this.#sentUpTo, offset + bytes)
    this.#lastSentMs = nowMs
    return { offset, bytes }
  }

  #next(): number | undefined {
    for (const offset of this.#again) return offset
    if (this.#sentUpTo >= this.snapshot.sizeBytes) return undefined
    const [chunks, bytes] = this.#answered ? [WINDOW_CHUNKS, WINDOW_BYTES] : [1, 1]
    const isFull = this.#underWay.size >= chunks || this.#underWayBytes >= bytes
    return isFull ? undefined : this.#sentUpTo
  }

  /** The chunk was read, and leaves. */
  sent(offset: number, nowMs: number): void {
    this.#lastSentMs = nowMs
    // Where the sending began anew while it was read, it is sent for nothing, and counts for nothing.
    const chunk = this.#underWay.get(offset)
    if (chunk !== undefined) this.#underWay.set(offset, { ...chunk, sentMs: nowMs })
  }

  #arrived(offset: number): void {
    this.#underWayBytes -= this.#underWay.get(offset)?.bytes ?? 0
    this.#underWay.delete(offset)
    this.#again.delete(offset)
  }

  answered({ nextOffset, resendFrom }: SnapshotProgress): void {
    this.attempts = 0
    this.#answered = true
    if (resendFrom !== undefined && resendFrom < this.#acknowledged) this.#beginAnewAt(resendFrom)
    else if (resendFrom !== undefined && this.#underWay.has(resendFrom)) this.#again.add(resendFrom)
    if (nextOffset <= this.#acknowledged) return
    this.#acknowledged = nextOffset
    // Of an earlier attempt, under this leader or another, it may have more than was sent in this one.
    this.#sentUpTo = Math.max(this.#sentUpTo, nextOffset)
    for (const [offset, { bytes }] of this.#underWay) if (offset + bytes <= nextOffset) this.#arrived(offset)
    for (const offset of this.#again) if (offset < nextOffset) this.#again.delete(offset)
  }

  /** The follower has lost what it had. */
  #beginAnewAt(offset: number): void {
    this.#acknowledged = offset
    this.#sentUpTo = offset
    this.#underWay.clear()
    this.#underWayBytes = 0
    this.#again.clear()
  }

  /** Sends again what got no answer for so long. Returns false when that is of no use any more. */
  remind(nowMs: number, resendAfterMs: number): boolean {
    if (this.delivered) return nowMs - this.#lastSentMs <= resendAfterMs
    const overdue = [...this.#underWay].filter(([, { sentMs }]) => nowMs - sentMs > resendAfterMs)
    if (overdue.length === 0) return true
    this.attempts++
    for (const [offset] of overdue) this.#again.add(offset)
    return this.attempts < MAX_ATTEMPTS
  }

  /** Sends again what is under way. */
  repeat(): void {
    for (const offset of this.#underWay.keys()) this.#again.add(offset)
  }
}

/** One step of sending. */
export interface ChunkToSend {
  readonly to: string
  readonly chunk: Omit<SnapshotChunk, 'type' | 'term'>
}

/**
 * The snapshots that a leader is sending: to each follower a few chunks at a time. The first asks how much is there, so that an attempt
 * goes on where an earlier one ended, be it that of another leader.
 */
export class SnapshotSender {
  readonly #chunkBytes: number
  readonly #roomBytes: number
  readonly #resendAfterMs: number
  readonly #places: SendingPlaces
  readonly #sendings = new Map<string, Sending>()

  /**
   * @param config `chunkBytes` of content at most go in one message, and with the context at most `roomBytes`, by default as many.
   * @param places are shared by all groups of the node.
   */
  constructor(
    config: { readonly chunkBytes: number; readonly roomBytes?: number; readonly resendAfterMs: number },
    places: SendingPlaces = new SendingPlaces(),
  ) {
    this.#places = places
    this.#chunkBytes = config.chunkBytes
    this.#roomBytes = config.roomBytes ?? config.chunkBytes
    this.#resendAfterMs = config.resendAfterMs
  }

  get active(): boolean {
    return this.#sendings.size > 0
  }

  /** Whom a snapshot is being sent to. */
  get followers(): readonly string[] {
    return [...this.#sendings.keys()]
  }

  isSending(to: string, snapshotIndex: number): boolean {
    return this.#sendings.get(to)?.snapshot.meta.index === snapshotIndex
  }

  /** How far each is. */
  get transfers(): ReadonlyMap<string, { readonly sentBytes: number; readonly totalBytes: number }> {
    const each = [...this.#sendings].map(
      ([to, { acknowledged, snapshot }]) => [to, { sentBytes: acknowledged, totalBytes: snapshot.sizeBytes }] as const,
    )
    return new Map(each)
  }

  /** Begins to send `snapshot`, unless this follower is being sent that one. Returns false when too many are being sent already. */
  begin(to: string, snapshot: StoredSnapshot, checksum: number): boolean {
    const known = this.#sendings.get(to)
    if (known === undefined && !this.#places.take()) return false
    if (known === undefined || known.snapshot.meta.index < snapshot.meta.index)
      this.#sendings.set(to, new Sending(snapshot, checksum))
    return true
  }

  /** The follower has told how far it is. */
  progress(from: string, answer: SnapshotProgress): void {
    const sending = this.#sendings.get(from)
    if (sending?.snapshot.meta.index === answer.snapshotIndex) sending.answered(answer)
  }

  /**
   * Reads the chunk that `to` should get now; `undefined` when none should. May be called again at once: chunks are given out in order.
   * Resolves with `undefined` when the sending has ended meanwhile.
   */
  read(to: string, now: () => number): Promise<ChunkToSend | undefined> | undefined {
    const sending = this.#sendings.get(to)
    if (sending === undefined) return undefined
    const { snapshot, checksum } = sending
    const { index, term, context } = snapshot.meta
    const taken = sending.take(Math.max(1, Math.min(this.#chunkBytes, this.#roomBytes - context.length)), now())
    if (taken === undefined) return undefined
    const { offset, bytes } = taken
    const reading = Promise.all([snapshot.read(offset, bytes), sending.tail]).then(([data]) => {
      if (this.#sendings.get(to) !== sending) return undefined
      if (data.length < bytes)
        throw new Error(`the stored snapshot ends at ${offset + data.length} of ${snapshot.sizeBytes} bytes`)
      sending.sent(offset, now())
      const checksums = { chunk: crc32(data), whole: checksum }
      const place = { snapshotIndex: index, snapshotTerm: term, context, offset, totalBytes: snapshot.sizeBytes }
      return { to, chunk: { ...place, data, checksums } }
    })
    // Whoever reads is told of a failure; the tail only keeps the reads in their order.
    sending.tail = reading.catch(() => undefined)
    return reading
  }

  /** Whose last chunks should go again is made ready for it; returns whom nothing helps. */
  remind(nowMs: number): readonly string[] {
    const givenUp = [...this.#sendings].filter(([, sending]) => !sending.remind(nowMs, this.#resendAfterMs))
    return givenUp.map(([to]) => to)
  }

  /** Makes ready that everything that is under way goes once more. */
  repeat(): void {
    for (const sending of this.#sendings.values()) sending.repeat()
  }

  end(to: string): void {
    if (this.#sendings.delete(to)) this.#places.release()
  }

  endAll(): void {
    for (const to of this.followers) this.end(to)
  }
}
