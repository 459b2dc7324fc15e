import { type Buggify, type Clock, type Logger, SeededRandom } from '@dsys/runtime'
import type { GroupLog } from '@dsys/storage'
import type { Applier } from './applier.ts'
import { decodePlaced, encodePlaced } from './core/configuration-codec.ts'
import type { PlacedConfiguration } from './core/configurations.ts'
import { entryBytes } from './core/log.ts'
import type { SnapshotChunk, SnapshotProgress } from './core/messages.ts'
import type { Progress } from './core/progress.ts'
import type { RaftCore } from './core/raft-core.ts'
import type { NodeFacts } from './findings.ts'
import type { RaftMetrics } from './metrics.ts'
import type { Proposals } from './proposals.ts'
import { ContentWriter, WITNESS_CHECKSUM, withoutContent } from './snapshot-content.ts'
import { IncomingSnapshot, UnreadableSnapshotError } from './snapshot-incoming.ts'
import { SnapshotRefusals } from './snapshot-refusals.ts'
import { type ChunkToSend, type SendingPlaces, SnapshotSender } from './snapshot-transfer.ts'
import type { RaftEvent } from './status.ts'
import { AbandonedError, TurnBudget, Turns } from './turns.ts'

/** How much more log than usual is kept for followers that answer but lag, as a multiple of `snapshotEveryBytes`. */
const LAG_FACTOR = 4
/** After so many times `resendAfterMs` without a word the part of a snapshot that is here is given up. */
const IDLE_FACTOR = 60

/** What the groups of one node share of what snapshots cost. */
export interface SnapshotShare {
  readonly budget: TurnBudget
  readonly places: SendingPlaces
}

/** What a {@link SnapshotKeeper} works on. */
export interface SnapshotKeeperParts<State, Command, Result> {
  readonly clock: Clock
  /** Of the waits that are drawn. */
  readonly seed: number
  readonly logger: Logger
  readonly core: RaftCore
  readonly log: GroupLog
  readonly applier: Applier<State, Command, Result>
  readonly proposals: Proposals<Result>
  readonly snapshotEveryBytes: number
  readonly keepEntries: number
  readonly chunkBytes: number
  readonly roomBytes: number
  readonly resendAfterMs: number
  /** Rare behaviour on demand; absent outside a simulation. */
  readonly buggify: Buggify | undefined
  readonly publish: (event: RaftEvent) => void
  /** Something changed in the core: take its effects soon. */
  readonly wake: () => void
  readonly metrics: RaftMetrics
  /** Where the groups of this node share one: absent for a group that stands alone. */
  readonly host: { readonly snapshots: SnapshotShare } | undefined
  readonly fail: (error: unknown) => void
}

/**
 * Everything a node does with snapshots: take one when the log has grown, send it to a follower, install one. All of it goes on beside the turns of
 * the driver: content is encoded, stored, sent and decoded in small parts, and appends, heartbeats and commands go between them (P-36).
 */
export class SnapshotKeeper<State, Command, Result> {
  readonly #parts: SnapshotKeeperParts<State, Command, Result>
  readonly #budget: TurnBudget
  readonly #sender: SnapshotSender
  /** The newest snapshot on disk. */
  #newest: { readonly index: number; readonly sizeBytes: number; readonly checksum: number | undefined }
  #bytesSinceSnapshot = 0
  /** One snapshot is stored at a time: taking and installing exclude each other. */
  #storing: Promise<void> | undefined
  /** The one that is being taken. */
  #taking: Turns | undefined
  /** The one that is arriving. */
  #incoming: IncomingSnapshot | undefined
  /** The followers that cannot read what this leader sends. */
  readonly #refusals: SnapshotRefusals
  /** The last one that arrived here, where it could not be read. */
  #unreadable: NodeFacts['unreadable']
  #stopped = false

  constructor(parts: SnapshotKeeperParts<State, Command, Result>) {
    this.#parts = parts
    const stored = parts.log.snapshot()
    const checksum = parts.applier.adoptedChecksum
    this.#newest = { index: stored?.meta.index ?? 0, sizeBytes: stored?.sizeBytes ?? 0, checksum }
    this.#budget = parts.host?.snapshots.budget ?? new TurnBudget(parts.clock)
    this.#sender = new SnapshotSender(parts, parts.host?.snapshots.places)
    this.#refusals = new SnapshotRefusals(new SeededRandom(parts.seed), parts.resendAfterMs)
  }

  /** The index of the newest snapshot on disk, 0 without one. */
  get index(): number {
    return this.#newest.index
  }

  /** How far the snapshots are that this node sends, and which were sent in vain, by it or to it. */
  observed(nowMs: number): Pick<NodeFacts, 'transfers' | 'refusals' | 'unreadable'> {
    return {
      transfers: this.#sender.transfers,
      refusals: this.#refusals.seen(nowMs),
      unreadable: this.#unreadable,
    }
  }

  get sending(): boolean {
    return this.#sender.active
  }

  /** Resolves when no snapshot is being stored. */
  async settled(): Promise<void> {
    await this.#storing
  }

  /** Gives up what is being stored: the node ends. */
  stop(): void {
    this.#stopped = true
    this.#taking?.abandon('the node ends')
    this.#incoming?.abandon('the node ends')
    this.#sender.endAll()
  }

  #turns(): Turns {
    const { buggify } = this.#parts
    return new Turns(this.#budget, () => buggify?.('raft.short-snapshot-turn') === true)
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
    if (this.#storing !== undefined || this.#stopped) return
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
    const { clock, core, log, applier, metrics, publish } = this.#parts
    const beganMs = clock.monotonicMs()
    const index = applier.lastApplied
    const term = core.log.termAt(index)
    if (term === undefined) return
    const bytesBefore = this.#bytesSinceSnapshot
    this.#bytesSinceSnapshot = 0
    const context = encodePlaced(core.configurationAt(index))
    const turns = this.#turns()
    const content = new ContentWriter(applier.freeze(), turns)
    this.#taking = turns
    try {
      await log.saveSnapshot({ index, term, context }, content)
    } catch (error) {
      this.#bytesSinceSnapshot += bytesBefore
      throw error
    } finally {
      this.#taking = undefined
    }
    const { sizeBytes, checksum } = content
    this.#newest = { index, sizeBytes, checksum }
    metrics.snapshot('taken', sizeBytes, clock.monotonicMs() - beganMs)
    publish({ type: 'SnapshotTaken', index, sizeBytes })
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
    return [...(this.#parts.core.progress?.values() ?? [])].filter((progress) => this.#isLive(progress))
  }

  #isLive({ heardMs = Number.NEGATIVE_INFINITY }: Progress): boolean {
    const { clock, resendAfterMs } = this.#parts
    return clock.monotonicMs() - heardMs <= resendAfterMs
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
    const { fail, logger, wake } = this.#parts
    this.#storing = work.then(
      () => {
        this.#storing = undefined
        wake()
      },
      (error) => {
        this.#storing = undefined
        if (error instanceof UnreadableSnapshotError) {
          logger.log('warn', 'a snapshot was dropped that cannot be read', { error: error.cause })
        } else if (!(error instanceof AbandonedError)) {
          fail(error)
          return
        }
        wake()
      },
    )
  }

  /** Followers that need a snapshot. */
  send(followers: readonly string[]): void {
    const { clock, core, log } = this.#parts
    for (const to of followers) {
      const stored = log.snapshot()
      const isWitness = core.isWitness(to)
      const snapshot = isWitness && stored !== undefined ? withoutContent(stored.meta) : stored
      const checksum = isWitness ? WITNESS_CHECKSUM : this.#newest.checksum
      const isKnown = snapshot !== undefined && checksum !== undefined && snapshot.meta.index === this.#newest.index
      const progress = core.progress?.get(to)
      // One that is silent would hold a place, of few, that another waits for. Once it answers to heartbeats it has its turn.
      const isHeard =
        progress !== undefined && this.#isLive(progress) && !this.#refusals.holdsBack(to, clock.monotonicMs())
      const isSent = isKnown && isHeard && this.#sender.begin(to, snapshot, checksum)
      // It is asked again where it stands, with the next heartbeat; by then another may have got its own.
      if (isSent) this.#pump(to)
      else core.snapshotFailed(to)
    }
  }

  /** Parts of snapshots that came, and answers to those that were sent. */
  receive(from: string, message: SnapshotChunk | SnapshotProgress): void {
    if (message.type === 'snapshot-progress') {
      if (message.unreadable === true) {
        this.#refused(from, message.snapshotIndex)
        return
      }
      this.#sender.progress(from, message)
      this.#pump(from)
      return
    }
    if (this.#stopped) return
    const incoming = this.#incomingOf(from, message)
    if (incoming === undefined) return
    const { clock, core } = this.#parts
    const fate = incoming.add(from, message, clock.monotonicMs())
    // Until it is installed, or given up, this node asks nobody for votes (P-09).
    if (incoming.isWhole) core.installing(true)
    if (fate.type === 'taken') return
    core.snapshotProgress(
      from,
      incoming.meta.index,
      incoming.nextOffset,
      fate.type === 'wanted' ? fate.offset : undefined,
    )
  }

  /** What a chunk is a part of; `undefined` when something else has to end first, and the sender has to ask again. */
  #incomingOf(from: string, chunk: SnapshotChunk): IncomingSnapshot | undefined {
    const { clock, core, wake } = this.#parts
    const known = this.#incoming
    if (known?.isPart(from, chunk)) return known.turns.abandoned ? undefined : known
    if (known !== undefined) {
      // An older one of the same leader is a chunk that was long on its way.
      const isLate = known.from === from && known.term === chunk.term && chunk.snapshotIndex < known.meta.index
      if (!isLate) known.abandon('another snapshot is being sent')
      return undefined
    }
    // What the leader sends is newer than what is committed here, and so than what is being taken.
    this.#taking?.abandon('a newer one is being sent')
    if (this.#storing !== undefined) return undefined
    const incoming = new IncomingSnapshot(from, chunk, this.#turns(), clock.monotonicMs(), () => {
      core.snapshotProgress(incoming.from, incoming.meta.index, incoming.nextOffset)
      wake()
    })
    this.#incoming = incoming
    this.#store(this.#install(incoming))
    return incoming
  }

  /** Sends `to` what it should get now. */
  #pump(to: string): void {
    const { clock, logger } = this.#parts
    const now = (): number => clock.monotonicMs()
    for (let step = this.#sender.read(to, now); step !== undefined; step = this.#sender.read(to, now)) {
      step.then(
        (chunk) => this.#sendChunk(chunk),
        (error) => {
          // A newer snapshot may have taken its place meanwhile; the next attempt begins with that one.
          logger.log('warn', 'a snapshot could not be read for a follower', { to, error })
          this.#giveUp(to)
        },
      )
    }
  }

  #sendChunk(step: ChunkToSend | undefined): void {
    const { core, wake } = this.#parts
    if (step === undefined || core.role !== 'leader' || this.#stopped) return
    core.sendSnapshotChunk(step.to, step.chunk)
    wake()
  }

  #refused(by: string, index: number): void {
    const { clock, logger } = this.#parts
    if (!this.#sender.isSending(by, index)) return
    const nowMs = clock.monotonicMs()
    const { times, dueMs } = this.#refusals.add(by, index, nowMs)
    logger.log('warn', 'a follower cannot read the snapshot that it was sent', {
      to: by,
      index,
      times,
      waitMs: dueMs - nowMs,
    })
    this.#giveUp(by)
  }

  #giveUp(to: string): void {
    this.#sender.end(to)
    this.#parts.core.snapshotFailed(to)
    this.#parts.wake()
  }

  /** Sends again what got no answer. A node that leads no more sends nothing. */
  tick(nowMs: number): void {
    this.#forgetIncoming(nowMs)
    const { progress: members } = this.#parts.core
    this.#refusals.forget((follower) => members?.get(follower)?.match)
    if (this.#parts.core.role !== 'leader') {
      this.#sender.endAll()
      return
    }
    for (const to of this.#sender.followers) {
      const progress = this.#parts.core.progress?.get(to)
      if (progress?.state !== 'snapshot') this.#sender.end(to)
      else if (!this.#isLive(progress)) this.#giveUp(to)
    }
    for (const to of this.#sender.remind(nowMs)) this.#giveUp(to)
    // A chunk that arrives twice is as legal as one that is late.
    if (this.#parts.buggify?.('raft.resend-chunk') === true) this.#sender.repeat()
    for (const to of this.#sender.followers) this.#pump(to)
  }

  /** Gives up what is here of a snapshot that nobody needs any more, or nobody sends. */
  #forgetIncoming(nowMs: number): void {
    const { core, resendAfterMs } = this.#parts
    const incoming = this.#incoming
    if (incoming === undefined || incoming.isWhole) return
    if (incoming.meta.index <= core.commitIndex) incoming.abandon('the log has come as far without it')
    else if (core.role === 'leader') incoming.abandon('this node leads')
    else if (nowMs - incoming.heardMs > IDLE_FACTOR * resendAfterMs) incoming.abandon('nobody sends it any more')
  }

  /**
   * Stores a snapshot and goes on from it. It is durable before the log gives anything up, so a crash at any point
   * leaves the old log, or the snapshot, or both (P-34).
   */
  async #install(incoming: IncomingSnapshot): Promise<void> {
    const { clock, core, log, applier, metrics, proposals, publish, wake } = this.#parts
    const { meta, turns } = incoming
    const beganMs = clock.monotonicMs()
    try {
      const configuration = readPlaced(meta.context)
      const decoding = applier.decode(incoming.toDecode, turns)
      // Whoever asks for it is told; nobody may, when the disk fails first.
      decoding.catch(() => undefined)
      // Writes that were handed over before it are durable before it.
      await log.saveSnapshot(
        meta,
        incoming.content(decoding, () => log.persist({})),
      )
      const decoded = await decoding
      this.#newest = { index: meta.index, sizeBytes: incoming.nextOffset, checksum: decoded.checksum }
      this.#unreadable = undefined
      // From here to the change of the log nothing else may run: the core's next write must come behind that change.
      const result = core.snapshotInstalled(meta.index, meta.term, configuration)
      if (result === 'stale') return
      applier.adopt(meta.index, decoded)
      const changed = result === 'reset' ? log.resetToSnapshot() : log.compact(meta.index)
      proposals.restored(applier)
      this.#bytesSinceSnapshot = 0
      await changed
      metrics.snapshot('installed', incoming.nextOffset, clock.monotonicMs() - beganMs)
      publish({ type: 'SnapshotInstalled', index: meta.index, from: incoming.from })
    } catch (error) {
      if (error instanceof UnreadableSnapshotError) this.#refuse(incoming, error.cause)
      throw error
    } finally {
      core.installing(false)
      incoming.abandon('it has come to its end')
      this.#incoming = undefined
    }
    core.snapshotAcknowledged(incoming.from, incoming.term)
    wake()
  }

  /** Tells the leader that it need not send it again at once. */
  #refuse({ from, meta }: IncomingSnapshot, error: unknown): void {
    const { core, publish } = this.#parts
    const { index } = meta
    const times = (this.#unreadable?.times ?? 0) + 1
    this.#unreadable = { index, from, times, error }
    publish({ type: 'SnapshotRefused', index, from, times, error })
    core.snapshotProgress(from, index, 0, undefined, { unreadable: true })
  }
}

function readPlaced(context: Uint8Array): PlacedConfiguration {
  try {
    return decodePlaced(context)
  } catch (error) {
    throw new UnreadableSnapshotError(error)
  }
}
