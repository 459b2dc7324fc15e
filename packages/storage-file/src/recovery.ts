import { bufferOf, MalformedError } from '@dsys/runtime/bytes'
import { appendEntries, CorruptionError, type Disk, type LogEntry } from '@dsys/storage'
import { type LogRecord, readRecords } from './format/records.ts'
import {
  FRAME_ALIGNMENT,
  frameBytes,
  readFrameHeader,
  readPayload,
  readSegmentHeader,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
} from './format/segment.ts'
import { GroupIndex } from './group-index.ts'
import { reading } from './reading.ts'

/** A segment that was read to its end. */
export interface ScannedSegment {
  readonly path: string
  readonly header: SegmentHeader
  /** Where the next frame goes. */
  readonly end: number
  /** Behind `end`, the last byte that is not zero: what a write that the crash cut off has left. `end` when there is none. */
  readonly dirtyEnd: number
  /** Number of the last batch. */
  readonly lastBatch: number
  /** The frame of the last batch, which ends at `end`. */
  readonly lastFrame: Buffer
}

function readWhole(disk: Disk, path: string): Promise<Buffer> {
  return reading(`reading ${path}`, async () => {
    const file = await disk.open(path)
    try {
      return bufferOf(await file.read(0, await file.sizeBytes()))
    } finally {
      await file.close()
    }
  })
}

/** The end of what is not zero in `segment`, at least `from`. */
function lastDirty(segment: Buffer, from: number): number {
  let end = segment.length
  while (end > from && segment[end - 1] === 0) end--
  return end
}

/**
 * Position of a frame header that stands behind `from` and is whole; `undefined` without one.
 *
 * Invariant: a batch is written only after the one before it was durable. So a whole header behind a bad frame proves
 * that the bad frame had been durable, and that something other than a crash has damaged it.
 */
function laterHeader(segment: Buffer, id: Uint8Array, from: number, dirtyEnd: number): number | undefined {
  for (let position = from; position < dirtyEnd; position += FRAME_ALIGNMENT) {
    if (readFrameHeader(segment, id, position) !== undefined) return position
  }
  return undefined
}

/** What {@link scanSegment} is to expect. */
export interface ScanOptions {
  readonly sequence: number
  /** Number of the first batch; `undefined` when it is not known. */
  readonly firstBatch: number | undefined
  /** What could not be read at the end of the segment before this one. It is damage if a batch is missing, else it is nothing. */
  readonly before?: { readonly path: string; readonly position: number }
  /** Stops reading here: what stands behind is being written. Default: the end of the file. */
  readonly until?: number
}

/**
 * Reads a segment and gives each record to `visit`. Throws CorruptionError for all that a crash cannot explain.
 */
export async function scanSegment(
  disk: Disk,
  path: string,
  options: ScanOptions,
  visit: (record: LogRecord, batch: number) => void,
): Promise<ScannedSegment> {
  const whole = await readWhole(disk, path)
  const header = readSegmentHeader(whole)
  if (typeof header === 'string') throw new CorruptionError(path, 0, header)
  if (header.sequence !== options.sequence) {
    throw new CorruptionError(path, 12, `it says that it is segment ${header.sequence}`)
  }
  const segment = whole.subarray(0, options.until ?? whole.length)
  let position = SEGMENT_HEADER_BYTES
  let lastStart = position
  let batch = options.firstBatch
  for (;;) {
    const frame = readFrameHeader(segment, header.id, position)
    const payload = frame && readPayload(segment, header.id, position, frame)
    if (frame === undefined || payload === undefined) break
    if (batch !== undefined && frame.batch !== batch) {
      if (position === SEGMENT_HEADER_BYTES && options.before !== undefined) {
        const { path: damaged, position: at } = options.before
        throw new CorruptionError(damaged, at, `batch ${batch} is damaged, and the segment behind it stands whole`)
      }
      throw new CorruptionError(path, position, `batch ${batch} should stand here, and it is ${frame.batch}`)
    }
    visitAll(path, position, payload, (record) => visit(record, frame.batch))
    batch = frame.batch + 1
    lastStart = position
    position += frameBytes(frame.payloadBytes)
  }
  const dirtyEnd = lastDirty(segment, position)
  const checkpointMissing = position === SEGMENT_HEADER_BYTES
  const later = laterHeader(segment, header.id, position + FRAME_ALIGNMENT, dirtyEnd)
  if (later !== undefined) {
    throw new CorruptionError(
      path,
      position,
      `the batch here is damaged, and a later one stands whole at byte ${later}`,
    )
  }
  if (checkpointMissing || batch === undefined) {
    throw new CorruptionError(path, position, 'the checkpoint that begins each segment is damaged')
  }
  return { path, header, end: position, dirtyEnd, lastBatch: batch - 1, lastFrame: whole.subarray(lastStart, position) }
}

function visitAll(path: string, position: number, payload: Buffer, visit: (record: LogRecord) => void): void {
  let records: LogRecord[]
  try {
    records = readRecords(payload)
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error
    throw new CorruptionError(path, position, `the checksum matches, but the content cannot be read: ${error.message}`)
  }
  for (const record of records) visit(record)
}

/** The state of the groups, built up from records in their order. */
export class Replay {
  readonly groups: Map<number, GroupIndex> = new Map()
  readonly #entries = new Map<number, LogEntry[]>()
  readonly #only: number | undefined

  /** @param only keeps the entries of this group alone. */
  constructor(only?: number) {
    this.#only = only
  }

  /** The entries of a group that are still there. */
  entriesOf(group: number): LogEntry[] {
    let entries = this.#entries.get(group)
    if (entries === undefined) {
      entries = []
      this.#entries.set(group, entries)
    }
    return entries
  }

  /** Takes `record`, which stands in `segment`. Returns what is wrong with it, if anything is. */
  apply(record: LogRecord, segment: number): string | undefined {
    if (record.type === 'group') return this.#name(record.group, record.name)
    const index = this.groups.get(record.group)
    if (index === undefined) return `group ${record.group} has no name`
    const kept = this.#only === undefined || this.#only === record.group
    switch (record.type) {
      case 'checkpoint':
        index.hardState = record.hardState
        index.compact(record.base)
        if (kept) this.#forget(record.group, record.base)
        break
      case 'write': {
        const { hardState, entries } = record.write
        if (hardState !== undefined) index.hardState = hardState
        const first = entries?.[0]
        if (entries === undefined || first === undefined) break
        index.append(segment, first.index, first.index + entries.length - 1)
        if (kept) appendEntries(this.entriesOf(record.group), entries)
        break
      }
      case 'compact':
        index.compact(record.index)
        if (kept) this.#forget(record.group, record.index)
        break
      case 'reset':
        index.reset(record.index)
        this.#entries.delete(record.group)
        break
    }
    return undefined
  }

  #name(id: number, name: string): string | undefined {
    const known = this.groups.get(id)
    if (known !== undefined) return known.name === name ? undefined : `group ${id} has two names`
    const index = new GroupIndex(id, name)
    index.named = true
    this.groups.set(id, index)
    return undefined
  }

  #forget(group: number, upTo: number): void {
    const entries = this.entriesOf(group)
    const first = entries[0]
    if (first !== undefined && first.index <= upTo) entries.splice(0, upTo - first.index + 1)
  }
}
