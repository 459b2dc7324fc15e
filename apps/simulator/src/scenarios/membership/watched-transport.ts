import type { MembershipPorts } from '@dsys/membership'

/** The transport port, by way of the package that uses it. */
export type Transport = MembershipPorts['transport']
type Events = Parameters<Transport['observe']>[0]
type Handler = Parameters<Transport['listen']>[1]
type Destination = Parameters<Transport['send']>[0]

/** Who looks at the frames of one life. */
export interface FrameWatcher {
  /** A frame is about to leave. False: the process has ended meanwhile, so it does not leave. */
  sends(frame: Uint8Array): boolean
  /** A frame is here; calls `deliver` to hand it over. */
  receives(frame: Uint8Array, from: Transport['self'], deliver: () => void): void
}

/** Shows every frame that passes to a watcher, and changes nothing else. */
export class WatchedTransport implements Transport {
  readonly #inner: Transport
  readonly #watcher: FrameWatcher

  constructor(inner: Transport, watcher: FrameWatcher) {
    this.#inner = inner
    this.#watcher = watcher
  }

  get self(): Transport['self'] {
    return this.#inner.self
  }

  get capabilities(): Transport['capabilities'] {
    return this.#inner.capabilities
  }

  get connection(): Transport['connection'] {
    return this.#inner.connection
  }

  start(): Promise<void> {
    return this.#inner.start()
  }

  stop(): Promise<void> {
    return this.#inner.stop()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#inner.stop()
  }

  send(to: Destination, channel: string, frame: Uint8Array, tag?: number): boolean {
    return this.#watcher.sends(frame) && this.#inner.send(to, channel, frame, tag)
  }

  broadcast(channel: string, frame: Uint8Array): boolean {
    return this.#watcher.sends(frame) && this.#inner.broadcast(channel, frame)
  }

  listen(channel: string, handler: Handler): () => void {
    return this.#inner.listen(channel, (frame, from) => {
      this.#watcher.receives(frame, from, () => handler(frame, from))
    })
  }

  observe(handler: Events): () => void {
    return this.#inner.observe(handler)
  }
}
