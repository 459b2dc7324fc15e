import { StorageFailedError } from '@dsys/storage'

interface WaitingChange {
  readonly change: () => void
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** What each sync waits for. When it rejects, the sync has failed. */
export type SyncHook = () => Promise<void>

/** What a crash of a disk in memory leaves. */
export interface MemoryCrashOptions {
  /** How many of the waiting changes, the oldest first, reached the disk all the same, as can happen on a real one. Default 0. */
  readonly keep?: number
  /**
   * Writes that wait stay pending for ever instead of rejecting, as for a process that is dead and learns nothing. Default
   * false.
   */
  readonly silent?: boolean
}

/**
 * The changes of a disk in memory that are not durable yet. As in a real log, one sync covers all that waits, changes become
 * durable in the order of the calls, and after a failed sync nobody knows which of them are.
 */
export class SyncQueue {
  readonly #sync: SyncHook | undefined
  #waiting: WaitingChange[] = []
  #inFlight: WaitingChange[] = []
  /** Changes of a sync that failed, and those behind it: a crash may find any number of them on the disk. */
  #uncertain: readonly WaitingChange[] = []
  #syncing: Promise<void> | undefined
  #held: { readonly released: Promise<void>; readonly release: () => void } | undefined
  #failure: StorageFailedError | undefined
  #life = 0

  constructor(sync?: SyncHook) {
    this.#sync = sync
  }

  get life(): number {
    return this.#life
  }

  get waiting(): number {
    return this.#uncertain.length + this.#inFlight.length + this.#waiting.length
  }

  hold(): void {
    if (this.#held !== undefined) return
    let release = (): void => undefined
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    this.#held = { released, release }
  }

  release(): void {
    this.#held?.release()
    this.#held = undefined
  }

  crash({ keep = 0, silent = false }: MemoryCrashOptions = {}): void {
    const pending = [...this.#inFlight, ...this.#waiting]
    for (const { change } of [...this.#uncertain, ...pending].slice(0, keep)) change()
    this.#uncertain = []
    this.#inFlight = []
    this.#waiting = []
    this.#syncing = undefined
    this.#failure = undefined
    this.#life++
    this.release()
    if (silent) return
    const error = powerLoss('the disk')
    for (const { reject } of pending) reject(error)
  }

  /** A process starts. Where a sync has failed, the disk keeps what was durable, and the rest is gone for good: nobody may see it first and miss it later. */
  start(): void {
    if (this.#failure !== undefined) this.crash()
  }

  /**
   * Calls `change` when it is durable, after all before it, and resolves then.
   *
   * @param sync what the syncs of this life wait for. Default: the hook of the queue.
   */
  append(life: number, change: () => void, sync?: SyncHook): Promise<void> {
    if (life !== this.#life) return Promise.reject(powerLoss('a write'))
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    return new Promise((resolve, reject) => {
      this.#waiting.push({ change, resolve, reject })
      this.#syncing ??= this.#syncAll(life, sync ?? this.#sync)
    })
  }

  /** Throws StorageFailedError when a sync of this life has failed, or the life is over. */
  assertWorks(life: number): void {
    if (life !== this.#life) throw powerLoss('a write')
    if (this.#failure !== undefined) throw this.#failure
  }

  async drained(): Promise<void> {
    await this.#syncing
  }

  async #syncAll(life: number, sync: SyncHook | undefined): Promise<void> {
    // The changes of one turn are synced together.
    await Promise.resolve()
    while (life === this.#life && this.#waiting.length > 0) {
      this.#inFlight = this.#waiting
      this.#waiting = []
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
