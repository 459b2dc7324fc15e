import { Lifecycle, type StartOptions } from '@dsys/runtime'
import type { StateChange, StateRange, StateStorage, StateWriteOptions } from '@dsys/storage'
import type { MemoryStateDisk } from './memory-state-disk.ts'
import { copyOf, type Pair, SortedPairs } from './sorted-pairs.ts'

/** A batch that reads do not see yet. */
interface Turn {
  readonly changes: readonly StateChange[]
  /** It waits only for those before it. */
  ready: boolean
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

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
  /** Batches that reads do not see yet, in the order of the calls. */
  readonly #turns: Turn[] = []
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

  async write(changes: readonly StateChange[], options: StateWriteOptions = {}): Promise<void> {
    this.#lifecycle.assertRunning()
    const kept = copyOf(changes)
    const disk = this.#disk
    if (disk === undefined) {
      this.#pairs.apply(kept)
      return
    }
    disk.assertWorks(this.#life)
    const durable = options.durable ?? disk.acknowledge === 'durable'
    const appended = disk.append(this.#life, kept, { sync: this.#sync, later: !durable })
    // Nobody waits for it: when the sync fails, the next write says so.
    if (!durable) appended.catch(() => undefined)
    if (!durable && this.#turns.length === 0) {
      this.#pairs.apply(kept)
      return
    }
    await (durable ? this.#afterSync(kept, appended) : this.#afterTurn(kept))
  }

  entries(range: StateRange = {}): AsyncIterableIterator<Pair> {
    this.#lifecycle.assertRunning()
    return this.#pairs.entries(range, () => this.#lifecycle.assertRunning())
  }

  /** Lets reads see what is durable now. Syncs end in the order of the calls, so whoever came before is seen already, or ready. */
  async #afterSync(changes: readonly StateChange[], appended: Promise<void>): Promise<void> {
    const turn: Turn = { changes, ready: false, resolve: () => undefined, reject: () => undefined }
    this.#turns.push(turn)
    try {
      await appended
    } catch (error) {
      for (const { reject } of this.#turns.splice(0)) reject(error)
      throw error
    }
    turn.ready = true
    while (this.#turns[0]?.ready) {
      const first = this.#turns.shift()
      if (first !== undefined) this.#pairs.apply(first.changes)
      first?.resolve()
    }
  }

  /** Waits for those that were called before, and wait for their sync. */
  #afterTurn(changes: readonly StateChange[]): Promise<void> {
    return new Promise((resolve, reject) => void this.#turns.push({ changes, ready: true, resolve, reject }))
  }
}
