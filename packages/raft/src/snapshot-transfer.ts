import type { SnapshotMeta, StoredSnapshot } from '@dsys/storage'
import type { SnapshotChunk, SnapshotProgress } from './core/messages.ts'

/** How often a chunk is sent before the attempt is given up and the leader looks again where the follower stands. */
const MAX_ATTEMPTS = 10

interface Outgoing {
  readonly snapshot: StoredSnapshot
  offset: number
  sentMs: number
  attempts: number
  reading: boolean
  /** All of it has arrived; what is missing is the word that it is installed. */
  delivered: boolean
}

/** One step of sending. */
export interface ChunkToSend {
  readonly to: string
  readonly chunk: Omit<SnapshotChunk, 'type' | 'term'>
}

/** The snapshots that a leader is sending: one chunk at a time to each follower, the next when the last has arrived. */
export class SnapshotSender {
  readonly #chunkBytes: number
  readonly #resendAfterMs: number
  readonly #outgoing = new Map<string, Outgoing>()

  constructor(config: { readonly chunkBytes: number; readonly resendAfterMs: number }) {
    this.#chunkBytes = config.chunkBytes
    this.#resendAfterMs = config.resendAfterMs
  }

  get active(): boolean {
    return this.#outgoing.size > 0
  }

  /** Whom a snapshot is being sent to. */
  get followers(): readonly string[] {
    return [...this.#outgoing.keys()]
  }

  /** Begins to send `snapshot`, unless this follower is being sent that one. Returns whether a chunk should be read now. */
  begin(to: string, snapshot: StoredSnapshot): boolean {
    const sent = this.#outgoing.get(to)
    if (sent !== undefined && sent.snapshot.meta.index >= snapshot.meta.index) return false
    this.#outgoing.set(to, { snapshot, offset: 0, sentMs: 0, attempts: 0, reading: false, delivered: false })
    return true
  }

  /** The follower has told how far it is. Returns whether a chunk should be read now. */
  progress(from: string, answer: SnapshotProgress): boolean {
    const outgoing = this.#outgoing.get(from)
    if (outgoing === undefined || outgoing.snapshot.meta.index !== answer.snapshotIndex) return false
    outgoing.delivered = answer.nextOffset >= outgoing.snapshot.sizeBytes
    if (outgoing.delivered) return false
    // The same answer twice is a duplicate; the chunk behind it is on its way.
    if (answer.nextOffset === outgoing.offset && outgoing.attempts > 0) return false
    outgoing.offset = answer.nextOffset
    outgoing.attempts = 0
    return true
  }

  /** Reads the chunk that `to` needs now; `undefined` when the sending has ended or another read is under way. */
  async read(to: string, nowMs: () => number): Promise<ChunkToSend | undefined> {
    const outgoing = this.#outgoing.get(to)
    if (outgoing === undefined || outgoing.reading) return undefined
    const { snapshot } = outgoing
    outgoing.reading = true
    try {
      const offset = outgoing.offset
      const data = await snapshot.read(offset, Math.max(1, this.#chunkBytes - snapshot.meta.context.length))
      if (this.#outgoing.get(to) !== outgoing) return undefined
      outgoing.sentMs = nowMs()
      outgoing.attempts++
      const { index, term, context } = snapshot.meta
      return {
        to,
        chunk: {
          snapshotIndex: index,
          snapshotTerm: term,
          context,
          offset,
          totalBytes: snapshot.sizeBytes,
          data,
        },
      }
    } finally {
      outgoing.reading = false
    }
  }

  /** Whom to send the last chunk again, and who is given up. */
  overdue(nowMs: number): { readonly resend: readonly string[]; readonly givenUp: readonly string[] } {
    const resend: string[] = []
    const givenUp: string[] = []
    for (const [to, outgoing] of this.#outgoing) {
      if (outgoing.attempts === 0 || outgoing.reading || nowMs - outgoing.sentMs <= this.#resendAfterMs) continue
      if (outgoing.attempts < MAX_ATTEMPTS && !outgoing.delivered) {
        resend.push(to)
      } else {
        givenUp.push(to)
        this.#outgoing.delete(to)
      }
    }
    return { resend, givenUp }
  }

  end(to: string): void {
    this.#outgoing.delete(to)
  }

  endAll(): void {
    this.#outgoing.clear()
  }
}

/** A whole snapshot that has arrived. */
export interface ReceivedSnapshot {
  readonly from: string
  readonly term: number
  readonly meta: SnapshotMeta
  readonly content: Uint8Array
}

interface Incoming {
  readonly from: string
  readonly term: number
  readonly meta: SnapshotMeta
  readonly totalBytes: number
  readonly chunks: Uint8Array[]
  receivedBytes: number
}

/** Puts the chunks of one snapshot together. Another snapshot, or another leader, begins anew. */
export class SnapshotReceiver {
  #incoming: Incoming | undefined

  /** Takes a chunk. Returns how many bytes are here now, and the snapshot when that is all of it. */
  receive(from: string, chunk: SnapshotChunk): { readonly nextOffset: number; readonly whole?: ReceivedSnapshot } {
    const known = this.#incoming
    const fits = known !== undefined && known.from === from && known.term === chunk.term
    if (!fits || known.meta.index !== chunk.snapshotIndex || known.totalBytes !== chunk.totalBytes) {
      this.#incoming = {
        from,
        term: chunk.term,
        meta: { index: chunk.snapshotIndex, term: chunk.snapshotTerm, context: Uint8Array.from(chunk.context) },
        totalBytes: chunk.totalBytes,
        chunks: [],
        receivedBytes: 0,
      }
    }
    const incoming = this.#incoming as Incoming
    if (chunk.offset === incoming.receivedBytes && incoming.receivedBytes + chunk.data.length <= incoming.totalBytes) {
      incoming.chunks.push(chunk.data)
      incoming.receivedBytes += chunk.data.length
    }
    if (incoming.receivedBytes < incoming.totalBytes) return { nextOffset: incoming.receivedBytes }
    this.#incoming = undefined
    const { term, meta } = incoming
    return { nextOffset: incoming.totalBytes, whole: { from, term, meta, content: Buffer.concat(incoming.chunks) } }
  }

  /** Drops what is here of a snapshot that nobody needs any more: the log has come to `commitIndex` without it. */
  forget(commitIndex: number): void {
    if (this.#incoming !== undefined && this.#incoming.meta.index <= commitIndex) this.#incoming = undefined
  }
}
