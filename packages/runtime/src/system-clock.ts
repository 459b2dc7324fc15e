import type { Clock, TimerHandle } from './clock.ts'

/** setTimeout treats more than this as 1 ms; longer delays are re-armed. */
const MAX_TIMEOUT_MS = 2_147_483_647

function setTimer(delayMs: number, callback: () => void): TimerHandle {
  if (!(delayMs >= 0)) throw new RangeError(`delayMs must be 0 or more, got ${delayMs}`)
  const dueMs = performance.now() + delayMs
  let timeout: NodeJS.Timeout
  const arm = (remainingMs: number): void => {
    timeout = setTimeout(
      () => {
        const leftMs = dueMs - performance.now()
        // Node rounds delays to whole milliseconds and may fire a fraction early.
        if (leftMs > 0) arm(leftMs)
        else callback()
      },
      Math.min(Math.ceil(remainingMs), MAX_TIMEOUT_MS),
    )
  }
  arm(delayMs)
  return { cancel: () => clearTimeout(timeout) }
}

/** The clock of this process: `performance.now`, `Date.now`, `setTimeout` and `setImmediate`. */
export const systemClock: Clock = Object.freeze({
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  setTimer,
  afterIo: (callback: () => void): TimerHandle => {
    const immediate = setImmediate(callback)
    return { cancel: () => clearImmediate(immediate) }
  },
})
