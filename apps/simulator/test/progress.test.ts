import { VirtualClock } from '@dsys/runtime'
import { describe, expect, test } from 'vitest'
import { counted, elapsed, grouped, hoursPerMinute, virtualHours } from '../src/numbers.ts'
import { ProgressLine, progressText } from '../src/progress.ts'
import { Totals } from '../src/runs/totals.ts'

test('numbers are readable', () => {
  expect([0, 999, 1_000, 1_234_567].map(grouped)).toEqual(['0', '999', '1,000', '1,234,567'])
  expect([900, 59_999, 60_000, 187_000, 3_723_000].map(elapsed)).toEqual([
    '0 s',
    '59 s',
    '1:00 min',
    '3:07 min',
    '1:02:03 h',
  ])
  expect([36_000, 3_600_000, 360_000_000].map(virtualHours)).toEqual(['0.010', '1.0', '100'])
  expect([hoursPerMinute(7_200_000, 30_000), hoursPerMinute(1, 0)]).toEqual([4, 0])
  expect([counted(1, 'seed'), counted(0, 'seed')]).toEqual(['1 seed', '0 seeds'])
})

test('the progress says what was done, and how fast', () => {
  const totals = new Totals([{ name: 'a', expected: [] }])
  const job = { scenario: 'a', seed: 1 }
  totals.add({ job, hash: '', virtualMs: 7_200_000, steps: 1, counts: [['fault.crash', 1_500]] })
  expect(progressText(totals, 40, 65_000)).toBe(
    '1/40 seeds · 2.0 virtual hours · 1,500 faults · 0 violations · 1.8 h/min · 1:05 min',
  )
  expect(progressText(totals, Number.POSITIVE_INFINITY, 65_000)).toMatch(/^1 seed · /)
})

describe('the line', () => {
  const lineOf = (isTty: boolean) => {
    const clock = new VirtualClock()
    const written: string[] = []
    const line = new ProgressLine(clock, { isTty, columns: 10, write: (text) => void written.push(text) }, () =>
      'x'.repeat(30),
    )
    return { clock, written, line }
  }

  test('on a terminal is written over, is never wider, and goes away', async () => {
    const { clock, written, line } = lineOf(true)
    line.update()
    expect(written).toEqual([])
    await clock.advanceAsync(200)
    line.update()
    line.update()
    expect(written).toEqual([`\r\u001b[K${'x'.repeat(9)}`])
    line.clear()
    line.clear()
    expect(written.slice(1)).toEqual(['\r\u001b[K'])
  })

  test('elsewhere is a new line every few seconds', async () => {
    const { clock, written, line } = lineOf(false)
    for (let second = 0; second < 12; second++) {
      await clock.advanceAsync(1_000)
      line.update()
    }
    line.clear()
    expect(written).toEqual([`${'x'.repeat(30)}\n`, `${'x'.repeat(30)}\n`])
  })
})
