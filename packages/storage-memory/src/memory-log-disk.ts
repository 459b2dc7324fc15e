import { entriesBehind, type HardState, type LogEntry, type SnapshotMeta, StorageFailedError } from '@dsys/storage'

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

interface WaitingChange {
  readonly group: string
  readonly change: Change
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

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
  readonly #options: MemoryLogDiskOptions
  readonly #groups = new Map<string, GroupState>()
  #waiting: WaitingChange[] = []
  #inFlight: WaitingChange[] = []
  #syncing: Promise<void> | undefined
  #held: { readonly released: Promise<void>; readonly release: () => void } | undefined
  #failure: StorageFailedError | undefined
  #life = 0

  constructor(options: MemoryLogDiskOptions = {}) {
    this.#options = options
  }

  /** Which life of the disk this is: it grows with each crash, and a storage of an earlier life is dead. */
  get life(): number {
    return this.#life
  }

  /** How many changes are not durable yet. */
  get waiting(): number {
    return this.#inFlight.length + this.#waiting.length
  }

  /** Holds back every sync from now on until {@link MemoryLogDisk.releaseSyncs}: writes do not resolve meanwhile. */
  holdSyncs(): void {
    if (this.#held !== undefined) return
    let release = (): void => undefined
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    this.#held = { released, release }
  }

  /** Lets held syncs go on. */
  releaseSyncs(): void {
    this.#held?.release()
    this.#held = undefined
  }

  /**
   * Loses power: what is not durable is gone, storages over this disk are dead, and their waiting writes reject with
   * StorageFailedError. The disk can then be used by a new storage.
   *
   * @param options `keep`: how many of the waiting changes, the oldest first, reached the disk all the same, as can happen on
   * a real one. Default 0.
   */
  crash(options: { readonly keep?: number } = {}): void {
    const lost = [...this.#inFlight, ...this.#waiting]
    for (const { group, change } of lost.slice(0, options.keep ?? 0)) change(this.#stateOf(group))
    this.#inFlight = []
    this.#waiting = []
    this.#syncing = undefined
    this.#failure = undefined
    this.#life++
    this.releaseSyncs()
    const error = new StorageFailedError('the disk', new Error('the simulated machine lost power'))
    for (const { reject } of lost) reject(error)
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
  append(life: number, group: string, change: Change): Promise<void> {
    if (life !== this.#life) {
      return Promise.reject(new StorageFailedError('a write', new Error('the simulated machine lost power')))
    }
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    return new Promise((resolve, reject) => {
      this.#waiting.push({ group, change, resolve, reject })
      this.#syncing ??= this.#syncAll(life)
    })
  }

  /** Resolves when nothing waits any more, whatever became of it. */
  async drained(): Promise<void> {
    await this.#syncing
  }

  async #syncAll(life: number): Promise<void> {
    // The changes of one turn are synced together.
    await Promise.resolve()
    while (life === this.#life && this.#waiting.length > 0) {
      this.#inFlight = this.#waiting
      this.#waiting = []
      try {
        await this.#options.sync?.()
        while (this.#held !== undefined) await this.#held.released
      } catch (error) {
        if (life === this.#life) this.#fail(error)
        return
      }
      if (life !== this.#life) return
      const durable = this.#inFlight
      this.#inFlight = []
      for (const { group, change } of durable) change(this.#stateOf(group))
      for (const { resolve } of durable) resolve()
    }
    if (life === this.#life) this.#syncing = undefined
  }

  #fail(cause: unknown): void {
    this.#failure = new StorageFailedError('a sync', cause)
    const failed = [...this.#inFlight, ...this.#waiting]
    this.#inFlight = []
    this.#waiting = []
    this.#syncing = undefined
    for (const { reject } of failed) reject(this.#failure)
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
