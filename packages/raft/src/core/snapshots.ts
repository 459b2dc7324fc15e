import { invariant } from '@dsys/runtime'
import type { PlacedConfiguration } from './configurations.ts'
import { acknowledge, hearLeader } from './follower.ts'
import type { SnapshotChunk, SnapshotProgress } from './messages.ts'
import { type CoreState, configurationChanged } from './state.ts'

/** Part of a snapshot from the leader: the driver stores it and answers. */
export function handleSnapshotChunk(state: CoreState, from: string, chunk: SnapshotChunk): void {
  hearLeader(state, from)
  if (chunk.snapshotIndex <= state.commitIndex) {
    // Old news: this node has more than the snapshot (P-33). Its commitIndex reconnects the leader to the log (P-35).
    acknowledge(state, from, state.commitIndex, 0)
    return
  }
  state.snapshotTraffic.push({ from, message: chunk })
}

export function handleSnapshotProgress(state: CoreState, from: string, answer: SnapshotProgress): void {
  const progress = state.leadership?.progress.get(from)
  if (progress === undefined) return
  progress.heard(state.nowMs, 0)
  state.snapshotTraffic.push({ from, message: answer })
}

/** What the driver does to its log storage after {@link snapshotInstalled}. */
export type InstallResult =
  /** The snapshot is older than what is committed here: nothing changes. */
  | 'stale'
  /** The stored log holds the snapshot's last entry: what is behind it stays, as others may count on it (P-34). */
  | 'keep-suffix'
  /** The stored log does not reach or does not fit the snapshot: all of it goes. */
  | 'reset'

/** The snapshot is durable: the log now begins behind it. */
export function snapshotInstalled(
  state: CoreState,
  index: number,
  term: number,
  placed: PlacedConfiguration,
): InstallResult {
  const { log, outbox, configurations } = state
  state.installing = false
  if (index <= state.commitIndex) return 'stale'
  const connected = log.termAt(index) === term
  const keepSuffix = connected && outbox.handedOver(index)
  if (connected) {
    log.compact(index)
    configurations.compacted(index)
  } else {
    log.reset({ index, term })
    configurations.reset(placed)
    configurationChanged(state)
  }
  if (keepSuffix) outbox.covered(index)
  else outbox.reset(index)
  state.verifiedIndex = connected ? Math.max(state.verifiedIndex, index) : index
  state.commitIndex = index
  return keepSuffix ? 'keep-suffix' : 'reset'
}

/** The log's storage agrees with the snapshot: the leader may know that this node has caught up. */
export function snapshotAcknowledged(state: CoreState, leader: string, term: number): void {
  if (state.term === term) acknowledge(state, leader, state.commitIndex, 0)
}

/**
 * A snapshot could not be brought to `to`: look again where its log stands, with the next heartbeat. What failed fails again at once, a disk
 * that cannot be read for instance, and a leader that does nothing else is of no use to anybody.
 */
export function snapshotFailed(state: CoreState, to: string): void {
  const progress = state.leadership?.progress.get(to)
  if (progress?.state !== 'snapshot') return
  progress.becomeProbe()
  progress.probeSent = true
}

/** The driver has a durable snapshot at `throughIndex` or beyond: forget the entries up to there. */
export function compactLog(state: CoreState, throughIndex: number): void {
  invariant(throughIndex <= state.commitIndex, `cannot compact to ${throughIndex}: commit is ${state.commitIndex}`)
  invariant(throughIndex <= state.outbox.durableIndex, `cannot compact to ${throughIndex}: it is not durable here`)
  state.log.compact(throughIndex)
  state.configurations.compacted(throughIndex)
}
