import type { FailureDetector, PhiAccrualExplanation } from '../detector.ts'
import { natsPerUnit, type PhiAccrualOptions, type ResolvedPhiAccrual, resolvePhiAccrual } from '../options.ts'
import { IntervalWindow } from './interval-window.ts'
import { deviationsFor, normalTailNats } from './normal-tail.ts'
import { Silence } from './silence.ts'

/** What is the same for all values that one detector goes through. */
interface Rule {
  readonly options: ResolvedPhiAccrual
  readonly natsPerUnit: number
  /** The threshold in natural units, and how many standard deviations above the mean that is. */
  readonly limitNats: number
  readonly limitDeviations: number
}

/** The first two intervals lie this part of their mean below and above it, as in Akka. */
const FIRST_SPREAD = 0.25

/**
 * Phi accrual (Hayashibara et al., 2004): phi is minus the logarithm of the chance that the peer lives and its heartbeat still
 * comes later than now, as judged by the intervals between its last heartbeats.
 */
export class PhiAccrualDetector implements FailureDetector {
  readonly unavailableFromMs: number | undefined
  readonly #rule: Rule
  readonly #silence: Silence
  readonly #intervals: IntervalWindow
  readonly #late: number

  private constructor(rule: Rule, silence: Silence, intervals: IntervalWindow, late: number) {
    this.#rule = rule
    this.#silence = silence
    this.#intervals = intervals
    this.#late = late
    const { countsFromMs } = silence
    this.unavailableFromMs = countsFromMs === undefined ? undefined : countsFromMs + this.#patienceMs()
  }

  static of(given: PhiAccrualOptions): PhiAccrualDetector {
    const options = resolvePhiAccrual(given)
    const units = natsPerUnit(options.scale)
    const limitNats = options.threshold * units
    const rule = { options, natsPerUnit: units, limitNats, limitDeviations: deviationsFor(limitNats) }
    const { firstIntervalMs, maxSamples } = options
    const first = [firstIntervalMs * (1 - FIRST_SPREAD), firstIntervalMs * (1 + FIRST_SPREAD)]
    return new PhiAccrualDetector(rule, Silence.since(given.watchedSinceMs), IntervalWindow.of(maxSamples, first), 0)
  }

  get threshold(): number {
    return this.#rule.options.threshold
  }

  get lastHeartbeatMs(): number | undefined {
    return this.#silence.heardMs
  }

  heartbeat(nowMs: number): PhiAccrualDetector {
    const silence = this.#silence.heard(nowMs)
    const { heardMs, countsFromMs } = this.#silence
    // Before the first heartbeat there is no interval; and two signs of life at one time are one.
    if (heardMs === undefined || countsFromMs === undefined || nowMs === countsFromMs) {
      return new PhiAccrualDetector(this.#rule, silence, this.#intervals, this.#late)
    }
    if (this.isAvailable(nowMs)) {
      // What is left of an interval after an excuse is shorter than the pace of the peer: were it learned, the next whole one would come too late.
      const intervals = this.#silence.isExcused ? this.#intervals : this.#intervals.add(nowMs - countsFromMs)
      return new PhiAccrualDetector(this.#rule, silence, intervals, this.#late)
    }
    const isCapped = this.#rule.options.lateIntervals === 'capped'
    const intervals = isCapped ? this.#intervals.add(this.#patienceMs()) : this.#intervals
    return new PhiAccrualDetector(this.#rule, silence, intervals, this.#late + 1)
  }

  excuse(nowMs: number, lostMs: number): PhiAccrualDetector {
    const silence = this.#silence.excused(nowMs, lostMs)
    return new PhiAccrualDetector(this.#rule, silence, this.#intervals, this.#late)
  }

  suspicion(nowMs: number): number {
    const silentMs = this.#silence.lengthMs(nowMs)
    return silentMs === undefined ? 0 : this.#nats(silentMs) / this.#rule.natsPerUnit
  }

  isAvailable(nowMs: number): boolean {
    this.#silence.assertInOrder(nowMs)
    return this.unavailableFromMs === undefined || nowMs < this.unavailableFromMs
  }

  explain(nowMs: number): PhiAccrualExplanation {
    const { options } = this.#rule
    const { scale, distribution, threshold } = options
    const available = this.isAvailable(nowMs)
    const suspicion = this.suspicion(nowMs)
    const intervals = {
      count: this.#intervals.count,
      meanMs: this.#intervals.mean,
      stdDeviationMs: Math.sqrt(this.#intervals.variance),
      late: this.#late,
    }
    const silentForMs = this.lastHeartbeatMs === undefined ? undefined : this.#silence.lengthMs(nowMs)
    const said = silentForMs === undefined ? 'never heard' : `silent for ${Math.round(silentForMs)} ms`
    const expected = `expected every ${intervals.meanMs.toFixed(1)} ms (deviation ${intervals.stdDeviationMs.toFixed(1)} ms, ${intervals.count} intervals)`
    const text = `${available ? 'available' : 'unavailable'}: ${said}, phi ${suspicion.toFixed(2)} of ${threshold} (${scale}), ${expected}`
    return Object.freeze({
      type: 'phi-accrual',
      available,
      suspicion,
      threshold,
      lastHeartbeatMs: this.lastHeartbeatMs,
      silentForMs,
      unavailableFromMs: this.unavailableFromMs,
      text,
      scale,
      distribution,
      intervals: Object.freeze(intervals),
      options,
    })
  }

  #nats(silentMs: number): number {
    const { acceptablePauseMs, distribution } = this.#rule.options
    const countingMs = silentMs - acceptablePauseMs
    if (distribution === 'exponential') return Math.max(0, countingMs) / this.#spreadMs()
    return normalTailNats((countingMs - this.#intervals.mean) / this.#spreadMs())
  }

  /** The silence at which phi reaches the threshold. */
  #patienceMs(): number {
    const { options, limitNats, limitDeviations } = this.#rule
    if (options.distribution === 'exponential') return options.acceptablePauseMs + limitNats * this.#spreadMs()
    return options.acceptablePauseMs + this.#intervals.mean + limitDeviations * this.#spreadMs()
  }

  /** The standard deviation, which for an exponential distribution is the mean. */
  #spreadMs(): number {
    const { minStdDeviationMs, distribution } = this.#rule.options
    const { mean, variance } = this.#intervals
    return Math.max(minStdDeviationMs, distribution === 'exponential' ? mean : Math.sqrt(variance))
  }
}
