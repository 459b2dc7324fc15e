import type { Clock } from '@dsys/runtime'
import { assertChannel } from './checks.ts'
import { ChannelTakenError } from './errors.ts'
import type { FrameHandler, PeerAddress } from './port.ts'

/** The handlers of one transport by channel: the part of `listen` that is the same in every adapter. */
export class ChannelHandlers {
  readonly #clock: Clock
  readonly #handlers = new Map<string, FrameHandler>()

  constructor(ports: { readonly clock: Clock }) {
    this.#clock = ports.clock
  }

  /** See `Transport.listen`. */
  listen(channel: string, handler: FrameHandler): () => void {
    assertChannel(channel)
    if (this.#handlers.has(channel)) throw new ChannelTakenError(channel)
    this.#handlers.set(channel, handler)
    let ended = false
    return () => {
      // The same function may be listening anew by now.
      if (!ended && this.#handlers.get(channel) === handler) this.#handlers.delete(channel)
      ended = true
    }
  }

  has(channel: string): boolean {
    return this.#handlers.has(channel)
  }

  /**
   * Gives `frame` to the handler of `channel`; drops it where there is none. What a handler throws, although it must
   * not, reaches the process as an uncaught exception, and never the frames of others.
   */
  deliver(channel: string, frame: Uint8Array, from: PeerAddress): void {
    const handler = this.#handlers.get(channel)
    if (handler === undefined) return
    try {
      handler(frame, from)
    } catch (error) {
      this.#clock.afterIo(() => {
        throw error
      })
    }
  }

  clear(): void {
    this.#handlers.clear()
  }
}
