import { CorruptionError, type Disk, type LogEntry } from '@dsys/storage'
import { SEGMENT_HEADER_BYTES, segmentName, segmentSequence } from './format/segment.ts'
import { reading } from './reading.ts'
import { type ScannedSegment, type ScanOptions, type ScanVisitor, scanSegment } from './recovery.ts'
import { Replay } from './replay.ts'
import { isUnfinished } from './segment-preparer.ts'

/** Who wants to know what a scan comes by. */
export interface ScanWatch {
  /** A whole batch. */
  batch(number: number): void
  /** A segment was read to its end. */
  segment(scanned: ScannedSegment): void
}

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

/**
 * Reads the whole log in `directory`. Changes nothing. Throws CorruptionError for what a crash cannot explain, unless what stands behind
 * it tells which groups it harms: those say so by {@link GroupIndex.damage}.
 */
export async function recover(disk: Disk, directory: string, signal: AbortSignal): Promise<FoundLog> {
  const names = await reading(`listing ${directory}`, () => disk.list(directory))
  const sequences = sequencesOf(names)
  const replay = new Replay()
  const last = await scanAll(disk, directory, { sequences, replay, signal })
  if (replay.undecided !== undefined) throw replay.undecided
  const unfinished = names.filter(isUnfinished).map((name) => `${directory}/${name}`)
  return { replay, sequences, last, unfinished }
}

/** Reads the entries of one group from the segments `sequences`, the last of them up to byte `until`. */
export async function readGroup(
  disk: Disk,
  directory: string,
  options: { readonly group: number; readonly sequences: readonly number[]; readonly until: number },
): Promise<{ readonly entries: LogEntry[]; readonly damage: CorruptionError | undefined }> {
  const replay = new Replay(options.group)
  await scanAll(disk, directory, { ...options, replay })
  if (replay.undecided !== undefined) throw replay.undecided
  return { entries: replay.entriesOf(options.group), damage: replay.groups.get(options.group)?.damage }
}

/** Numbers of the segments that have these `names`, oldest first. */
export function sequencesOf(names: readonly string[]): number[] {
  const sequences = names.map(segmentSequence).filter((sequence) => sequence !== undefined)
  return sequences.sort((a, b) => a - b)
}

/** Reads segments one after the other, and gives the last. */
export async function scanAll(
  disk: Disk,
  directory: string,
  {
    sequences,
    replay,
    until,
    signal,
    watch,
  }: {
    readonly sequences: readonly number[]
    readonly replay: Replay
    readonly until?: number
    readonly signal?: AbortSignal
    readonly watch?: ScanWatch
  },
): Promise<ScannedSegment | undefined> {
  let before: ScannedSegment | undefined
  /** Of a segment that cannot be read at all. */
  let skipped = false
  for (const [i, sequence] of sequences.entries()) {
    signal?.throwIfAborted()
    const path = `${directory}/${segmentName(sequence)}`
    const expected = i === 0 ? sequence : (sequences[i - 1] as number) + 1
    if (sequence !== expected) {
      const missing = new CorruptionError(path, 0, `segment ${expected}, which stands before it, is missing`)
      replay.gap(missing, (before?.lastBatch ?? 0) + 1)
      skipped = true
    }
    const followed = i < sequences.length - 1
    const options: ScanOptions = {
      sequence,
      followed,
      afterGap: skipped,
      ...behind(before),
      ...(followed || until === undefined ? {} : { until }),
    }
    const scanned = await scanSegment(disk, path, options, visitor(replay, path, sequence, watch))
    if (scanned !== undefined) watch?.segment(scanned)
    skipped = scanned === undefined
    before = scanned ?? before
  }
  return before
}

/** What the segment behind `before` must begin with. */
function behind(before: ScannedSegment | undefined): Pick<ScanOptions, 'firstBatch' | 'before'> {
  if (before === undefined) return { firstBatch: undefined }
  const { path, lastBatch, end, dirtyEnd } = before
  return { firstBatch: lastBatch + 1, ...(dirtyEnd > end ? { before: { path, position: end } } : {}) }
}

function visitor(replay: Replay, path: string, sequence: number, watch: ScanWatch | undefined): ScanVisitor {
  return {
    batch: (number) => watch?.batch(number),
    record: (record) => {
      const wrong = replay.apply(record, sequence)
      if (wrong !== undefined) throw new CorruptionError(path, SEGMENT_HEADER_BYTES, wrong)
    },
    gap: (damage, batch) => replay.gap(damage, batch),
  }
}
