import type { FailureDetector, TimeoutExplanation } from '../detector.ts'
import { checkTimeout, type TimeoutOptions } from '../options.ts'
import { Silence } from './silence.ts'

/** A peer that is silent for `timeoutMs` is unavailable. The suspicion is the part of it that has passed, so its threshold is 1. */
export class TimeoutDetector implements FailureDetector {
  readonly threshold: number = 1
  readonly unavailableFromMs: number | undefined
  readonly #timeoutMs: number
  readonly #silence: Silence

  private constructor(timeoutMs: number, silence: Silence) {
    this.#timeoutMs = timeoutMs
    this.#silence = silence
    const { countsFromMs } = silence
    this.unavailableFromMs = countsFromMs === undefined ? undefined : countsFromMs + timeoutMs
  }

  static of({ timeoutMs, watchedSinceMs }: TimeoutOptions): TimeoutDetector {
    return new TimeoutDetector(checkTimeout(timeoutMs), Silence.since(watchedSinceMs))
  }

  get lastHeartbeatMs(): number | undefined {
    return this.#silence.heardMs
  }

  heartbeat(nowMs: number): TimeoutDetector {
    return new TimeoutDetector(this.#timeoutMs, this.#silence.heard(nowMs))
  }

  excuse(nowMs: number, lostMs: number): TimeoutDetector {
    return new TimeoutDetector(this.#timeoutMs, this.#silence.excused(nowMs, lostMs))
  }

  suspicion(nowMs: number): number {
    return (this.#silence.lengthMs(nowMs) ?? 0) / this.#timeoutMs
  }

  isAvailable(nowMs: number): boolean {
    this.#silence.assertInOrder(nowMs)
    return this.unavailableFromMs === undefined || nowMs < this.unavailableFromMs
  }

  explain(nowMs: number): TimeoutExplanation {
    const available = this.isAvailable(nowMs)
    const silentForMs = this.lastHeartbeatMs === undefined ? undefined : this.#silence.lengthMs(nowMs)
    const said = silentForMs === undefined ? 'never heard' : `silent for ${Math.round(silentForMs)} ms`
    return Object.freeze({
      type: 'timeout',
      available,
      suspicion: this.suspicion(nowMs),
      threshold: this.threshold,
      lastHeartbeatMs: this.lastHeartbeatMs,
      silentForMs,
      unavailableFromMs: this.unavailableFromMs,
      text: `${available ? 'available' : 'unavailable'}: ${said}, of ${this.#timeoutMs} ms at most`,
      timeoutMs: this.#timeoutMs,
    })
  }
}
