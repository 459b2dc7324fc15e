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
 * What long work of one node, of all of its groups, may take of each turn of the event loop. Whoever has used it up waits, and one of those who wait
 * goes on in each turn: so frames, timers and finished writes never wait for more than one share, however much is to be done.
 */
export class TurnBudget {
  readonly #clock: Clock
  readonly #waiting: (() => void)[] = []
  #isDue = false
  #begunMs: number
  #bytes = 0

  constructor(clock: Clock) {
    this.#clock = clock
    this.#begunMs = clock.monotonicMs()
  }

  /** `bytes` were worked on. Returns what to wait for where the share of this turn is used up, or `now` says so. */
  spent(bytes: number, now: boolean): Promise<void> | undefined {
    this.#bytes += bytes
    const isUsed = now || this.#bytes >= TURN_BYTES || this.#clock.monotonicMs() - this.#begunMs >= TURN_MS
    if (!isUsed) return undefined
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
      this.#defer()
    })
  }

  #defer(): void {
    if (this.#isDue || this.#waiting.length === 0) return
    this.#isDue = true
    this.#clock.afterIo(() => {
      this.#isDue = false
      this.#begunMs = this.#clock.monotonicMs()
      this.#bytes = 0
      this.#waiting.shift()?.()
      this.#defer()
    })
  }
}

/** One piece of long work, in turns of the event loop. It says what it has done, and waits whenever it is asked to. */
export class Turns {
  readonly #budget: TurnBudget
  /** Whether to end a turn early; for simulations. */
  readonly #short: () => boolean
  #abandoned: AbandonedError | undefined

  constructor(budget: TurnBudget, short: () => boolean = () => false) {
    this.#budget = budget
    this.#short = short
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
    return this.#budget.spent(bytes, this.#short())?.then(() => this.check())
  }
}
