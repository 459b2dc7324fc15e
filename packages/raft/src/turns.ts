import type { Clock } from '@dsys/runtime'

/** How long, and on how many bytes, work goes on before everything else gets a turn of the event loop. */
const TURN_MS = 2
const TURN_BYTES = 256 * 1_024

/** Long work that was given up: nobody wants its outcome any more. */
export class AbandonedError extends Error {
  constructor(why: string) {
    super(why)
    this.name = 'AbandonedError'
  }
}

/**
 * Divides long work into turns of the event loop, so that frames, timers and finished writes never wait for the end of it.
 * The work says what it has done, and waits whenever it is asked to.
 */
export class Turns {
  readonly #clock: Clock
  /** Whether to end a turn early; for simulations. */
  readonly #short: () => boolean
  #abandoned: AbandonedError | undefined
  #begunMs: number
  #bytes = 0

  constructor(clock: Clock, short: () => boolean = () => false) {
    this.#clock = clock
    this.#short = short
    this.#begunMs = clock.monotonicMs()
  }

  /** The work is not wanted any more: it throws where it would go on. */
  abandon(why: string): void {
    this.#abandoned ??= new AbandonedError(why)
  }

  get abandoned(): boolean {
    return this.#abandoned !== undefined
  }

  /** Throws {@link AbandonedError} when the work was given up. */
  check(): void {
    if (this.#abandoned !== undefined) throw this.#abandoned
  }

  /** `bytes` were worked on. Returns what to wait for where this turn is used up, and throws when the work was given up. */
  spent(bytes: number): Promise<void> | undefined {
    this.check()
    this.#bytes += bytes
    const used = this.#bytes >= TURN_BYTES || this.#clock.monotonicMs() - this.#begunMs >= TURN_MS
    return used || this.#short() ? this.#next() : undefined
  }

  async #next(): Promise<void> {
    await new Promise<void>((resolve) => void this.#clock.afterIo(resolve))
    this.#begunMs = this.#clock.monotonicMs()
    this.#bytes = 0
    this.check()
  }
}
