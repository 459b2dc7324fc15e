import type { FrameBudget } from '@dsys/transport'
import type { OutgoingFrame } from './frames.ts'

/** One frame that waits for a peer. */
export interface QueuedFrame extends OutgoingFrame {
  /** The life of the peer that it is for; `undefined` is any. */
  readonly generation: number | undefined
  /** Names it when it meets nobody. */
  readonly tag: number | undefined
  /** Nobody is told when it meets nobody. */
  readonly isBroadcast: boolean
  /** How many dials of the peer had begun when it was sent. */
  readonly dials: number
}

/** What a frame takes beside its bytes, so that no number of empty frames fits. */
const OVERHEAD_BYTES = 64

/** The room that a frame takes. */
export const roomOf = (frame: Uint8Array): number => frame.byteLength + OVERHEAD_BYTES

/**
 * The frames that wait for one peer, with those that are being written: bounded by a budget of its own and by one that all
 * peers share, so that a slow peer neither takes all memory nor all that others may use.
 */
export class FrameQueue {
  readonly #own: FrameBudget
  readonly #shared: FrameBudget
  #frames: QueuedFrame[] = []
  /** Where the first frame is: moving all of them for each one that leaves would be quadratic. */
  #first = 0

  constructor(own: FrameBudget, shared: FrameBudget) {
    this.#own = own
    this.#shared = shared
  }

  get length(): number {
    return this.#frames.length - this.#first
  }

  /** False when there is no room. */
  push(frame: QueuedFrame): boolean {
    const bytes = roomOf(frame.frame)
    if (!this.#own.hasRoom(1, bytes) || !this.#shared.take(1, bytes)) return false
    this.#own.take(1, bytes)
    this.#frames.push(frame)
    return true
  }

  /** Takes frames from the front, at least one, up to `mostBytes`. Their room is taken until {@link FrameQueue.release}. */
  pull(mostBytes: number): QueuedFrame[] {
    const start = this.#first
    let bytes = 0
    while (this.#first < this.#frames.length) {
      bytes += roomOf((this.#frames[this.#first] as QueuedFrame).frame)
      if (bytes > mostBytes && this.#first > start) break
      this.#first++
    }
    if (this.#first < this.#frames.length) {
      const pulled = this.#frames.slice(start, this.#first)
      if (this.#first > 1_024) {
        this.#frames = this.#frames.slice(this.#first)
        this.#first = 0
      }
      return pulled
    }
    const pulled = start === 0 ? this.#frames : this.#frames.slice(start)
    this.#frames = []
    this.#first = 0
    return pulled
  }

  /** Takes out every frame that `leaves`, in its order; their room is free. */
  remove(leaves: (frame: QueuedFrame) => boolean): QueuedFrame[] {
    const all = this.#frames.slice(this.#first)
    const removed = all.filter(leaves)
    this.#frames = removed.length === 0 ? all : all.filter((frame) => !leaves(frame))
    this.#first = 0
    this.release(removed)
    return removed
  }

  /** Frees the room of frames that were pulled. */
  release(frames: readonly QueuedFrame[]): void {
    let bytes = 0
    for (const { frame } of frames) bytes += roomOf(frame)
    this.#own.giveBack(frames.length, bytes)
    this.#shared.giveBack(frames.length, bytes)
  }
}
