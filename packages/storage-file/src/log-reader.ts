import { CorruptionError, type Disk, type LogEntry } from '@dsys/storage'
import type { LogRecord } from './format/records.ts'
import { SEGMENT_HEADER_BYTES, segmentName, segmentSequence } from './format/segment.ts'
import { reading } from './reading.ts'
import { Replay, type ScannedSegment, type ScanOptions, scanSegment } from './recovery.ts'
import { isUnfinished } from './segment-preparer.ts'

/** What {@link recover} found. */
export interface FoundLog {
  readonly replay: Replay
  /** Sequence numbers of the segments, oldest first. */
  readonly sequences: readonly number[]
  /** The last segment; `undefined` in an empty folder. */
  readonly last: ScannedSegment | undefined
  /** Paths of files that were never finished. */
  readonly unfinished: readonly string[]
}

/** Reads the whole log in `directory`. Changes nothing. Throws CorruptionError for what a crash cannot explain. */
export async function recover(disk: Disk, directory: string, signal: AbortSignal): Promise<FoundLog> {
  const names = await reading(`listing ${directory}`, () => disk.list(directory))
  const sequences = names
    .map(segmentSequence)
    .filter((sequence) => sequence !== undefined)
    .sort((a, b) => a - b)
  const replay = new Replay()
  let last: ScannedSegment | undefined
  for (const sequence of sequences) {
    signal.throwIfAborted()
    const path = `${directory}/${segmentName(sequence)}`
    if (last !== undefined && sequence !== last.header.sequence + 1) {
      throw new CorruptionError(path, 0, `segment ${last.header.sequence + 1}, which stands before it, is missing`)
    }
    last = await scanSegment(disk, path, { sequence, ...behind(last) }, applyTo(replay, path, sequence))
  }
  const unfinished = names.filter(isUnfinished).map((name) => `${directory}/${name}`)
  return { replay, sequences, last, unfinished }
}

/** Reads the entries of one group from the segments `sequences`, the last of them up to byte `until`. */
export async function readGroup(
  disk: Disk,
  directory: string,
  options: { readonly group: number; readonly sequences: readonly number[]; readonly until: number },
): Promise<LogEntry[]> {
  const replay = new Replay(options.group)
  const newest = options.sequences.at(-1)
  let before: ScannedSegment | undefined
  for (const sequence of options.sequences) {
    const path = `${directory}/${segmentName(sequence)}`
    const scan = { sequence, ...behind(before), ...(sequence === newest ? { until: options.until } : {}) }
    before = await scanSegment(disk, path, scan, applyTo(replay, path, sequence))
  }
  return replay.entriesOf(options.group)
}

/** What the segment behind `before` must begin with. */
function behind(before: ScannedSegment | undefined): Pick<ScanOptions, 'firstBatch' | 'before'> {
  if (before === undefined) return { firstBatch: undefined }
  const { path, lastBatch, end, dirtyEnd } = before
  return { firstBatch: lastBatch + 1, ...(dirtyEnd > end ? { before: { path, position: end } } : {}) }
}

function applyTo(replay: Replay, path: string, sequence: number): (record: LogRecord) => void {
  return (record) => {
    const wrong = replay.apply(record, sequence)
    if (wrong !== undefined) throw new CorruptionError(path, SEGMENT_HEADER_BYTES, wrong)
  }
}
