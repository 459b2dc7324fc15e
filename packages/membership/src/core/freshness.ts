import type { PeerAddress } from '@dsys/transport'
import type { FrameHeader } from './message.ts'

/** What was heard of one process. */
interface Heard {
  readonly generation: number
  readonly nonce: number
  highest: number
  /** The highest frame at `markMs`. */
  marked: number
  markMs: number
  /** Frames up to this one were sent before another one that arrived more than the greatest age ago. */
  overtaken: number
}

/**
 * Tells frames that were held up too long. No clocks of two machines are compared: each process counts its frames, and a frame that was
 * sent before one which arrived here a minute ago is a minute old at the least. So what is refused is surely old; a frame that nothing
 * has overtaken is taken in, however long it was under way.
 */
export class Freshness {
  readonly #maxAgeMs: number
  readonly #heard = new Map<string, Heard>()

  constructor(maxAgeMs: number) {
    this.#maxAgeMs = maxAgeMs
  }

  /** Whether the frame is surely older than the greatest age, and at most twice as old where that was not yet known. */
  isExpired({ id, generation }: PeerAddress, { nonce, sequence }: FrameHeader, nowMs: number): boolean {
    if (sequence === 0) return false
    let heard = this.#heard.get(id)
    if (heard?.generation !== generation || heard.nonce !== nonce) {
      heard = { generation, nonce, highest: sequence, marked: sequence, markMs: nowMs, overtaken: 0 }
      this.#heard.set(id, heard)
    }
    if (nowMs - heard.markMs >= this.#maxAgeMs) {
      heard.overtaken = heard.marked
      heard.marked = heard.highest
      heard.markMs = nowMs
    }
    heard.highest = Math.max(heard.highest, sequence)
    return sequence <= heard.overtaken
  }

  forget(id: string): void {
    this.#heard.delete(id)
  }
}
