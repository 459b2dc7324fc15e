import type { LogEntry } from '@dsys/storage'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { entryBytes, RaftLog } from '../../src/core/log.ts'
import { entriesOf } from './support/cluster.ts'

const logOf = (terms: readonly number[], base = { index: 0, term: 0 }): RaftLog =>
  new RaftLog(base, entriesOf(terms, base.index + 1))

const termsOf = (log: RaftLog): number[] =>
  log.lastIndex === log.baseIndex ? [] : log.slice(log.firstIndex, Number.POSITIVE_INFINITY).map(({ term }) => term)

const sorted = fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 12 }).map((terms) => terms.sort((a, b) => a - b))

describe('RaftLog', () => {
  test('an empty log ends at its base', () => {
    const log = logOf([], { index: 7, term: 3 })
    expect(log).toMatchObject({ baseIndex: 7, firstIndex: 8, lastIndex: 7, lastTerm: 3, bytes: 0 })
    expect([6, 7, 8].map((index) => log.termAt(index))).toEqual([undefined, 3, undefined])
  })

  test('refuses holes and terms that fall', () => {
    expect(() => logOf([1]).append(entriesOf([1], 3))).toThrow(/does not follow/)
    expect(() => logOf([2]).append(entriesOf([1], 2))).toThrow(/after 2/)
    expect(() => logOf([], { index: 4, term: 3 }).append(entriesOf([2], 5))).toThrow(/after 3/)
  })

  test('what is compacted can neither be read nor cut', () => {
    const log = logOf([1, 1, 2, 2])
    log.compact(2)
    expect(log.at(2)).toBeUndefined()
    expect(log.termAt(2)).toBe(1)
    expect(() => log.slice(2, 100)).toThrow(/compacted away/)
    expect(() => log.truncate(2)).toThrow(/compacted/)
    expect(() => log.compact(9)).toThrow(/last entry is 4/)
    log.compact(1)
    expect(log.baseIndex).toBe(2)
  })

  test('a slice ends before it is too large, but has one entry at least', () => {
    const log = logOf([1, 1, 1, 1])
    const one = entryBytes(log.at(1) as LogEntry)
    expect(log.slice(2, 0)).toHaveLength(1)
    expect(log.slice(2, 2 * one)).toHaveLength(2)
    expect(log.slice(2, 2 * one - 1)).toHaveLength(1)
    expect(log.slice(5, 100)).toEqual([])
  })

  test('behaves like an array of terms under any order of operations, and never loses count of its bytes', () => {
    const operation = fc.record({
      kind: fc.constantFrom('append', 'truncate', 'compact', 'pack', 'reset'),
      at: fc.nat(15),
    })
    fc.assert(
      fc.property(sorted, fc.array(operation, { maxLength: 20 }), (start, operations) => {
        const log = logOf(start)
        let base = 0
        let terms = [...start]
        for (const { kind, at } of operations) {
          const last = base + terms.length
          if (kind === 'append') {
            log.append(entriesOf([6], last + 1))
            terms.push(6)
          } else if (kind === 'truncate' && at > base) {
            log.truncate(at)
            terms = terms.slice(0, Math.max(0, at - base - 1))
          } else if (kind === 'compact' && at <= last) {
            log.compact(at)
            terms = terms.slice(Math.max(0, at - base))
            base = Math.max(base, at)
          } else if (kind === 'pack') {
            log.pack(at)
          } else if (kind === 'reset') {
            log.reset({ index: last + at, term: 6 })
            base = last + at
            terms = []
          }
          expect(termsOf(log)).toEqual(terms)
          expect(log.lastIndex).toBe(base + terms.length)
          expect(log.lastTerm).toBe(terms.at(-1) ?? log.termAt(base))
          expect(terms.map((_, i) => log.termAt(base + 1 + i))).toEqual(terms)
          expect([log.at(base), log.at(log.lastIndex + 1)]).toEqual([undefined, undefined])
          expect(log.bytes).toBe(terms.length * entryBytes(entriesOf([1])[0] as LogEntry))
        }
      }),
    )
  })

  test('a packed entry is what it was, over the same bytes', () => {
    const block = Uint8Array.from({ length: 40 }, (_, i) => i)
    const entries = [0, 1, 2, 3].map((i) => ({
      index: 6 + i,
      term: 2 + i,
      kind: 7 * i,
      data: block.subarray(10 * i, 10 * i + 3 * i),
    }))
    const log = new RaftLog({ index: 5, term: 1 }, entries)
    const { bytes } = log
    log.pack(8)
    expect(entries.map(({ index }) => log.at(index))).toEqual(entries)
    expect(log.slice(6, Number.POSITIVE_INFINITY)).toEqual(entries)
    expect(log.slice(7, 0)).toEqual([entries[1]])
    expect(log.bytes).toBe(bytes)
    expect(log.at(7)?.data.buffer).toBe(block.buffer)
  })

  test('isUpToDate compares term first, then index, for every pair of logs (P-16)', () => {
    fc.assert(
      fc.property(sorted, fc.nat(6), fc.nat(14), (terms, lastTerm, lastIndex) => {
        const own = [terms.at(-1) ?? 0, terms.length] as const
        const oracle = lastTerm !== own[0] ? lastTerm > own[0] : lastIndex >= own[1]
        expect(logOf(terms).isUpToDate(lastTerm, lastIndex)).toBe(oracle)
      }),
    )
  })

  test('lastIndexWithin never passes over a place where two logs agree (P-20)', () => {
    fc.assert(
      fc.property(sorted, sorted, fc.nat(12), (ours, theirs, from) => {
        fc.pre(from <= theirs.length)
        const term = theirs[from - 1] ?? 0
        let agreed = Math.min(ours.length, from)
        while (agreed > 0 && ours[agreed - 1] !== theirs[agreed - 1]) agreed--
        const hint = logOf(ours).lastIndexWithin(from, term)
        expect(hint.index).toBeGreaterThanOrEqual(agreed)
        expect(hint.index).toBeLessThanOrEqual(from)
        expect(hint.term).toBe(ours[hint.index - 1] ?? 0)
        // It passes over whole terms that the other does not have, not over entries one by one.
        expect(hint.term).toBeLessThanOrEqual(term)
      }),
    )
  })
})
