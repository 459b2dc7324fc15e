import { bufferOf, MalformedError } from '@dsys/runtime/bytes'
import { CorruptionError, type Disk } from '@dsys/storage'
import { type LogRecord, readRecords } from './format/records.ts'
import {
  FORMAT_VERSION,
  FRAME_ALIGNMENT,
  frameBytes,
  readFrameHeader,
  readPayload,
  readSegmentHeader,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
} from './format/segment.ts'
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
  /** Damage took whole segments before this one, so the first batch may also be a later one. */
  readonly afterGap?: boolean
  /** What could not be read at the end of the segment before this one. It is damage if a batch is missing, else it is nothing. */
  readonly before?: { readonly path: string; readonly position: number }
  /** Another segment follows, so everything in this one had been durable. */
  readonly followed: boolean
  /** Stops reading here: what stands behind is being written. Default: the end of the file. */
  readonly until?: number
}

/** Who is told what a scan finds, in the order of the log. */
export interface ScanVisitor {
  record(record: LogRecord, batch: number): void
  /** Batch `batch`, and perhaps some behind it, are damaged, and later ones stand whole. */
  gap(damage: CorruptionError, batch: number): void
  /** A whole batch; its records follow. */
  batch(number: number): void
}

/**
 * Reads a segment and gives each record to `visitor`. A batch that is damaged is left out, and told of, where a later one proves that
 * it had been durable. Throws CorruptionError for what nothing behind it can make up for.
 *
 * @returns `undefined` when not even its header can be read.
 */
export async function scanSegment(
  disk: Disk,
  path: string,
  options: ScanOptions,
  visitor: ScanVisitor,
): Promise<ScannedSegment | undefined> {
  const whole = await readWhole(disk, path)
  const header = readSegmentHeader(whole)
  if (typeof header === 'string') {
    const damage = new CorruptionError(path, 0, header)
    if (!options.followed) throw damage
    visitor.gap(damage, options.firstBatch ?? 1)
    return undefined
  }
  if (header.version < 1 || header.version > FORMAT_VERSION) {
    throw new CorruptionError(path, 8, `format version ${header.version} is not known to this release`)
  }
  if (header.sequence !== options.sequence) {
    throw new CorruptionError(path, 12, `it says that it is segment ${header.sequence}`)
  }
  const segment = whole.subarray(0, options.until ?? whole.length)
  const dirtyEnd = lastDirty(segment, SEGMENT_HEADER_BYTES)
  let position = SEGMENT_HEADER_BYTES
  let lastStart = position
  let batch = options.firstBatch
  let afterGap = options.afterGap === true
  for (;;) {
    const frame = readFrameHeader(segment, header.id, position)
    const payload = frame && readPayload(segment, header.id, position, frame)
    if (frame === undefined || payload === undefined) {
      const later = laterHeader(segment, header.id, position + FRAME_ALIGNMENT, dirtyEnd)
      if (later === undefined) break
      const what = `the batch here is damaged, and a later one stands whole at byte ${later}`
      visitor.gap(new CorruptionError(path, position, what), batch ?? 1)
      position = later
      afterGap = true
      continue
    }
    if (batch !== undefined && frame.batch !== batch && !(afterGap && frame.batch > batch)) {
      const missing = missingBatch(path, position, { ...options, expected: batch, found: frame.batch })
      if (frame.batch < batch) throw missing
      visitor.gap(missing, batch)
    }
    afterGap = false
    visitor.batch(frame.batch)
    visitAll(path, position, payload, (record) => visitor.record(record, frame.batch))
    batch = frame.batch + 1
    lastStart = position
    position += frameBytes(frame.payloadBytes)
  }
  if (position === SEGMENT_HEADER_BYTES || batch === undefined) {
    const damage = new CorruptionError(path, position, 'the checkpoint that begins each segment is damaged')
    if (!options.followed) throw damage
    visitor.gap(damage, batch ?? 1)
  }
  return {
    path,
    header,
    end: position,
    dirtyEnd: Math.max(dirtyEnd, position),
    lastBatch: (batch ?? 1) - 1,
    lastFrame: whole.subarray(lastStart, position),
  }
}

function missingBatch(
  path: string,
  position: number,
  { before, expected, found }: Pick<ScanOptions, 'before'> & { readonly expected: number; readonly found: number },
): CorruptionError {
  if (position === SEGMENT_HEADER_BYTES && before !== undefined) {
    const what = `batch ${expected} is damaged, and the segment behind it stands whole`
    return new CorruptionError(before.path, before.position, what)
  }
  return new CorruptionError(path, position, `batch ${expected} should stand here, and it is ${found}`)
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
