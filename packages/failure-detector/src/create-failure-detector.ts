import { PhiAccrualDetector } from './core/phi-accrual.ts'
import { TimeoutDetector } from './core/timeout.ts'
import type { FailureDetector } from './detector.ts'
import type { FailureDetectorOptions } from './options.ts'

/**
 * A detector that watches one peer, or rather one life of it: begin with a fresh one for the next life. Phi accrual unless
 * `type` says otherwise. Throws RangeError for options out of their limits.
 */
export function createFailureDetector(options: FailureDetectorOptions = {}): FailureDetector {
  switch (options.type) {
    case undefined:
    case 'phi-accrual':
      return PhiAccrualDetector.of(options)
    case 'timeout':
      return TimeoutDetector.of(options)
    default:
      throw new RangeError(
        `type must be phi-accrual or timeout, got ${JSON.stringify((options as { type: unknown }).type)}`,
      )
  }
}
