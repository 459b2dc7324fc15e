import type { Clock, Counter, Histogram, Logger, Meter, Random } from '@dsys/runtime'
import { ByteWriter } from '@dsys/runtime/bytes'
import { CorruptionError, type Disk, type DiskFile, type LogEntry, StorageFailedError } from '@dsys/storage'
import type { EndMark } from './end-mark.ts'
import { putAllListed, putCheckpoint, putGroup } from './format/records.ts'
import {
  FORMAT_VERSION,
  FRAME_ALIGNMENT,
  FRAME_HEADER_BYTES,
  SEGMENT_HEADER_BYTES,
  SEGMENT_ID_BYTES,
  segmentName,
  writeFrameHeader,
  writeSegmentHeader,
} from './format/segment.ts'
import { GroupIndex } from './group-index.ts'
import { IdleTimer } from './idle-timer.ts'
import { type FoundLog, readGroup, recover } from './log-reader.ts'
import { Rewriter } from './rewriter.ts'
import { SegmentPreparer } from './segment-preparer.ts'
import { SegmentWriter } from './segment-writer.ts'

/** Buffers begin with this; the one of the checkpoints, which are seldom and small, keeps no more. */
const FIRST_BUFFER_BYTES = 64 * 1024
/** After so many bytes at the least, and this part of a segment, a batch lists the groups that were written. */
const MIN_LIST_EVERY_BYTES = 64 * 1024
const LISTS_PER_SEGMENT = 16

/** One change of one group on its way into the log. */
export interface LogRequest {
  readonly group: GroupIndex
  /** About how large it is. */
  readonly bytes: number
  /** Whether it can make an old segment superfluous. */
  readonly frees: boolean
  /** Writes its record. */
  readonly put: (out: ByteWriter) => void
  /** Updates the group's index; the record stands in `segment`. */
  readonly note: (segment: number) => void
}

interface WaitingRequest extends LogRequest {
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** What a {@link WriteAheadLog} works with. */
export interface WriteAheadLogPorts {
  readonly disk: Disk
  /** Holds up to where the log was durable. */
  readonly endMark: EndMark
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly meter: Meter
}

/** Options of a {@link WriteAheadLog}, as those of the storage. */
export interface WriteAheadLogOptions {
  /** The folder of the segments. */
  readonly directory: string
  readonly segmentBytes: number
  readonly maxBatchBytes: number
  readonly rewriteAfterBytes: number
  readonly sealAfterMs: number
}

/**
 * One log for all groups of a node. Requests that wait while a write runs are written together by the next: one frame, one
 * durable write, all of it or none.
 */
export class WriteAheadLog {
  readonly #ports: WriteAheadLogPorts
  readonly #directory: string
  readonly #options: WriteAheadLogOptions
  readonly #preparer: SegmentPreparer
  readonly #groups = new Map<string, GroupIndex>()
  #nextGroup = 1
  /** Entries found at the start, until their group is opened. */
  readonly #recovered = new Map<number, LogEntry[]>()
  /** Sequence numbers of the segments, oldest first; the current one is the last. */
  readonly #segments: number[] = []
  #current: SegmentWriter | undefined
  /** The file that is about to become the current segment. */
  #beginning: DiskFile | undefined
  readonly #out: ByteWriter
  readonly #checkpoint: ByteWriter = new ByteWriter(FIRST_BUFFER_BYTES)
  readonly #queue: WaitingRequest[] = []
  #running: Promise<void> | undefined
  #collecting: Promise<void> | undefined
  /** Segments below this were superfluous in a state that is durable. */
  #neededFrom = 0
  /** What is still to be made ready, when damage was found: nothing is written before a group is opened all the same. */
  #found: FoundLog | undefined
  #takingOver: Promise<void> | undefined
  /** Groups with records behind batch `#listedAt`. */
  readonly #unlisted = new Set<GroupIndex>()
  #listedAt = 0
  #bytesSinceList = 0
  #readers = 0
  /** The newest batch that the indices of the groups know of: durable, or on its way. */
  #notedBatch = 0
  readonly #rewriter: Rewriter
  #failure: StorageFailedError | undefined
  readonly #idle: IdleTimer
  readonly #syncMs: Histogram
  readonly #batchRequests: Histogram
  readonly #writtenBytes: Counter

  constructor(ports: WriteAheadLogPorts, options: WriteAheadLogOptions) {
    this.#ports = ports
    this.#directory = options.directory
    this.#options = options
    this.#out = new ByteWriter(Math.min(2 * options.maxBatchBytes, FIRST_BUFFER_BYTES))
    this.#preparer = new SegmentPreparer(ports.disk, {
      directory: options.directory,
      segmentBytes: options.segmentBytes,
      onFailure: (error) => this.fail('preparing a segment', error),
    })
    this.#rewriter = new Rewriter({
      ...ports,
      ...options,
      log: () => ({ groups: this.#groups.values(), segments: this.#segments, throughBatch: this.#notedBatch }),
      keepSegments: (work) => this.#keepSegments(work),
      append: (request) => this.append(request),
      fail: (what, cause) => this.fail(what, cause),
    })
    this.#idle = new IdleTimer(ports.clock, options.sealAfterMs, () => this.#sealWhenIdle())
    const { meter } = ports
    this.#syncMs = meter.histogram('dsys_storage_sync_ms', { unit: 'ms', description: 'Duration of one durable write' })
    this.#batchRequests = meter.histogram('dsys_storage_batch_writes', { description: 'Writes that shared one sync' })
    this.#writtenBytes = meter.counter('dsys_storage_written_bytes', { unit: 'bytes', description: 'Bytes of the log' })
  }

  /**
   * Reads what is there and makes it ready for more. Throws CorruptionError, with nothing changed, on damage of which it is not known
   * which groups it harms, and StorageFailedError when a write fails. Where that is known, nothing is changed before
   * {@link WriteAheadLog.takeOver}.
   *
   * @param options `groupsExpected`: there are traces of groups elsewhere, so a log without any has been lost.
   */
  async open(options: { readonly signal: AbortSignal; readonly groupsExpected: boolean }): Promise<void> {
    const { disk } = this.#ports
    const found = await recover(disk, this.#directory, options.signal)
    await this.#checkEnd(found)
    if (options.groupsExpected && found.replay.groups.size === 0) {
      throw new CorruptionError(this.#directory, 0, 'there are snapshots, and the log that belongs to them is missing')
    }
    for (const group of found.replay.groups.values()) {
      if (group.number === undefined) {
        // Format version 1 counts no records, and does not say of which term the entries are that it has forgotten.
        group.number = 0
        group.end = { last: group.end.last, lastTerm: Math.max(group.end.lastTerm, group.hardState.term) }
      }
      this.#groups.set(group.name, group)
      this.#unlisted.add(group)
      this.#recovered.set(group.id, found.replay.entriesOf(group.id))
      this.#nextGroup = Math.max(this.#nextGroup, group.id + 1)
    }
    for (const { message } of found.replay.gaps) {
      this.#ports.logger.log('warn', 'the log is damaged, and it is known which groups that harms', { damage: message })
    }
    this.#found = found
    if (found.replay.gaps.length === 0) await this.takeOver()
  }

  /** Makes what was found durable, and the log ready for more. Does nothing the second time. */
  takeOver(): Promise<void> {
    const found = this.#found
    if (found === undefined) return this.#takingOver ?? Promise.resolve()
    this.#found = undefined
    this.#takingOver = this.#takeOver(found).catch((error: unknown) => {
      throw this.fail('making the log ready', error)
    })
    return this.#takingOver
  }

  /** Throws CorruptionError when the log ends before a batch that was durable once. */
  async #checkEnd({ last }: FoundLog): Promise<void> {
    const marked = await this.#ports.endMark.read()
    if ((last?.lastBatch ?? 0) >= marked) return
    const what = `the log was durable up to batch ${marked}, and what is left ends at batch ${last?.lastBatch ?? 0}`
    throw new CorruptionError(last?.path ?? this.#directory, last?.end ?? 0, what)
  }

  async #takeOver({ last, sequences, unfinished }: FoundLog): Promise<void> {
    const { disk } = this.#ports
    for (const path of unfinished) await disk.remove(path)
    this.#segments.push(...sequences)
    if (last === undefined) {
      await this.#roll(0)
      await this.#markEnd()
      return
    }
    const file = await disk.open(`${this.#directory}/${segmentName(last.header.sequence)}`, { durableWrites: true })
    this.#current = new SegmentWriter(file, { ...last.header, ...last })
    // A process that was killed may have left the name of its last segment in memory alone.
    await disk.syncDirectory(this.#directory)
    await this.#current.takeOver(last)
    if (last.header.version === FORMAT_VERSION) await this.#writeSeal(this.#current)
    if (!this.#current.sealed) await this.#roll(0)
    await this.#markEnd()
    this.#markSuperfluous()
  }

  /** What the log keeps about the group called `name`, new when there is none. */
  group(name: string): GroupIndex {
    let group = this.#groups.get(name)
    if (group === undefined) {
      group = new GroupIndex(this.#nextGroup++, name)
      this.#groups.set(name, group)
    }
    return group
  }

  /** The entries of `group` that are durable: those found at the start, or read again. They must not be changed. */
  async entriesOf(group: GroupIndex): Promise<LogEntry[]> {
    const recovered = this.#recovered.get(group.id)
    if (recovered !== undefined) return recovered
    if (!group.named || this.#current === undefined) return []
    return this.#keepSegments(async () => {
      if (this.#current === undefined) return []
      const { entries, damage } = await readGroup(this.#ports.disk, this.#directory, {
        group: group.id,
        sequences: [...this.#segments],
        until: this.#current.end,
      })
      group.damage ??= damage
      return entries
    })
  }

  /** While `work` goes on, no segment goes away. */
  async #keepSegments<T>(work: () => Promise<T>): Promise<T> {
    this.#readers++
    try {
      await this.#collecting
      return await work()
    } finally {
      this.#readers--
      this.#collect()
    }
  }

  /** Resolves when nothing is being written anew; `undefined` when nothing is. Whoever opens a group holds it, and waits for this. */
  get rewriting(): Promise<void> | undefined {
    return this.#rewriter.running
  }

  /** The group is open: what was found of it at the start need not be kept. */
  opened(group: GroupIndex): void {
    this.#recovered.delete(group.id)
  }

  /** Resolves once `request`, and all before it, are durable. Throws StorageFailedError. */
  append(request: LogRequest): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    return new Promise((resolve, reject) => {
      this.#queue.push({ ...request, resolve, reject })
      this.#running ??= this.#run()
    })
  }

  /** Ends all writing for good: nobody knows what the disk holds after a write that failed. Returns the error to throw. */
  fail(what: string, cause: unknown): StorageFailedError {
    this.#failure ??= cause instanceof StorageFailedError ? cause : new StorageFailedError(what, cause)
    for (const { reject } of this.#queue.splice(0)) reject(this.#failure)
    return this.#failure
  }

  /** Throws StorageFailedError once a write has failed: what the indices hold may not be durable then. */
  assertWorks(): void {
    if (this.#failure !== undefined) throw this.#failure
  }

  async close(): Promise<void> {
    this.#idle.stop()
    await this.#takingOver?.catch(() => undefined)
    await this.#rewriter.stop()
    await this.#running
    await this.#seal()
    await this.#collecting
    try {
      await this.#preparer.stop()
    } finally {
      for (const file of [this.#beginning, this.#current?.file, this.#ports.endMark]) await file?.close()
      this.#current = undefined
    }
  }

  async #run(): Promise<void> {
    // All that this turn brings in is written together.
    await Promise.resolve()
    while (this.#queue.length > 0) {
      const batch = this.#takeBatch()
      try {
        await this.#write(batch)
      } catch (error) {
        const failure = this.fail('a write to the log', error)
        for (const { reject } of batch) reject(failure)
        break
      }
      for (const { resolve } of batch) resolve()
    }
    this.#running = undefined
  }

  get #listEveryBytes(): number {
    return Math.max(MIN_LIST_EVERY_BYTES, this.#options.segmentBytes / LISTS_PER_SEGMENT)
  }

  #sealWhenIdle(): void {
    if (this.#running !== undefined) return
    // Requests that come meanwhile wait for it, as for any other write.
    this.#running = this.#seal().then(() => this.#run())
  }

  /** Makes damage to the last batch something that is told from a torn write. */
  async #seal(): Promise<void> {
    if (this.#failure !== undefined) return
    try {
      if (this.#current !== undefined) await this.#writeSeal(this.#current)
      await this.#markEnd()
    } catch (error) {
      this.fail('a write to the log', error)
    }
  }

  /** The seal lists the groups that were written, so that damage before it is known not to harm any other. */
  async #writeSeal(segment: SegmentWriter): Promise<void> {
    if (segment.sealed) return
    const out = this.#checkpoint
    out.reset(FIRST_BUFFER_BYTES)
    out.zeros(FRAME_HEADER_BYTES)
    this.#putList(out, this.#unlisted, this.#listedAt)
    const payloadBytes = out.length - FRAME_HEADER_BYTES
    out.align(FRAME_ALIGNMENT)
    if (await segment.seal(out.written(), payloadBytes)) this.#listed(segment.lastBatch)
  }

  /** @param since the batch behind which there are records of no other groups. */
  #putList(out: ByteWriter, groups: Iterable<GroupIndex>, since: number): void {
    for (const group of groups) {
      if (!group.named) continue
      putGroup(out, group.id, group.name)
      putCheckpoint(out, group.head, group.base, group.end)
    }
    putAllListed(out, since)
  }

  /** Every record up to batch `batch` counts in a list. */
  #listed(batch: number): void {
    this.#unlisted.clear()
    this.#listedAt = batch
    this.#bytesSinceList = 0
  }

  /** Called when the last batch is durable. */
  async #markEnd(): Promise<void> {
    if (this.#current !== undefined) await this.#ports.endMark.write(this.#current.lastBatch)
  }

  #takeBatch(): WaitingRequest[] {
    let count = 0
    let bytes = 0
    for (const request of this.#queue) {
      if (count > 0 && bytes + request.bytes > this.#options.maxBatchBytes) break
      bytes += request.bytes
      count++
    }
    return this.#queue.splice(0, count)
  }

  async #write(batch: readonly WaitingRequest[]): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    const out = this.#out
    out.reset(2 * this.#options.maxBatchBytes)
    out.zeros(FRAME_HEADER_BYTES)
    const before = this.#current
    if (before !== undefined && this.#bytesSinceList >= this.#listEveryBytes) {
      // What stands here is as it was before this batch.
      this.#putList(out, this.#unlisted, this.#listedAt)
      this.#listed(before.lastBatch)
    }
    for (const { group, put } of batch) {
      if (!group.named) putGroup(out, group.id, group.name)
      group.named = true
      put(out)
    }
    const payloadBytes = out.length - FRAME_HEADER_BYTES
    out.align(FRAME_ALIGNMENT)
    let segment = this.#current
    const rolls = !segment?.fits(out.length)
    if (segment === undefined || rolls) segment = await this.#roll(out.length)
    let frees = rolls
    this.#notedBatch = segment.lastBatch + 1
    for (const request of batch) {
      this.#unlisted.add(request.group)
      request.note(segment.sequence)
      frees ||= request.frees
    }
    await this.#writeDurably(segment, out.written(), payloadBytes)
    this.#batchRequests.record(batch.length)
    if (frees) this.#markSuperfluous()
    if (rolls) this.#rewriter.grown()
    if (segment.end > segment.sizeBytes / 2) this.#preparer.prepare()
  }

  async #writeDurably(segment: SegmentWriter, frame: Buffer, payloadBytes: number): Promise<void> {
    const { clock } = this.#ports
    const startMs = clock.monotonicMs()
    await segment.append(frame, payloadBytes)
    this.#syncMs.record(clock.monotonicMs() - startMs)
    this.#writtenBytes.add(frame.length)
    this.#bytesSinceList += frame.length
    this.#idle.touch()
  }

  /** Begins a segment that has room for a frame of `frameBytes` behind its checkpoint, and for one that proves it. */
  async #roll(frameBytes: number): Promise<SegmentWriter> {
    const out = this.#checkpoint
    out.reset(FIRST_BUFFER_BYTES)
    out.zeros(SEGMENT_HEADER_BYTES + FRAME_HEADER_BYTES)
    this.#putList(out, this.#groups.values(), 0)
    const payloadBytes = out.length - SEGMENT_HEADER_BYTES - FRAME_HEADER_BYTES
    out.align(FRAME_ALIGNMENT)
    const prepared = await this.#preparer.take(out.length + frameBytes + FRAME_HEADER_BYTES)
    const { file, sizeBytes } = prepared
    this.#beginning = file
    const sequence = (this.#segments.at(-1) ?? 0) + 1
    const id = this.#ports.random.bytes(SEGMENT_ID_BYTES)
    const start = out.written()
    writeSegmentHeader(start, { sequence, sizeBytes, id })
    const position = SEGMENT_HEADER_BYTES
    const batch = (this.#current?.lastBatch ?? 0) + 1
    writeFrameHeader(start, position, { payloadBytes, batch, id, position })
    await file.write(0, start)
    // The segment gets its name only now: one that has a name always has a header and a checkpoint.
    await this.#ports.disk.rename(prepared.path, `${this.#directory}/${segmentName(sequence)}`)
    await this.#ports.disk.syncDirectory(this.#directory)
    const before = this.#current
    this.#segments.push(sequence)
    this.#current = new SegmentWriter(file, { sequence, id, sizeBytes, end: start.length, lastBatch: batch })
    this.#beginning = undefined
    this.#listed(batch)
    await before?.file.close()
    return this.#current
  }

  /**
   * Notes which segments no group needs. Called when everything noted in the indices is durable, and at no other time:
   * an entry may go only once what replaces it would survive a crash.
   */
  #markSuperfluous(): void {
    let neededFrom = this.#current?.sequence ?? 0
    for (const group of this.#groups.values()) neededFrom = Math.min(neededFrom, group.oldestSegment ?? neededFrom)
    this.#neededFrom = Math.max(this.#neededFrom, neededFrom)
    this.#collect()
  }

  #collect(): void {
    if (this.#collecting !== undefined) return
    this.#collecting = this.#removeSuperfluous().then(
      () => {
        this.#collecting = undefined
      },
      (error: unknown) => {
        this.#collecting = undefined
        this.fail('removing a segment', error)
      },
    )
  }

  async #removeSuperfluous(): Promise<void> {
    for (;;) {
      const oldest = this.#segments[0]
      if (oldest === undefined || oldest >= this.#neededFrom || this.#readers > 0 || this.#failure !== undefined) return
      this.#segments.shift()
      await this.#ports.disk.remove(`${this.#directory}/${segmentName(oldest)}`)
      // One at a time: after a crash the segments that are left still follow each other.
      await this.#ports.disk.syncDirectory(this.#directory)
    }
  }
}
