import type { Clock, TimerHandle } from './clock.ts'

/** What ends the waiting of a {@link Pending} besides its result. */
export interface PendingOptions {
  /** Give many that wait at once a `Deadlines`. */
  readonly clock: Pick<Clock, 'setTimer'>
  /** How long to wait, in milliseconds. */
  readonly timeoutMs: number
  /** Makes the error that the promise rejects with when the time is over. */
  readonly onTimeout: () => Error
  /** Rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

/**
 * One result that is waited for, with a deadline and a signal: the only way in which dsys waits for another party. The
 * first of resolve, reject, deadline and signal wins; timer and listener are gone afterwards.
 */
export class Pending<T> {
  readonly promise: Promise<T>
  /** Both are there until one was called. */
  #resolve: ((value: T) => void) | undefined
  #reject: ((error: unknown) => void) | undefined
  readonly #timer: TimerHandle
  readonly #signal: AbortSignal | undefined
  readonly #onAbort: (() => void) | undefined

  constructor({ clock, timeoutMs, onTimeout, signal }: PendingOptions) {
    this.promise = new Promise<T>((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.#timer = clock.setTimer(timeoutMs, () => this.reject(onTimeout()))
    if (signal === undefined) return
    this.#signal = signal
    this.#onAbort = () => this.reject(signal.reason)
    signal.addEventListener('abort', this.#onAbort, { once: true })
    if (signal.aborted) this.#onAbort()
  }

  /** Whether the result is there, of either kind. */
  get settled(): boolean {
    return this.#resolve === undefined
  }

  resolve(value: T): void {
    const resolve = this.#resolve
    this.#release()
    resolve?.(value)
  }

  reject(error: unknown): void {
    const reject = this.#reject
    this.#release()
    reject?.(error)
  }

  #release(): void {
    if (this.#resolve === undefined) return
    this.#resolve = undefined
    this.#reject = undefined
    this.#timer.cancel()
    if (this.#onAbort !== undefined) this.#signal?.removeEventListener('abort', this.#onAbort)
  }
}

/** Resolves after `ms` milliseconds of `clock`; rejects with the signal's reason when that comes first. */
export function delay(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason)
      return
    }
    const onAbort = (): void => {
      timer.cancel()
      reject(signal?.reason)
    }
    const timer = clock.setTimer(ms, () => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    })
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}
