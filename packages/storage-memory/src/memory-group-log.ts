import { NotRunningError } from '@dsys/runtime'
import {
  type GroupLog,
  LogBounds,
  type LogWrite,
  type RecoveredLog,
  type SnapshotMeta,
  type StoredSnapshot,
} from '@dsys/storage'
import type { Change, MemoryLogDisk, MemorySnapshot } from './memory-log-disk.ts'
import { PackedEntries } from './packed-log.ts'
import type { SyncHook } from './synced-disk.ts'

async function collect(content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of content) chunks.push(new Uint8Array(chunk))
  return new Uint8Array(Buffer.concat(chunks))
}

function readable({ meta, content }: MemorySnapshot): StoredSnapshot {
  return {
    meta,
    sizeBytes: content.length,
    read: async (offset, maxBytes) => content.slice(offset, offset + maxBytes),
  }
}

/** The log of one group on a {@link MemoryLogDisk}. */
export class MemoryGroupLog implements GroupLog {
  readonly recovered: RecoveredLog
  readonly #disk: MemoryLogDisk
  readonly #life: number
  readonly #group: string
  readonly #bounds: LogBounds
  readonly #sync: SyncHook | undefined
  readonly #onDispose: () => void
  #newest: MemorySnapshot | undefined
  /** Snapshots are stored one after the other; this is the end of the last. */
  #saving: Promise<void> = Promise.resolve()
  #disposed = false

  constructor(
    disk: MemoryLogDisk,
    group: string,
    options: { readonly sync: SyncHook | undefined; readonly onDispose: () => void },
  ) {
    this.#disk = disk
    this.#life = disk.life
    this.#group = group
    this.#sync = options.sync
    this.#onDispose = options.onDispose
    const { hardState, snapshot, entries } = disk.open(group)
    this.#newest = snapshot
    this.recovered = { hardState, snapshot: snapshot?.meta, entries }
    this.#bounds = new LogBounds(this.recovered)
  }

  async persist(write: LogWrite): Promise<void> {
    this.#assertOpen()
    this.#bounds.write(write)
    const hardState = write.hardState && { ...write.hardState }
    // Copies: the caller may change its bytes once they are durable.
    const entries = write.entries?.length ? new PackedEntries(write.entries) : undefined
    await this.#append((state) => {
      if (hardState !== undefined) state.hardState = hardState
      if (entries !== undefined) state.log.append(entries)
    })
  }

  async saveSnapshot(meta: SnapshotMeta, content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> {
    this.#assertOpen()
    this.#bounds.checkSnapshot(meta)
    const kept = { index: meta.index, term: meta.term, context: new Uint8Array(meta.context) }
    const saved = this.#saving.then(() => this.#save(kept, content))
    this.#saving = saved.then(undefined, () => undefined)
    await saved
  }

  async #save(meta: SnapshotMeta, content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> {
    const snapshot: MemorySnapshot = { meta, content: await collect(content) }
    // Another snapshot may have been stored since the call.
    this.#bounds.checkSnapshot(meta)
    await this.#append((state) => {
      state.snapshot = snapshot
    })
    this.#newest = snapshot
    this.#bounds.snapshotSaved(meta)
  }

  snapshot(): StoredSnapshot | undefined {
    this.#assertOpen()
    return this.#newest && readable(this.#newest)
  }

  async compact(index: number): Promise<void> {
    this.#assertOpen()
    this.#bounds.compact(index)
    await this.#append((state) => state.log.compact(index))
  }

  async resetToSnapshot(): Promise<void> {
    this.#assertOpen()
    this.#bounds.reset()
    await this.#append((state) => state.log.clear())
  }

  /** Waits for the writes under way, whatever becomes of them, then lets the group be opened again. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#disposed) return
    this.#disposed = true
    await this.#saving
    await this.#disk.drained()
    this.#onDispose()
  }

  #append(change: Change): Promise<void> {
    return this.#disk.append(this.#life, this.#group, change, this.#sync)
  }

  #assertOpen(): void {
    if (this.#disposed) throw new NotRunningError(`the log of group "${this.#group}"`, 'disposed')
  }
}
