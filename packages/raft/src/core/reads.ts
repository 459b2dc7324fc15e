import type { HeartbeatResponse } from './messages.ts'
import { reachedByQuorum } from './quorum.ts'
import type { CoreState, Leadership } from './state.ts'

/**
 * A linearizable read (ReadIndex, dissertation §6.4): it may be served from the state at `commitIndex` as of now, once a
 * majority has confirmed, after now, that this node still leads.
 *
 * Returns false when this node does not lead.
 */
export function requestRead(state: CoreState, ticket: number): boolean {
  const { leadership } = state
  if (leadership === undefined) return false
  // Before its first own commit a leader does not know what is committed (P-21), a lone voter neither (P-24).
  if (state.commitIndex < leadership.termStartIndex) leadership.earlyReads.push(ticket)
  else waitForRound(state, leadership, ticket)
  return true
}

/** The same, answered at once while the lease of this leader lasts, and by a round otherwise. */
export function requestLeaseRead(state: CoreState, ticket: number): boolean {
  const { leadership, commitIndex } = state
  if (leadership === undefined || !leaseLasts(state, leadership)) return requestRead(state, ticket)
  state.confirmedReads.push({ ticket, index: commitIndex })
  return true
}

/**
 * Whether no other leader can have been elected yet: a majority has heard this one, and a voter that hears a leader elects nobody for an
 * election timeout. It counts from when the round that they answered began, not from their answers (dissertation §6.4.1; P-25), and ends
 * earlier by as much as clocks may differ. A leader that hands over has no lease any more: the target does not wait (P-08).
 */
function leaseLasts(state: CoreState, leadership: Leadership): boolean {
  const { electionTimeoutMs, leaseClockDrift } = state.config
  if (leaseClockDrift === undefined || leadership.leaseGivenUp || leadership.transfer !== undefined) return false
  // Before its first own commit a leader does not know what is committed (P-21).
  if (state.commitIndex < leadership.termStartIndex) return false
  const confirmed = confirmedRound(state, leadership)
  const sentMs = leadership.roundsSent.findLast(({ round }) => round <= confirmed)?.sentMs
  if (sentMs === undefined) return false
  return state.nowMs < sentMs + (electionTimeoutMs * (1 - leaseClockDrift)) / (1 + leaseClockDrift)
}

/** Begins another round of heartbeats. */
export function nextRound(state: CoreState, leadership: Leadership): void {
  leadership.round++
  if (state.config.leaseClockDrift === undefined) return
  const { roundsSent, round } = leadership
  roundsSent.push({ round, sentMs: state.nowMs })
  const confirmed = confirmedRound(state, leadership)
  const superseded = roundsSent.findLastIndex((each) => each.round <= confirmed)
  if (superseded > 0) roundsSent.splice(0, superseded)
}

/** The newest round that a majority has answered. */
function confirmedRound(state: CoreState, { round, progress }: Leadership): number {
  return reachedByQuorum(state.configurations.current.configuration, (id) =>
    id === state.config.id ? round : (progress.get(id)?.ackedRound ?? 0),
  )
}

function waitForRound(state: CoreState, leadership: Leadership, ticket: number): void {
  // A round that is under way was begun before this read came, so it proves nothing for it: the next one does.
  leadership.reads.push({ ticket, index: state.commitIndex, round: leadership.round + 1 })
  leadership.roundWanted = true
}

/** Admits the early reads once the term has its first commit. Called once a turn. */
export function admitEarlyReads(state: CoreState, leadership: Leadership): void {
  if (leadership.earlyReads.length === 0 || state.commitIndex < leadership.termStartIndex) return
  const tickets = leadership.earlyReads
  leadership.earlyReads = []
  for (const ticket of tickets) waitForRound(state, leadership, ticket)
}

/** Begins the round that the reads of this turn share. */
export function beginRound(state: CoreState, leadership: Leadership): void {
  leadership.roundWanted = false
  nextRound(state, leadership)
  broadcastHeartbeat(state, leadership)
  roundAcknowledged(state, leadership)
}

export function broadcastHeartbeat(state: CoreState, leadership: Leadership): void {
  const { term, commitIndex } = state
  const heartbeat = { type: 'heartbeat-request', term, commitIndex, round: leadership.round } as const
  for (const [id, progress] of leadership.progress) {
    progress.sentCommit = commitIndex
    state.outbox.send(id, heartbeat, 'nothing')
  }
}

export function handleHeartbeatResponse(state: CoreState, from: string, response: HeartbeatResponse): void {
  const { leadership } = state
  const progress = leadership?.progress.get(from)
  if (leadership === undefined || progress === undefined) return
  progress.heard(state.nowMs, response.round)
  roundAcknowledged(state, leadership)
}

/** Serves the reads whose round a majority has confirmed. */
export function roundAcknowledged(state: CoreState, leadership: Leadership): void {
  if (leadership.reads.length === 0) return
  const confirmed = confirmedRound(state, leadership)
  const waiting = leadership.reads
  let served = 0
  while (served < waiting.length) {
    const read = waiting[served] as (typeof waiting)[number]
    if (read.round > confirmed) break
    state.confirmedReads.push({ ticket: read.ticket, index: read.index })
    served++
  }
  if (served > 0) leadership.reads = waiting.slice(served)
}
