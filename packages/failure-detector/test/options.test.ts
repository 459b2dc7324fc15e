import { expect, test } from 'vitest'
import { createFailureDetector, type FailureDetectorOptions, PHI_ACCRUAL_DEFAULTS } from '../src/index.ts'

test.each([
  { threshold: 0.3 },
  { threshold: 1_001 },
  { threshold: Number.NaN },
  { scale: 'natural', threshold: 0.69 },
  { scale: 'log2' },
  { distribution: 'uniform' },
  { lateIntervals: 'kept' },
  { maxSamples: 1 },
  { maxSamples: 10_001 },
  { maxSamples: 2.5 },
  { minStdDeviationMs: 0 },
  { minStdDeviationMs: 86_400_001 },
  { acceptablePauseMs: -1 },
  { acceptablePauseMs: Number.POSITIVE_INFINITY },
  { firstIntervalMs: 0 },
  { firstIntervalMs: Number.NaN },
  { watchedSinceMs: Number.POSITIVE_INFINITY },
  { type: 'timeout' },
  { type: 'timeout', timeoutMs: 0 },
  { type: 'timeout', timeoutMs: Number.NaN },
  { type: 'timeout', timeoutMs: 86_400_001 },
  { type: 'guess' },
])('%j is a RangeError', (wrong) => {
  expect(() => createFailureDetector(wrong as FailureDetectorOptions)).toThrow(RangeError)
})

test('the limits themselves are allowed, and what is undefined is the default', () => {
  expect(createFailureDetector({ threshold: 0.302 }).threshold).toBe(0.302)
  expect(createFailureDetector({ scale: 'natural', threshold: 0.694 }).threshold).toBe(0.694)
  expect(createFailureDetector({ threshold: 1_000 }).heartbeat(0).isAvailable(9_000)).toBe(true)
  const given = { threshold: undefined, maxSamples: undefined } as unknown as FailureDetectorOptions
  expect(createFailureDetector(given).explain(0)).toMatchObject({ options: PHI_ACCRUAL_DEFAULTS })
})
