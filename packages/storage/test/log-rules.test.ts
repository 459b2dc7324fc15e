import { appendEntries, type LogEntry } from '@dsys/storage'
import { expect, test } from 'vitest'

const entries = (from: number, to: number, term = 1): LogEntry[] =>
  Array.from({ length: to - from + 1 }, (_, i) => ({ index: from + i, term, kind: 0, data: new Uint8Array(0) }))

/** Indices and terms after `added` came to `stored`. */
function after(stored: LogEntry[], added: LogEntry[]): string {
  appendEntries(stored, added)
  return stored.map(({ index, term }) => `${index}:${term}`).join(' ')
}

test('entries replace what stands at their place and all behind it', () => {
  expect(after(entries(3, 4), entries(5, 6, 2))).toBe('3:1 4:1 5:2 6:2')
  expect(after(entries(3, 6), entries(4, 4, 2))).toBe('3:1 4:2')
  expect(after(entries(3, 6), entries(3, 3, 2))).toBe('3:2')
  expect(after([], entries(7, 8, 2))).toBe('7:2 8:2')
})

test('nothing changes nothing', () => {
  expect(after(entries(3, 4), [])).toBe('3:1 4:1')
})

test('a log begins anew where entries come behind a hole, or before its first', () => {
  expect(after(entries(3, 4), entries(6, 7, 2))).toBe('6:2 7:2')
  expect(after(entries(3, 4), entries(2, 2, 2))).toBe('2:2')
})
