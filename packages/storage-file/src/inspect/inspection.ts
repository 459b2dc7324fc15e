import type { Abstention, LostEntries, SnapshotMeta } from '@dsys/storage'

/** What stands in the folder of a log storage, as `dsys-wal inspect` found it. All of it survives JSON. */
export interface Inspection {
  readonly directory: string
  /** The process that uses the folder. */
  readonly inUseBy: number | undefined
  /** Up to which batch the log was durable, as the end mark says; 0 when there is no whole one. */
  readonly durableThrough: number
  readonly segments: readonly SegmentReport[]
  readonly groups: readonly GroupReport[]
  /** Everything that is damaged, in the order of the log. */
  readonly damage: readonly DamageReport[]
  /** Why nobody can start with this log; `undefined` when a node can, perhaps without some groups. */
  readonly refused: string | undefined
  /** Files that were never finished, and that a start removes. */
  readonly unfinished: readonly string[]
}

export interface SegmentReport {
  readonly file: string
  readonly formatVersion: number
  readonly sizeBytes: number
  /** Where the next batch would go. */
  readonly usedBytes: number
  readonly firstBatch: number
  readonly lastBatch: number
  readonly batches: number
  /** What a write that was cut off has left behind the last batch. A start drops it. */
  readonly tornBytes: number
}

/** Where a damaged byte stands. */
export interface DamageReport {
  readonly file: string
  readonly offset: number
  readonly what: string
}

export interface GroupReport {
  readonly name: string
  readonly number: number
  readonly term: number
  readonly votedFor: string | undefined
  readonly abstention: Abstention | undefined
  /** By which number its group knows this log. */
  readonly incarnation: number | undefined
  /** Entries that a start would find; `undefined` without any. */
  readonly entries: { readonly first: number; readonly last: number; readonly bytes: number } | undefined
  /** From which index on the entries have which term. */
  readonly terms: readonly { readonly term: number; readonly from: number }[]
  readonly snapshot: (Pick<SnapshotMeta, 'index' | 'term'> & { readonly sizeBytes: number }) | undefined
  /** What damage took of it. */
  readonly lost: LostEntries | undefined
  readonly list: readonly EntryReport[]
}

export interface EntryReport {
  readonly index: number
  readonly term: number
  readonly kind: number
  readonly bytes: number
}

/** Whether nothing is wrong with the log. */
export const isSound = ({ damage, refused, groups }: Inspection): boolean =>
  damage.length === 0 && refused === undefined && groups.every(({ lost }) => lost === undefined)
