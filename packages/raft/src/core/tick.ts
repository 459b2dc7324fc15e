import { campaign, standBack } from './election.ts'
import { reachedByQuorum } from './quorum.ts'
import { broadcastHeartbeat, nextRound } from './reads.ts'
import { sendAppend } from './replication.ts'
import { becomeFollower, nextHeartbeatMs } from './roles.ts'
import { askToSleep } from './sleep.ts'
import { type CoreState, isAsleep, type Leadership } from './state.ts'
import { handOver } from './transfer.ts'

/** A leader whose oldest write has waited for this many election timeouts gives up: its disk is no basis for a group (P-44). */
const STALLED_DISK_TIMEOUTS = 1.5

/** Does what is due at `state.nowMs`. */
export function tick(state: CoreState): void {
  if (isAsleep(state)) return
  const { leadership } = state
  if (leadership === undefined) {
    if (state.nowMs < state.electionDueMs) return
    if (leadsUnasked(state)) campaign(state, 'no leader was heard in time', false)
    else standBack(state)
    return
  }
  if (!isFollowed(state, leadership)) {
    becomeFollower(state, state.term, undefined, 'a majority was not heard for an election timeout')
    return
  }
  if (diskStalls(state)) {
    // The others hear it, so without a word from it they would wait an election timeout more.
    handOver(state, leadership, 'the disk of this node stalls')
    return
  }
  if (leadership.transfer !== undefined && state.nowMs >= leadership.transfer.deadlineMs)
    leadership.transfer = undefined
  if (state.nowMs >= leadership.heartbeatDueMs) heartbeat(state, leadership)
}

/** A node without priority leaves the lead to others, as long as there are any. */
function leadsUnasked({ config, configurations }: CoreState): boolean {
  const { voters, outgoing } = configurations.current.configuration
  return config.priority !== 0 || (voters.length === 1 && outgoing.length === 0)
}

/** Check-quorum (dissertation §6.2): a leader that a majority does not answer must not go on as one. */
function isFollowed(state: CoreState, leadership: Leadership): boolean {
  const { id, electionTimeoutMs } = state.config
  const heardMs = reachedByQuorum(state.configurations.current.configuration, (voter) =>
    voter === id ? state.nowMs : (leadership.progress.get(voter)?.heardMs ?? leadership.sinceMs),
  )
  return state.nowMs - heardMs <= electionTimeoutMs
}

function diskStalls({ nowMs, config, outbox: { oldestWriteMs } }: CoreState): boolean {
  return oldestWriteMs !== undefined && nowMs - oldestWriteMs > STALLED_DISK_TIMEOUTS * config.electionTimeoutMs
}

function heartbeat(state: CoreState, leadership: Leadership): void {
  leadership.heartbeatDueMs = nextHeartbeatMs(state)
  nextRound(state, leadership)
  if (askToSleep(state, leadership)) return
  broadcastHeartbeat(state, leadership)
  for (const [id, progress] of leadership.progress) {
    const silent = progress.match < state.log.lastIndex && !progress.appendAnswered
    progress.appendAnswered = false
    if (progress.state === 'probe') {
      // The last probe or its answer was lost, or nobody is there: an empty one asks again at little cost.
      sendAppend(state, leadership, id, progress, 0)
    } else if (progress.state === 'replicate' && silent) {
      // Appends or their answers were lost, or the follower is slow. An empty append tells which (P-45, P-48).
      sendAppend(state, leadership, id, progress, 0)
    }
  }
}

/** When {@link tick} has something to do next, on the monotonic scale. */
export const nextDueMs = ({ leadership, electionDueMs }: CoreState): number =>
  leadership?.heartbeatDueMs ?? electionDueMs
