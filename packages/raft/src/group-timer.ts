import type { Clock, TimerHandle } from '@dsys/runtime'
import type { ObservedFacts } from './findings.ts'

/** What a {@link GroupTimer} works with. */
export interface GroupTimerParts {
  readonly clock: Clock
  readonly heartbeatIntervalMs: number
  /** Whether a timer that rang late shall wait for what came meanwhile before it judges anybody. */
  readonly waitsWhenLate: () => boolean
  /** The time has come. `lateMs` is for how long this process stood still, 0 when it did not. */
  readonly due: (nowMs: number, lateMs: number) => void
}

/** The one timer of a group. It judges after the input that has arrived, and when this process was blocked or paused, later. */
export class GroupTimer {
  readonly #parts: GroupTimerParts
  #timer: { readonly handle: TimerHandle; readonly dueMs: number } | undefined
  #graceGiven = false
  #ended = false
  /** When this process stood still last, and for how long. */
  #paused: { readonly untilMs: number; readonly forMs: number } | undefined

  constructor(parts: GroupTimerParts) {
    this.#parts = parts
  }

  /** When this process stood still last; `undefined` when it never did. */
  paused(nowMs: number): ObservedFacts['paused'] {
    const paused = this.#paused
    return paused === undefined ? undefined : { agoMs: nowMs - paused.untilMs, forMs: paused.forMs }
  }

  /** Rings at `dueMs`, which may be never. An earlier timer that is set already does: whoever is called looks again. */
  set(dueMs: number, nowMs: number): void {
    const { clock } = this.#parts
    if (this.#timer !== undefined && this.#timer.dueMs <= dueMs) return
    this.#timer?.handle.cancel()
    this.#timer = undefined
    if (dueMs === Number.POSITIVE_INFINITY) return
    const handle = clock.setTimer(Math.max(0, dueMs - nowMs), () => {
      // Frames that have arrived speak before the clock judges their senders.
      this.#timer = { dueMs, handle: clock.afterIo(() => this.#ring(dueMs)) }
    })
    this.#timer = { handle, dueMs }
  }

  end(): void {
    this.#ended = true
    this.#timer?.handle.cancel()
  }

  #ring(dueMs: number): void {
    if (this.#ended) return
    const { clock, heartbeatIntervalMs, waitsWhenLate, due } = this.#parts
    const nowMs = clock.monotonicMs()
    const late = nowMs - dueMs > heartbeatIntervalMs
    if (late && !this.#graceGiven) this.#paused = { untilMs: nowMs, forMs: nowMs - dueMs }
    if (late && waitsWhenLate() && !this.#graceGiven) {
      // This process was blocked or paused. What came meanwhile may take more than one turn to read, so judge later.
      this.#graceGiven = true
      const handle = clock.setTimer(heartbeatIntervalMs, () => this.#ring(dueMs))
      this.#timer = { handle, dueMs: Number.NEGATIVE_INFINITY }
      return
    }
    this.#graceGiven = false
    this.#timer = undefined
    due(nowMs, late ? nowMs - dueMs : 0)
  }
}
