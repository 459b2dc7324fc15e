import type { Abstention, LogEntry } from '@dsys/storage'
import { endAbstention, hardStateOf } from './abstention.ts'
import { beginState, type RestoredState } from './begin.ts'
import { bootstrap } from './bootstrap.ts'
import type { CoreConfig } from './config.ts'
import type { Membership } from './configuration.ts'
import type { PlacedConfiguration } from './configurations.ts'
import { campaign, ownVoteDurable } from './election.ts'
import { type Stranger, takeStrangers } from './incarnations.ts'
import type { RaftLog } from './log.ts'
import type { Envelope, Message, SnapshotChunk, SnapshotProgress } from './messages.ts'
import type { WriteEffect } from './outbox.ts'
import type { Progress } from './progress.ts'
import { admitEarlyReads, beginRound, requestLeaseRead, requestRead } from './reads.ts'
import { continueReconfiguration, type ReconfigureResult, reconfigure } from './reconfiguration.ts'
import { advanceCommit, replicate } from './replication.ts'
import { resetPreVoteTimer } from './roles.ts'
import { type Sleep, sleepOf, stayAwake, wake } from './sleep.ts'
import { compactLog, type InstallResult, snapshotAcknowledged, snapshotFailed, snapshotInstalled } from './snapshots.ts'
import { appendToLog, type CoreEvent, type CoreState, type CoreView, holdsNoData, type RaftRole } from './state.ts'
import { step } from './step.ts'
import { nextDueMs, tick } from './tick.ts'
import { beginTransfer, transferStep } from './transfer.ts'

/** What one turn of the core wants done. The order of the fields is the order in which to do it. */
export interface Effects {
  /** Make this durable, then call {@link RaftCore.durable} with its id. Writes stay in order. */
  readonly write: WriteEffect | undefined
  /** Send these now. None of them waits for `write`: those that do come out of a later turn. */
  readonly messages: readonly Envelope[]
  /** Followers that need the newest snapshot; {@link RaftCore.snapshotFailed} when one cannot get it. */
  readonly snapshotWanted: readonly string[]
  /** Parts of snapshots, and answers to them, for the driver. */
  readonly snapshotTraffic: readonly { readonly from: string; readonly message: SnapshotChunk | SnapshotProgress }[]
  /** Reads that may be served once the state machine has applied `index`. */
  readonly confirmedReads: readonly { readonly ticket: number; readonly index: number }[]
  /** Reads of a leader that leads no more: ask again. */
  readonly droppedReads: readonly number[]
}

/** Why a proposal was not taken. */
export type ProposalRefusal = 'not-leader' | 'transferring' | 'overloaded'

/**
 * Raft as a pure state machine: inputs change it, {@link RaftCore.takeEffects} says what to do. The same inputs give the
 * same effects. It has no clock: every input brings the time, monotonic, in milliseconds.
 */
export class RaftCore {
  readonly #state: CoreState

  constructor(config: CoreConfig, restored: RestoredState, seed: number, nowMs: number) {
    this.#state = beginState(config, restored, seed, nowMs)
    // A node that has just begun does not know whether there is a leader; a pre-vote finds out at no risk.
    resetPreVoteTimer(this.#state)
  }

  get role(): RaftRole {
    return this.#state.role
  }

  get term(): number {
    return this.#state.term
  }

  get votedFor(): string | undefined {
    return this.#state.votedFor
  }

  /** Set as long as this node abstains from elections, since it has lost entries. */
  get abstention(): Abstention | undefined {
    return this.#state.abstention
  }

  get leader(): string | undefined {
    return this.#state.leader
  }

  get commitIndex(): number {
    return this.#state.commitIndex
  }

  get log(): RaftLog {
    return this.#state.log
  }

  /** Who is in the group, by the newest entry that says so, and the index of that entry; it may not be committed yet. */
  get configuration(): PlacedConfiguration {
    return this.#state.configurations.current
  }

  /** The newest configuration that is surely committed. */
  get committedConfiguration(): PlacedConfiguration {
    return this.#state.configurations.at(this.#state.commitIndex)
  }

  /** Who was in the group at `index`, which must not be compacted away: what a snapshot at that index keeps. */
  configurationAt(index: number): PlacedConfiguration {
    return this.#state.configurations.at(index)
  }

  /** Whether `id` is a witness: its snapshots have no content. */
  isWitness(id: string): boolean {
    return this.#state.leadership?.progress.get(id)?.witness ?? holdsNoData(this.#state, id)
  }

  /** Entries up to here are on this node's own disk. */
  get durableIndex(): number {
    return this.#state.outbox.durableIndex
  }

  /** On a leader: what it knows of each other voter. */
  get progress(): ReadonlyMap<string, Progress> | undefined {
    return this.#state.leadership?.progress
  }

  /** On a leader that hands over: to whom. */
  get transferTarget(): string | undefined {
    return this.#state.leadership?.transfer?.to
  }

  /** All that this core knows, to be looked at between two inputs. */
  get view(): CoreView {
    return this.#state
  }

  /** How it sleeps: without time, until it is given something, or {@link RaftCore.wake} is called. `undefined` while it is awake. */
  get sleep(): Sleep | undefined {
    return sleepOf(this.#state)
  }

  /** When {@link RaftCore.tick} has something to do next; Infinity while it sleeps. */
  get nextDueMs(): number {
    return nextDueMs(this.#state)
  }

  tick(nowMs: number): void {
    this.#advance(nowMs)
    tick(this.#state)
  }

  /** Takes one message of a peer. */
  step(from: string, message: Message, nowMs: number, incarnation?: number): void {
    this.#advance(nowMs)
    step(this.#state, from, message, incarnation)
  }

  /**
   * Appends one entry for each item, on the leader. Nothing is appended when refused.
   *
   * @param onBehalfOf the follower that passed them on: it is told at once when they are committed.
   */
  propose(
    items: readonly { readonly kind: number; readonly data: Uint8Array }[],
    onBehalfOf?: string,
  ): ProposalRefusal | undefined {
    const { leadership, log, term, config } = this.#state
    if (leadership === undefined) return 'not-leader'
    if (leadership.transfer !== undefined) return 'transferring'
    if (leadership.uncommittedBytes >= config.maxUncommittedBytes) return 'overloaded'
    let index = log.lastIndex
    const entries: LogEntry[] = items.map(({ kind, data }) => ({ index: ++index, term, kind, data }))
    appendToLog(this.#state, entries)
    const origin = onBehalfOf === undefined ? undefined : leadership.progress.get(onBehalfOf)
    if (origin !== undefined) origin.wantsCommit = log.lastIndex
    return undefined
  }

  /** Asks for a linearizable read; false when this node does not lead. The answer is in the effects, under `ticket`. */
  requestRead(ticket: number): boolean {
    return requestRead(this.#state, ticket)
  }

  /**
   * Makes a new group of `voters` on a node that is of none: its log begins with their configuration, to be followed by
   * {@link RaftCore.campaign} once that is durable. Returns false where the node has a log, a term or voters already.
   */
  bootstrap(voters: readonly string[]): boolean {
    return bootstrap(this.#state, voters)
  }

  /**
   * Begins to bring the group to `target`, on the leader; the effects of many turns, and of other leaders, go on until
   * {@link RaftCore.configuration} is it and committed. Returns `begun`, `reached` when that is so already, or why not. `reached` and
   * `unexpected` are what this leader believes: {@link RaftCore.requestRead} shows whether it still leads.
   *
   * @param expected what the group must be now.
   * @param basis the index of the newest configuration that whoever asks knows to be committed; a newer one is not changed for it.
   */
  reconfigure(target: Membership, expected?: Membership, basis?: number): ReconfigureResult {
    return reconfigure(this.#state, target, expected, basis)
  }

  /**
   * Asks for a linearizable read as {@link RaftCore.requestRead} does, and has the answer without a round while this leader's lease
   * lasts.
   */
  requestLeaseRead(ticket: number, nowMs: number): boolean {
    this.#advance(nowMs)
    return requestLeaseRead(this.#state, ticket)
  }

  /** Begins to hand leadership to `to`; false when that cannot be. */
  transfer(to: string, nowMs: number): boolean {
    this.wake(nowMs)
    return beginTransfer(this.#state, to)
  }

  /** Begins an election without waiting for the timer. */
  campaign(nowMs: number): void {
    this.#advance(nowMs)
    if (this.#state.role !== 'leader') campaign(this.#state, 'it was asked to', false)
  }

  /** The write `id`, and all before it, would survive a crash. */
  durable(id: number, nowMs: number): void {
    this.#advance(nowMs)
    const state = this.#state
    state.outbox.durable(id)
    ownVoteDurable(state)
    const { leadership } = state
    if (leadership === undefined) return
    advanceCommit(state, leadership)
    transferStep(state, leadership)
  }

  /**
   * Keeps time again, if it slept. Call it before it is given a proposal, a read or a reconfiguration, and when one of {@link Sleep.peers}
   * does not live any more, or leads or follows no more, or may not. Messages wake it by themselves.
   *
   * @param heardMs when each peer was heard last, as far as the driver knows; until now, where it does not say.
   */
  wake(nowMs: number, heardMs?: (id: string) => number): void {
    this.#advance(nowMs)
    wake(this.#state, heardMs)
  }

  /** Whether the driver has something to do with the group: then it does not sleep, and wakes if it does. */
  busy(busy: boolean, nowMs: number): void {
    const { leadership } = this.#state
    this.#state.busy = busy
    if (!busy) return
    this.wake(nowMs)
    if (leadership !== undefined) stayAwake(leadership)
  }

  /** The driver begins to store a snapshot: no campaign until it is installed or given up (P-09). */
  installing(active: boolean): void {
    this.#state.installing = active
  }

  /** A snapshot from the leader is durable. Says what to do with the stored log. */
  snapshotInstalled(index: number, term: number, configuration: PlacedConfiguration): InstallResult {
    return snapshotInstalled(this.#state, index, term, configuration)
  }

  /** The stored log agrees with the installed snapshot: tell `leader`, if `term` is still the present one. */
  snapshotAcknowledged(leader: string, term: number): void {
    snapshotAcknowledged(this.#state, leader, term)
  }

  snapshotFailed(to: string): void {
    snapshotFailed(this.#state, to)
  }

  /** Tells the leader how much of a snapshot is here, and what of it is wanted again, or that it cannot be read. */
  snapshotProgress(
    to: string,
    snapshotIndex: number,
    nextOffset: number,
    resendFrom?: number,
    more: Pick<SnapshotProgress, 'unreadable'> = {},
  ): void {
    const { outbox, term } = this.#state
    outbox.send(to, { type: 'snapshot-progress', term, snapshotIndex, nextOffset, resendFrom, ...more }, 'hard-state')
  }

  /** Sends part of a snapshot, on the leader. */
  sendSnapshotChunk(to: string, chunk: Omit<SnapshotChunk, 'type' | 'term'>): void {
    const { outbox, term } = this.#state
    outbox.send(to, { type: 'snapshot-chunk', term, ...chunk }, 'nothing')
  }

  /** The state machine has applied the entries up to `index`: they are kept for slow followers alone from now on. */
  applied(index: number): void {
    this.#state.log.pack(index)
  }

  /** Forgets the entries up to `throughIndex`: a durable snapshot holds them. */
  compact(throughIndex: number): void {
    compactLog(this.#state, throughIndex)
  }

  /** On a leader: who has answered in another incarnation than the one that the group knows, since the last call. */
  takeStrangers(): Stranger[] {
    return takeStrangers(this.#state)
  }

  /** What has happened since the last call, for those who want to know before they give more input. */
  takeEvents(): CoreEvent[] {
    return this.#state.events.splice(0)
  }

  /** What is to be done now. Call it after the inputs of one turn; what the turn gathered leaves together. */
  takeEffects(): Effects {
    const state = this.#state
    if (state.leadership !== undefined) continueReconfiguration(state, state.leadership)
    // That may have ended it.
    const { leadership } = state
    if (leadership !== undefined) {
      admitEarlyReads(state, leadership)
      if (leadership.roundWanted) beginRound(state, leadership)
      replicate(state, leadership)
    }
    endAbstention(state)
    const snapshotWanted = [...state.snapshotWanted]
    state.snapshotWanted.clear()
    const write = state.outbox.takeWrite(state.log, hardStateOf(state), state.nowMs)
    return {
      write,
      messages: state.outbox.takeMessages(),
      snapshotWanted,
      snapshotTraffic: state.snapshotTraffic.splice(0),
      confirmedReads: state.confirmedReads.splice(0),
      droppedReads: state.droppedReads.splice(0),
    }
  }

  #advance(nowMs: number): void {
    if (nowMs > this.#state.nowMs) this.#state.nowMs = nowMs
  }
}
