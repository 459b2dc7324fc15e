import { type Clock, systemClock, type TimerHandle, VirtualClock } from '@dsys/runtime'

/**
 * A clock that goes on by a millisecond with each turn of the event loop while somebody waits. Ten seconds of waiting in
 * vain are over in a moment, and no busy machine makes a wait too short.
 */
export class TurnClock implements Clock {
  readonly #clock = new VirtualClock()
  #turning = false

  monotonicMs(): number {
    return this.#clock.monotonicMs()
  }

  wallMs(): number {
    return this.#clock.wallMs()
  }

  setTimer(delayMs: number, callback: () => void): TimerHandle {
    const timer = this.#clock.setTimer(delayMs, callback)
    if (!this.#turning) this.#turn()
    return timer
  }

  afterIo(callback: () => void): TimerHandle {
    return systemClock.afterIo(callback)
  }

  #turn(): void {
    this.#turning = this.#clock.pending > 0
    if (!this.#turning) return
    systemClock.afterIo(() => {
      this.#clock.advance(1)
      this.#turn()
    })
  }
}
