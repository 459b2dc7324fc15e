import { Lifecycle, type StartOptions } from '@dsys/runtime'
import { checkGroupName, type GroupLog, GroupOpenError, type LogStorage } from '@dsys/storage'
import { MemoryGroupLog } from './memory-group-log.ts'
import { MemoryLogDisk } from './memory-log-disk.ts'

/** What a {@link MemoryLogStorage} works on. */
export interface MemoryLogStoragePorts {
  /** Holds what is durable, and outlives the storage. Default: one of its own. */
  readonly disk?: MemoryLogDisk
  /** What each sync of this storage waits for, in place of the hook of the disk: a process has a clock of its own. */
  readonly sync?: () => Promise<void>
}

/** {@link LogStorage} in memory: for tests, simulations, and nodes that may lose everything when their process ends. */
export class MemoryLogStorage implements LogStorage {
  readonly #disk: MemoryLogDisk
  readonly #sync: (() => Promise<void>) | undefined
  readonly #open = new Map<string, MemoryGroupLog>()
  readonly #lifecycle: Lifecycle

  constructor(ports: MemoryLogStoragePorts = {}) {
    this.#disk = ports.disk ?? new MemoryLogDisk()
    this.#sync = ports.sync
    this.#lifecycle = new Lifecycle('MemoryLogStorage', {
      start: async () => this.#disk.processStarts(),
      stop: async () => {
        await Promise.all([...this.#open.values()].map((log) => log[Symbol.asyncDispose]()))
      },
    })
  }

  start(options?: StartOptions): Promise<void> {
    return this.#lifecycle.start(options)
  }

  /** Waits for the writes under way, then closes every group. What is durable stays on the disk. */
  stop(): Promise<void> {
    return this.#lifecycle.stop()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async openGroup(group: string, options: { readonly signal?: AbortSignal } = {}): Promise<GroupLog> {
    this.#lifecycle.assertRunning()
    options.signal?.throwIfAborted()
    checkGroupName(group)
    if (this.#open.has(group)) throw new GroupOpenError(group)
    const log = new MemoryGroupLog(this.#disk, group, { sync: this.#sync, onDispose: () => this.#open.delete(group) })
    this.#open.set(group, log)
    return log
  }
}
