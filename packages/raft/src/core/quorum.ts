import type { Configuration } from './configuration.ts'

/** The voters of one configuration, or of two that are in force together. */
export type Electorate = Pick<Configuration, 'voters' | 'outgoing'>

/** How many of `voters` make a majority. */
export const majority = (voters: number): number => Math.floor(voters / 2) + 1

/**
 * The highest value that a majority of the voters has reached. With values 5, 3, 9 it is 5: two of three are at 5 or more.
 * Only the values of voters may be given (P-17).
 */
export function reachedByMajority(values: readonly number[]): number {
  const descending = [...values].sort((a, b) => b - a)
  return descending[majority(descending.length) - 1] ?? 0
}

/** The highest value that a majority has reached; of both configurations where two are in force (Raft §6). */
export function reachedByQuorum({ voters, outgoing }: Electorate, reachedBy: (id: string) => number): number {
  const reached = reachedByMajority(voters.map(reachedBy))
  return outgoing.length === 0 ? reached : Math.min(reached, reachedByMajority(outgoing.map(reachedBy)))
}

/** How a vote stands. */
export type VoteResult = 'won' | 'lost' | 'pending'

/** Counts `votes`; those of nodes that do not vote do not count. It is won by both majorities, and lost by one. */
export function countVotes({ voters, outgoing }: Electorate, votes: ReadonlyMap<string, boolean>): VoteResult {
  const result = countAmong(voters, votes)
  if (outgoing.length === 0 || result === 'lost') return result
  const outgoingResult = countAmong(outgoing, votes)
  return outgoingResult === 'won' ? result : outgoingResult
}

function countAmong(voters: readonly string[], votes: ReadonlyMap<string, boolean>): VoteResult {
  let granted = 0
  let refused = 0
  for (const voter of voters) {
    const vote = votes.get(voter)
    if (vote === true) granted++
    else if (vote === false) refused++
  }
  const needed = majority(voters.length)
  if (granted >= needed) return 'won'
  return refused > voters.length - needed ? 'lost' : 'pending'
}
