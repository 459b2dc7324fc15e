import { StorageFailedError } from '@dsys/storage'

interface WaitingChange {
  readonly change: () => void
  /** Nobody waits for it to be durable, so a sync may leave it for the next one. */
  readonly later: boolean
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** What each sync waits for. When it rejects, the sync has failed. */
export type SyncHook = () => Promise<void>

/** What a crash of a disk in memory leaves. */
export interface MemoryCrashOptions {
  /**
   * How many of the waiting changes reached the disk all the same, as can happen on a real one: the oldest first, but those of a sync under way
   * before the others. Default 0.
   */
  readonly keep?: number
  /**
   * Writes that wait stay pending for ever instead of rejecting, as for a process that is dead and learns nothing. Default
   * false.
   */
  readonly silent?: boolean
}

/**
 * What the disks in memory have in common: which changes are not durable yet. As in a real log, one sync covers all that waits,
 * changes become durable in the order of the calls, and after a failed sync nobody knows which of them are. A disk outlives
 * the storages over it, as a real one outlives a process.
 */
export abstract class SyncedDisk {
  readonly #sync: SyncHook | undefined
  #waiting: WaitingChange[] = []
  #inFlight: WaitingChange[] = []
  /** Changes of a sync that failed, and those behind it: a crash may find any number of them on the disk. */
  #uncertain: readonly WaitingChange[] = []
  #syncing: Promise<void> | undefined
  #held: { readonly released: Promise<void>; readonly release: () => void } | undefined
  #failure: StorageFailedError | undefined
  #life = 0
  /** The last sync has left changes for this one. */
  #left = false

  /** @param sync what each sync waits for. Default: nothing, a sync takes one turn of the microtask queue. */
  constructor(sync?: SyncHook) {
    this.#sync = sync
  }

  /** Which life of the disk this is: it grows with each crash, and a storage of an earlier life is dead. */
  get life(): number {
    return this.#life
  }

  /** How many changes are not durable yet, those of a sync that failed included: what a crash may lose or keep. */
  get waiting(): number {
    return this.#uncertain.length + this.#inFlight.length + this.#waiting.length
  }

  /** Holds back every sync from now on until {@link SyncedDisk.releaseSyncs}: what waits for one does not resolve meanwhile. */
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
   * Loses power, or kills the process: what is not durable is gone but for what is kept, storages over this disk are dead, and their
   * waiting writes reject with StorageFailedError. The disk can then be used by a new storage, also after a sync that failed.
   */
  crash({ keep = 0, silent = false }: MemoryCrashOptions = {}): void {
    const pending = [...this.#inFlight, ...this.#waiting]
    for (const { change } of [...this.#uncertain, ...pending].slice(0, keep)) change()
    this.#uncertain = []
    this.#inFlight = []
    this.#waiting = []
    this.#syncing = undefined
    this.#failure = undefined
    this.#left = false
    this.#life++
    this.releaseSyncs()
    if (silent) return
    const error = powerLoss('the disk')
    for (const { reject } of pending) reject(error)
  }

  /**
   * For the storages: a process starts over this disk. After a sync that failed, what was not durable is gone for good: nobody may
   * see it first and miss it later.
   */
  processStarts(): void {
    if (this.#failure !== undefined) this.crash()
  }

  /**
   * Calls `change` when it is durable, after all before it that are not for later, and resolves then.
   *
   * @param sync what the syncs of this life wait for. Default: the hook of the disk.
   * @param later one sync may leave it for the next one, and so make changes durable before it that were to come after it.
   */
  protected whenDurable(life: number, change: () => void, sync?: SyncHook, later = false): Promise<void> {
    if (life !== this.#life) return Promise.reject(powerLoss('a write'))
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    return new Promise((resolve, reject) => {
      this.#waiting.push({ change, later, resolve, reject })
      this.#syncing ??= this.#syncAll(life, sync ?? this.#sync)
    })
  }

  /** Throws StorageFailedError when a sync of this life has failed, or the life is over. */
  assertWorks(life: number): void {
    if (life !== this.#life) throw powerLoss('a write')
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Resolves when nothing waits any more, whatever became of it. */
  async drained(): Promise<void> {
    await this.#syncing
  }

  async #syncAll(life: number, sync: SyncHook | undefined): Promise<void> {
    // The changes of one turn are synced together.
    await Promise.resolve()
    while (life === this.#life && this.#waiting.length > 0) {
      this.#inFlight = this.#take()
      try {
        await sync?.()
        while (this.#held !== undefined) await this.#held.released
      } catch (error) {
        if (life === this.#life) this.#fail(error)
        return
      }
      if (life !== this.#life) return
      const durable = this.#inFlight
      this.#inFlight = []
      for (const { change } of durable) change()
      for (const { resolve } of durable) resolve()
    }
    if (life === this.#life) this.#syncing = undefined
  }

  /** What the next sync covers: all that waits, or first that of it for which somebody waits. */
  #take(): WaitingChange[] {
    const all = this.#waiting
    const awaited = this.#left ? all : all.filter(({ later }) => !later)
    this.#left = awaited.length > 0 && awaited.length < all.length
    this.#waiting = this.#left ? all.filter(({ later }) => later) : []
    return this.#left ? awaited : all
  }

  #fail(cause: unknown): void {
    this.#failure = new StorageFailedError('a sync', cause)
    this.#uncertain = [...this.#inFlight, ...this.#waiting]
    this.#inFlight = []
    this.#waiting = []
    this.#syncing = undefined
    for (const { reject } of this.#uncertain) reject(this.#failure)
  }
}

const powerLoss = (what: string): StorageFailedError =>
  new StorageFailedError(what, new Error('the simulated machine lost power'))
