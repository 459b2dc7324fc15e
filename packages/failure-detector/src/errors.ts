import { DsysError } from '@dsys/runtime'

/**
 * A detector was given a time that is no number within 2^53, or that lies before one it was given (`DSYS_FAILURE_DETECTOR_TIME`). The
 * detector is as before: what it says for times in order still holds.
 */
export class DetectorTimeError extends DsysError {
  readonly timeMs: number
  /** The time that it must not lie before; `undefined` where there is none. */
  readonly notBeforeMs: number | undefined

  constructor(timeMs: number, notBeforeMs: number | undefined) {
    super(
      Math.abs(timeMs) <= Number.MAX_SAFE_INTEGER
        ? `the time ${timeMs} ms lies before ${notBeforeMs} ms, which this detector knows already`
        : `a time is a number of milliseconds within 2^53, got ${timeMs}`,
      {
        code: 'DSYS_FAILURE_DETECTOR_TIME',
        retryable: false,
        outcome: 'not-applied',
        hint: 'Feed a detector with one monotonic clock (clock.monotonicMs()), never with wall time, and never with times of two processes.',
      },
    )
    this.timeMs = timeMs
    this.notBeforeMs = notBeforeMs
  }
}
