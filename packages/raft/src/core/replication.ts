import { invariant } from '@dsys/runtime'
import { entryBytes } from './log.ts'
import type { AppendAccepted, AppendRejected } from './messages.ts'
import type { Progress } from './progress.ts'
import { reachedByQuorum } from './quorum.ts'
import { roundAcknowledged } from './reads.ts'
import type { CoreState, Leadership } from './state.ts'
import { transferStep } from './transfer.ts'

/** Sends what each follower should get now: called once a turn, so that all proposals of the turn share a message. */
export function replicate(state: CoreState, leadership: Leadership): void {
  for (const [id, progress] of leadership.progress) {
    sendEntries(state, leadership, id, progress)
    const wanted = Math.min(progress.wantsCommit, state.commitIndex)
    if (wanted > progress.sentCommit) {
      progress.sentCommit = state.commitIndex
      state.outbox.send(id, { type: 'commit-notice', term: state.term, commitIndex: state.commitIndex }, 'nothing')
    }
  }
}

function sendEntries(state: CoreState, leadership: Leadership, id: string, progress: Progress): void {
  const { log, config } = state
  while (progress.next <= log.lastIndex && progress.state !== 'snapshot') {
    if (progress.state === 'probe' && progress.probeSent) return
    const windowFull =
      progress.inflightCount >= config.maxInflightAppends || progress.inflightBytes >= config.maxInflightBytes
    if (progress.state === 'replicate' && windowFull) return
    sendAppend(state, leadership, id, progress, config.maxAppendBytes)
  }
}

/** One append from `next` on; with `maxBytes` 0 an empty one, which asks whether the follower is where it is thought to be. */
export function sendAppend(
  state: CoreState,
  leadership: Leadership,
  id: string,
  progress: Progress,
  maxBytes: number,
): void {
  const { log } = state
  const prevIndex = progress.next - 1
  const prevTerm = log.termAt(prevIndex)
  if (prevTerm === undefined) {
    // The entries it needs are compacted away (Raft §7).
    progress.becomeSnapshot()
    state.snapshotWanted.add(id)
    return
  }
  const entries = maxBytes === 0 ? [] : log.slice(progress.next, maxBytes)
  state.outbox.send(
    id,
    {
      type: 'append-request',
      term: state.term,
      prevIndex,
      prevTerm,
      commitIndex: state.commitIndex,
      round: leadership.round,
      entries,
    },
    'nothing',
  )
  progress.sentCommit = state.commitIndex
  const last = entries.at(-1)
  if (last !== undefined) {
    progress.sent(
      last.index,
      entries.reduce((sum, entry) => sum + entryBytes(entry), 0),
    )
  } else {
    progress.probeSent = true
  }
}

export function handleAppendAccepted(state: CoreState, from: string, answer: AppendAccepted): void {
  const { leadership } = state
  const progress = leadership?.progress.get(from)
  if (leadership === undefined || progress === undefined) return
  // A follower cannot hold more of this term's log than its leader; whoever says so is not counted (P-13).
  if (answer.matchIndex > state.log.lastIndex) return
  progress.heard(state.nowMs, answer.round)
  progress.appendAnswered = true
  const news = progress.accepted(answer.matchIndex)
  progress.noteCatchUp(state.nowMs, state.log.lastIndex)
  const reconnected = progress.match + 1 >= state.log.firstIndex
  // Any answer that reconnects to the log ends the wait for a snapshot (P-35).
  if (progress.state === 'probe' || (progress.state === 'snapshot' && reconnected && news)) progress.becomeReplicate()
  // What it is being sent may be what it has, while the log behind that is gone: there is a newer one by now.
  else if (progress.state === 'snapshot' && !reconnected) state.snapshotWanted.add(from)
  if (news) advanceCommit(state, leadership)
  roundAcknowledged(state, leadership)
  transferStep(state, leadership)
}

export function handleAppendRejected(state: CoreState, from: string, answer: AppendRejected): void {
  const { leadership } = state
  const progress = leadership?.progress.get(from)
  if (leadership === undefined || progress === undefined) return
  progress.heard(state.nowMs, answer.round)
  progress.appendAnswered = true
  const agreed = state.log.lastIndexWithin(answer.hintIndex, answer.hintTerm)
  if (progress.rejected(answer.rejectedIndex, agreed.index)) {
    sendAppend(state, leadership, from, progress, state.config.maxAppendBytes)
  }
  roundAcknowledged(state, leadership)
}

/**
 * Commits what a majority holds on disk, this node included once its own write is durable. Only an entry of the present
 * term is counted; with it everything before it is committed (Raft §5.4.2; P-11).
 */
export function advanceCommit(state: CoreState, leadership: Leadership): void {
  const index = reachedByQuorum(state.configurations.current.configuration, (id) =>
    id === state.config.id ? state.outbox.durableIndex : (leadership.progress.get(id)?.match ?? 0),
  )
  if (index <= state.commitIndex || state.log.termAt(index) !== state.term) return
  commitTo(state, index)
}

/** Moves commitIndex forward. Every entry up to it is in this node's log. */
export function commitTo(state: CoreState, index: number): void {
  invariant(index <= state.log.lastIndex, `commit ${index} is beyond the last entry ${state.log.lastIndex}`)
  const { leadership } = state
  if (leadership !== undefined) {
    for (let i = state.commitIndex + 1; i <= index; i++) {
      const entry = state.log.at(i)
      if (entry !== undefined) leadership.uncommittedBytes -= entryBytes(entry)
    }
  }
  state.commitIndex = index
  state.commitMovedMs = state.nowMs
}
