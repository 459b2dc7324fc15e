import { entriesBehind, type HardState, type LogEntry, type SnapshotMeta } from '@dsys/storage'
import { PackedLog } from './packed-log.ts'
import { SyncedDisk, type SyncHook } from './synced-disk.ts'

/** Everything that one group has made durable. */
export interface GroupState {
  hardState: HardState
  snapshot: MemorySnapshot | undefined
  /** Stored entries, consecutive; the snapshot may cover some of them. */
  readonly log: PackedLog
}

/** What a storage finds on the disk when it opens a group. */
export interface FoundState {
  readonly hardState: HardState
  readonly snapshot: MemorySnapshot | undefined
  /** Those behind the snapshot. */
  readonly entries: readonly LogEntry[]
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
  log: new PackedLog(),
})

/**
 * What a node's {@link MemoryLogStorage} has made durable. It outlives the storage, as a disk outlives a process: a test
 * restarts a node by making a new storage over the same disk.
 */
export class MemoryLogDisk extends SyncedDisk {
  readonly #groups = new Map<string, GroupState>()

  constructor(options: MemoryLogDiskOptions = {}) {
    super(options.sync)
  }

  /** What a storage that opens `group` now finds: copies, for the caller to keep. */
  read(group: string): FoundState {
    const { hardState, snapshot, log } = this.#groups.get(group) ?? emptyState()
    return { hardState, snapshot, entries: entriesBehind(snapshot?.meta, log.entries()) }
  }

  /**
   * As {@link MemoryLogDisk.read}, for a storage that goes on from there: entries that conflict with the snapshot, since a crash came before they
   * were forgotten, are forgotten now, as what follows must not join them (P-34).
   */
  open(group: string): FoundState {
    const found = this.read(group)
    if (found.snapshot !== undefined && found.entries.length === 0) this.#stateOf(group).log.clear()
    return found
  }

  /** Resolves once `change`, and all before it, are durable. */
  append(life: number, group: string, change: Change, sync?: SyncHook): Promise<void> {
    return this.whenDurable(life, () => change(this.#stateOf(group)), sync)
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
