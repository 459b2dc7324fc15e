import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createFailureDetector, type FailureDetector, type FailureDetectorOptions } from '../src/index.ts'

const duration = fc.double({ min: 0.01, max: 20_000, noNaN: true })
const options: fc.Arbitrary<FailureDetectorOptions> = fc.oneof(
  fc.record({ type: fc.constant('timeout' as const), timeoutMs: duration }),
  fc.record({
    threshold: fc.double({ min: 1, max: 20, noNaN: true }),
    scale: fc.constantFrom('log10' as const, 'natural' as const),
    distribution: fc.constantFrom('normal' as const, 'exponential' as const),
    maxSamples: fc.integer({ min: 2, max: 20 }),
    minStdDeviationMs: duration,
    acceptablePauseMs: duration,
    firstIntervalMs: duration,
    lateIntervals: fc.constantFrom('ignored' as const, 'capped' as const),
  }),
)
const gaps = fc.array(fc.oneof(duration, fc.constant(0)), { minLength: 1, maxLength: 40 })

/** The detector after a heartbeat behind each gap, and the time of the last. */
function feed(detector: FailureDetector, intervals: readonly number[]): { detector: FailureDetector; nowMs: number } {
  let nowMs = 0
  let fed = detector
  for (const interval of intervals) {
    nowMs += interval
    fed = fed.heartbeat(nowMs)
  }
  return { detector: fed, nowMs }
}

describe('every detector', () => {
  test('suspects ever more while nothing comes, and not at all more after a heartbeat', () => {
    fc.assert(
      fc.property(options, gaps, fc.array(duration, { minLength: 2, maxLength: 20 }), (given, intervals, waits) => {
        const { detector, nowMs } = feed(createFailureDetector(given), intervals)
        let at = nowMs
        let before = detector.suspicion(at)
        for (const wait of waits) {
          at += wait
          const now = detector.suspicion(at)
          expect(now).toBeGreaterThanOrEqual(before - 1e-14 * (1 + before))
          before = now
        }
        expect(detector.heartbeat(at).isAvailable(at)).toBe(true)
      }),
      { numRuns: 300 },
    )
  })

  test('becomes unavailable when it said so, which is when the suspicion reaches the threshold', () => {
    fc.assert(
      fc.property(options, gaps, (given, intervals) => {
        const { detector, nowMs } = feed(createFailureDetector(given), intervals)
        const fromMs = detector.unavailableFromMs ?? Number.NaN
        expect(fromMs).toBeGreaterThan(nowMs)
        expect(detector.isAvailable(fromMs)).toBe(false)
        const patienceMs = fromMs - nowMs
        expect(detector.isAvailable(fromMs - patienceMs * 1e-6)).toBe(true)
        // The time is rounded as all numbers are, and phi grows the faster the smaller the deviation is.
        expect(detector.suspicion(fromMs - patienceMs * 1e-6)).toBeLessThan(detector.threshold * (1 + 1e-9))
        expect(detector.suspicion(fromMs + patienceMs * 1e-6)).toBeGreaterThan(detector.threshold * (1 - 1e-9))
      }),
      { numRuns: 300 },
    )
  })

  test('is a value: what grows out of it leaves it as it is, and the same history gives the same bits', () => {
    fc.assert(
      fc.property(options, gaps, gaps, (given, intervals, others) => {
        const { detector, nowMs } = feed(createFailureDetector(given), intervals)
        const before = detector.explain(nowMs + 700)
        let other = detector
        let at = nowMs
        for (const gap of others) {
          at += gap
          other = other.heartbeat(at)
        }
        expect(detector.explain(nowMs + 700)).toEqual(before)
        expect(feed(createFailureDetector(given), intervals).detector.explain(nowMs + 700)).toEqual(before)
      }),
      { numRuns: 200 },
    )
  })
})
