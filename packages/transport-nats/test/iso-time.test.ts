import { expect, test } from 'vitest'
import { toIsoTime } from '../src/iso-time.ts'

test('writes every day of some centuries, and odd times of day, as Date does', () => {
  const lastDay = Date.UTC(2420, 0, 1) / 86_400_000
  for (let day = 0; day < lastDay; day++) {
    const ms = day * 86_400_000 + ((day * 7_919_123) % 86_400_000)
    if (toIsoTime(ms) !== new Date(ms).toISOString()) expect(toIsoTime(ms)).toBe(new Date(ms).toISOString())
  }
  for (const ms of [0, 999.9, Date.UTC(9999, 11, 31, 23, 59, 59, 999)]) {
    expect(toIsoTime(ms)).toBe(new Date(ms).toISOString())
  }
})
