import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { IntervalWindow } from '../src/core/interval-window.ts'

const fill = (max: number, intervals: readonly number[]): IntervalWindow =>
  intervals.slice(1).reduce((window, interval) => window.add(interval), IntervalWindow.of(max, intervals.slice(0, 1)))

function measured(intervals: readonly number[]): { mean: number; variance: number } {
  const mean = intervals.reduce((sum, x) => sum + x, 0) / intervals.length
  return { mean, variance: intervals.reduce((sum, x) => sum + (x - mean) ** 2, 0) / intervals.length }
}

describe('the window of intervals', () => {
  // The figures that the tests of Akka's HeartbeatHistory give (AccrualFailureDetectorSpec).
  test('has the mean and the variance of the whole', () => {
    const window = fill(20, [100, 200, 125, 340, 130])
    expect(window.mean).toBeCloseTo(179, 10)
    expect(window.variance).toBeCloseTo(7_584, 8)
    expect(fill(600, [1_000]).variance).toBe(0)
  })

  test('keeps the last ones alone', () => {
    const three = fill(3, [100, 110, 90])
    expect([three.mean, three.variance]).toEqual([100, expect.closeTo(66.6666667, 6)])
    const four = three.add(140)
    expect([four.count, four.mean, four.variance]).toEqual([
      3,
      expect.closeTo(113.333333, 5),
      expect.closeTo(422.222222, 5),
    ])
    const five = four.add(80)
    expect([five.mean, five.variance]).toEqual([expect.closeTo(103.333333, 5), expect.closeTo(688.888889, 5)])
  })

  test('agrees with sums over what it should hold, whatever came', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 12 }),
        fc.array(fc.double({ min: 0.001, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 60 }),
        (max, intervals) => {
          const window = fill(max, intervals)
          const { mean, variance } = measured(intervals.slice(-max))
          expect(window.count).toBe(Math.min(max, intervals.length))
          expect(Math.abs(window.mean - mean)).toBeLessThanOrEqual(1e-6)
          expect(Math.abs(window.variance - variance)).toBeLessThanOrEqual(1e-3 + 1e-9 * variance)
        },
      ),
      { numRuns: 300 },
    )
  })

  test('rounding does not pile up: one huge interval is gone with the window that held it', () => {
    let window = fill(4, [1, 2, 3, 1e12])
    for (let i = 0; i < 8; i++) window = window.add(i % 2)
    expect([window.mean, window.variance]).toEqual([0.5, 0.25])
  })

  test('a value does not change, whatever grows out of it', () => {
    const window = fill(3, [1, 2, 3])
    const one = window.add(10)
    const other = window.add(20)
    const both = [one.add(5), other.add(5), one.add(7)]
    expect(window.mean).toBe(2)
    expect([one.mean, other.mean]).toEqual([5, expect.closeTo(25 / 3, 12)])
    expect(both.map(({ mean }) => mean)).toEqual([6, expect.closeTo(28 / 3, 12), expect.closeTo(20 / 3, 12)])
  })

  test('the same history gives the same bits, also when others grew out of its values', () => {
    const intervals = Array.from({ length: 500 }, (_, i) => 1_000 + ((i * 7_919) % 613) / 7)
    let alone = IntervalWindow.of(50, [1])
    let crowded = IntervalWindow.of(50, [1])
    for (const interval of intervals) {
      alone = alone.add(interval)
      crowded.add(interval * 3)
      const next = crowded.add(interval)
      crowded.add(interval * 5)
      crowded = next
      expect([crowded.mean, crowded.variance]).toEqual([alone.mean, alone.variance])
    }
  })
})
