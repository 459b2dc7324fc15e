import type { SnapshotChunk, SnapshotProgress } from '../../../src/core/messages.ts'
import type { RaftCore } from '../../../src/core/raft-core.ts'
import type { SimDisk, SimSnapshot } from './sim-disk.ts'

interface Sending {
  readonly snapshot: SimSnapshot
  offset: number
  sentMs: number
  attempts: number
  delivered: boolean
}

/** A snapshot that has arrived, and who sent it in which term. */
export interface Arrived {
  readonly from: string
  readonly term: number
  readonly snapshot: SimSnapshot
}

const NO_BYTES = new Uint8Array(0)

/** Sends and receives snapshots for one life of a node, in `chunks` messages each, as a driver does. */
export class SimSnapshots {
  readonly #core: RaftCore
  readonly #disk: SimDisk
  readonly #chunks: number
  readonly #resendAfterMs: number
  readonly #sending = new Map<string, Sending>()
  #receiving: { readonly from: string; readonly term: number; readonly index: number; received: number } | undefined

  constructor(core: RaftCore, disk: SimDisk, chunks: number, resendAfterMs: number) {
    this.#core = core
    this.#disk = disk
    this.#chunks = chunks
    this.#resendAfterMs = resendAfterMs
  }

  wanted(to: string, nowMs: number): void {
    const { snapshot } = this.#disk
    if (snapshot === undefined) {
      this.#core.snapshotFailed(to)
      return
    }
    if (this.#sending.has(to)) return
    this.#sending.set(to, { snapshot, offset: 0, sentMs: nowMs, attempts: 0, delivered: false })
    this.#send(to, nowMs)
  }

  #send(to: string, nowMs: number): void {
    const sending = this.#sending.get(to)
    if (sending === undefined || this.#core.role !== 'leader') return
    sending.attempts++
    sending.sentMs = nowMs
    const { index, term, digest } = sending.snapshot
    const data = new Uint8Array(new Uint32Array([digest]).buffer)
    this.#core.sendSnapshotChunk(to, {
      snapshotIndex: index,
      snapshotTerm: term,
      context: NO_BYTES,
      offset: sending.offset,
      totalBytes: this.#chunks,
      data,
    })
  }

  progress(from: string, answer: SnapshotProgress, nowMs: number): void {
    const sending = this.#sending.get(from)
    if (sending === undefined || sending.snapshot.index !== answer.snapshotIndex) return
    sending.delivered = answer.nextOffset >= this.#chunks
    if (sending.delivered || (answer.nextOffset === sending.offset && sending.attempts > 0)) return
    sending.offset = answer.nextOffset
    sending.attempts = 0
    this.#send(from, nowMs)
  }

  chunk(from: string, chunk: SnapshotChunk): Arrived | undefined {
    const { term, snapshotIndex: index } = chunk
    let receiving = this.#receiving
    if (receiving === undefined || receiving.from !== from || receiving.term !== term || receiving.index !== index) {
      receiving = { from, term, index, received: 0 }
      this.#receiving = receiving
    }
    if (chunk.offset === receiving.received) receiving.received++
    this.#core.snapshotProgress(from, index, receiving.received)
    if (receiving.received < this.#chunks) return undefined
    this.#receiving = undefined
    const digest = new DataView(chunk.data.buffer, chunk.data.byteOffset).getUint32(0, true)
    return { from, term, snapshot: { index, term: chunk.snapshotTerm, digest } }
  }

  tick(nowMs: number): void {
    if (this.#core.role !== 'leader') {
      this.#sending.clear()
      return
    }
    for (const [to, sending] of this.#sending) {
      if (this.#core.progress?.get(to)?.state !== 'snapshot') this.#sending.delete(to)
      else if (nowMs - sending.sentMs <= this.#resendAfterMs) continue
      else if (sending.attempts < 10 && !sending.delivered) this.#send(to, nowMs)
      else {
        this.#sending.delete(to)
        this.#core.snapshotFailed(to)
      }
    }
  }
}
