import type { Clock, StartOptions, TimerHandle } from '@dsys/runtime'
import type {
  ConnectionState,
  Destination,
  FrameHandler,
  PeerAddress,
  Transport,
  TransportCapabilities,
  TransportEvent,
} from '@dsys/transport'
import { decodeFrame, encodeFrame, incarnationIn, type WireMessage } from '../../../src/wire.ts'

/** The clock as one life of a node sees it: once the life is over, nothing that it has set fires any more. */
export class LifeClock implements Clock {
  readonly #clock: Clock
  #over = false
  #pausedUntilMs = 0
  readonly #timers = new Set<TimerHandle>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get over(): boolean {
    return this.#over
  }

  end(): void {
    this.#over = true
    for (const timer of this.#timers) timer.cancel()
    this.#timers.clear()
  }

  /** The process stands still: nothing that it has set fires before `durationMs` have passed. */
  pause(durationMs: number): void {
    this.#pausedUntilMs = this.#clock.monotonicMs() + durationMs
  }

  monotonicMs(): number {
    return this.#clock.monotonicMs()
  }

  wallMs(): number {
    return this.#clock.wallMs()
  }

  setTimer(delayMs: number, callback: () => void): TimerHandle {
    return this.#add((fire) => this.#clock.setTimer(delayMs, fire), callback)
  }

  afterIo(callback: () => void): TimerHandle {
    return this.#add((fire) => this.#clock.afterIo(fire), callback)
  }

  #add(set: (fire: () => void) => TimerHandle, callback: () => void): TimerHandle {
    if (this.#over) return { cancel: () => undefined }
    let timer: TimerHandle
    const fire = (): void => {
      this.#timers.delete(timer)
      const pausedForMs = this.#pausedUntilMs - this.#clock.monotonicMs()
      if (pausedForMs <= 0) {
        callback()
        return
      }
      timer = this.#clock.setTimer(pausedForMs, fire)
      this.#timers.add(timer)
    }
    timer = set(fire)
    this.#timers.add(timer)
    return {
      cancel: () => {
        this.#timers.delete(timer)
        timer.cancel()
      },
    }
  }
}

/** Says whether a message leaves its node. */
export type MessageFilter = (from: string, to: string, message: WireMessage) => boolean

/** A transport whose messages can be looked into, and kept back one by one. */
export class FilteredTransport implements Transport {
  readonly #inner: Transport
  readonly #filter: () => MessageFilter | undefined
  readonly #rewrite: (frame: Uint8Array) => Uint8Array

  constructor(
    inner: Transport,
    filter: () => MessageFilter | undefined,
    rewrite: (frame: Uint8Array) => Uint8Array = (frame) => frame,
  ) {
    this.#inner = inner
    this.#filter = filter
    this.#rewrite = rewrite
  }

  get self(): PeerAddress {
    return this.#inner.self
  }

  get capabilities(): TransportCapabilities {
    return this.#inner.capabilities
  }

  get connection(): ConnectionState {
    return this.#inner.connection
  }

  send(to: Destination, channel: string, frame: Uint8Array, tag?: number): boolean {
    const filter = this.#filter()
    if (filter === undefined) return this.#inner.send(to, channel, this.#rewrite(frame), tag)
    const passed = decodeFrame(frame).filter((message) => filter(this.self.id, to.id, message))
    return passed.length > 0 && this.#inner.send(to, channel, encodeFrame(passed, incarnationIn(frame)), tag)
  }

  broadcast(channel: string, frame: Uint8Array): boolean {
    return this.#inner.broadcast(channel, frame)
  }

  listen(channel: string, handler: FrameHandler): () => void {
    return this.#inner.listen(channel, handler)
  }

  observe(handler: (event: TransportEvent) => void): () => void {
    return this.#inner.observe(handler)
  }

  start(options?: StartOptions): Promise<void> {
    return this.#inner.start(options)
  }

  stop(): Promise<void> {
    return this.#inner.stop()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }
}
