import { DetectorTimeError } from '../errors.ts'

/** For how long a peer has said nothing: a value that never changes. */
export class Silence {
  /** When it was heard last; `undefined` before the first time. */
  readonly heardMs: number | undefined
  /** From when on its silence counts; `undefined` while it does not. Invariant: not before `heardMs`. */
  readonly countsFromMs: number | undefined

  private constructor(heardMs: number | undefined, countsFromMs: number | undefined) {
    this.heardMs = heardMs
    this.countsFromMs = countsFromMs
  }

  static since(watchedSinceMs: number | undefined): Silence {
    if (watchedSinceMs !== undefined && !Number.isFinite(watchedSinceMs)) {
      throw new RangeError(`watchedSinceMs must be a finite number of milliseconds, got ${watchedSinceMs}`)
    }
    return new Silence(undefined, watchedSinceMs)
  }

  heard(nowMs: number): Silence {
    this.assertInOrder(nowMs)
    return new Silence(nowMs, nowMs)
  }

  /** See `FailureDetector.excuse`. The silence cannot begin later than now. */
  excused(nowMs: number, lostMs: number): Silence {
    this.assertInOrder(nowMs)
    if (!(lostMs >= 0)) throw new RangeError(`lostMs must be 0 or more, got ${lostMs}`)
    if (this.countsFromMs === undefined) return this
    return new Silence(this.heardMs, Math.min(nowMs, this.countsFromMs + lostMs))
  }

  /** `undefined` while it does not count. */
  lengthMs(nowMs: number): number | undefined {
    this.assertInOrder(nowMs)
    return this.countsFromMs === undefined ? undefined : nowMs - this.countsFromMs
  }

  /** Throws DetectorTimeError. */
  assertInOrder(nowMs: number): void {
    const isBefore = this.countsFromMs !== undefined && nowMs < this.countsFromMs
    if (!Number.isFinite(nowMs) || isBefore) throw new DetectorTimeError(nowMs, this.countsFromMs)
  }
}
