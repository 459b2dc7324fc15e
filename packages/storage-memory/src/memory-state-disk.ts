import type { StateChange } from '@dsys/storage'
import { SortedPairs } from './sorted-pairs.ts'
import { type MemoryCrashOptions, SyncedDisk, type SyncHook } from './synced-disk.ts'

/** Options of a {@link MemoryStateDisk}. */
export interface MemoryStateDiskOptions {
  /** What each sync waits for, for instance a delay in virtual time. When it rejects, the sync has failed. Default: nothing. */
  readonly sync?: () => Promise<void>
  /**
   * When a write resolves that does not say it itself: once it is `durable`, or at once, when it is only `written` and a crash may still take it
   * away. Default `durable`.
   */
  readonly acknowledge?: 'durable' | 'written'
}

/**
 * What a node's {@link MemoryStateStorage} has made durable. It outlives the storage, as a disk outlives a process. Batches that are awaited become
 * durable in the order of the calls, each as a whole; those that are not may become so later than batches behind them. A crash takes away what
 * is not durable.
 */
export class MemoryStateDisk extends SyncedDisk {
  /** When a write resolves that does not say it itself. */
  readonly acknowledge: 'durable' | 'written'
  readonly #durable = new SortedPairs()
  /** How many batches came, to order them. */
  #batches = 0
  /** Batches that nobody waits for, and that are not durable yet. */
  readonly #later = new Set<number>()
  /** Which batch has written a key last, while batches before it may still come. */
  readonly #writers = new Map<string, number>()

  constructor(options: MemoryStateDiskOptions = {}) {
    super(options.sync)
    this.acknowledge = options.acknowledge ?? 'durable'
  }

  /** What a storage that starts now finds, for it to keep. */
  read(): SortedPairs {
    return this.#durable.clone()
  }

  override crash(options?: MemoryCrashOptions): void {
    super.crash(options)
    this.#later.clear()
    this.#writers.clear()
  }

  /**
   * Resolves once `changes` are durable. They must not change any more.
   *
   * @param write `later`: nobody waits for it, and batches behind it may be durable before.
   */
  append(
    life: number,
    changes: readonly StateChange[],
    write: { readonly sync: SyncHook | undefined; readonly later: boolean },
  ): Promise<void> {
    const batch = ++this.#batches
    const appended = this.whenDurable(life, () => this.#apply(batch, changes), write.sync, write.later)
    if (write.later && life === this.life) this.#later.add(batch)
    return appended
  }

  /** Whatever the order in which batches become durable, the last call for a key has the last word. */
  #apply(batch: number, changes: readonly StateChange[]): void {
    this.#later.delete(batch)
    const still = this.#writers.size === 0 ? changes : changes.filter((change) => !this.#overtaken(batch, change))
    this.#durable.apply(still)
    if (this.#later.size === 0) this.#writers.clear()
    else for (const { key } of still) this.#writers.set(nameOf(key), batch)
  }

  #overtaken(batch: number, { key }: StateChange): boolean {
    return (this.#writers.get(nameOf(key)) ?? 0) > batch
  }
}

const nameOf = (key: Uint8Array): string => Buffer.from(key).toString('latin1')
