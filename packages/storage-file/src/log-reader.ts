import { CorruptionError, type Disk, type LogEntry } from '@dsys/storage'
import type { LogRecord } from './format/records.ts'
import { SEGMENT_HEADER_BYTES, segmentName, segmentSequence } from './format/segment.ts'
import { Replay, type ScannedSegment, scanSegment } from './recovery.ts'
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
  const names = await disk.list(directory)
  const sequences = names
    .map(segmentSequence)
    .filter((sequence) => sequence !== undefined)
    .sort((a, b) => a - b)
  const replay = new Replay()
  let last: ScannedSegment | undefined
  for (const [position, sequence] of sequences.entries()) {
    signal.throwIfAborted()
    const path = `${directory}/${segmentName(sequence)}`
    if (last !== undefined && sequence !== last.header.sequence + 1) {
      throw new CorruptionError(path, 0, `segment ${last.header.sequence + 1}, which stands before it, is missing`)
    }
    const options = {
      sequence,
      firstBatch: last === undefined ? undefined : last.lastBatch + 1,
      last: position === sequences.length - 1,
    }
    last = await scanSegment(disk, path, options, applyTo(replay, path, sequence))
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
  let firstBatch: number | undefined
  for (const sequence of options.sequences) {
    const path = `${directory}/${segmentName(sequence)}`
    const last = sequence === newest
    const scan = { sequence, firstBatch, last, ...(last ? { until: options.until } : {}) }
    const { lastBatch } = await scanSegment(disk, path, scan, applyTo(replay, path, sequence))
    firstBatch = lastBatch + 1
  }
  return replay.entriesOf(options.group)
}

function applyTo(replay: Replay, path: string, sequence: number): (record: LogRecord) => void {
  return (record) => {
    const wrong = replay.apply(record, sequence)
    if (wrong !== undefined) throw new CorruptionError(path, SEGMENT_HEADER_BYTES, wrong)
  }
}
