import type { Buggify, Clock, Logger } from '@dsys/runtime'
import type { GroupLog } from '@dsys/storage'
import type { Applier } from './applier.ts'
import { decodePlaced, encodePlaced } from './core/configurations.ts'
import { entryBytes } from './core/log.ts'
import type { SnapshotChunk, SnapshotProgress } from './core/messages.ts'
import type { Progress } from './core/progress.ts'
import type { RaftCore } from './core/raft-core.ts'
import type { Proposals } from './proposals.ts'
import { type ReceivedSnapshot, SnapshotReceiver, SnapshotSender } from './snapshot-transfer.ts'
import type { RaftEvent } from './status.ts'

/** How much more log than usual is kept for followers that answer but lag, as a multiple of `snapshotEveryBytes`. */
const LAG_FACTOR = 4

/** What a {@link SnapshotKeeper} works on. */
export interface SnapshotKeeperParts<State, Command, Result> {
  readonly clock: Clock
  readonly logger: Logger
  readonly core: RaftCore
  readonly log: GroupLog
  readonly applier: Applier<State, Command, Result>
  readonly proposals: Proposals<Result>
  readonly snapshotEveryBytes: number
  readonly keepEntries: number
  readonly chunkBytes: number
  readonly resendAfterMs: number
  /** Rare behaviour on demand; absent outside a simulation. */
  readonly buggify: Buggify | undefined
  readonly publish: (event: RaftEvent) => void
  /** Something changed in the core: take its effects soon. */
  readonly wake: () => void
  readonly fail: (error: unknown) => void
}

/** Everything a node does with snapshots: take one when the log has grown, send it to a follower, install one. */
export class SnapshotKeeper<State, Command, Result> {
  readonly #parts: SnapshotKeeperParts<State, Command, Result>
  readonly #sender: SnapshotSender
  readonly #receiver = new SnapshotReceiver()
  /** The newest snapshot on disk. */
  #newest: { readonly index: number; readonly sizeBytes: number }
  #bytesSinceSnapshot = 0
  /** One snapshot is stored at a time: taking and installing exclude each other. */
  #storing: Promise<void> | undefined

  constructor(parts: SnapshotKeeperParts<State, Command, Result>) {
    this.#parts = parts
    const stored = parts.log.snapshot()
    this.#newest = { index: stored?.meta.index ?? 0, sizeBytes: stored?.sizeBytes ?? 0 }
    this.#sender = new SnapshotSender({ chunkBytes: parts.chunkBytes, resendAfterMs: parts.resendAfterMs })
  }

  /** The index of the newest snapshot on disk, 0 without one. */
  get index(): number {
    return this.#newest.index
  }

  get sending(): boolean {
    return this.#sender.active
  }

  /** Resolves when no snapshot is being stored. */
  async settled(): Promise<void> {
    await this.#storing
  }

  /** An entry of `bytes` was applied. */
  applied(bytes: number): void {
    this.#bytesSinceSnapshot += bytes
  }

  /**
   * Takes a snapshot when the log behind the last one has grown to the limit, or to the size of that snapshot where it is
   * larger: so writing snapshots never costs more than writing the log.
   */
  takeIfDue(): void {
    if (this.#storing !== undefined) return
    const { buggify, applier } = this.#parts
    const early = this.#bytesSinceSnapshot > 0 && buggify?.('raft.early-snapshot') === true
    if (this.#bytesSinceSnapshot < this.#dueBytes && !early) return
    // A newer one would take the place of one that is being sent, and the log behind it: under load without end (P-37).
    const sending = this.#liveFollowers().some(({ state }) => state === 'snapshot')
    if (sending && this.#bytesSinceSnapshot < this.#lagLimitBytes) return
    // One from the leader may have been stored just when the log made it superfluous: it is there, but not adopted.
    if (applier.lastApplied <= this.#newest.index) return
    this.#store(this.#take())
  }

  async #take(): Promise<void> {
    const { core, log, applier, publish } = this.#parts
    const index = applier.lastApplied
    const term = core.log.termAt(index)
    if (term === undefined) return
    this.#bytesSinceSnapshot = 0
    const context = encodePlaced(core.configurationAt(index))
    const content = applier.encodeSnapshot()
    await log.saveSnapshot({ index, term, context }, [content])
    this.#newest = { index, sizeBytes: content.length }
    publish({ type: 'SnapshotTaken', index, sizeBytes: content.length })
    const throughIndex = Math.min(this.#keptFrom(index) - 1, core.durableIndex, this.#neededBehind())
    if (throughIndex <= core.log.baseIndex) return
    core.compact(throughIndex)
    await log.compact(throughIndex)
  }

  get #dueBytes(): number {
    return Math.max(this.#parts.snapshotEveryBytes, this.#newest.sizeBytes)
  }

  /** The most log that is kept because a follower lags. */
  get #lagLimitBytes(): number {
    return this.#dueBytes + LAG_FACTOR * this.#parts.snapshotEveryBytes
  }

  #liveFollowers(): Progress[] {
    const { clock, core, resendAfterMs } = this.#parts
    const sinceMs = clock.monotonicMs() - resendAfterMs
    return [...(core.progress?.values() ?? [])].filter(({ heardMs = Number.NEGATIVE_INFINITY }) => heardMs >= sinceMs)
  }

  /** Where the last of the followers stands that live and get entries: what comes behind stays, unless it is too much. */
  #neededBehind(): number {
    const { core } = this.#parts
    if (core.log.bytes >= this.#lagLimitBytes) return Number.POSITIVE_INFINITY
    const matches = this.#liveFollowers().map(({ state, match }) =>
      state === 'replicate' ? match : Number.POSITIVE_INFINITY,
    )
    return Math.min(...matches, Number.POSITIVE_INFINITY)
  }

  /** The first entry to keep behind a snapshot at `index`, by number and by size. */
  #keptFrom(index: number): number {
    const { core, keepEntries, snapshotEveryBytes } = this.#parts
    let bytes = 0
    let from = index + 1
    while (from - 1 > core.log.baseIndex && index + 1 - from < keepEntries) {
      const entry = core.log.at(from - 1)
      if (entry === undefined) break
      bytes += entryBytes(entry)
      if (bytes > snapshotEveryBytes / 2) break
      from--
    }
    return from
  }

  #store(work: Promise<void>): void {
    const { fail, wake } = this.#parts
    this.#storing = work.then(
      () => {
        this.#storing = undefined
        wake()
      },
      (error) => {
        this.#storing = undefined
        fail(error)
      },
    )
  }

  /** Followers that need a snapshot. */
  send(followers: readonly string[]): void {
    const { core, log } = this.#parts
    for (const to of followers) {
      const snapshot = log.snapshot()
      if (snapshot === undefined) core.snapshotFailed(to)
      else if (this.#sender.begin(to, snapshot)) this.#sendChunk(to)
    }
  }

  /** Parts of snapshots that came, and answers to those that were sent. */
  receive(from: string, message: SnapshotChunk | SnapshotProgress): void {
    if (message.type === 'snapshot-progress') {
      if (this.#sender.progress(from, message)) this.#sendChunk(from)
      return
    }
    // The sender asks again; by then what is being stored is done.
    if (this.#storing !== undefined) return
    const { nextOffset, whole } = this.#receiver.receive(from, message)
    this.#parts.core.snapshotProgress(from, message.snapshotIndex, nextOffset)
    if (whole !== undefined) this.#store(this.#install(whole))
  }

  #sendChunk(to: string): void {
    const { clock, core, logger, wake } = this.#parts
    this.#sender
      .read(to, () => clock.monotonicMs())
      .then(
        (step) => {
          if (step === undefined || core.role !== 'leader') return
          core.sendSnapshotChunk(step.to, step.chunk)
          wake()
        },
        (error) => {
          // A newer snapshot may have taken its place meanwhile; the next attempt begins with that one.
          logger.log('warn', 'a snapshot could not be read for a follower', { to, error })
          this.#giveUp(to)
        },
      )
  }

  #giveUp(to: string): void {
    this.#sender.end(to)
    this.#parts.core.snapshotFailed(to)
    this.#parts.wake()
  }

  /** Sends again what got no answer. A node that leads no more sends nothing. */
  tick(nowMs: number): void {
    this.#receiver.forget(this.#parts.core.commitIndex)
    if (this.#parts.core.role !== 'leader') {
      this.#sender.endAll()
      return
    }
    for (const to of this.#sender.followers) {
      if (this.#parts.core.progress?.get(to)?.state !== 'snapshot') this.#sender.end(to)
    }
    const { resend, givenUp } = this.#sender.overdue(nowMs)
    for (const to of resend) this.#sendChunk(to)
    // A chunk that arrives twice is as legal as one that is late.
    if (this.#parts.buggify?.('raft.resend-chunk') === true) {
      for (const to of this.#sender.followers) this.#sendChunk(to)
    }
    for (const to of givenUp) this.#giveUp(to)
  }

  /**
   * Stores a snapshot and goes on from it. It is durable before the log gives anything up, so a crash at any point
   * leaves the old log, or the snapshot, or both (P-34).
   */
  async #install({ from, term, meta, content }: ReceivedSnapshot): Promise<void> {
    const { core, log, applier, proposals, publish, wake } = this.#parts
    core.installing(true)
    try {
      const decoded = applier.decodeSnapshot(content)
      const configuration = decodePlaced(meta.context)
      await log.saveSnapshot(meta, [content])
      this.#newest = { index: meta.index, sizeBytes: content.length }
      // From here to the change of the log nothing else may run: the core's next write must come behind that change.
      const result = core.snapshotInstalled(meta.index, meta.term, configuration)
      if (result === 'stale') return
      applier.adopt(meta.index, decoded)
      const changed = result === 'reset' ? log.resetToSnapshot() : log.compact(meta.index)
      proposals.restored(applier)
      this.#bytesSinceSnapshot = 0
      await changed
      publish({ type: 'SnapshotInstalled', index: meta.index, from })
    } finally {
      core.installing(false)
    }
    core.snapshotAcknowledged(from, term)
    wake()
  }
}
