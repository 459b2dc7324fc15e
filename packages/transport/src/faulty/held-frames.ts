import type { Clock, TimerHandle } from '@dsys/runtime'
import { FrameBudget, type FrameBudgetLimits } from '../frame-budget.ts'
import type { Passage } from './link.ts'

/** Frames on their way for longer than they would be: bounded, and in order but for those that may be overtaken. */
export class HeldFrames {
  readonly #clock: Clock
  #budget: FrameBudget
  readonly #limits: FrameBudgetLimits
  readonly #timers = new Set<TimerHandle>()
  /** When the last frame of a link arrives that later ones must not overtake, for links on which one is held. */
  readonly #lastArrivalMs = new Map<string, number>()

  constructor(clock: Clock, limits: FrameBudgetLimits) {
    this.#clock = clock
    this.#limits = limits
    this.#budget = new FrameBudget(limits)
  }

  get size(): number {
    return this.#timers.size
  }

  /** Whether a frame may pass now: nothing delays it, and nothing goes before it that is held. */
  passesAtOnce(link: string, passage: Passage): boolean {
    return passage.delayMs === 0 && (passage.overtakable || !this.#lastArrivalMs.has(link))
  }

  /** Calls `release` when the time of the frame has come. False when there is no room for it. */
  hold(link: string, passage: Passage, frameBytes: number, release: () => void): boolean {
    if (!this.#budget.take(1, frameBytes)) return false
    const nowMs = this.#clock.monotonicMs()
    const wantedMs = nowMs + passage.delayMs
    const arrivalMs = passage.overtakable ? wantedMs : Math.max(wantedMs, this.#lastArrivalMs.get(link) ?? 0)
    if (!passage.overtakable) this.#lastArrivalMs.set(link, arrivalMs)
    const timer = this.#clock.setTimer(arrivalMs - nowMs, () => {
      this.#timers.delete(timer)
      this.#budget.giveBack(1, frameBytes)
      if (!passage.overtakable && this.#lastArrivalMs.get(link) === arrivalMs) this.#lastArrivalMs.delete(link)
      release()
    })
    this.#timers.add(timer)
    return true
  }

  /** Loses all of them. Returns how many. */
  clear(): number {
    const lost = this.#timers.size
    for (const timer of this.#timers) timer.cancel()
    this.#timers.clear()
    this.#lastArrivalMs.clear()
    this.#budget = new FrameBudget(this.#limits)
    return lost
  }
}
