import type { StateChange } from '@dsys/storage'
import { SortedPairs } from './sorted-pairs.ts'
import { SyncedDisk, type SyncHook } from './synced-disk.ts'

/** Options of a {@link MemoryStateDisk}. */
export interface MemoryStateDiskOptions {
  /** What each sync waits for, for instance a delay in virtual time. When it rejects, the sync has failed. Default: nothing. */
  readonly sync?: () => Promise<void>
  /**
   * When a write resolves: once it is `durable`, or at once, when it is only `written` and a crash may still take the
   * newest writes away. Default `durable`.
   */
  readonly acknowledge?: 'durable' | 'written'
}

/**
 * What a node's {@link MemoryStateStorage} has made durable. It outlives the storage, as a disk outlives a process. Batches
 * become durable in the order of the calls, each as a whole: a crash takes away a suffix of those that were not synced.
 */
export class MemoryStateDisk extends SyncedDisk {
  /** When a write resolves. */
  readonly acknowledge: 'durable' | 'written'
  readonly #durable = new SortedPairs()

  constructor(options: MemoryStateDiskOptions = {}) {
    super(options.sync)
    this.acknowledge = options.acknowledge ?? 'durable'
  }

  /** What a storage that starts now finds, for it to keep. */
  read(): SortedPairs {
    return this.#durable.clone()
  }

  /** Resolves once `changes`, and all before them, are durable. They must not change any more. */
  append(life: number, changes: readonly StateChange[], sync?: SyncHook): Promise<void> {
    return this.whenDurable(life, () => this.#durable.apply(changes), sync)
  }
}
