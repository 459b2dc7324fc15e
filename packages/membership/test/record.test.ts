import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { describedAs } from '../src/core/description.ts'
import { compareRecords, type MemberRecord, mergeRecords, metadataEntries, STATES } from '../src/core/record.ts'

const nothing = { metadata: {}, roles: [], capabilities: [], tags: {} }

// Small ranges, so that equal generations, incarnations and metadata are common.
const record: fc.Arbitrary<MemberRecord> = fc.record({
  id: fc.constant('n1'),
  generation: fc.integer({ min: 1, max: 3 }),
  incarnation: fc.integer({ min: 0, max: 3 }),
  state: fc.constantFrom(...STATES),
  metadata: fc.dictionary(fc.constantFrom('a', 'b'), fc.constantFrom('1', '2')).map(metadataEntries),
  facts: fc.option(fc.constantFrom(...['x', 'y'].map((role) => describedAs({ ...nothing, roles: [role] }).facts)), {
    nil: undefined,
  }),
})
const runs = { numRuns: 5_000 }
const of = (generation: number, incarnation: number, state: MemberRecord['state']): MemberRecord => ({
  id: 'n1',
  generation,
  incarnation,
  state,
  metadata: [],
})

describe('the merge rule', () => {
  test('is commutative', () => {
    fc.assert(
      fc.property(record, record, (a, b) => {
        expect(mergeRecords(a, b)).toEqual(mergeRecords(b, a))
      }),
      runs,
    )
  })

  test('is associative', () => {
    fc.assert(
      fc.property(record, record, record, (a, b, c) => {
        expect(mergeRecords(mergeRecords(a, b), c)).toEqual(mergeRecords(a, mergeRecords(b, c)))
      }),
      runs,
    )
  })

  test('is idempotent, and never goes back', () => {
    fc.assert(
      fc.property(record, record, (a, b) => {
        expect(mergeRecords(a, a)).toEqual(a)
        expect(compareRecords(mergeRecords(a, b), a)).toBeGreaterThanOrEqual(0)
        expect(mergeRecords(mergeRecords(a, b), b)).toEqual(mergeRecords(a, b))
      }),
      runs,
    )
  })

  test('is a total order: records compare as equal only when they are', () => {
    fc.assert(
      fc.property(record, record, record, (a, b, c) => {
        expect(Math.sign(compareRecords(a, b))).toBe(-Math.sign(compareRecords(b, a)) + 0)
        if (compareRecords(a, b) === 0) expect(a).toEqual(b)
        if (compareRecords(a, b) <= 0 && compareRecords(b, c) <= 0) expect(compareRecords(a, c)).toBeLessThanOrEqual(0)
      }),
      runs,
    )
  })

  test('says what wins', () => {
    expect(mergeRecords(of(1, 5, 'left'), of(2, 0, 'alive')).state).toBe('alive')
    expect(mergeRecords(of(1, 5, 'dead'), of(1, 6, 'alive')).state).toBe('alive')
    expect(mergeRecords(of(1, 5, 'suspect'), of(1, 5, 'alive')).state).toBe('suspect')
    expect(mergeRecords(of(1, 5, 'suspect'), of(1, 5, 'dead')).state).toBe('dead')
    expect(mergeRecords(of(1, 5, 'dead'), of(1, 5, 'left')).state).toBe('left')
    expect(mergeRecords(of(2, 0, 'alive'), of(1, 9, 'dead')).state).toBe('alive')
  })

  test('M-01: a late alive below a remembered death does not resurrect', () => {
    const heard = [of(1, 1, 'alive'), of(1, 1, 'dead'), of(1, 10, 'dead'), of(1, 2, 'alive')]
    expect(heard.reduce(mergeRecords)).toEqual(of(1, 10, 'dead'))
  })
})
