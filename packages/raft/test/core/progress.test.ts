import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Progress } from '../../src/core/progress.ts'

describe('Progress', () => {
  test('begins to probe where the leader thinks that the logs meet', () => {
    const progress = new Progress(8, 0)
    expect(progress).toMatchObject({ state: 'probe', match: 0, next: 8, probeSent: false })
    progress.sent(9, 100)
    expect(progress).toMatchObject({ probeSent: true, next: 8, inflightCount: 0 })
  })

  test('counts what is under way, and frees it by an answer to any later append', () => {
    const progress = new Progress(1, 0)
    progress.becomeReplicate()
    for (const last of [2, 4, 6]) progress.sent(last, 10)
    expect(progress).toMatchObject({ next: 7, inflightCount: 3, inflightBytes: 30 })
    expect(progress.accepted(4)).toBe(true)
    expect(progress).toMatchObject({ match: 4, inflightCount: 1, inflightBytes: 10 })
    expect(progress.accepted(2)).toBe(false)
    expect(progress).toMatchObject({ match: 4, next: 7 })
  })

  test('a refusal while replicating begins a new probe behind match, once', () => {
    const progress = new Progress(1, 0)
    progress.becomeReplicate()
    for (const last of [2, 4, 6]) progress.sent(last, 10)
    progress.accepted(2)
    expect(progress.rejected(2, 0)).toBe(false)
    expect(progress.rejected(4, 0)).toBe(true)
    expect(progress).toMatchObject({ state: 'probe', next: 3, match: 2, inflightCount: 0, inflightBytes: 0 })
    expect(progress.rejected(6, 0)).toBe(false)
  })

  test('while a snapshot is on its way, refusals are old news', () => {
    const progress = new Progress(5, 0)
    progress.becomeSnapshot()
    expect(progress.rejected(4, 2)).toBe(false)
    expect(progress.state).toBe('snapshot')
  })

  test('a round that came back is never taken back', () => {
    const progress = new Progress(1, 0)
    progress.heard(10, 4)
    progress.heard(20, 2)
    expect(progress).toMatchObject({ ackedRound: 4, heardMs: 20 })
  })

  test('match only grows and stays below next, and the window adds up, whatever comes', () => {
    const input = fc.oneof(
      fc.record({ kind: fc.constant('sent' as const), count: fc.integer({ min: 1, max: 3 }) }),
      fc.record({ kind: fc.constant('accepted' as const), index: fc.nat(30) }),
      fc.record({ kind: fc.constant('rejected' as const), index: fc.nat(30), hint: fc.nat(30) }),
      fc.record({ kind: fc.constantFrom('becomeProbe', 'becomeReplicate', 'becomeSnapshot') }),
    )
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10 }), fc.array(input, { maxLength: 40 }), (next, inputs) => {
        const progress = new Progress(next, 0)
        let match = 0
        for (const each of inputs) {
          if ('count' in each) progress.sent(progress.next - 1 + each.count, 7)
          else if ('hint' in each) progress.rejected(each.index, each.hint)
          else if ('index' in each) progress.accepted(each.index)
          else progress[each.kind as 'becomeProbe']()
          expect(progress.match).toBeGreaterThanOrEqual(match)
          expect(progress.next).toBeGreaterThan(progress.match)
          expect(progress.inflightBytes).toBe(7 * progress.inflightCount)
          match = progress.match
        }
      }),
    )
  })
})
