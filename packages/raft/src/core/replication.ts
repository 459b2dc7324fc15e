import { InvariantError } from '@dsys/runtime'
import { type Configuration, isWitness } from './configuration.ts'
import { entryBytes } from './log.ts'
import type { AppendAccepted, AppendRejected, AppendRequest } from './messages.ts'
import type { Progress } from './progress.ts'
import { reachedByQuorum } from './quorum.ts'
import { roundAcknowledged } from './reads.ts'
import type { CoreState, Leadership } from './state.ts'
import { transferStep } from './transfer.ts'
import { stripped } from './witness.ts'

/** Sends what each follower should get now: called once a turn, so that all proposals of the turn share a message. */
export function replicate(state: CoreState, leadership: Leadership): void {
  const appends = new Map<number, Append>()
  for (const [id, progress] of leadership.progress) {
    sendEntries(state, leadership, id, progress, appends)
    const wanted = Math.min(progress.wantsCommit, state.commitIndex)
    if (wanted > progress.sentCommit) {
      progress.sentCommit = state.commitIndex
      state.outbox.send(id, { type: 'commit-notice', term: state.term, commitIndex: state.commitIndex }, 'nothing')
    }
  }
}

/** An append, and the size of its entries. */
interface Append {
  readonly message: AppendRequest
  readonly bytes: number
}

/** @param appends those of this turn, by the index that they begin with: followers at the same place get the same message. */
function sendEntries(
  state: CoreState,
  leadership: Leadership,
  id: string,
  progress: Progress,
  appends: Map<number, Append>,
): void {
  const { config } = state
  while (progress.next <= sendableIndex(state, progress) && progress.state !== 'snapshot') {
    if (progress.state === 'probe' && progress.probeSent) return
    const windowFull =
      progress.inflightCount >= config.maxInflightAppends || progress.inflightBytes >= config.maxInflightBytes
    if (progress.state === 'replicate' && windowFull) return
    const append = appends.get(progress.next) ?? appendFrom(state, leadership, progress.next, config.maxAppendBytes)
    if (append !== undefined) appends.set(progress.next, append)
    send(state, id, progress, append)
  }
}

/**
 * A follower gets entries beside this leader's own write. A witness gets them after it: if this node crashed before, nobody would have the data
 * of what the witness has, and the witness would vote for nobody any more.
 */
const sendableIndex = ({ log, outbox }: CoreState, { witness }: Progress): number =>
  witness ? outbox.durableIndex : log.lastIndex

/** What a witness gets of an append, up to the entry `upTo`. */
function withoutData({ message }: Append, upTo: number): Append {
  const entries = message.entries.filter(({ index }) => index <= upTo).map(stripped)
  return { message: { ...message, entries }, bytes: entries.reduce((sum, entry) => sum + entryBytes(entry), 0) }
}

/** One append from `next` on; with `maxBytes` 0 an empty one, which asks whether the follower is where it is thought to be. */
export function sendAppend(
  state: CoreState,
  leadership: Leadership,
  id: string,
  progress: Progress,
  maxBytes: number,
): void {
  send(state, id, progress, appendFrom(state, leadership, progress.next, maxBytes))
}

/** The append with the entries from `next` on; `undefined` when they are compacted away. */
function appendFrom(state: CoreState, leadership: Leadership, next: number, maxBytes: number): Append | undefined {
  const { log, term, commitIndex } = state
  const prevIndex = next - 1
  const prevTerm = log.termAt(prevIndex)
  if (prevTerm === undefined) return undefined
  const entries = maxBytes === 0 ? [] : log.slice(next, maxBytes)
  let bytes = 0
  for (const entry of entries) bytes += entryBytes(entry)
  const { round } = leadership
  return { message: { type: 'append-request', term, prevIndex, prevTerm, commitIndex, round, entries }, bytes }
}

function send(state: CoreState, id: string, progress: Progress, append: Append | undefined): void {
  if (append === undefined) {
    // The entries it needs are compacted away (Raft §7).
    progress.becomeSnapshot()
    state.snapshotWanted.add(id)
    return
  }
  const { message, bytes } = progress.witness ? withoutData(append, sendableIndex(state, progress)) : append
  state.outbox.send(id, message, 'nothing')
  progress.sentCommit = message.commitIndex
  if (message.entries.length > 0) progress.sent(message.prevIndex + message.entries.length, bytes)
  else progress.probeSent = true
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
  if (progress.match >= state.commitIndex) progress.mending = false
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
  if (answer.lostEntries) progress.lostEntries(answer.rejectedIndex, agreed.index)
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
  const { configuration } = state.configurations.current
  const reachedBy = (id: string): number =>
    id === state.config.id ? state.outbox.durableIndex : (leadership.progress.get(id)?.match ?? 0)
  const index = Math.min(reachedByQuorum(configuration, reachedBy), reachedWithData(configuration, reachedBy))
  if (index <= state.commitIndex || state.log.termAt(index) !== state.term) return
  commitTo(state, index)
}

/**
 * The highest index of which a voter has the data. Witnesses may be a majority, and a leader that was removed may be gone as soon as that is
 * committed: nobody would have the data of what was committed by their word.
 */
function reachedWithData(configuration: Configuration, reachedBy: (id: string) => number): number {
  if (configuration.witnesses === undefined) return Number.POSITIVE_INFINITY
  const voters = [...configuration.voters, ...configuration.outgoing]
  return Math.max(...voters.filter((id) => !isWitness(configuration, id)).map(reachedBy))
}

/** Moves commitIndex forward. Every entry up to it is in this node's log. */
export function commitTo(state: CoreState, index: number): void {
  if (index > state.log.lastIndex) {
    throw new InvariantError(`commit ${index} is beyond the last entry ${state.log.lastIndex}`)
  }
  const { leadership, log } = state
  if (leadership !== undefined) leadership.uncommittedBytes -= log.bytesBetween(state.commitIndex + 1, index)
  state.commitIndex = index
  state.commitMovedMs = state.nowMs
}
