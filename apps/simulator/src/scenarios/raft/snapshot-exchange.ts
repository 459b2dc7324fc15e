import { decodePlaced, encodePlaced, type RaftCore, type SnapshotChunk, type SnapshotProgress } from '@dsys/raft/core'
import type { CoreDisk, StoredSnapshot } from './core-disk.ts'
import { decodeState, encodeState } from './register-machine.ts'

interface Sending {
  readonly snapshot: StoredSnapshot
  /** Whom it goes to holds no data. */
  readonly witness: boolean
  offset: number
  sentMs: number
  attempts: number
  delivered: boolean
}

/** A snapshot that has arrived, and who sent it in which term. */
export interface ArrivedSnapshot {
  readonly from: string
  readonly term: number
  readonly snapshot: StoredSnapshot
}

const MAX_ATTEMPTS = 10
const NO_BYTES = new Uint8Array(0)

/** What a {@link SnapshotExchange} works with. */
export interface SnapshotExchangeParts {
  readonly core: RaftCore
  readonly disk: CoreDisk
  /** In how many messages a snapshot travels; each carries the whole state, which is small. */
  readonly chunks: number
  readonly resendAfterMs: number
}

/** Sends and receives snapshots for one life of a node, as a driver does. */
export class SnapshotExchange {
  readonly #parts: SnapshotExchangeParts
  readonly #sending = new Map<string, Sending>()
  #receiving: { readonly from: string; readonly term: number; readonly index: number; received: number } | undefined

  constructor(parts: SnapshotExchangeParts) {
    this.#parts = parts
  }

  /** `to` needs the newest snapshot. */
  wanted(to: string, nowMs: number): void {
    const { core, disk } = this.#parts
    const { snapshot } = disk
    if (snapshot === undefined || disk.unreadable) {
      core.snapshotFailed(to)
      return
    }
    const sent = this.#sending.get(to)
    if (sent !== undefined && sent.snapshot.index >= snapshot.index) return
    const witness = core.isWitness(to)
    this.#sending.set(to, { snapshot, witness, offset: 0, sentMs: nowMs, attempts: 0, delivered: false })
    this.#send(to, nowMs)
  }

  #send(to: string, nowMs: number): void {
    const { core, chunks } = this.#parts
    const sending = this.#sending.get(to)
    if (sending === undefined || core.role !== 'leader') return
    sending.attempts++
    sending.sentMs = nowMs
    const { index, term, configuration, state } = sending.snapshot
    core.sendSnapshotChunk(to, {
      snapshotIndex: index,
      snapshotTerm: term,
      context: encodePlaced(configuration),
      offset: sending.offset,
      totalBytes: chunks,
      data: sending.witness ? NO_BYTES : encodeState(state),
      // Every chunk has the whole state, so there is nothing to put together, and no damage to find.
      checksums: undefined,
    })
  }

  /** Sends the chunks that are under way once more: a duplicate, which is legal at any time. */
  sendAgain(nowMs: number): void {
    for (const [to, { delivered }] of this.#sending) {
      // Each chunk that comes too late is answered, and an answer begins a turn: sending more for it would never end.
      if (!delivered && this.#parts.core.progress?.get(to)?.state === 'snapshot') this.#send(to, nowMs)
    }
  }

  progress(from: string, answer: SnapshotProgress, nowMs: number): void {
    const sending = this.#sending.get(from)
    if (sending === undefined || sending.snapshot.index !== answer.snapshotIndex) return
    sending.delivered = answer.nextOffset >= this.#parts.chunks
    if (sending.delivered || (answer.nextOffset === sending.offset && sending.attempts > 0)) return
    sending.offset = answer.nextOffset
    sending.attempts = 0
    this.#send(from, nowMs)
  }

  /** Takes a chunk; the snapshot when that was the last one. */
  chunk(from: string, chunk: SnapshotChunk): ArrivedSnapshot | undefined {
    const { term, snapshotIndex: index } = chunk
    let receiving = this.#receiving
    if (receiving === undefined || receiving.from !== from || receiving.term !== term || receiving.index !== index) {
      receiving = { from, term, index, received: 0 }
      this.#receiving = receiving
    }
    if (chunk.offset === receiving.received) receiving.received++
    this.#parts.core.snapshotProgress(from, index, receiving.received)
    if (receiving.received < this.#parts.chunks) return undefined
    this.#receiving = undefined
    const configuration = decodePlaced(chunk.context)
    return { from, term, snapshot: { index, term: chunk.snapshotTerm, configuration, state: decodeState(chunk.data) } }
  }

  /** Sends again what got no answer, and gives up what never does. */
  tick(nowMs: number): void {
    const { core, resendAfterMs } = this.#parts
    if (this.#sending.size === 0) return
    if (core.role !== 'leader') {
      this.#sending.clear()
      return
    }
    for (const [to, sending] of this.#sending) {
      if (core.progress?.get(to)?.state !== 'snapshot') this.#sending.delete(to)
      else if (nowMs - sending.sentMs <= resendAfterMs) continue
      else if (sending.attempts < MAX_ATTEMPTS && !sending.delivered) this.#send(to, nowMs)
      else this.giveUp(to)
    }
  }

  /** The follower gets no snapshot now; its leader looks again where it stands. */
  giveUp(to: string): void {
    this.#sending.delete(to)
    this.#parts.core.snapshotFailed(to)
  }
}
