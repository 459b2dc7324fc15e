import type { RaftCore } from './core/raft-core.ts'
import type { FollowerStatus } from './status.ts'

/**
 * Whom a leader hands over to when nobody is named: the follower with the most of the log, among those that were heard within an election
 * timeout. One that has not answered yet counts too: a leader that has just begun has heard of nobody but by their votes. One that seems to be
 * gone is the last choice, whatever it has of the log, since it would not hear of it.
 */
export function successorOf(
  core: Pick<RaftCore, 'configuration' | 'isWitness' | 'progress'>,
  followers: readonly FollowerStatus[],
  electionTimeoutMs: number,
): string | undefined {
  const { voters } = core.configuration.configuration
  // One that has lost entries does not campaign before it has them again, so the core refuses it.
  const mayLead = (id: string): boolean =>
    voters.includes(id) && !core.isWitness(id) && core.progress?.get(id)?.mending === false
  return followers
    .filter(({ id }) => mayLead(id))
    .filter(({ lastHeardMs }) => lastHeardMs === undefined || lastHeardMs <= electionTimeoutMs)
    .sort((a, b) => Number(b.reachable) - Number(a.reachable) || b.matchIndex - a.matchIndex)[0]?.id
}
