import { systemRandom } from '@dsys/runtime'
import { CorruptionError, type Disk, FileMissingError, type LogEntry } from '@dsys/storage'
import { EndMark } from '../end-mark.ts'
import { pathIn } from '../folders.ts'
import type { GroupIndex } from '../group-index.ts'
import { scanAll, sequencesOf } from '../log-reader.ts'
import type { ScannedSegment } from '../recovery.ts'
import { Replay } from '../replay.ts'
import { openingOf } from '../salvage.ts'
import { isUnfinished } from '../segment-preparer.ts'
import { SnapshotFiles } from '../snapshot-files.ts'
import type { DamageReport, EntryReport, GroupReport, Inspection, SegmentReport } from './inspection.ts'

/** How often a folder in use is looked at until nothing seems amiss. */
const MOST_ATTEMPTS = 4

/** What is to be looked at. */
export interface InspectOptions {
  /** The folder on the disk; empty for its root. */
  readonly base: string
  /** As the caller calls it. */
  readonly directory: string
  readonly inUseBy: number | undefined
}

/** Reads all that a log storage keeps in a folder, and checks it as a start would. Changes nothing. Throws ReadFailedError. */
export async function inspectLog(disk: Disk, options: InspectOptions): Promise<Inspection> {
  let attempts = options.inUseBy === undefined ? 1 : MOST_ATTEMPTS
  for (;;) {
    attempts--
    try {
      const found = await inspectOnce(disk, options)
      // Who reads a file while it is written may see a batch and miss the one before. By now that one is there.
      if (attempts === 0 || found.damage.length === 0) return found
    } catch (error) {
      // The node may have removed what was just listed.
      if (attempts === 0 || !(error instanceof FileMissingError)) throw error
    }
  }
}

async function inspectOnce(disk: Disk, { base, directory, inUseBy }: InspectOptions): Promise<Inspection> {
  // In this order: the mark is never ahead of the log.
  const durableThrough = await new EndMark(disk, base).read()
  const wal = pathIn(base, 'wal')
  const names = await disk.list(wal)
  const replay = new Replay()
  const segments: SegmentReport[] = []
  let batches: number[] = []
  let fatal: CorruptionError | undefined
  const segment = (scanned: ScannedSegment): void => {
    segments.push(segmentReport(scanned, batches))
    batches = []
  }
  try {
    const watch = { batch: (number: number) => void batches.push(number), segment }
    const last = await scanAll(disk, wal, { sequences: sequencesOf(names), replay, watch })
    fatal = replay.undecided ?? endMissing(last, durableThrough, wal)
  } catch (error) {
    if (!(error instanceof CorruptionError)) throw error
    fatal = error
  }
  const damage = [...replay.gaps, ...(fatal === undefined ? [] : [fatal])].map(damageReport)
  const groups: GroupReport[] = []
  for (const group of fatal === undefined ? replay.groups.values() : []) {
    const report = await groupReport(disk, { base, directory }, { group, entries: replay.entriesOf(group.id) })
    groups.push(report)
    if (report.lost !== undefined) damage.push(damageReport(report.lost))
  }
  return {
    directory,
    inUseBy,
    durableThrough,
    segments,
    groups,
    damage: withoutRepeats(damage),
    refused: fatal?.message,
    unfinished: names.filter(isUnfinished).map((name) => `wal/${name}`),
  }
}

function endMissing(
  last: ScannedSegment | undefined,
  durableThrough: number,
  wal: string,
): CorruptionError | undefined {
  if ((last?.lastBatch ?? 0) >= durableThrough) return undefined
  const what = `the log was durable up to batch ${durableThrough}, and what is left ends at batch ${last?.lastBatch ?? 0}`
  return new CorruptionError(last?.path ?? wal, last?.end ?? 0, what)
}

function segmentReport({ path, header, end, dirtyEnd }: ScannedSegment, batches: readonly number[]): SegmentReport {
  return {
    file: path,
    formatVersion: header.version,
    sizeBytes: header.sizeBytes,
    usedBytes: end,
    firstBatch: batches[0] ?? 0,
    lastBatch: batches.at(-1) ?? 0,
    batches: batches.length,
    tornBytes: dirtyEnd - end,
  }
}

async function groupReport(
  disk: Disk,
  { base, directory }: { readonly base: string; readonly directory: string },
  { group, entries }: { readonly group: GroupIndex; readonly entries: readonly LogEntry[] },
): Promise<GroupReport> {
  const place = { parent: pathIn(base, 'snapshots'), id: group.id, group: group.name }
  const snapshots = new SnapshotFiles({ disk, random: systemRandom }, place)
  await snapshots.look()
  const { newest, damaged } = snapshots
  const found = { group, snapshot: newest?.meta, damagedSnapshot: damaged, entries, directory }
  const { recovered } = openingOf(found, true)
  const list = recovered.entries.map(entryReport)
  const [first, last] = [list[0], list.at(-1)]
  const bytes = list.reduce((sum, entry) => sum + entry.bytes, 0)
  return {
    name: group.name,
    number: group.id,
    term: recovered.hardState.term,
    votedFor: recovered.hardState.votedFor,
    abstention: recovered.hardState.abstention,
    incarnation: recovered.hardState.incarnation,
    entries: first && last && { first: first.index, last: last.index, bytes },
    terms: list.flatMap(({ index, term }, i) => (list[i - 1]?.term === term ? [] : [{ term, from: index }])),
    snapshot: newest && { index: newest.meta.index, term: newest.meta.term, sizeBytes: newest.sizeBytes },
    lost: recovered.lost,
    list,
  }
}

const entryReport = ({ index, term, kind, data }: LogEntry): EntryReport => ({ index, term, kind, bytes: data.length })

const damageReport = ({ file, offset, what }: DamageReport): DamageReport => ({ file, offset, what })

function withoutRepeats(damage: readonly DamageReport[]): DamageReport[] {
  const seen = new Set<string>()
  return damage.filter(({ file, offset }) => {
    const place = `${offset} ${file}`
    if (seen.has(place)) return false
    seen.add(place)
    return true
  })
}
