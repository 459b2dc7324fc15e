import { SeededRandom } from '@dsys/runtime'
import type { HardState, LogEntry, LostEntries } from '@dsys/storage'
import { abstentionOf, ticketOf } from './abstention.ts'
import type { CoreConfig } from './config.ts'
import { simpleConfiguration } from './configuration.ts'
import { Configurations, type PlacedConfiguration } from './configurations.ts'
import { RaftLog } from './log.ts'
import { Outbox } from './outbox.ts'
import type { CoreState } from './state.ts'
import { checkEntries, checkRole } from './witness.ts'

/** What a core finds on its disk when it begins. */
export interface RestoredState {
  readonly hardState: HardState
  /** With the configuration that holds at its index. */
  readonly snapshot:
    | { readonly index: number; readonly term: number; readonly configuration: PlacedConfiguration }
    | undefined
  readonly entries: readonly LogEntry[]
  /** What damage took of the log: this node abstains from elections until it has it again. */
  readonly lost?: Pick<LostEntries, 'throughIndex' | 'term'> | undefined
}

/** The state of a core that begins with what its disk had: a follower that knows of no leader. */
export function beginState(config: CoreConfig, restored: RestoredState, seed: number, nowMs: number): CoreState {
  const base = restored.snapshot ?? { index: 0, term: 0 }
  const log = new RaftLog(base, restored.entries)
  const { hardState } = restored
  const begun = { index: 0, configuration: simpleConfiguration(config.voters) }
  const configurations = new Configurations(restored.snapshot?.configuration ?? begun)
  configurations.appended(restored.entries)
  checkEntries(restored.entries, config.witness === true)
  checkRole(configurations.current, config.id, config.witness === true)
  // A snapshot may be durable before the term that it came in is. No vote was given in a term that was not durable.
  const restoredTerm = log.lastTerm > hardState.term ? { term: log.lastTerm, votedFor: undefined } : hardState
  const random = new SeededRandom(seed)
  const state: CoreState = {
    config,
    random,
    log,
    configurations,
    outbox: new Outbox(log),
    nowMs,
    term: restoredTerm.term,
    votedFor: restoredTerm.votedFor,
    abstention: abstentionOf(hardState.abstention, restored.lost),
    abstentionTicket: ticketOf(random.stream('abstention')),
    verifiedBefore: 0,
    role: 'follower',
    leader: undefined,
    leaderOfTerm: undefined,
    // Only what a snapshot holds is known to be committed; the leader tells the rest (P-43).
    commitIndex: base.index,
    leaderCommit: 0,
    verifiedIndex: base.index,
    leaderHeardMs: undefined,
    // What was promised before a restart is not known, but to one that was never in a term nobody has listened.
    promisedMs: restoredTerm.term === 0 ? undefined : nowMs,
    electionDueMs: 0,
    votes: new Map(),
    refusals: new Map(),
    leaderChangedMs: nowMs,
    commitMovedMs: nowMs,
    ownVoteWriteId: undefined,
    campaignIsTransfer: false,
    leadership: undefined,
    installing: false,
    busy: false,
    events: [],
    confirmedReads: [],
    droppedReads: [],
    strangers: new Map(),
    snapshotWanted: new Set(),
    snapshotTraffic: [],
  }
  // Before anything else leaves, the loss is on the disk.
  if (restored.lost !== undefined) state.outbox.hardStateChanged()
  return state
}
