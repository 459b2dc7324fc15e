import type { StateChange } from '@dsys/storage'
import { SortedPairs } from './sorted-pairs.ts'
import { type MemoryCrashOptions, type SyncHook, SyncQueue } from './sync-queue.ts'

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
export class MemoryStateDisk {
  /** When a write resolves. */
  readonly acknowledge: 'durable' | 'written'
  readonly #queue: SyncQueue
  readonly #durable = new SortedPairs()

  constructor(options: MemoryStateDiskOptions = {}) {
    this.acknowledge = options.acknowledge ?? 'durable'
    this.#queue = new SyncQueue(options.sync)
  }

  /** Which life of the disk this is: it grows with each crash, and a storage of an earlier life is dead. */
  get life(): number {
    return this.#queue.life
  }

  /** How many batches are not durable yet, those of a sync that failed included: what a crash may lose or keep. */
  get waiting(): number {
    return this.#queue.waiting
  }

  /** Holds back every sync from now on until {@link MemoryStateDisk.releaseSyncs}. */
  holdSyncs(): void {
    this.#queue.hold()
  }

  /** Lets held syncs go on. */
  releaseSyncs(): void {
    this.#queue.release()
  }

  /**
   * Loses power, or kills the process: batches that are not durable are gone but for those kept, and storages over this disk are dead. The
   * disk can then be used by a new storage, also after a sync that failed.
   */
  crash(options: MemoryCrashOptions = {}): void {
    this.#queue.crash(options)
  }

  /** What a storage that starts now finds, for it to keep. */
  read(): SortedPairs {
    return this.#durable.clone()
  }

  /** Resolves once `changes`, and all before them, are durable. They must not change any more. */
  append(life: number, changes: readonly StateChange[], sync?: SyncHook): Promise<void> {
    return this.#queue.append(life, () => this.#durable.apply(changes), sync)
  }

  /** Throws StorageFailedError when a sync has failed, or the life is over. */
  assertWorks(life: number): void {
    this.#queue.assertWorks(life)
  }

  /** For MemoryStateStorage: a process starts over this disk. After a sync that failed, what was not durable is gone. */
  processStarts(): void {
    this.#queue.start()
  }

  /** Resolves when nothing waits any more, whatever became of it. */
  drained(): Promise<void> {
    return this.#queue.drained()
  }
}
