import { countsAsVoter, isJoint, membersOf } from './configuration.ts'
import { hearHeartbeat } from './follower.ts'
import type { SleepRequest, SleepResponse } from './messages.ts'
import type { Progress } from './progress.ts'
import { countVotes } from './quorum.ts'
import { roundAcknowledged } from './reads.ts'
import { resetElectionTimer } from './roles.ts'
import { type CoreState, isAsleep, type Leadership } from './state.ts'

/** A core that keeps no time of its own, and whom it counts on to live meanwhile: whoever drives it must wake it when they do not. */
export interface Sleep {
  readonly role: 'leader' | 'follower'
  readonly term: number
  /** Of a leader: the followers that sleep with it. Of a follower: its leader. */
  readonly peers: readonly string[]
  /** Of a leader: the followers that were silent for long. Whoever drives it must wake it when one of them is heard. */
  readonly absent: readonly string[]
}

/** A follower that was silent for so many election timeouts does not keep the others awake: a restart takes less. */
const ABSENT_TIMEOUTS = 4

/** How the core sleeps; `undefined` while it is awake. */
export function sleepOf(state: CoreState): Sleep | undefined {
  if (!isAsleep(state)) return undefined
  const { leadership, term, leader } = state
  if (leadership === undefined)
    return { role: 'follower', term, peers: leader === undefined ? [] : [leader], absent: [] }
  const followers = [...leadership.progress]
  const peers = followers.filter(([, progress]) => hasAgreed(leadership, progress)).map(([id]) => id)
  return { role: 'leader', term, peers, absent: followers.map(([id]) => id).filter((id) => !peers.includes(id)) }
}

/**
 * In place of a heartbeat: asks the followers to sleep once nothing has happened for as many heartbeats as configured. Returns false when it
 * is not time. While they are asked, each request is a heartbeat too, and a plain heartbeat takes it back.
 */
export function askToSleep(state: CoreState, leadership: Leadership): boolean {
  const { sleepAfterHeartbeats } = state.config
  const { round, progress, quiet } = leadership
  const { lastIndex } = state.log
  // What came and was done between two heartbeats is no less of a disturbance: an entry, or a round for a read.
  const disturbed = quiet.index !== lastIndex || quiet.round !== round - 1
  leadership.quiet = { index: lastIndex, round }
  if (sleepAfterHeartbeats === undefined || disturbed || !isIdle(state, leadership)) {
    stayAwake(leadership)
    return false
  }
  if (++leadership.idleHeartbeats <= sleepAfterHeartbeats) return false
  leadership.sleepFromRound ??= round
  const { term, commitIndex } = state
  for (const id of progress.keys()) {
    state.outbox.send(id, { type: 'sleep-request', term, commitIndex, round }, 'nothing')
  }
  sleepIfAgreed(state, leadership)
  return true
}

/** Whether all members that are there have everything, and nobody waits for anything: nothing will be said until somebody wants something. */
function isIdle(state: CoreState, leadership: Leadership): boolean {
  const { outbox, commitIndex, config } = state
  const { lastIndex } = state.log
  const { configuration } = state.configurations.current
  if (state.busy || commitIndex !== lastIndex || outbox.oldestWriteMs !== undefined) return false
  if (leadership.transfer !== undefined || leadership.roundWanted || leadership.reads.length > 0) return false
  if (isJoint(configuration) || configuration.target !== undefined) return false
  if (!countsAsVoter(configuration, config.id)) return false
  // Somebody who was removed is still told so.
  if (leadership.progress.size !== membersOf(configuration).length - 1) return false
  for (const progress of leadership.progress.values()) {
    if (isAbsent(state, leadership, progress)) continue
    const { state: sending, match, heardMs } = progress
    if (sending !== 'replicate' || match !== lastIndex) return false
    if (heardMs === undefined || state.nowMs - heardMs > config.electionTimeoutMs) return false
  }
  return true
}

/** That enough others are there, `sleepIfAgreed` sees to. */
const isAbsent = ({ nowMs, config }: CoreState, { sinceMs }: Leadership, { heardMs = sinceMs }: Progress): boolean =>
  nowMs - heardMs > ABSENT_TIMEOUTS * config.electionTimeoutMs

const hasAgreed = ({ sleepFromRound }: Leadership, { sleepsSinceRound }: Progress): boolean =>
  sleepFromRound !== undefined && sleepsSinceRound !== undefined && sleepsSinceRound >= sleepFromRound

/** Only what every follower that is there has agreed to: one that did not may lack something, or wait for something. */
function sleepIfAgreed(state: CoreState, leadership: Leadership): void {
  const { sleepFromRound, progress, quiet, round } = leadership
  if (sleepFromRound === undefined || !isIdle(state, leadership)) return
  // Whatever was sent since they were asked has woken them.
  if (quiet.index !== state.log.lastIndex || quiet.round !== round) return
  const agreed = new Map([[state.config.id, true]])
  for (const [id, each] of progress) {
    if (!isAbsent(state, leadership, each) && !hasAgreed(leadership, each)) return
    agreed.set(id, hasAgreed(leadership, each))
  }
  // One that was paused may find all but the first whose words it reads absent.
  if (countVotes(state.configurations.current.configuration, agreed) !== 'won') return
  leadership.heartbeatDueMs = Number.POSITIVE_INFINITY
}

/** Counts the heartbeats from the beginning. */
export function stayAwake(leadership: Leadership): void {
  leadership.idleHeartbeats = 0
  leadership.sleepFromRound = undefined
}

/** The leader asks this follower to sleep: it does if it knows that it has everything, and that all of it is committed. */
export function handleSleepRequest(state: CoreState, from: string, request: SleepRequest): void {
  hearHeartbeat(state, from, request.commitIndex)
  const { commitIndex, log, outbox, config, term } = state
  const hasAll = commitIndex === request.commitIndex && commitIndex === log.lastIndex
  const mayRest =
    config.sleepAfterHeartbeats !== undefined && !state.busy && !state.installing && state.abstention === undefined
  const asleep = hasAll && mayRest && outbox.oldestWriteMs === undefined
  if (asleep) state.electionDueMs = Number.POSITIVE_INFINITY
  outbox.send(from, { type: 'sleep-response', term, round: request.round, asleep }, 'hard-state')
}

export function handleSleepResponse(state: CoreState, from: string, response: SleepResponse): void {
  const { leadership } = state
  const progress = leadership?.progress.get(from)
  if (leadership === undefined || progress === undefined) return
  progress.heard(state.nowMs, response.round)
  progress.sleepsSinceRound = response.asleep ? Math.max(progress.sleepsSinceRound ?? 0, response.round) : undefined
  roundAcknowledged(state, leadership)
  if (response.asleep) sleepIfAgreed(state, leadership)
  else if (isAsleep(state)) wake(state)
  else stayAwake(leadership)
}

/**
 * Keeps time again. What the core has not heard while it slept was heard for it: by default of everybody until now, and `heardMs` says who is
 * known to be silent for longer, as those are without whom it slept. So a leader is held to its quorum from then on, and a follower waits for its leader from then on. It
 * is no answer to a round, so no lease grows by it.
 */
export function wake(state: CoreState, heardMs: (id: string) => number = () => state.nowMs): void {
  if (!isAsleep(state)) return
  const { leadership, leader } = state
  if (leadership !== undefined) {
    for (const [id, progress] of leadership.progress) {
      if (hasAgreed(leadership, progress)) progress.heardMs = Math.max(progress.heardMs ?? 0, heardMs(id))
    }
    stayAwake(leadership)
    leadership.heartbeatDueMs = state.nowMs
    return
  }
  const leaderMs = leader === undefined ? state.nowMs : Math.min(heardMs(leader), state.nowMs)
  state.leaderHeardMs = Math.max(state.leaderHeardMs ?? 0, leaderMs)
  state.promisedMs = Math.max(state.promisedMs ?? 0, leaderMs)
  resetElectionTimer(state)
  state.electionDueMs -= state.nowMs - leaderMs
}
