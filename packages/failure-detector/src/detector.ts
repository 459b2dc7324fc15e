import type { PhiAccrualOptions, PhiDistribution, PhiScale } from './options.ts'

/**
 * What one observer believes of one peer: a value that never changes. It has no clock; every method is told the time, on one
 * monotonic scale, in milliseconds, within 2^53 of 0. All methods throw DetectorTimeError
 * (`DSYS_FAILURE_DETECTOR_TIME`) for a time that is no such number, or lies before the last heartbeat, the end of what was excused, or the
 * begin of the watch.
 */
export interface FailureDetector {
  /** From which suspicion on the peer counts as unavailable. */
  readonly threshold: number
  /** When the last sign of life came; `undefined` before the first. */
  readonly lastHeartbeatMs: number | undefined
  /**
   * From when on the peer is unavailable, should nothing more come: when to look again, for whoever sets a timer. `undefined` while
   * there is nothing to wait for: no heartbeat has come, and no `watchedSinceMs` was given.
   */
  readonly unavailableFromMs: number | undefined

  /** The detector after a sign of life that arrived at `nowMs`. One at the very time of the last one says nothing new. */
  heartbeat(nowMs: number): FailureDetector

  /**
   * The detector of an observer that did not listen for `lostMs` (0 or more), up to `nowMs`: it was blocked, or its own
   * connection was away. That time does not count against the peer, and the interval in which it lies teaches nothing: how long it would
   * have been is not known. Throws RangeError for a `lostMs` out of its range.
   */
  excuse(nowMs: number, lostMs: number): FailureDetector

  /** How much speaks against the peer, 0 or more and finite; it only grows until the next heartbeat or excuse. 0 while there is nothing to wait for. */
  suspicion(nowMs: number): number

  /** Whether the suspicion is below the threshold: whether `nowMs` comes before `unavailableFromMs`. */
  isAvailable(nowMs: number): boolean

  /** All that the detector knows and concludes, as data and as one sentence, for people. */
  explain(nowMs: number): DetectorExplanation
}

/** What is the same in every {@link DetectorExplanation}. */
export interface ExplanationBase {
  readonly available: boolean
  readonly suspicion: number
  readonly threshold: number
  readonly lastHeartbeatMs: number | undefined
  /** Since the last heartbeat, without what was excused; `undefined` before the first. */
  readonly silentForMs: number | undefined
  readonly unavailableFromMs: number | undefined
  /** The same in a sentence. */
  readonly text: string
}

/** What a phi accrual detector knows. */
export interface PhiAccrualExplanation extends ExplanationBase {
  readonly type: 'phi-accrual'
  readonly scale: PhiScale
  readonly distribution: PhiDistribution
  /** Of the intervals in the window, with the estimate that it began with as long as that is in there. */
  readonly intervals: {
    readonly count: number
    readonly meanMs: number
    /** As measured: `minStdDeviationMs` is applied to it afterwards. */
    readonly stdDeviationMs: number
    /** How many heartbeats came when the peer was unavailable already; see `lateIntervals`. */
    readonly late: number
  }
  readonly options: Required<Omit<PhiAccrualOptions, 'type' | 'watchedSinceMs'>>
}

/** What a timeout detector knows. */
export interface TimeoutExplanation extends ExplanationBase {
  readonly type: 'timeout'
  readonly timeoutMs: number
}

/** What {@link FailureDetector.explain} gives. */
export type DetectorExplanation = PhiAccrualExplanation | TimeoutExplanation
