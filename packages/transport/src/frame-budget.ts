/** The limits of a {@link FrameBudget}. Each is a whole number, 1 or more. */
export interface FrameBudgetLimits {
  readonly maxQueuedFrames: number
  /** At least the largest frame, or that one would be refused for ever. */
  readonly maxQueuedBytes: number
}

/** How many frames, and how many bytes of them, may wait or be under way at once: the bound of a queue, not the queue. */
export class FrameBudget {
  readonly #maxFrames: number
  readonly #maxBytes: number
  /** Invariant: 0 <= #frames <= #maxFrames, and the same for bytes. */
  #frames = 0
  #bytes = 0

  constructor(limits: FrameBudgetLimits) {
    this.#maxFrames = limits.maxQueuedFrames
    this.#maxBytes = limits.maxQueuedBytes
  }

  /** Whether {@link FrameBudget.take} would take `frames` with `bytes` in all. */
  hasRoom(frames: number, bytes: number): boolean {
    return this.#frames + frames <= this.#maxFrames && this.#bytes + bytes <= this.#maxBytes
  }

  /** Takes room for `frames` with `bytes` in all, or none and returns false. */
  take(frames: number, bytes: number): boolean {
    if (!this.hasRoom(frames, bytes)) return false
    this.#frames += frames
    this.#bytes += bytes
    return true
  }

  /** Gives back what was taken. Throws when it is more than that: a frame was counted out twice, and the bound is none. */
  giveBack(frames: number, bytes: number): void {
    this.#frames -= frames
    this.#bytes -= bytes
    if (this.#frames < 0 || this.#bytes < 0) throw new Error('more frames were given back than were taken')
  }
}
