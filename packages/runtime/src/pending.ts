import type { Clock } from './clock.ts'

/** What ends the waiting of a {@link Pending} besides its result. */
export interface PendingOptions {
  readonly clock: Clock
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
  #settle: { resolve: (value: T) => void; reject: (error: unknown) => void } | undefined
  readonly #release: () => void

  constructor(options: PendingOptions) {
    this.promise = new Promise<T>((resolve, reject) => {
      this.#settle = { resolve, reject }
    })
    const { signal } = options
    const timer = options.clock.setTimer(options.timeoutMs, () => this.reject(options.onTimeout()))
    const onAbort = (): void => this.reject(signal?.reason)
    signal?.addEventListener('abort', onAbort, { once: true })
    this.#release = () => {
      timer.cancel()
      signal?.removeEventListener('abort', onAbort)
    }
    if (signal?.aborted) onAbort()
  }

  /** Whether the result is there, of either kind. */
  get settled(): boolean {
    return this.#settle === undefined
  }

  resolve(value: T): void {
    this.#take()?.resolve(value)
  }

  reject(error: unknown): void {
    this.#take()?.reject(error)
  }

  #take(): { resolve: (value: T) => void; reject: (error: unknown) => void } | undefined {
    const settle = this.#settle
    if (settle === undefined) return undefined
    this.#settle = undefined
    this.#release()
    return settle
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
