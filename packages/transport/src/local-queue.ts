import type { Clock, TimerHandle } from '@dsys/runtime'

/** Frames that a node sends to itself, which need no network: for adapters whose network does not hand them back. Bounded in bytes. */
export class LocalQueue {
  readonly #clock: Clock
  readonly #maxBytes: number
  readonly #deliver: (channel: string, frame: Uint8Array) => void
  #waiting: { readonly channel: string; readonly frame: Uint8Array }[] = []
  #bytes = 0
  #planned: TimerHandle | undefined

  constructor(
    ports: { readonly clock: Clock },
    maxBytes: number,
    deliver: (channel: string, frame: Uint8Array) => void,
  ) {
    this.#clock = ports.clock
    this.#maxBytes = maxBytes
    this.#deliver = deliver
  }

  /** False when the queue is full. */
  push(channel: string, frame: Uint8Array): boolean {
    // An empty frame takes room too, so that no number of them fits.
    const bytes = frame.byteLength + 64
    if (this.#bytes + bytes > this.#maxBytes) return false
    this.#bytes += bytes
    this.#waiting.push({ channel, frame: new Uint8Array(frame) })
    this.#planned ??= this.#clock.afterIo(() => this.#drain())
    return true
  }

  #drain(): void {
    const frames = this.#waiting
    this.#waiting = []
    this.#bytes = 0
    this.#planned = undefined
    for (const { channel, frame } of frames) this.#deliver(channel, frame)
  }

  clear(): void {
    this.#planned?.cancel()
    this.#planned = undefined
    this.#waiting = []
    this.#bytes = 0
  }
}
