import { describe, expect, test } from 'vitest'
import { milliseconds, ratio, sharedMachine, whole } from '../figures.mjs'
import { median, merge, parseWrk, quantile, quantileOf, withoutCorrection } from '../latencies.mjs'
import { withPart } from '../page.mjs'
import { table } from '../table.mjs'

describe('latencies', () => {
  test('a quantile is the smallest value that at least that share stays within', () => {
    const hundred = new Map(Array.from({ length: 100 }, (_, i) => [i + 1, 1]))
    expect(quantile(hundred, 0.5)).toBe(50)
    expect(quantile(hundred, 0.99)).toBe(99)
    expect(quantile(hundred, 1)).toBe(100)
    expect(
      quantile(
        new Map([
          [7, 1],
          [3, 99],
        ]),
        0.99,
      ),
    ).toBe(3)
    expect(quantile(new Map(), 0.5)).toBeNaN()
  })

  test('of a hundred values the p99 leaves one out, and of fewer it is the longest', () => {
    const values = Array.from({ length: 100 }, (_, i) => 100 - i)
    expect(quantileOf(values, 0.99)).toBe(99)
    expect(quantileOf(values.slice(0, 25), 0.99)).toBe(100)
    expect(quantileOf([4, 4, 4, 9], 0.75)).toBe(4)
  })

  test('a median is the middle one, or the mean of the two in the middle', () => {
    expect(median([3, 1, 2])).toBe(2)
    expect(median([4, 1, 2, 3])).toBe(2.5)
    expect(median([])).toBeNaN()
  })

  test('histograms are added up', () => {
    const merged = merge([new Map([[1, 2]]), new Map([[1, 3]]), new Map([[4, 1]])])
    expect([...merged]).toEqual([
      [1, 5],
      [4, 1],
    ])
  })

  test('what wrk adds for requests that were never sent is taken back', () => {
    // One answer of 50 µs at intervals of 10: wrk adds 40, 30 and 20 for it.
    const counted = new Map([50, 40, 30, 20].map((latency) => [latency, 1]))
    expect([...withoutCorrection(counted, 10)].filter(([, count]) => count > 0)).toEqual([[50, 1]])
    expect(withoutCorrection(counted, Number.POSITIVE_INFINITY)).toEqual(counted)
  })

  test('a run of wrk that says nothing is an error', () => {
    expect(() => parseWrk('Socket errors', 1)).toThrow('wrk did not say what it measured')
  })
})

describe('figures', () => {
  test('a ratio is told only where there is a peer', () => {
    expect(ratio(30, 10)).toBe('3.00')
    expect(ratio(30, 0)).toBe('-')
    expect(ratio(30, Number.NaN)).toBe('-')
  })

  test('a machine that others used is named, and one at rest is not', () => {
    expect(sharedMachine([0.5, 0.3])).toContain('used 0.40 processors')
    expect([[0.05], [], [Number.NaN]].map(sharedMachine)).toEqual(['', '', ''])
  })

  test('numbers have as many digits as they are worth', () => {
    expect([1.234, 12.34, 1_234.5].map(milliseconds)).toEqual(['1.23', '12.3', '1,235'])
    expect([Number.NaN].map(whole)).toEqual(['-'])
  })
})

describe('the page', () => {
  const page = '# Page\n\n<!-- one: begin -->\n\nold\n\n<!-- one: end -->\n\n<!-- two: begin -->\n\n<!-- two: end -->\n'

  test('one part is written anew, and the rest stays', () => {
    const written = withPart(page, 'one', '\nnew\n')
    expect(written).toBe(page.replace('old', 'new'))
    expect(withPart(withPart(page, 'two', 'more'), 'two', '')).toContain('<!-- two: begin -->\n\n\n\n<!-- two: end -->')
  })

  test('a page without that part is an error', () => {
    expect(() => withPart(page, 'three', 'new')).toThrow('has no part "three"')
  })

  test('a table has a line for its head, one of rules, and one for each row', () => {
    expect(table(['a', 'b'], [['1', '2']])).toBe('| a | b |\n|---|---|\n| 1 | 2 |')
  })
})
