import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { countVotes, majority, reachedByMajority, reachedByQuorum } from '../../src/core/quorum.ts'

/** Every subset of `items`. */
function subsets<T>(items: readonly T[]): T[][] {
  return Array.from({ length: 2 ** items.length }, (_, bits) => items.filter((_item, i) => (bits >> i) & 1))
}

const isMajority = (members: readonly unknown[], of: readonly unknown[]): boolean => members.length * 2 > of.length

describe('quorums, against an oracle that tries every set of voters (P-18)', () => {
  test('any two majorities share a member, and one fewer is no majority', () => {
    for (let voters = 1; voters <= 9; voters++) {
      expect(2 * majority(voters)).toBeGreaterThan(voters)
      expect(2 * (majority(voters) - 1)).toBeLessThanOrEqual(voters)
    }
  })

  test('reachedByMajority is the highest value that all members of some majority have reached', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20), { minLength: 1, maxLength: 7 }), (values) => {
        const possible = subsets(values).filter((set) => isMajority(set, values))
        const oracle = Math.max(...possible.map((set) => Math.min(...set)))
        expect(reachedByMajority(values)).toBe(oracle)
      }),
    )
  })

  test('an election is won when the granted make a majority, and lost when no way of voting can still win it', () => {
    const vote = fc.constantFrom<boolean | undefined>(true, false, undefined)
    fc.assert(
      fc.property(fc.array(vote, { minLength: 1, maxLength: 7 }), (answers) => {
        const voters = answers.map((_, i) => `n${i}`)
        const votes = new Map<string, boolean>([['stranger', true]])
        for (const [i, answer] of answers.entries()) if (answer !== undefined) votes.set(`n${i}`, answer)
        const granted = voters.filter((id) => votes.get(id) === true)
        const open = voters.filter((id) => !votes.has(id))
        const canStillWin = subsets(open).some((more) => isMajority([...granted, ...more], voters))
        const oracle = isMajority(granted, voters) ? 'won' : canStillWin ? 'pending' : 'lost'
        expect(countVotes({ voters, outgoing: [] }, votes)).toBe(oracle)
      }),
    )
  })

  test('two configurations in force: a value counts when majorities of both have reached it', () => {
    const ids = ['n1', 'n2', 'n3', 'n4', 'n5']
    const some = fc.subarray(ids, { minLength: 1 })
    fc.assert(
      fc.property(some, some, fc.array(fc.nat(9), { minLength: 5, maxLength: 5 }), (voters, outgoing, values) => {
        const reached = (id: string): number => values[ids.indexOf(id)] as number
        const quorums = subsets(ids).filter((set) =>
          [voters, outgoing].every((half) =>
            isMajority(
              half.filter((id) => set.includes(id)),
              half,
            ),
          ),
        )
        const oracle = Math.max(...quorums.map((set) => Math.min(...set.map(reached))))
        expect(reachedByQuorum({ voters, outgoing }, reached)).toBe(oracle)
      }),
    )
  })

  test('two configurations in force: an election needs both, and is lost when one cannot be won', () => {
    const ids = ['n1', 'n2', 'n3', 'n4', 'n5']
    const some = fc.subarray(ids, { minLength: 1 })
    const vote = fc.constantFrom<boolean | undefined>(true, false, undefined)
    fc.assert(
      fc.property(some, some, fc.array(vote, { minLength: 5, maxLength: 5 }), (voters, outgoing, answers) => {
        const votes = new Map(ids.flatMap((id, i) => (answers[i] === undefined ? [] : [[id, answers[i]]])))
        const winsWith = (granted: readonly string[]): boolean =>
          [voters, outgoing].every((half) =>
            isMajority(
              half.filter((id) => granted.includes(id)),
              half,
            ),
          )
        const granted = ids.filter((id) => votes.get(id) === true)
        const open = ids.filter((id) => !votes.has(id))
        const canStillWin = subsets(open).some((more) => winsWith([...granted, ...more]))
        const oracle = winsWith(granted) ? 'won' : canStillWin ? 'pending' : 'lost'
        expect(countVotes({ voters, outgoing }, votes)).toBe(oracle)
      }),
    )
  })

  test('does not change what it is given', () => {
    const values = Object.freeze([3, 1, 2])
    expect(reachedByMajority(values)).toBe(2)
  })
})
