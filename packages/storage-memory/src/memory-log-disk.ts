import { entriesBehind, type HardState, type LogEntry, type SnapshotMeta } from '@dsys/storage'
import { type MemoryCrashOptions, type SyncHook, SyncQueue } from './sync-queue.ts'

/** Everything that one group has made durable. */
export interface GroupState {
  hardState: HardState
  snapshot: MemorySnapshot | undefined
  /** Stored entries, consecutive; the snapshot may cover some of them. */
  entries: LogEntry[]
}

/** A snapshot in memory. */
export interface MemorySnapshot {
  readonly meta: SnapshotMeta
  readonly content: Uint8Array
}

/** A change of a group that waits for its sync. */
export type Change = (state: GroupState) => void

/** Options of a {@link MemoryLogDisk}. */
export interface MemoryLogDiskOptions {
  /**
   * What each sync waits for, for instance a delay in virtual time. When it rejects, the sync has failed: the storage takes
   * no more writes. Default: nothing, a sync takes one turn of the microtask queue.
   */
  readonly sync?: () => Promise<void>
}

const emptyState = (): GroupState => ({
  hardState: { term: 0, votedFor: undefined },
  snapshot: undefined,
  entries: [],
})

/**
 * What a node's {@link MemoryLogStorage} has made durable. It outlives the storage, as a disk outlives a process: a test
 * restarts a node by making a new storage over the same disk.
 */
export class MemoryLogDisk {
  readonly #groups = new Map<string, GroupState>()
  readonly #queue: SyncQueue

  constructor(options: MemoryLogDiskOptions = {}) {
    this.#queue = new SyncQueue(options.sync)
  }

  /** Which life of the disk this is: it grows with each crash, and a storage of an earlier life is dead. */
  get life(): number {
    return this.#queue.life
  }

  /** How many changes are not durable yet, those of a sync that failed included: what a crash may lose or keep. */
  get waiting(): number {
    return this.#queue.waiting
  }

  /** Holds back every sync from now on until {@link MemoryLogDisk.releaseSyncs}: writes do not resolve meanwhile. */
  holdSyncs(): void {
    this.#queue.hold()
  }

  /** Lets held syncs go on. */
  releaseSyncs(): void {
    this.#queue.release()
  }

  /**
   * Loses power, or kills the process: what is not durable is gone but for what is kept, storages over this disk are dead, and their
   * waiting writes reject with StorageFailedError. The disk can then be used by a new storage, also after a sync that failed.
   */
  crash(options: MemoryCrashOptions = {}): void {
    this.#queue.crash(options)
  }

  /** What a storage that opens `group` now finds: copies, for the caller to keep. */
  read(group: string): GroupState {
    const { hardState, snapshot, entries } = this.#groups.get(group) ?? emptyState()
    return {
      hardState,
      snapshot,
      entries: entriesBehind(snapshot?.meta, entries).map((entry) => ({ ...entry, data: entry.data.slice() })),
    }
  }

  /** Resolves once `change`, and all before it, are durable. */
  append(life: number, group: string, change: Change, sync?: SyncHook): Promise<void> {
    return this.#queue.append(life, () => change(this.#stateOf(group)), sync)
  }

  /** For MemoryLogStorage: a process starts over this disk. After a sync that failed, what was not durable is gone. */
  processStarts(): void {
    this.#queue.start()
  }

  /** Resolves when nothing waits any more, whatever became of it. */
  drained(): Promise<void> {
    return this.#queue.drained()
  }

  #stateOf(group: string): GroupState {
    let state = this.#groups.get(group)
    if (state === undefined) {
      state = emptyState()
      this.#groups.set(group, state)
    }
    return state
  }
}
