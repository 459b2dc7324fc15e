import { handleLogEndRequest, handleLogEndResponse } from './abstention.ts'
import { isMember } from './configuration.ts'
import { handleVoteRequest, handleVoteResponse, mayBeVoter } from './election.ts'
import { handleAppendRequest, handleCommitNotice, handleHeartbeatRequest, handleTimeoutNow } from './follower.ts'
import { isKnown } from './incarnations.ts'
import type { Message, VoteRequest } from './messages.ts'
import { handleHeartbeatResponse } from './reads.ts'
import { handleAppendAccepted, handleAppendRejected } from './replication.ts'
import { becomeFollower } from './roles.ts'
import { handleSleepRequest, handleSleepResponse, wake } from './sleep.ts'
import { handleSnapshotChunk, handleSnapshotProgress } from './snapshots.ts'
import type { CoreState } from './state.ts'

/** All but requests for votes. */
type OfOneTerm = Exclude<Message, VoteRequest>
type Handler<M extends Message> = (state: CoreState, from: string, message: M) => void

/** Who takes which message, once its term is the present one. */
const HANDLERS: { readonly [Type in OfOneTerm['type']]: Handler<Extract<Message, { type: Type }>> } = {
  'vote-response': handleVoteResponse,
  'append-request': handleAppendRequest,
  'append-accepted': handleAppendAccepted,
  'append-rejected': handleAppendRejected,
  'heartbeat-request': handleHeartbeatRequest,
  'heartbeat-response': handleHeartbeatResponse,
  'sleep-request': handleSleepRequest,
  'sleep-response': handleSleepResponse,
  'log-end-request': handleLogEndRequest,
  'log-end-response': handleLogEndResponse,
  'commit-notice': handleCommitNotice,
  'snapshot-chunk': handleSnapshotChunk,
  'snapshot-progress': handleSnapshotProgress,
  'timeout-now': handleTimeoutNow,
}

/** What a node is told because it has asked. */
const ANSWERS: ReadonlySet<Message['type']> = new Set<Message['type']>([
  'vote-response',
  'append-accepted',
  'append-rejected',
  'heartbeat-response',
  'sleep-response',
  'snapshot-progress',
])

/** Takes one message of a peer: first what its term says, then what it is about. */
export function step(state: CoreState, from: string, message: Message, incarnation: number | undefined): void {
  if (message.type === 'vote-request') {
    // Its term may have to be ignored: that is for whoever votes to say.
    if (isExpected(state, from) || mayBeVoter(state, from, message)) wake(state)
    handleVoteRequest(state, from, message)
    return
  }
  if (ANSWERS.has(message.type) && !(isExpected(state, from) && isKnown(state, from, incarnation))) return
  if (message.term > state.term) {
    // A granted pre-vote names a term that nobody has begun.
    const isGrantedPreVote = message.type === 'vote-response' && message.preVote && message.granted
    if (!isGrantedPreVote) {
      becomeFollower(state, message.term, undefined, `${from} is in term ${message.term}`)
    }
  } else if (message.term < state.term) {
    answerOldTerm(state, from, message)
    return
  }
  // A leader wakes by all but answers that come late. What wakes a follower says so itself: whatever its leader sends.
  if (!ANSWERS.has(message.type) || message.type === 'append-rejected') {
    if (state.leadership !== undefined) wake(state)
  }
  const handle = HANDLERS[message.type] as Handler<OfOneTerm>
  handle(state, from, message)
}

/**
 * Whether this node should hear an answer of `from`, and be woken by its question for votes: one that was removed may ask for ever.
 * Requests are heard from everybody: a leader may be of a configuration that this node has yet to learn. Answers are due from members
 * alone, and from those who are told that they are none any more (P-10).
 */
const isExpected = ({ configurations, leadership }: CoreState, from: string): boolean =>
  isMember(configurations.current.configuration, from) || leadership?.progress.has(from) === true

/**
 * A request of an older leader is answered with the present term, so that it steps down; without that a node in a higher
 * term that cannot win would be stuck beside a leader it cannot follow (P-06). Old answers are dropped.
 */
function answerOldTerm({ outbox, term }: CoreState, from: string, { type }: Message): void {
  if (
    type === 'append-request' ||
    type === 'heartbeat-request' ||
    type === 'sleep-request' ||
    type === 'commit-notice' ||
    type === 'snapshot-chunk'
  ) {
    outbox.send(from, { type: 'heartbeat-response', term, round: 0 }, 'hard-state')
  }
}
