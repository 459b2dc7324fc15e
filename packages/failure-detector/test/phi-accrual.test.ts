import { describe, expect, test } from 'vitest'
import {
  createFailureDetector,
  DetectorTimeError,
  type FailureDetector,
  PHI_ACCRUAL_DEFAULTS,
  type PhiAccrualExplanation,
  type PhiAccrualOptions,
} from '../src/index.ts'

/** One without pause and with the defaults otherwise, after heartbeats at `times`. */
function fed(times: readonly number[], options: PhiAccrualOptions = {}): FailureDetector {
  const detector = createFailureDetector({ acceptablePauseMs: 0, ...options })
  return times.reduce<FailureDetector>((one, nowMs) => one.heartbeat(nowMs), detector)
}

const steady = (count: number, everyMs: number): number[] => Array.from({ length: count }, (_, i) => i * everyMs)
const explained = (detector: FailureDetector, nowMs: number): PhiAccrualExplanation =>
  detector.explain(nowMs) as PhiAccrualExplanation

describe('before it knows much', () => {
  test('a peer that was never heard is available, unless it is watched from some time on', () => {
    const unheard = fed([])
    expect([unheard.suspicion(1e9), unheard.isAvailable(1e9), unheard.unavailableFromMs]).toEqual([0, true, undefined])
    const watched = fed([], { watchedSinceMs: 5_000 })
    expect(watched.isAvailable(6_500)).toBe(true)
    expect(watched.isAvailable(30_000)).toBe(false)
    // As if it had been heard at that time.
    expect([6_000, 30_000].map((nowMs) => watched.suspicion(nowMs))).toEqual(
      [6_000, 30_000].map((nowMs) => fed([5_000]).suspicion(nowMs)),
    )
    expect(watched.lastHeartbeatMs).toBeUndefined()
  })

  test('after one heartbeat it judges by the interval that it expects, and a spread of a quarter of it', () => {
    const detector = fed([0], { firstIntervalMs: 400, minStdDeviationMs: 1 })
    expect(explained(detector, 0).intervals).toEqual({ count: 2, meanMs: 400, stdDeviationMs: 100, late: 0 })
    // Half of all intervals are longer than the mean.
    expect(detector.suspicion(400)).toBeCloseTo(Math.log10(2), 12)
  })

  test('the time until the first heartbeat is no interval', () => {
    const detector = fed([90_000], { watchedSinceMs: 0 })
    expect(explained(detector, 90_000).intervals).toMatchObject({ count: 2, meanMs: 1_000, late: 0 })
  })

  test('the estimate leaves the window like any interval', () => {
    const detector = fed(steady(11, 50), { maxSamples: 10 })
    expect(explained(detector, 500).intervals).toMatchObject({ count: 10, meanMs: 50, stdDeviationMs: 0 })
  })
})

describe('what makes it patient', () => {
  test('heartbeats like clockwork: the least deviation that is believed', () => {
    const detector = fed(steady(100, 100), { maxSamples: 20, minStdDeviationMs: 10 })
    const last = 9_900
    expect(detector.suspicion(last + 110)).toBeCloseTo(-Math.log10(0.158655253931457), 10)
    expect(detector.unavailableFromMs).toBeCloseTo(last + 100 + 10 * 5.612001244174789, 9)
  })

  test('a pause that is allowed is added to the silence that is expected', () => {
    const [without, having] = [0, 3_000].map((acceptablePauseMs) => fed(steady(50, 1_000), { acceptablePauseMs }))
    for (const silentMs of [100, 900, 1_100, 1_500]) {
      expect(having?.suspicion(49_000 + 3_000 + silentMs)).toBeCloseTo(without?.suspicion(49_000 + silentMs) ?? 0, 12)
    }
  })

  test('an uneven network: the same silence says less', () => {
    const even = fed(steady(200, 1_000), { minStdDeviationMs: 1 })
    const uneven = fed(
      steady(200, 1_000).map((at, i) => at + (i % 2) * 400),
      { minStdDeviationMs: 1 },
    )
    const last = uneven.lastHeartbeatMs ?? 0
    expect(uneven.suspicion(last + 1_500)).toBeLessThan(even.suspicion(199_000 + 1_500) / 5)
  })

  test('a window that moves on: it follows a pace that changes slowly', () => {
    let detector = fed([0], { maxSamples: 20, firstIntervalMs: 100, minStdDeviationMs: 20 })
    let nowMs = 0
    for (let interval = 100; interval < 1_000; interval += 2) {
      nowMs += interval
      expect(detector.isAvailable(nowMs)).toBe(true)
      detector = detector.heartbeat(nowMs)
    }
    expect(explained(detector, nowMs).intervals.meanMs).toBeGreaterThan(950)
  })
})

describe('a heartbeat that comes when the peer was unavailable', () => {
  const times = [...steady(100, 1_000), 400_000]

  test('makes it available, and teaches nothing unless wanted', () => {
    const before = explained(fed(times.slice(0, -1)), 99_000).intervals
    const after = fed(times)
    expect(after.isAvailable(400_000)).toBe(true)
    expect(explained(after, 400_000).intervals).toEqual({ ...before, late: 1 })
  })

  test('capped, it counts as one that came at the last moment', () => {
    const before = fed(times.slice(0, -1), { lateIntervals: 'capped' })
    const patienceMs = (before.unavailableFromMs ?? 0) - 99_000
    const { count, meanMs } = explained(before, 99_000).intervals
    const after = explained(before.heartbeat(400_000), 400_000).intervals
    expect(after.meanMs).toBeCloseTo((count * meanMs + patienceMs) / (count + 1), 9)
    expect(after).toMatchObject({ count: count + 1, late: 1 })
  })

  test('capped, it gets used to a peer that is slower for good; else it does not', () => {
    const slower = [...steady(100, 1_000), ...steady(300, 5_000).map((at) => at + 104_000)]
    const options = { maxSamples: 50, acceptablePauseMs: 500 }
    const lastMs = slower.at(-1) ?? 0
    expect(fed(slower, { ...options, lateIntervals: 'capped' }).isAvailable(lastMs + 5_000)).toBe(true)
    expect(fed(slower, options).isAvailable(lastMs + 5_000)).toBe(false)
  })
})

describe('an observer that did not listen', () => {
  test('excuses the peer for that time, and takes it for no interval', () => {
    const detector = fed(steady(50, 1_000))
    const blocked = detector.excuse(56_000, 6_500)
    expect(detector.isAvailable(56_000)).toBe(false)
    expect(blocked.isAvailable(56_000)).toBe(true)
    expect(blocked.suspicion(56_000)).toBeCloseTo(detector.suspicion(49_500), 12)
    expect(blocked.lastHeartbeatMs).toBe(49_000)
    const before = explained(detector, 49_000).intervals
    const after = explained(blocked.heartbeat(56_100), 56_100).intervals
    expect(after).toEqual(before)
  })

  test('accuses no peer of a steady pace once it listens again, however much it has excused', () => {
    let detector = fed([0], { maxSamples: 20 })
    let nowMs = 0
    for (let i = 0; i < 60; i++) {
      nowMs += 1_000
      detector = detector.excuse(nowMs - 100, 800).heartbeat(nowMs)
    }
    expect(detector.suspicion(nowMs + 1_000)).toBeCloseTo(Math.log10(2), 12)
    expect(detector.isAvailable(nowMs + 1_300)).toBe(true)
  })

  test('learns of a peer that was late in spite of all that was excused as of any other', () => {
    const before = fed(steady(50, 1_000), { lateIntervals: 'capped' })
    const after = explained(before.excuse(52_000, 1_000).heartbeat(60_000), 60_000).intervals
    expect(after).toMatchObject({ count: 52, late: 1 })
    expect(after.meanMs).toBeGreaterThan(1_000)
  })

  test('cannot excuse what is to come: silence begins now at the latest', () => {
    const blocked = fed(steady(50, 1_000)).excuse(49_500, 1e9)
    expect(blocked.unavailableFromMs).toBeCloseTo(49_500 + (fed(steady(50, 1_000)).unavailableFromMs ?? 0) - 49_000, 9)
    expect(blocked.isAvailable(60_000)).toBe(false)
    // What had waited while it was blocked arrives at one time, and says nothing of intervals.
    expect(explained(blocked.heartbeat(49_500).heartbeat(49_500), 49_500).intervals.count).toBe(51)
  })

  test('has nothing to excuse where there is nothing to wait for', () => {
    expect(fed([]).excuse(1_000, 500).unavailableFromMs).toBeUndefined()
    expect(() => fed([0]).excuse(1_000, -1)).toThrow(RangeError)
    expect(() => fed([0]).excuse(1_000, Number.NaN)).toThrow(RangeError)
  })
})

describe('scales and distributions', () => {
  test('8 in powers of e is 3.47 in powers of ten: it is reached earlier', () => {
    const times = steady(100, 1_000)
    const [ten, natural] = [fed(times), fed(times, { scale: 'natural' })]
    for (const silentMs of [500, 1_000, 1_400]) {
      expect(natural.suspicion(99_000 + silentMs)).toBeCloseTo(ten.suspicion(99_000 + silentMs) * Math.LN10, 10)
    }
    expect(natural.unavailableFromMs).toBeLessThan(ten.unavailableFromMs ?? 0)
    const asTen = fed(times, { scale: 'natural', threshold: 8 * Math.LN10 })
    expect(asTen.unavailableFromMs).toBe(ten.unavailableFromMs)
  })

  test('exponential: phi grows in a straight line with the silence', () => {
    const detector = fed(steady(100, 500), { distribution: 'exponential', maxSamples: 10, scale: 'natural' })
    const last = 49_500
    expect([500, 1_000, 4_000].map((silentMs) => detector.suspicion(last + silentMs))).toEqual([1, 2, 8])
    expect(detector.unavailableFromMs).toBe(last + 4_000)
    const patient = fed(steady(100, 500), { distribution: 'exponential', maxSamples: 10, acceptablePauseMs: 700 })
    expect([0, 100, 699, 700].map((silentMs) => patient.suspicion(last + silentMs))).toEqual([0, 0, 0, 0])
    expect(patient.suspicion(last + 1_200)).toBeCloseTo(1 / Math.LN10, 12)
  })

  test('exponential: the least deviation is the least mean', () => {
    const detector = fed(steady(100, 1), { distribution: 'exponential', maxSamples: 10, minStdDeviationMs: 50 })
    expect(detector.suspicion(99 + 50)).toBeCloseTo(1 / Math.LN10, 12)
  })
})

describe('times out of order', () => {
  const wrong = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 999]

  test.each(wrong)('M-23: %d after a heartbeat at 1,000 is refused with a code, and changes nothing', (nowMs) => {
    const detector = fed([0, 1_000])
    for (const ask of ['heartbeat', 'suspicion', 'isAvailable', 'explain'] as const) {
      expect(() => detector[ask](nowMs)).toThrow(
        expect.objectContaining({ code: 'DSYS_FAILURE_DETECTOR_TIME', outcome: 'not-applied', retryable: false }),
      )
    }
    expect(() => detector.excuse(nowMs, 1)).toThrow(DetectorTimeError)
    expect(detector.suspicion(2_000)).toBe(fed([0, 1_000]).suspicion(2_000))
  })

  test('M-23: not before what was excused, nor before the watch began', () => {
    expect(() => fed([0]).excuse(5_000, 9_000).heartbeat(4_999)).toThrow(DetectorTimeError)
    expect(() => fed([], { watchedSinceMs: 10 }).suspicion(9)).toThrow(DetectorTimeError)
    expect(() => fed([], { watchedSinceMs: Number.NaN })).toThrow(RangeError)
  })

  test('M-23: nor beyond 2^53, where nothing can be reckoned: what is said stays finite', () => {
    const limit = Number.MAX_SAFE_INTEGER
    const nervous = { minStdDeviationMs: 0.001, firstIntervalMs: 0.001, watchedSinceMs: -limit }
    for (const distribution of ['normal', 'exponential'] as const) {
      const detector = fed([], { ...nervous, distribution })
      expect(Number.isFinite(detector.suspicion(limit))).toBe(true)
      for (const nowMs of [limit + 1, 1e308]) expect(() => detector.suspicion(nowMs)).toThrow(DetectorTimeError)
    }
    for (const watchedSinceMs of [-1e308, limit + 1]) expect(() => fed([], { watchedSinceMs })).toThrow(RangeError)
  })

  test('two heartbeats at one time are one', () => {
    const detector = fed([0, 1_000, 1_000, 1_000])
    expect(explained(detector, 1_000).intervals.count).toBe(3)
  })
})

test('explain says all of it, as data and in a sentence', () => {
  const explanation = fed(steady(10, 1_000)).explain(20_000)
  expect(explanation).toEqual({
    type: 'phi-accrual',
    available: false,
    suspicion: fed(steady(10, 1_000)).suspicion(20_000),
    threshold: 8,
    lastHeartbeatMs: 9_000,
    silentForMs: 11_000,
    unavailableFromMs: fed(steady(10, 1_000)).unavailableFromMs,
    scale: 'log10',
    distribution: 'normal',
    intervals: { count: 11, meanMs: 1_000, stdDeviationMs: expect.closeTo(106.6, 1), late: 0 },
    options: { ...PHI_ACCRUAL_DEFAULTS, acceptablePauseMs: 0 },
    text: expect.stringMatching(
      /^unavailable: silent for 11000 ms, phi \d{4}\.\d\d of 8 \(log10\), expected every 1000\.0 ms \(deviation 106\.6 ms, 11 intervals\)$/,
    ),
  })
  expect(fed([]).explain(1).text).toMatch(/^available: never heard, phi 0\.00 of 8/)
})
