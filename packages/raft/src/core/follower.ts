import { InvariantError } from '@dsys/runtime'
import { campaign } from './election.ts'
import type { AppendRequest, CommitNotice, HeartbeatRequest, TimeoutNow } from './messages.ts'
import { commitTo } from './replication.ts'
import { becomeFollower, resetElectionTimer, setLeader } from './roles.ts'
import { appendToLog, type CoreState, truncateLog } from './state.ts'

/**
 * A request of this term's leader came. A term has one leader (Raft §5.2). Where it has two, votes were forgotten or two groups have one name, and
 * what this node has acknowledged to one the other may replace: so it stops.
 */
export function hearLeader(state: CoreState, from: string): void {
  const { leaderOfTerm, term } = state
  if (leaderOfTerm !== undefined && leaderOfTerm !== from) {
    throw new InvariantError(
      `${from} leads term ${term} beside ${leaderOfTerm}: a voter has lost its disk, or a group was begun twice`,
    )
  }
  if (state.role === 'follower') {
    setLeader(state, from)
    resetElectionTimer(state)
  } else {
    becomeFollower(state, state.term, from, `${from} leads this term`)
  }
  state.leaderHeardMs = state.nowMs
  state.promisedMs = state.nowMs
}

export function handleAppendRequest(state: CoreState, from: string, request: AppendRequest): void {
  hearLeader(state, from)
  const { log, commitIndex } = state
  // What is committed equals the leader's log (Raft §5.4), so an append that begins before that, late or from a leader that has just
  // begun to probe, needs no comparison: what is here is passed over, and the rest is taken as usual.
  if (request.prevIndex >= commitIndex && log.termAt(request.prevIndex) !== request.prevTerm) {
    const hint = log.lastIndexWithin(Math.min(request.prevIndex, log.lastIndex), request.prevTerm)
    refuse(state, from, request.prevIndex, hint, request.round)
    return
  }
  storeEntries(state, request.entries)
  const matchIndex = Math.max(request.prevIndex + request.entries.length, commitIndex)
  // The log equals the leader's up to there; so much of the leader's commitIndex may be believed (P-14).
  state.verifiedIndex = Math.max(state.verifiedIndex, matchIndex)
  learnCommit(state, request.commitIndex)
  acknowledge(state, from, matchIndex, request.round)
}

/** Tells the leader that this log equals its own up to `matchIndex`, once that is on the disk (P-38). */
export function acknowledge({ outbox, term }: CoreState, leader: string, matchIndex: number, round: number): void {
  outbox.send(leader, { type: 'append-accepted', term, matchIndex, round }, 'log')
}

/** Tells the leader that its log goes on behind `rejectedIndex` in another way than this one, and up to where they may agree. */
function refuse(
  { outbox, term, abstention }: CoreState,
  leader: string,
  rejectedIndex: number,
  hint: { readonly index: number; readonly term: number },
  round: number,
): void {
  const hinted = { rejectedIndex, hintIndex: hint.index, hintTerm: hint.term, round }
  // The leader must not go by what a node that has lost entries acknowledged before.
  const lost = abstention === undefined ? {} : ({ lostEntries: true } as const)
  outbox.send(leader, { type: 'append-rejected', term, ...hinted, ...lost }, 'hard-state')
}

/**
 * Adds the entries that are not there yet. Only a real conflict cuts the log, so that a late or short append removes
 * nothing (P-12), and a conflict with a committed entry is never repaired: it is the end (P-15).
 */
function storeEntries(state: CoreState, entries: AppendRequest['entries']): void {
  const { log } = state
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i] as (typeof entries)[number]
    if (entry.index <= state.commitIndex) {
      const known = log.termAt(entry.index)
      if (known !== undefined && known !== entry.term) conflictWithCommitted(state, entry.index)
      continue
    }
    if (entry.index <= log.lastIndex) {
      if (log.termAt(entry.index) === entry.term) continue
      truncateLog(state, entry.index)
    }
    appendToLog(state, i === 0 ? entries : entries.slice(i))
    return
  }
}

function conflictWithCommitted(state: CoreState, index: number): never {
  throw new InvariantError(`the leader's entry ${index} differs from the committed one (commit ${state.commitIndex})`)
}

function learnCommit(state: CoreState, leaderCommit: number): void {
  state.leaderCommit = Math.max(state.leaderCommit, leaderCommit)
  const index = Math.min(state.leaderCommit, state.verifiedIndex)
  if (index > state.commitIndex) commitTo(state, index)
}

export function hearHeartbeat(state: CoreState, from: string, commitIndex: number): void {
  hearLeader(state, from)
  learnCommit(state, commitIndex)
  const { leaderCommit, verifiedIndex, log, outbox, term, abstentionTicket } = state
  const stuck = isStuck(state)
  if (leaderCommit > verifiedIndex && (verifiedIndex < log.lastIndex || stuck)) askToVerify(state, from)
  else if (stuck) outbox.send(from, { type: 'log-end-request', term, ticket: abstentionTicket }, 'hard-state')
}

export function handleHeartbeatRequest(state: CoreState, from: string, request: HeartbeatRequest): void {
  hearHeartbeat(state, from, request.commitIndex)
  state.outbox.send(from, { type: 'heartbeat-response', term: state.term, round: request.round }, 'hard-state')
}

/** Whether nothing has come since the last heartbeat at a node that has lost entries, for which the leader may see no reason. */
function isStuck(state: CoreState): boolean {
  if (state.abstention === undefined) return false
  const stuck = state.verifiedBefore === state.verifiedIndex
  state.verifiedBefore = state.verifiedIndex
  return stuck
}

/**
 * This node began anew in a term that goes on: its log is as it was, but nothing tells it that it equals the leader's, and
 * a leader that knows of no gap sends nothing. Saying that nothing is behind the end makes it probe.
 */
function askToVerify(state: CoreState, leader: string): void {
  const { lastIndex, lastTerm } = state.log
  refuse(state, leader, lastIndex + 1, { index: lastIndex, term: lastTerm }, 0)
}

export function handleCommitNotice(state: CoreState, from: string, notice: CommitNotice): void {
  hearLeader(state, from)
  learnCommit(state, notice.commitIndex)
}

/** The leader hands over (dissertation §3.10). */
export function handleTimeoutNow(state: CoreState, from: string, _message: TimeoutNow): void {
  if (state.role !== 'follower' || state.leader !== from) return
  campaign(state, `${from} hands over`, true)
}
