import { SeededRandom } from '@dsys/runtime'
import { describe, expect, test } from 'vitest'
import { normalTailNats } from '../src/core/normal-tail.ts'
import { createFailureDetector, type FailureDetector, type PhiAccrualOptions } from '../src/index.ts'

const fed = (times: readonly number[], options: PhiAccrualOptions): FailureDetector =>
  times.reduce<FailureDetector>((detector, nowMs) => detector.heartbeat(nowMs), createFailureDetector(options))
const phi = (y: number): number => normalTailNats(y) / Math.LN10
const chanceOfEarlier = (y: number): number => 1 - 10 ** -phi(y)

describe('Hayashibara, Défago, Yared and Katayama (2004)', () => {
  // The paper's own reading of a threshold: one suspicion in ten is a mistake at 1, one in a hundred at 2, one in a thousand at 3.
  test.each([
    [1, 1.2815515655446004],
    [2, 2.3263478740408408],
    [3, 3.090232306167813],
  ])(
    'phi %d is reached where one heartbeat in 10^phi would come later: %d deviations above the mean',
    (threshold, y) => {
      expect(phi(y)).toBeCloseTo(threshold, 12)
      const options = { threshold, acceptablePauseMs: 0, maxSamples: 2, firstIntervalMs: 1_000, minStdDeviationMs: 250 }
      expect((fed([0], options).unavailableFromMs ?? 0) - 1_000).toBeCloseTo(250 * y, 8)
    },
  )

  test.each([
    [1, 0.1],
    [2, 0.01],
    [3, 0.001],
  ])('of heartbeats that spread normally, a threshold of %d mistakes a share of %d', (threshold, share) => {
    const random = new SeededRandom(9)
    const normal = (): number => Math.sqrt(-2 * Math.log(1 - random.float())) * Math.cos(2 * Math.PI * random.float())
    let detector = createFailureDetector({ threshold: 8, acceptablePauseMs: 0, minStdDeviationMs: 1 })
    let [nowMs, mistakes, count] = [0, 0, 0]
    for (let i = 0; i < 30_000; i++) {
      nowMs += Math.max(1, 1_000 + 100 * normal())
      if (i > 2_000) {
        count += 1
        if (detector.suspicion(nowMs) >= threshold) mistakes += 1
      }
      detector = i === 0 ? detector.heartbeat(0).heartbeat(nowMs) : detector.heartbeat(nowMs)
    }
    expect(mistakes / count / share).toBeGreaterThan(0.75)
    expect(mistakes / count / share).toBeLessThan(1.33)
  })
})

/** The formula that Akka publishes (PhiAccrualFailureDetector.scala): a logistic approximation of the normal distribution. */
function akkaPhi(y: number): number {
  const e = Math.exp(-y * (1.5976 + 0.070566 * y * y))
  return y > 0 ? -Math.log10(e / (1 + e)) : -Math.log10(1 - 1 / (1 + e))
}

describe('Akka (2.5, AccrualFailureDetectorSpec and PhiAccrualFailureDetector)', () => {
  test.each([
    [0, 0.5],
    [0.6, 0.7257],
    [1.5, 0.9332],
    [2, 0.97725],
    [2.5, 0.99379],
    [3.5, 0.99977],
    [4, 0.99997],
  ])('the distribution function at %d deviations is what its tests expect: %d', (y, expected) => {
    expect(Math.abs(chanceOfEarlier(y) - expected)).toBeLessThan(1e-4)
  })

  test('near the mean its approximation is as close as it says: 0.00014 in the chance', () => {
    for (let y = -3.16; y <= 3.16; y += 0.01) {
      expect(Math.abs(chanceOfEarlier(y) - (1 - 10 ** -akkaPhi(y)))).toBeLessThan(0.00018)
    }
  })

  // Its own expectations, for a mean of 1,000 ms and a deviation of 100 ms.
  test.each([
    [500, 0],
    [1_000, 0.3],
    [1_200, 1.6],
    [1_400, 4.7],
    [1_600, 10.8],
    [1_700, 15.3],
  ])(
    'of its phi after %d ms, %d, ours is the same near the mean, and less in the tail, where the true chance is larger',
    (silentMs, published) => {
      const y = (silentMs - 1_000) / 100
      expect(Math.abs(akkaPhi(y) - published)).toBeLessThan(0.1)
      if (y <= 2) expect(Math.abs(phi(y) - published)).toBeLessThan(0.1)
      else expect(phi(y)).toBeLessThan(published)
    },
  )

  test('its threshold of 8 is reached at 5.23 deviations, which is 7.06 without approximation; ours at 5.61', () => {
    expect(akkaPhi(5.23)).toBeCloseTo(8, 1)
    expect(phi(5.23)).toBeCloseTo(7.07, 1)
    expect(phi(5.612)).toBeCloseTo(8, 3)
  })

  test('starts from the same guess: after one heartbeat, phi is 0.3 at the interval that is expected', () => {
    const detector = fed([0], { acceptablePauseMs: 0 })
    expect(Math.abs(detector.suspicion(1_000) - 0.3)).toBeLessThan(0.2)
    expect(Math.abs(detector.suspicion(2_000) - 4.5)).toBeLessThan(0.3)
    expect(detector.suspicion(3_000)).toBeGreaterThan(14)
  })

  test('keeps a long pause out of the window, and accepts the pause that was configured', () => {
    const times = Array.from({ length: 1_000 }, (_, i) => i * 1_000)
    let detector = fed(times, {})
    let nowMs = 999_000 + 300_000
    expect(detector.isAvailable(nowMs)).toBe(false)
    for (const [gapMs, availableBefore] of [
      [0, false],
      [100, true],
      [1_000, true],
      [7_000, false],
      [1_000, true],
    ] as const) {
      nowMs += gapMs
      expect(detector.isAvailable(nowMs)).toBe(availableBefore)
      detector = detector.heartbeat(nowMs)
      expect(detector.isAvailable(nowMs)).toBe(true)
    }
  })

  test('forgets what has left the window: the same phi at intervals of 100 and then 500, relative to them', () => {
    const options = { maxSamples: 3, acceptablePauseMs: 0, lateIntervals: 'capped', minStdDeviationMs: 100 } as const
    const one = fed([0, 100, 200, 300], options)
    const other = fed([0, 100, 200, 300, 800, 1_300, 1_800, 2_300], options)
    expect(other.suspicion(2_800)).toBeCloseTo(one.suspicion(400), 3)
  })
})

describe('Cassandra (gms.FailureDetector, CASSANDRA-2597) and Atomix 3', () => {
  const steady = Array.from({ length: 200 }, (_, i) => i * 1_000)
  const options = { distribution: 'exponential', maxSamples: 100, acceptablePauseMs: 0 } as const

  test('phi is the silence by the mean, times 1 / ln 10, against a threshold of 8: 18.4 mean intervals', () => {
    const detector = fed(steady, options)
    for (const silentMs of [1_000, 5_000, 18_000]) {
      expect(detector.suspicion(199_000 + silentMs)).toBeCloseTo((silentMs / 1_000) * (1 / Math.log(10)), 12)
    }
    expect((detector.unavailableFromMs ?? 0) - 199_000).toBeCloseTo(18_420.7, 1)
  })

  test('an interval over the limit is not recorded there, nor here', () => {
    const detector = fed([...steady, 260_000], options)
    expect(detector.suspicion(261_000)).toBeCloseTo(1 / Math.log(10), 12)
  })
})

test('Chitchat (Quickwit, failure_detector.rs) counts in powers of e: its 8 is 8 mean intervals, and 3.47 in powers of ten', () => {
  const steady = Array.from({ length: 200 }, (_, i) => i * 1_000)
  const options = { distribution: 'exponential', maxSamples: 100, acceptablePauseMs: 0 } as const
  expect(fed(steady, { ...options, scale: 'natural' }).unavailableFromMs).toBe(199_000 + 8_000)
  expect(fed(steady, { ...options, threshold: 8 / Math.LN10 }).unavailableFromMs).toBeCloseTo(199_000 + 8_000, 9)
})
