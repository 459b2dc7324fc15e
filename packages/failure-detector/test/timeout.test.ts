import { expect, test } from 'vitest'
import { createFailureDetector, DetectorTimeError } from '../src/index.ts'

test('a peer is available for the timeout after each heartbeat, and not a moment longer', () => {
  const detector = createFailureDetector({ type: 'timeout', timeoutMs: 500 }).heartbeat(100).heartbeat(1_000)
  expect([1_000, 1_250, 1_500].map((nowMs) => detector.suspicion(nowMs))).toEqual([0, 0.5, 1])
  expect([1_499.999, 1_500].map((nowMs) => detector.isAvailable(nowMs))).toEqual([true, false])
  expect([detector.threshold, detector.unavailableFromMs, detector.lastHeartbeatMs]).toEqual([1, 1_500, 1_000])
})

test('is the same value behind the same interface: watched, excused, explained, in order', () => {
  const detector = createFailureDetector({ type: 'timeout', timeoutMs: 500, watchedSinceMs: 0 })
  expect(detector.isAvailable(500)).toBe(false)
  const excused = detector.excuse(600, 300)
  expect([excused.isAvailable(600), excused.unavailableFromMs, excused.lastHeartbeatMs]).toEqual([true, 800, undefined])
  expect(excused.heartbeat(700).explain(950)).toEqual({
    type: 'timeout',
    available: true,
    suspicion: 0.5,
    threshold: 1,
    lastHeartbeatMs: 700,
    silentForMs: 250,
    unavailableFromMs: 1_200,
    timeoutMs: 500,
    text: 'available: silent for 250 ms, of 500 ms at most',
  })
  expect(createFailureDetector({ type: 'timeout', timeoutMs: 500 }).explain(7).text).toBe(
    'available: never heard, of 500 ms at most',
  )
  expect(() => excused.heartbeat(700).heartbeat(699)).toThrow(DetectorTimeError)
  expect(() => excused.suspicion(Number.NaN)).toThrow(DetectorTimeError)
  expect(() => excused.isAvailable(Number.NaN)).toThrow(DetectorTimeError)
})
