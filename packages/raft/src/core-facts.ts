import { countsAsVoter, destinationOf, type Membership } from './core/configuration.ts'
import type { PlacedConfiguration } from './core/configurations.ts'
import type { VoteRefusal } from './core/messages.ts'
import type { ProgressState } from './core/progress.ts'
import { hasHeir } from './core/reconfiguration.ts'
import { sleepOf } from './core/sleep.ts'
import { type CoreView, isAsleep, type Leadership } from './core/state.ts'

/** What a leader knows of one follower. */
export interface FollowerFacts {
  readonly id: string
  readonly state: ProgressState
  readonly match: number
  /** How long it has been silent in this term: since the leader began where it was never heard. */
  readonly silentMs: number
  readonly heard: boolean
  readonly ackedRound: number
  /** How long the last round of catching up took, Infinity before the first, and how long the present one takes already. */
  readonly roundMs: number
  readonly roundForMs: number
  readonly caughtUp: boolean
}

/** What only a leader knows. */
export interface LeaderFacts {
  readonly followers: readonly FollowerFacts[]
  /** Nothing is said, because nobody wants anything: then silence means nothing. */
  readonly asleep: boolean
  /** Those without whom it sleeps, since they were silent for long. */
  readonly absent: readonly string[]
  readonly termStartIndex: number
  readonly uncommittedBytes: number
  readonly maxUncommittedBytes: number
  readonly transferTo: string | undefined
  /** Whether somebody with data is left to lead after the change that is on its way: without, it waits. */
  readonly hasHeir: boolean
  /** The rounds that reads wait for, and how many reads wait for the first commit of the term. */
  readonly readRounds: readonly number[]
  readonly earlyReads: number
}

/** What a core knows of why it does not go on: no judgement, and nothing that is not in its state. */
export interface CoreFacts {
  readonly placed: PlacedConfiguration
  /** Where the group stands once no change is on its way any more. */
  readonly destination: Membership
  /** Whether it may campaign by a configuration that may be in force. */
  readonly mayBeVoter: boolean
  /** How long no leader has been known; `undefined` while one is. */
  readonly leaderlessMs: number | undefined
  readonly electionDueInMs: number
  readonly votesFrom: readonly string[]
  /** The last refusal of each voter since there was a leader. */
  readonly refusals: readonly { readonly from: string; readonly agoMs: number; readonly why: VoteRefusal | undefined }[]
  /** The own vote of this candidate is not durable yet. */
  readonly ownVotePending: boolean
  /** How long it elects nobody yet, itself included, as it has promised; 0 when it is free. */
  readonly promisedForMs: number
  readonly installing: boolean
  /** How long the oldest write to the own disk is under way; `undefined` without one. */
  readonly writeForMs: number | undefined
  readonly durableIndex: number
  readonly lastTerm: number
  /** How long ago commitIndex moved last, or the core began. */
  readonly commitStoodMs: number
  /** The term of the first entry that is not committed. */
  readonly firstUncommittedTerm: number | undefined
  readonly leader: LeaderFacts | undefined
}

/** What the core with this state knows as of `nowMs`. */
export function factsOf(state: CoreView, nowMs: number): CoreFacts {
  const { configurations, config, commitIndex, outbox, log } = state
  const placed = configurations.current
  const promisedMs = config.leaseClockDrift === undefined ? undefined : state.promisedMs
  return {
    placed,
    destination: destinationOf(placed.configuration),
    mayBeVoter: configurations.mayBeVoter(config.id, commitIndex),
    leaderlessMs: state.leader === undefined ? nowMs - state.leaderChangedMs : undefined,
    electionDueInMs: Math.max(0, state.electionDueMs - nowMs),
    votesFrom: [...state.votes].filter(([, granted]) => granted).map(([id]) => id),
    refusals: [...state.refusals].map(([from, { atMs, why }]) => ({ from, agoMs: nowMs - atMs, why })),
    ownVotePending: state.ownVoteWriteId !== undefined,
    promisedForMs: promisedMs === undefined ? 0 : Math.max(0, promisedMs + config.electionTimeoutMs - nowMs),
    installing: state.installing,
    writeForMs: outbox.oldestWriteMs === undefined ? undefined : nowMs - outbox.oldestWriteMs,
    durableIndex: outbox.durableIndex,
    lastTerm: log.lastTerm,
    commitStoodMs: nowMs - state.commitMovedMs,
    firstUncommittedTerm: log.termAt(commitIndex + 1),
    leader: state.leadership === undefined ? undefined : leaderFacts(state, state.leadership, nowMs),
  }
}

function leaderFacts(state: CoreView, leadership: Readonly<Leadership>, nowMs: number): LeaderFacts {
  const { config, log, configurations } = state
  const { progress, sinceMs, transfer, reads, earlyReads, termStartIndex, uncommittedBytes } = leadership
  const { configuration } = configurations.current
  const followers = [...progress].map(([id, each]) => ({
    id,
    state: each.state,
    match: each.match,
    silentMs: nowMs - (each.heardMs ?? sinceMs),
    heard: each.heardMs !== undefined,
    ackedRound: each.ackedRound,
    ...each.catchUp(nowMs),
    caughtUp: countsAsVoter(configuration, id) || each.isCaughtUp(nowMs, log.lastIndex, config.electionTimeoutMs),
  }))
  return {
    followers,
    asleep: isAsleep(state),
    absent: sleepOf(state)?.absent ?? [],
    termStartIndex,
    uncommittedBytes,
    maxUncommittedBytes: config.maxUncommittedBytes,
    transferTo: transfer?.to,
    hasHeir: configuration.target === undefined || hasHeir(state, leadership, configuration.target),
    readRounds: reads.map(({ round }) => round),
    earlyReads: earlyReads.length,
  }
}
