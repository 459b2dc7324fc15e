import type { LogEntry } from '@dsys/storage'
import { CONFIGURATION_KIND, isWitness, membersOf } from './configuration.ts'
import { encodeConfiguration } from './configuration-codec.ts'
import { Progress } from './progress.ts'
import { appendToLog, type CoreState, isAsleep, leaderIsAlive, type RaftRole } from './state.ts'

/** The kind of the entry that a leader begins its term with; it carries nothing (Raft §8). */
export const NO_OP_KIND = 0

const NO_DATA = new Uint8Array(0)

/** Draws the next election deadline: between one and two timeouts from now (Raft §5.2, §9.3). */
export function resetElectionTimer(state: CoreState): void {
  setElectionTimer(state, state.config.electionTimeoutMs * (1 + state.random.float()))
}

function setElectionTimer(state: CoreState, waitMs: number): void {
  const { priority = 1 } = state.config
  // Without priority it only looks, now and then, whether its leader is still heard.
  state.electionDueMs = state.nowMs + (priority > 0 ? waitMs / priority : waitMs)
}

/**
 * Draws the time of the next pre-vote: soon, between a quarter and half of a timeout from now. A pre-vote changes nothing at
 * any node and is refused while a leader is heard, so asking often costs little; an election that was really lost waits
 * the whole timeout.
 */
export function resetPreVoteTimer(state: CoreState): void {
  setElectionTimer(state, state.config.electionTimeoutMs * (0.25 + 0.25 * state.random.float()))
}

/** When the next heartbeat of a leader is due: never later than an interval from now. */
export function nextHeartbeatMs({ nowMs, config }: CoreState): number {
  const { heartbeatIntervalMs, alignHeartbeats = false } = config
  if (!alignHeartbeats) return nowMs + heartbeatIntervalMs
  return (Math.floor(nowMs / heartbeatIntervalMs) + 1) * heartbeatIntervalMs
}

function setRole(state: CoreState, role: RaftRole, why: string): void {
  state.role = role
  state.events.push({ type: 'role', role, term: state.term, why })
}

export function setLeader(state: CoreState, leader: string | undefined): void {
  if (state.leader === leader) return
  state.leader = leader
  state.leaderChangedMs = state.nowMs
  state.leaderOfTerm = leader ?? state.leaderOfTerm
  if (leader !== undefined) state.refusals.clear()
  state.events.push({ type: 'leader', leader, term: state.term })
}

/** Enters a higher term: the vote is free again and nothing is known of this term's leader. */
function enterTerm(state: CoreState, term: number): void {
  state.term = term
  state.votedFor = undefined
  state.leaderOfTerm = undefined
  state.leaderCommit = 0
  // What is committed is in every later leader's log (Raft §5.4), so that much is verified already.
  state.verifiedIndex = state.commitIndex
  state.leaderHeardMs = undefined
  state.outbox.hardStateChanged()
}

function leaveRole(state: CoreState): void {
  const { leadership } = state
  if (leadership !== undefined) {
    state.droppedReads.push(...leadership.earlyReads, ...leadership.reads.map((read) => read.ticket))
  }
  state.leadership = undefined
  state.votes = new Map()
  state.ownVoteWriteId = undefined
  state.campaignIsTransfer = false
}

/**
 * Follows in `term`, under `leader` when it is known. Stepping down within a term keeps the vote (P-02).
 */
export function becomeFollower(state: CoreState, term: number, leader: string | undefined, why: string): void {
  const wasFollower = state.role === 'follower'
  // Who asks for votes in vain, term after term, must not keep those who could win from it (Raft §5.2).
  const asks = (wasFollower && !isAsleep(state)) || state.role === 'pre-candidate'
  const waitsOn = asks && term > state.term && leader === undefined
  leaveRole(state)
  if (term > state.term) {
    setLeader(state, undefined)
    enterTerm(state, term)
  }
  if (!wasFollower) setRole(state, 'follower', why)
  setLeader(state, leader)
  if (!waitsOn) resetElectionTimer(state)
}

/** Asks whether an election could be won, without touching term or vote (dissertation §9.6; P-05). */
export function becomePreCandidate(state: CoreState, why: string): void {
  leaveRole(state)
  setLeader(state, undefined)
  setRole(state, 'pre-candidate', why)
  resetPreVoteTimer(state)
  // A node that hears a leader has promised it not to vote for another, itself included.
  state.votes.set(state.config.id, !leaderIsAlive(state))
}

/** Begins an election in the next term, with this node's own vote (Raft §5.2). */
export function becomeCandidate(state: CoreState, isTransfer: boolean, why: string): void {
  leaveRole(state)
  setLeader(state, undefined)
  enterTerm(state, state.term + 1)
  state.votedFor = state.config.id
  state.ownVoteWriteId = state.outbox.nextWriteId
  state.campaignIsTransfer = isTransfer
  setRole(state, 'candidate', why)
  resetElectionTimer(state)
}

/**
 * What a term begins with. Until the log holds a configuration the one of the options counts, which whoever makes the nodes may write
 * differently on each; so the first leader writes its own down, and from then on all of them go by that.
 */
function firstOfTerm({ configurations }: CoreState): Pick<LogEntry, 'kind' | 'data'> {
  const { index, configuration } = configurations.current
  if (index > 0) return { kind: NO_OP_KIND, data: NO_DATA }
  return { kind: CONFIGURATION_KIND, data: encodeConfiguration(configuration) }
}

/** Takes the lead of the present term, and begins it with an entry of its own (Raft §5.4.2, §8). */
export function becomeLeader(state: CoreState): void {
  const votes = [...state.votes].filter(([, granted]) => granted).map(([id]) => id)
  leaveRole(state)
  const { log } = state
  const termStartIndex = log.lastIndex + 1
  const { configuration } = state.configurations.current
  const members = membersOf(configuration).filter((id) => id !== state.config.id)
  const progress = new Map(
    members.map((id) => [id, new Progress(termStartIndex, state.nowMs, isWitness(configuration, id))]),
  )
  appendToLog(state, [{ index: termStartIndex, term: state.term, ...firstOfTerm(state) }])
  state.leadership = {
    progress,
    termStartIndex,
    round: 0,
    roundsSent: [],
    leaseGivenUp: false,
    roundWanted: false,
    reads: [],
    earlyReads: [],
    heartbeatDueMs: nextHeartbeatMs(state),
    quiet: { index: termStartIndex, round: 0 },
    idleHeartbeats: 0,
    sleepFromRound: undefined,
    uncommittedBytes: log.bytesBetween(state.commitIndex + 1, log.lastIndex),
    transfer: undefined,
    sinceMs: state.nowMs,
  }
  setRole(state, 'leader', `votes from ${votes.join(', ')}`)
  setLeader(state, state.config.id)
}
