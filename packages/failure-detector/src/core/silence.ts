import { DetectorTimeError } from '../errors.ts'

/** Beyond 2^53 milliseconds a number does not tell one from the next, and what is reckoned with it may be infinite. */
const isTime = (ms: number): boolean => Math.abs(ms) <= Number.MAX_SAFE_INTEGER

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
    if (watchedSinceMs !== undefined && !isTime(watchedSinceMs)) {
      throw new RangeError(`watchedSinceMs must be a number of milliseconds within 2^53, got ${watchedSinceMs}`)
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

  /** Whether some of it was excused: how long it would have been is not known then. */
  get isExcused(): boolean {
    return this.countsFromMs !== this.heardMs
  }

  /** Throws DetectorTimeError. */
  assertInOrder(nowMs: number): void {
    const isBefore = this.countsFromMs !== undefined && nowMs < this.countsFromMs
    if (!isTime(nowMs) || isBefore) throw new DetectorTimeError(nowMs, this.countsFromMs)
  }
}
