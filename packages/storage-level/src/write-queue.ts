import { StateOverloadedError } from '@dsys/storage'
import type { StoredChange } from './engine.ts'

interface WaitingBatch {
  readonly changes: readonly StoredChange[]
  readonly bytes: number
  readonly durable: boolean
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** What one call writes: the changes of some batches, in order. */
export interface Group {
  readonly changes: readonly StoredChange[]
  readonly bytes: number
  readonly batches: number
  readonly durable: boolean
}

/** What a {@link WriteQueue} works with. */
export interface WriteQueueParts {
  readonly maxGroupBytes: number
  readonly maxWaitingBytes: number
  /** Writes one group. It is called again when it has resolved, and never once it has thrown. */
  readonly commit: (group: Group) => Promise<void>
}

/** Batches on their way to the disk: one write at a time, and what waits meanwhile shares the next one and its sync. */
export class WriteQueue {
  readonly #parts: WriteQueueParts
  #waiting: WaitingBatch[] = []
  #bytes = 0
  #running: Promise<void> | undefined
  #failure: unknown

  constructor(parts: WriteQueueParts) {
    this.#parts = parts
  }

  /** Bytes that wait, or are being written. */
  get waitingBytes(): number {
    return this.#bytes
  }

  /** No write has failed. */
  get works(): boolean {
    return this.#failure === undefined
  }

  /** Throws what a write has thrown before, and StateOverloadedError when too much waits. */
  push(changes: readonly StoredChange[], bytes: number, durable: boolean): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    if (this.#bytes > 0 && this.#bytes + bytes > this.#parts.maxWaitingBytes) {
      return Promise.reject(new StateOverloadedError(this.#bytes, this.#parts.maxWaitingBytes))
    }
    this.#bytes += bytes
    return new Promise((resolve, reject) => {
      this.#waiting.push({ changes, bytes, durable, resolve, reject })
      this.#running ??= this.#run()
    })
  }

  /** Resolves when nothing waits any more, whatever became of it. */
  async drained(): Promise<void> {
    await this.#running
  }

  async #run(): Promise<void> {
    // The batches of one turn are written together.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      const batches = this.#take()
      const bytes = batches.reduce((sum, batch) => sum + batch.bytes, 0)
      try {
        await this.#parts.commit({
          changes: batches.flatMap(({ changes }) => changes),
          bytes,
          batches: batches.length,
          durable: batches[0]?.durable ?? false,
        })
      } catch (error) {
        this.#fail(error, batches)
        return
      }
      this.#bytes -= bytes
      for (const { resolve } of batches) resolve()
    }
    this.#running = undefined
  }

  /**
   * The first of those that wait, up to the size of a group. Where the first one waits for no sync, none behind it makes it wait for one; where it does,
   * whatever comes behind it shares that sync.
   */
  #take(): WaitingBatch[] {
    const durable = this.#waiting[0]?.durable ?? false
    let bytes = 0
    let count = 0
    for (const batch of this.#waiting) {
      if (count > 0 && (bytes + batch.bytes > this.#parts.maxGroupBytes || (!durable && batch.durable))) break
      bytes += batch.bytes
      count++
    }
    return this.#waiting.splice(0, count)
  }

  #fail(error: unknown, batches: readonly WaitingBatch[]): void {
    this.#failure = error
    this.#bytes = 0
    this.#running = undefined
    for (const { reject } of [...batches, ...this.#waiting.splice(0)]) reject(this.#failure)
  }
}
