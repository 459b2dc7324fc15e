import { bufferOf } from '@dsys/runtime/bytes'
import { CorruptionError, type Disk, type DiskFile, type LogEntry } from '@dsys/storage'
import { type LogRecord, readRecords } from './format/records.ts'
import {
  FRAME_HEADER_BYTES,
  frameBytes,
  readFrameHeader,
  readPayload,
  readSegmentHeader,
  SEGMENT_HEADER_BYTES,
  segmentName,
} from './format/segment.ts'
import type { GroupIndex } from './group-index.ts'
import { reading } from './reading.ts'

/** Of what is written to the log, at most this share is written anew. */
const SHARE = 1 / 4
/** Bytes that are read and looked at without a break. */
const PIECE_BYTES = 256 * 1024

/** A group whose live entries are to be written anew, as it was when that was decided. */
export interface Mover {
  readonly group: GroupIndex
  /** Its records then: one more, and what was read of it is old. */
  readonly number: number
}

/**
 * The groups that keep the older half of `segments`, where those of the oldest segment are little enough to be written anew; nobody where that
 * would free nothing. To look at half of the log at once costs no more reading than to look at its oldest segment alone, as entries of a group that
 * is written now and then stand in many.
 *
 * @param maxGroupBytes most that one group may have, as it is one write.
 */
export function moversOf(
  groups: Iterable<GroupIndex>,
  segments: readonly number[],
  { segmentBytes, maxGroupBytes }: { readonly segmentBytes: number; readonly maxGroupBytes: number },
): Mover[] {
  const half = Math.floor(segments.length / 2)
  const newer = segments[half] ?? 0
  const keeping = [...groups].filter(({ oldestSegment = newer }) => oldestSegment < newer)
  keeping.sort((a, b) => (a.oldestSegment ?? 0) - (b.oldestSegment ?? 0))
  const movers: Mover[] = []
  let room = SHARE * half * segmentBytes
  let freed = 0
  for (const group of keeping) {
    room -= group.liveBytes
    const { number } = group
    if (room < 0 || group.liveBytes > maxGroupBytes || number === undefined || group.isDoubtful) break
    movers.push({ group, number })
    freed++
  }
  // Whoever keeps the oldest segment must go, all of them, or nothing is gained.
  const next = keeping[freed]
  return next?.oldestSegment === segments[0] ? [] : movers
}

/**
 * Reads the live entries of `movers`. One of which something is missing is left out, and all where the newest batch that they know of is not there yet. Throws
 * CorruptionError where a segment has lost a batch: then what was read of it may be what that batch had replaced.
 *
 * @param log all segments, oldest first, and the newest batch.
 */
export async function liveEntriesOf(
  disk: Disk,
  directory: string,
  movers: readonly Mover[],
  { segments, throughBatch }: { readonly segments: readonly number[]; readonly throughBatch: number },
): Promise<Map<Mover, readonly LogEntry[]>> {
  const live = new Map(movers.map((mover) => [mover, [] as LogEntry[]]))
  // Runs change when a group is written; then its number is another, and nobody looks at what is read here.
  const runs = movers.flatMap((mover) => mover.group.liveRuns.map((run) => ({ mover, ...run })))
  const sequences = [...new Set(runs.map(({ segment }) => segment))].sort((a, b) => a - b)
  for (const sequence of sequences) {
    const here = runs.filter(({ segment }) => segment === sequence)
    const written = await entriesIn(disk, directory, sequence, {
      groups: new Set(here.map(({ mover }) => mover.group.id)),
      following: segments[segments.indexOf(sequence) + 1],
      throughBatch,
    })
    if (written === undefined) return new Map()
    for (const { mover, first, last } of here) {
      for (let index = first; index <= last; index++) {
        const entry = written.get(mover.group.id)?.get(index)
        if (entry !== undefined) live.get(mover)?.push(entry)
      }
    }
  }
  for (const [mover, entries] of live) if (!isWhole(mover.group, entries)) live.delete(mover)
  return live
}

/** Whether these are all the entries that the log must hold of `group`. */
function isWhole({ base, end }: GroupIndex, entries: readonly LogEntry[]): boolean {
  const last = entries.at(-1)
  if (last?.index !== end.last || last.term !== end.lastTerm) return false
  return entries[0]?.index === base + 1 && entries.every(({ index }, i) => index === base + 1 + i)
}

/** What was last written at each index, by the groups, in one segment. */
async function entriesIn(
  disk: Disk,
  directory: string,
  sequence: number,
  {
    groups,
    following,
    throughBatch,
  }: { readonly groups: ReadonlySet<number>; readonly following: number | undefined; readonly throughBatch: number },
): Promise<Map<number, Map<number, LogEntry>> | undefined> {
  const found = new Map([...groups].map((group) => [group, new Map<number, LogEntry>()]))
  const path = `${directory}/${segmentName(sequence)}`
  const { lastBatch, end } = await reading(`reading ${path}`, () =>
    scan(disk, path, (record) => {
      if (record.type !== 'write') return
      const written = found.get(record.group)
      for (const entry of record.entries) written?.set(entry.index, entry)
    }),
  )
  // The last one is being written.
  if (following === undefined) return lastBatch >= throughBatch ? found : undefined
  const next = `${directory}/${segmentName(following)}`
  const expected = await reading(`reading ${next}`, () => firstBatchOf(disk, next))
  if (expected !== lastBatch + 1) throw new CorruptionError(path, end, `batch ${lastBatch + 1} is damaged`)
  return found
}

async function firstBatchOf(disk: Disk, path: string): Promise<number | undefined> {
  const file = await disk.open(path)
  try {
    const { bytes, id } = await begin(file, path, SEGMENT_HEADER_BYTES + FRAME_HEADER_BYTES)
    return readFrameHeader(bytes, id, SEGMENT_HEADER_BYTES)?.batch
  } finally {
    await file.close()
  }
}

/** The first bytes of a segment, and its id. */
async function begin(
  file: DiskFile,
  path: string,
  length: number,
): Promise<{ readonly bytes: Buffer; readonly id: Uint8Array; readonly sizeBytes: number }> {
  const fileBytes = await file.sizeBytes()
  const bytes = bufferOf(await file.read(0, length))
  const header = readSegmentHeader(bytes, fileBytes)
  if (typeof header === 'string') throw new CorruptionError(path, 0, header)
  return { bytes, id: header.id, sizeBytes: fileBytes }
}

/** Gives each record to `visit`, piece by piece, so that others have their turn. Ends where no whole batch stands. */
async function scan(
  disk: Disk,
  path: string,
  visit: (record: LogRecord) => void,
): Promise<{ readonly lastBatch: number; readonly end: number }> {
  const file = await disk.open(path)
  try {
    const { bytes, id, sizeBytes } = await begin(file, path, PIECE_BYTES)
    // The place of a frame in its segment is part of its checksum, so all that was read stays where it stood.
    const segment = Buffer.allocUnsafeSlow(sizeBytes)
    let filled = bytes.copy(segment)
    let lastBatch: number | undefined
    for (let position = SEGMENT_HEADER_BYTES; ; ) {
      const frame = readFrameHeader(segment.subarray(0, filled), id, position)
      const end = position + (frame === undefined ? FRAME_HEADER_BYTES : frameBytes(frame.payloadBytes))
      if (end > filled && filled < sizeBytes) {
        const piece = bufferOf(await file.read(filled, Math.max(PIECE_BYTES, end - filled)))
        if (piece.length === 0) throw new CorruptionError(path, filled, 'the file has become shorter')
        filled += piece.copy(segment, filled)
        continue
      }
      const payload = frame && readPayload(segment.subarray(0, filled), id, position, frame)
      const isNext = frame !== undefined && frame.batch === (lastBatch ?? frame.batch - 1) + 1
      if (payload === undefined || !isNext) return { lastBatch: lastBatch ?? 0, end: position }
      for (const record of readRecords(payload)) visit(record)
      lastBatch = frame.batch
      position = end
    }
  } finally {
    await file.close()
  }
}
