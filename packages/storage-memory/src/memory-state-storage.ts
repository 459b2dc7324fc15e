import { Lifecycle, type StartOptions } from '@dsys/runtime'
import type { StateChange, StateRange, StateStorage } from '@dsys/storage'
import type { MemoryStateDisk } from './memory-state-disk.ts'
import { copyOf, type Pair, SortedPairs } from './sorted-pairs.ts'

/** What a {@link MemoryStateStorage} works on. */
export interface MemoryStateStoragePorts {
  /** Holds what is durable, and outlives the storage. Default: none, and what the storage holds is gone when it is stopped. */
  readonly disk?: MemoryStateDisk
  /** What each sync of this storage waits for, in place of the hook of the disk: a process has a clock of its own. */
  readonly sync?: () => Promise<void>
}

/**
 * {@link StateStorage} in memory: an array sorted by key. Over a {@link MemoryStateDisk} it survives a stop, and loses in a
 * crash what that disk had not synced.
 */
export class MemoryStateStorage implements StateStorage {
  readonly #disk: MemoryStateDisk | undefined
  readonly #sync: (() => Promise<void>) | undefined
  readonly #lifecycle: Lifecycle
  #life = 0
  /** What reads see. */
  #pairs = new SortedPairs()

  constructor(ports: MemoryStateStoragePorts = {}) {
    this.#disk = ports.disk
    this.#sync = ports.sync
    this.#lifecycle = new Lifecycle('MemoryStateStorage', {
      start: async () => {
        if (this.#disk === undefined) return
        this.#disk.processStarts()
        this.#life = this.#disk.life
        this.#pairs = this.#disk.read()
      },
      stop: async () => {
        await this.#disk?.drained()
        this.#pairs = new SortedPairs()
      },
    })
  }

  start(options?: StartOptions): Promise<void> {
    return this.#lifecycle.start(options)
  }

  /** Waits for the writes under way. */
  stop(): Promise<void> {
    return this.#lifecycle.stop()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    this.#lifecycle.assertRunning()
    return this.#pairs.get(key)
  }

  async write(changes: readonly StateChange[]): Promise<void> {
    this.#lifecycle.assertRunning()
    const kept = copyOf(changes)
    const disk = this.#disk
    if (disk === undefined) this.#pairs.apply(kept)
    else if (disk.acknowledge === 'durable') {
      await disk.append(this.#life, kept, this.#sync)
      this.#pairs.apply(kept)
    } else {
      disk.assertWorks(this.#life)
      this.#pairs.apply(kept)
      // Nobody waits for it: when the sync fails, the next write says so.
      disk.append(this.#life, kept, this.#sync).catch(() => undefined)
    }
  }

  entries(range: StateRange = {}): AsyncIterableIterator<Pair> {
    this.#lifecycle.assertRunning()
    return this.#pairs.entries(range)
  }
}
