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

/** How a vote stands. */
export type VoteResult = 'won' | 'lost' | 'pending'

/** Counts `votes` among `voters`; the votes of others do not count. */
export function countVotes(voters: readonly string[], votes: ReadonlyMap<string, boolean>): VoteResult {
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
