import type { Counter, Gauge, Histogram, Meter } from '@dsys/runtime'
import type { RaftCore } from './core/raft-core.ts'
import type { RaftRole } from './core/state.ts'
import type { ReadConsistency } from './options.ts'
import { STAGES, StageTimes } from './stage-times.ts'

/** A gauge that is told only what it has not been told already. */
class Reading {
  readonly #gauge: Gauge
  #last: number | undefined

  constructor(gauge: Gauge) {
    this.#gauge = gauge
  }

  set(value: number): void {
    if (value === this.#last) return
    this.#last = value
    this.#gauge.set(value)
  }

  remove(): void {
    this.#gauge.remove?.()
  }
}

/** What a turn leaves behind, besides the core. */
export interface TurnReadings {
  readonly lastApplied: number
  readonly proposals: number
  readonly reads: number
  readonly snapshotIndex: number
}

interface FollowerReadings {
  readonly lagEntries: Reading
  readonly silentMs: Reading
  readonly phi: Reading
}

/**
 * The instruments of one member of a group. What happens often is told once a turn or batch, and what a leader knows of its followers
 * once a heartbeat.
 */
export class RaftMetrics {
  readonly #meter: Meter
  readonly #group: string
  readonly #term: Reading
  readonly #isLeader: Reading
  readonly #hasLeader: Reading
  readonly #lastIndex: Reading
  readonly #commitIndex: Reading
  readonly #appliedIndex: Reading
  readonly #snapshotIndex: Reading
  readonly #waitingProposals: Reading
  readonly #waitingReads: Reading
  readonly #leaderChanges: Counter
  readonly #elections: Counter
  readonly #overloads: Readonly<Record<'proposals' | 'reads' | 'entries', Counter>>
  readonly #droppedFrames: Counter
  readonly #reads: Readonly<Record<ReadConsistency, Counter>>
  readonly #readMs: Readonly<Record<'linearizable' | 'lease', Histogram>>
  readonly #handedOverMs: Histogram
  readonly #proposalMs: Histogram
  readonly #writeMs: Histogram
  readonly #applyMs: Histogram
  readonly #applyEntries: Histogram
  readonly #snapshotBytes: Readonly<Record<SnapshotKind, Histogram>>
  readonly #snapshotMs: Readonly<Record<SnapshotKind, Histogram>>
  readonly #stages: StageTimes
  readonly #followers = new Map<string, FollowerReadings>()
  #leads = false

  constructor(meter: Meter, group: string) {
    this.#meter = meter
    this.#group = group
    const reading = (name: string, description: string): Reading => this.#reading(name, description)
    this.#term = reading('term', 'The present term')
    this.#isLeader = reading('is_leader', '1 on the leader, else 0')
    this.#hasLeader = reading('has_leader', '1 where this node knows a leader, else 0')
    this.#lastIndex = reading('last_index', 'The last entry of the log')
    this.#commitIndex = reading('commit_index', 'The last entry that this node knows to be committed')
    this.#appliedIndex = reading('applied_index', 'The last entry that the state machine has applied')
    this.#snapshotIndex = reading('snapshot_index', 'The last entry that the newest snapshot holds')
    this.#waitingProposals = reading('waiting_proposals', 'Proposals of this node without an answer')
    this.#waitingReads = reading('waiting_reads', 'Reads of this node without an answer')
    this.#leaderChanges = this.#counter('leader_changes', 'Leaders that this node has come to know')
    this.#elections = this.#counter('elections', 'Elections that this node has begun')
    this.#overloads = {
      proposals: this.#counter('overloads', 'Calls refused because something is full', { what: 'proposals' }),
      reads: this.#counter('overloads', 'Calls refused because something is full', { what: 'reads' }),
      entries: this.#counter('overloads', 'Calls refused because something is full', { what: 'entries' }),
    }
    this.#droppedFrames = this.#counter('dropped_frames', 'Frames that could not be read')
    const read = (consistency: ReadConsistency): Counter =>
      this.#counter('reads', 'Reads by what was asked', { consistency })
    this.#reads = {
      linearizable: read('linearizable'),
      follower: read('follower'),
      lease: read('lease'),
      bounded: read('bounded'),
      stale: read('stale'),
    }
    const readMs = (consistency: string): Histogram =>
      this.#histogram('read_ms', 'ms', 'The first read of those that share a question: from the call to its answer', {
        consistency,
      })
    this.#readMs = { linearizable: readMs('linearizable'), lease: readMs('lease') }
    const stage = (name: string): Histogram =>
      this.#histogram('proposal_stage_ms', 'ms', 'How long a batch of proposals takes to a stage', { stage: name })
    this.#handedOverMs = stage('handed-over')
    const [durable, committed, applied] = STAGES.map(stage) as [Histogram, Histogram, Histogram]
    const byStage = { durable, committed, applied }
    this.#stages = new StageTimes((name, durationMs) => byStage[name].record(durationMs))
    this.#proposalMs = this.#histogram('proposal_ms', 'ms', 'One proposal at a time: from the call to its result')
    this.#writeMs = this.#histogram('write_ms', 'ms', 'One write to the log, until it is durable')
    this.#applyMs = this.#histogram('apply_ms', 'ms', 'The state machine, for what one turn applies')
    this.#applyEntries = this.#histogram('apply_entries', 'entries', 'What one turn applies')
    const bytes = (kind: SnapshotKind): Histogram =>
      this.#histogram('snapshot_bytes', 'bytes', 'The size of a snapshot', { kind })
    const took = (kind: SnapshotKind): Histogram =>
      this.#histogram('snapshot_ms', 'ms', 'How long a snapshot took until it was stored, or installed', { kind })
    this.#snapshotBytes = { taken: bytes('taken'), installed: bytes('installed') }
    this.#snapshotMs = { taken: took('taken'), installed: took('installed') }
  }

  #labels(more: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
    return { group: this.#group, ...more }
  }

  #reading(name: string, description: string, labels?: Readonly<Record<string, string>>): Reading {
    return new Reading(this.#meter.gauge(`dsys_raft_${name}`, { description, labels: this.#labels(labels) }))
  }

  #counter(name: string, description: string, labels?: Readonly<Record<string, string>>): Counter {
    return this.#meter.counter(`dsys_raft_${name}`, { description, labels: this.#labels(labels) })
  }

  #histogram(name: string, unit: string, description: string, labels?: Readonly<Record<string, string>>): Histogram {
    return this.#meter.histogram(`dsys_raft_${name}`, { description, unit, labels: this.#labels(labels) })
  }

  /** A turn of the driver ends that began at `nowMs`. */
  turn(core: RaftCore, { lastApplied, proposals, reads, snapshotIndex }: TurnReadings, nowMs: number): void {
    const leads = core.role === 'leader'
    const { lastIndex } = core.log
    if (leads !== this.#leads) {
      this.#leads = leads
      this.#isLeader.set(leads ? 1 : 0)
      this.#stages.reset(lastIndex)
      if (!leads) this.#forgetFollowers(() => true)
    } else if (leads) {
      this.#stages.appended(lastIndex, nowMs)
      this.#stages.reached('durable', core.durableIndex, nowMs)
      this.#stages.reached('committed', core.commitIndex, nowMs)
      this.#stages.reached('applied', lastApplied, nowMs)
    }
    this.#term.set(core.term)
    this.#hasLeader.set(core.leader === undefined ? 0 : 1)
    this.#lastIndex.set(lastIndex)
    this.#commitIndex.set(core.commitIndex)
    this.#appliedIndex.set(lastApplied)
    this.#snapshotIndex.set(snapshotIndex)
    this.#waitingProposals.set(proposals)
    this.#waitingReads.set(reads)
  }

  /** What a leader knows of each follower. Those that are none any more leave no series behind. */
  followers({ progress, log }: RaftCore, phis: ReadonlyMap<string, number>, nowMs: number): void {
    if (progress === undefined) return
    for (const [id, { match, heardMs }] of progress) {
      let known = this.#followers.get(id)
      if (known === undefined) {
        const labels = { follower: id }
        known = {
          lagEntries: this.#reading('follower_lag_entries', 'Entries that a follower is not known to have', labels),
          silentMs: this.#reading('follower_silent_ms', 'Milliseconds since a follower was heard', labels),
          phi: this.#reading(
            'follower_phi',
            'How far a follower is to be suspected; from 8 on it is unreachable',
            labels,
          ),
        }
        this.#followers.set(id, known)
      }
      known.lagEntries.set(log.lastIndex - match)
      if (heardMs !== undefined) known.silentMs.set(nowMs - heardMs)
      known.phi.set(phis.get(id) ?? 0)
    }
    if (this.#followers.size > progress.size) this.#forgetFollowers((id) => !progress.has(id))
  }

  #forgetFollowers(goes: (id: string) => boolean): void {
    for (const [id, { lagEntries, silentMs, phi }] of this.#followers) {
      if (!goes(id)) continue
      lagEntries.remove()
      silentMs.remove()
      phi.remove()
      this.#followers.delete(id)
    }
  }

  /** The node has stopped, or has stopped itself: it leads nobody, and knows nothing of the others any more. */
  ended(): void {
    this.#isLeader.set(0)
    this.#hasLeader.set(0)
    this.#forgetFollowers(() => true)
  }

  roleChanged(role: RaftRole): void {
    if (role === 'candidate') this.#elections.add(1)
  }

  leaderKnown(): void {
    this.#leaderChanges.add(1)
  }

  overloaded(what: 'proposals' | 'reads' | 'entries', calls = 1): void {
    this.#overloads[what].add(calls)
  }

  frameDropped(): void {
    this.#droppedFrames.add(1)
  }

  read(kind: ReadConsistency): void {
    this.#reads[kind].add(1)
  }

  readsServed(lease: boolean, durationMs: number): void {
    this.#readMs[lease ? 'lease' : 'linearizable'].record(durationMs)
  }

  /** Proposals were handed to a leader, the oldest of them after `durationMs`. */
  handedOver(durationMs: number): void {
    this.#handedOverMs.record(durationMs)
  }

  proposalSettled(durationMs: number): void {
    this.#proposalMs.record(durationMs)
  }

  written(durationMs: number): void {
    this.#writeMs.record(durationMs)
  }

  applied(entries: number, durationMs: number): void {
    this.#applyEntries.record(entries)
    this.#applyMs.record(durationMs)
  }

  snapshot(kind: SnapshotKind, sizeBytes: number, durationMs: number): void {
    this.#snapshotBytes[kind].record(sizeBytes)
    this.#snapshotMs[kind].record(durationMs)
  }
}

type SnapshotKind = 'taken' | 'installed'
