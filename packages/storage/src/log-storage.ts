import type { Service } from '@dsys/runtime'

/** One entry of a replicated log. */
export interface LogEntry {
  /** Position in the log, from 1, without holes. */
  readonly index: number
  /** The term in which a leader created it. */
  readonly term: number
  /** What the entry is, as the protocol above defines it: 0 to 255. */
  readonly kind: number
  readonly data: Uint8Array
}

/**
 * The mark of a node that has lost entries which it may have acknowledged: it gives no votes and asks for none until it surely has
 * again whatever was committed with its help. See the ALGORITHM.md of `@dsys/raft`.
 */
export interface Abstention {
  /** It is over when everything up to here is committed in this node's log. */
  readonly throughIndex: number
  /** And when an entry of a higher term is: no entry that was lost has a higher one than this. */
  readonly term: number
}

/** What a node must never forget about elections. It is one record: all of it becomes durable together. */
export interface HardState {
  readonly term: number
  /** Whom this node voted for in `term`. */
  readonly votedFor: string | undefined
  /** Absent on a node that has lost nothing, or has it all again. */
  readonly abstention?: Abstention
  /**
   * The number that the node drew when it found this log without one: from 1 to 2^48 - 1. Whoever knows the node by another number knows
   * it by another disk. Absent in a log that was written before nodes drew one.
   */
  readonly incarnation?: number
}

/** One atomic, ordered change of a log. */
export interface LogWrite {
  /** Replaces the whole record: what is absent here is absent then. */
  readonly hardState?: HardState
  /**
   * Entries with consecutive indices. The first may lie at or below the last index: the log is cut before it, then the
   * entries are appended. It must not lie at or below the snapshot.
   */
  readonly entries?: readonly LogEntry[]
}

/** The place in the log that a snapshot covers. */
export interface SnapshotMeta {
  /** The last index whose effect the snapshot contains, and that entry's term. */
  readonly index: number
  readonly term: number
  /** What the protocol above keeps with the snapshot, for instance the configuration of the group. At most 64 KiB. */
  readonly context: Uint8Array
}

/** A snapshot that can be read from the start, as often as wanted. */
export interface StoredSnapshot {
  readonly meta: SnapshotMeta
  readonly sizeBytes: number
  /** The content from byte `offset`, at most `maxBytes` of it; empty at the end. Throws ReadFailedError and CorruptionError. */
  read(offset: number, maxBytes: number): Promise<Uint8Array>
}

/** What was found on opening a log: always a state that was durable, with every acknowledged write in it. */
export interface RecoveredLog {
  readonly hardState: HardState
  /** The newest whole snapshot. */
  readonly snapshot: SnapshotMeta | undefined
  /**
   * The entries behind the snapshot, without holes: the first has index `snapshot.index + 1`, or 1. None when the stored
   * entry at the snapshot's index has another term: a crash came before {@link GroupLog.resetToSnapshot}. What is left out here is gone for good:
   * what is written next follows these entries, or the snapshot, also for all who open the log later.
   */
  readonly entries: readonly LogEntry[]
  /** What damage took; only with {@link OpenGroupOptions.salvage}, and only where something is missing. */
  readonly lost?: LostEntries
}

/**
 * What damage took of a group: its log was longer, and the entries before `fromIndex` may be older than those that the group had there.
 * Term and vote are never among it.
 */
export interface LostEntries {
  /** The first index that the group has no entry for any more. */
  readonly fromIndex: number
  /** The last index that the group is known to have had. */
  readonly throughIndex: number
  /** No entry of the group had a higher term. */
  readonly term: number
  /** Where the damage is: the file, and the byte in it. */
  readonly file: string
  readonly offset: number
  /** What is damaged there. */
  readonly what: string
}

/** Options of {@link LogStorage.openGroup}. */
export interface OpenGroupOptions {
  readonly signal?: AbortSignal
  /**
   * Opens a group also when damage took entries of it, as long as its term and vote are known for sure: with what stands before the
   * damage, and {@link RecoveredLog.lost}. The caller owes the group an {@link Abstention}, by its first write: only with that write
   * does the log go on from here, until then nothing is changed. What cannot be decided is refused as without it. Default false.
   */
  readonly salvage?: boolean
}

/** The durable log of one Raft group. */
export interface GroupLog extends AsyncDisposable {
  readonly recovered: RecoveredLog

  /**
   * Makes `write` durable. Writes take effect in the order of the calls and may be called without waiting: what waits is
   * written together, with one sync. Resolves once it, and every write before it, would survive a crash. The data of the
   * entries must not change until then; the write and its array may be used again as soon as the call has returned.
   *
   * A failed write or sync is final: this and every later call throws StorageFailedError (`DSYS_STORAGE_FAILED`), since
   * nobody knows what the disk holds then. So may {@link LogStorage.openGroup}; what it gives instead is durable.
   */
  persist(write: LogWrite): Promise<void>

  /**
   * Stores a snapshot of the group, durably and whole or not at all, and makes it the newest one. It becomes durable only
   * after every {@link GroupLog.persist} that was called before it. It does not shorten the log. A snapshot at or below the newest one is refused with a RangeError.
   */
  saveSnapshot(meta: SnapshotMeta, content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void>

  /** The newest snapshot. */
  snapshot(): StoredSnapshot | undefined

  /**
   * Forgets the entries up to and including `index`, which the newest snapshot must cover. Ordered with
   * {@link GroupLog.persist}. Entries after it stay.
   */
  compact(index: number): Promise<void>

  /**
   * Makes the newest snapshot the whole content of the log, forgetting every entry, also those behind it: what a follower
   * does whose log conflicts with the snapshot that it installed. Ordered with {@link GroupLog.persist}.
   */
  resetToSnapshot(): Promise<void>
}

/** Where the logs of a node's Raft groups live. */
export interface LogStorage extends Service {
  /**
   * Opens the log of `group`, empty when it is new. A group is open at most once at a time: a second call throws
   * GroupOpenError (`DSYS_STORAGE_GROUP_OPEN`) until the first log was disposed. Damage that a crash cannot explain throws
   * CorruptionError (`DSYS_STORAGE_CORRUPT`), and nothing is cut or changed. A read that fails throws ReadFailedError
   * (`DSYS_STORAGE_READ_FAILED`): it is never taken for the end of the log. Adapters may find both in `start` already.
   */
  openGroup(group: string, options?: OpenGroupOptions): Promise<GroupLog>
}
