import { countsAsVoter } from './configuration.ts'
import { isForgotten } from './incarnations.ts'
import type { VoteRefusal, VoteRequest, VoteResponse } from './messages.ts'
import { countVotes } from './quorum.ts'
import {
  becomeCandidate,
  becomeFollower,
  becomeLeader,
  becomePreCandidate,
  resetElectionTimer,
  resetPreVoteTimer,
  setLeader,
} from './roles.ts'
import { type CoreState, holdsNoData, isVoter, leaderIsAlive } from './state.ts'

/** The election timer ran out, or the leader asked this node to take over. */
export function campaign(state: CoreState, why: string, isTransfer: boolean): void {
  // A node that stores a snapshot does not know its own log yet (P-09), and only voters may win (P-10).
  if (state.installing || abstains(state) || !mayLead(state)) {
    standBack(state)
    return
  }
  const { preVote = true, leaseClockDrift } = state.config
  // A transfer is an election that everybody expects; asking first would only lose time (P-08).
  const asks = preVote || leaseClockDrift !== undefined || !isVoter(state, state.config.id)
  if (isTransfer || !asks) becomeCandidate(state, isTransfer, why)
  else becomePreCandidate(state, why)
  requestVotes(state)
  decide(state)
}

/** For so many election timeouts voters are left to find a leader among themselves. */
const PATIENCE_OF_OTHERS = 4

/**
 * Voters may lead, and where a witness votes anybody with data, if they find no leader: it may be the only one whose log is as new as that
 * of the witness, though it was removed meanwhile. Then it leads until a voter has that log. A witness has no data to lead with.
 */
function mayLead({ config, configurations, commitIndex, nowMs, promisedMs = 0 }: CoreState): boolean {
  if (config.witness === true) return false
  if (configurations.mayBeVoter(config.id, commitIndex)) return true
  const { configuration } = configurations.current
  const witnessVotes = configuration.witnesses?.some((id) => countsAsVoter(configuration, id)) === true
  return witnessVotes && nowMs - promisedMs > PATIENCE_OF_OTHERS * config.electionTimeoutMs
}

/** The election timer of a node that does not campaign: it looks whether its leader is still heard. */
export function standBack(state: CoreState): void {
  if (state.role !== 'follower') becomeFollower(state, state.term, undefined, 'its campaign was not won')
  else if (!leaderIsAlive(state)) setLeader(state, undefined)
  resetElectionTimer(state)
}

function requestVotes(state: CoreState): void {
  const preVote = state.role === 'pre-candidate'
  const { voters, outgoing } = state.configurations.current.configuration
  for (const to of new Set([...voters, ...outgoing])) {
    if (to === state.config.id) continue
    const request: VoteRequest = {
      type: 'vote-request',
      term: preVote ? state.term + 1 : state.term,
      preVote,
      transfer: state.campaignIsTransfer,
      lastIndex: state.log.lastIndex,
      lastTerm: state.log.lastTerm,
    }
    state.outbox.send(to, request, preVote ? 'nothing' : 'hard-state')
  }
}

/**
 * Votes go to voters of this group and to nobody else (P-10). One whose log goes on where that of this node ends may hold a newer
 * configuration, in which it is one, or this node is (P-03).
 */
export function mayBeVoter(state: CoreState, id: string, { lastIndex, lastTerm }: VoteRequest): boolean {
  const { log, config } = state
  if (isVoter(state, id) || lastTerm > log.lastTerm) return true
  // A witness with the newest log cannot lead: whoever has the data of it must be able to, also one that is about to leave.
  return lastTerm === log.lastTerm && lastIndex >= log.lastIndex + (config.witness === true ? 0 : 1)
}

/** Whether this node has lost entries that it may have acknowledged (P-40), or a whole disk (P-30), so that it must elect nobody. */
const abstains = (state: CoreState): boolean => state.abstention !== undefined || isForgotten(state)

export function handleVoteRequest(state: CoreState, from: string, request: VoteRequest): void {
  const { outbox } = state
  if (!mayBeVoter(state, from, request) || holdsNoData(state, from)) return
  const refuse = (why: VoteRefusal): void => {
    const { term } = state
    outbox.send(from, { type: 'vote-response', term, preVote: request.preVote, granted: false, why }, 'hard-state')
  }
  if (request.term < state.term) {
    refuse({ reason: 'later-term' })
    return
  }
  if (!request.transfer && leaderIsAlive(state)) {
    // A refused pre-vote is harmless news to its sender. A real request is not answered, nor is its term taken: the
    // sender would depose a leader that the majority hears.
    if (request.preVote) refuse({ reason: 'hears-leader', leader: state.leader })
    return
  }
  const upToDate = !abstains(state) && state.log.isUpToDate(request.lastTerm, request.lastIndex)
  if (request.preVote) {
    // Nothing of this node changes: no term, no vote, no timer (P-05). A vote already given in that very term binds.
    const free = request.term > state.term || state.votedFor === undefined || state.votedFor === from
    if (!upToDate || !free) {
      refuse(whyNot(state, upToDate))
      return
    }
    outbox.send(from, { type: 'vote-response', term: request.term, preVote: true, granted: true }, 'hard-state')
    return
  }
  if (request.term > state.term) becomeFollower(state, request.term, undefined, `${from} asks for votes`)
  const free = state.votedFor === undefined ? state.leader === undefined : state.votedFor === from
  if (!upToDate || !free) {
    refuse(whyNot(state, upToDate))
    return
  }
  if (state.votedFor === undefined) {
    state.votedFor = from
    outbox.hardStateChanged()
  }
  resetElectionTimer(state)
  outbox.send(from, { type: 'vote-response', term: state.term, preVote: false, granted: true }, 'hard-state')
}

function whyNot(state: CoreState, upToDate: boolean): VoteRefusal {
  const { log, votedFor, leader } = state
  if (abstains(state)) return { reason: 'abstains' }
  if (!upToDate) return { reason: 'log-behind', lastIndex: log.lastIndex, lastTerm: log.lastTerm }
  return votedFor === undefined ? { reason: 'hears-leader', leader } : { reason: 'voted', votedFor }
}

export function handleVoteResponse(state: CoreState, from: string, response: VoteResponse): void {
  if (!response.granted && state.leader === undefined && isVoter(state, from))
    state.refusals.set(from, { atMs: state.nowMs, why: response.why })
  const expectedRole = response.preVote ? 'pre-candidate' : 'candidate'
  if (state.role !== expectedRole || !isVoter(state, from)) return
  const electionTerm = response.preVote ? state.term + 1 : state.term
  // An answer of another election: late, or of another term.
  if (response.granted && response.term !== electionTerm) return
  if (!state.votes.has(from)) state.votes.set(from, response.granted)
  decide(state)
}

/** This candidate's own vote is on its disk, so it counts (P-04). */
export function ownVoteDurable(state: CoreState): void {
  if (state.ownVoteWriteId === undefined || state.outbox.durableWriteId < state.ownVoteWriteId) return
  state.ownVoteWriteId = undefined
  state.votes.set(state.config.id, true)
  decide(state)
}

/**
 * A candidate votes for itself, so where leases count on promises it must be free to: those who would vote for it may hear the leader
 * again, and renew its lease together with the promise of this node, before they are asked in earnest (P-25).
 */
const ownVoteIsPromised = (state: CoreState): boolean =>
  state.config.leaseClockDrift !== undefined && leaderIsAlive(state)

function decide(state: CoreState): void {
  const result = countVotes(state.configurations.current.configuration, state.votes)
  if (result === 'lost') {
    const wasPreVote = state.role === 'pre-candidate'
    // The vote stays given (P-02); the timer decides when to try again.
    becomeFollower(state, state.term, undefined, 'a majority refused')
    if (wasPreVote) resetPreVoteTimer(state)
  } else if (result === 'won' && state.role === 'pre-candidate' && ownVoteIsPromised(state)) {
    becomeFollower(state, state.term, undefined, 'its own vote is promised to the leader that it heard')
    resetPreVoteTimer(state)
  } else if (result === 'won' && state.role === 'pre-candidate') {
    becomeCandidate(state, false, 'a majority would vote for this node')
    requestVotes(state)
    decide(state)
  } else if (result === 'won' && state.role === 'candidate') {
    becomeLeader(state)
  }
}
