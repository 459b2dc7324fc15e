import type { Clock, TimerHandle } from '@dsys/runtime'

/** Calls back once when nothing has happened for a while. What happens often costs no timer each time. */
export class IdleTimer {
  readonly #clock: Clock
  readonly #idleMs: number
  readonly #onIdle: () => void
  #timer: TimerHandle | undefined
  #lastMs = 0
  #stopped = false

  constructor(clock: Clock, idleMs: number, onIdle: () => void) {
    this.#clock = clock
    this.#idleMs = idleMs
    this.#onIdle = onIdle
  }

  /** Something happened now. */
  touch(): void {
    this.#lastMs = this.#clock.monotonicMs()
    if (this.#timer === undefined && !this.#stopped) this.#arm(this.#idleMs)
  }

  /** Ends it for good. */
  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #arm(delayMs: number): void {
    this.#timer = this.#clock.setTimer(delayMs, () => {
      this.#timer = undefined
      const leftMs = this.#lastMs + this.#idleMs - this.#clock.monotonicMs()
      if (leftMs > 0) this.#arm(leftMs)
      else this.#onIdle()
    })
  }
}
