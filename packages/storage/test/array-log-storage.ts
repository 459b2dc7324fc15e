import { Lifecycle, NotRunningError } from '@dsys/runtime'
import {
  checkGroupName,
  entriesBehind,
  type GroupLog,
  GroupOpenError,
  type HardState,
  LogBounds,
  type LogEntry,
  type LogStorage,
  type LogWrite,
  type RecoveredLog,
  type SnapshotMeta,
  StorageFailedError,
  type StoredSnapshot,
} from '@dsys/storage'

/** What a group holds, and all groups by name: the disk of an {@link ArrayLogStorage}. */
interface Kept {
  hardState: HardState
  snapshot: StoredSnapshot | undefined
  entries: LogEntry[]
}

/** Mistakes that an adapter can make; the conformance suite must see each of them. */
export type Mistake =
  | 'loses the vote'
  | 'does not cut'
  | 'takes holes'
  | 'keeps what a snapshot covers'
  | 'takes older snapshots'
  | 'compacts too much'
  | 'reset keeps entries'
  | 'mixes groups'
  | 'opens twice'
  | 'aliases buffers'
  | 'loses data'
  | 'half a snapshot'
  | 'loses the context'
  | 'works after disposal'
  | 'goes on after a failure'
  | 'reorders'
  | 'keeps entries that conflict'
  | 'brings entries that conflict back'

/** The smallest log storage that is right, for the tests of the suite, unless it is told to make a mistake. */
export class ArrayLogStorage implements LogStorage {
  readonly #disk: Map<string, Kept>
  readonly #mistake: Mistake | undefined
  readonly #open = new Set<string>()
  readonly #lifecycle = new Lifecycle('ArrayLogStorage', { start: async () => undefined, stop: async () => undefined })
  /** Set from outside to make every write fail. */
  failing = false
  #failed = false

  constructor(disk: Map<string, Kept> = new Map(), mistake?: Mistake) {
    this.#disk = disk
    this.#mistake = mistake
  }

  start(): Promise<void> {
    return this.#lifecycle.start()
  }

  stop(): Promise<void> {
    return this.#lifecycle.stop()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  /** Throws once writes fail, and ever after. */
  check(): void {
    if (this.failing || (this.#failed && this.#mistake !== 'goes on after a failure')) {
      this.#failed = true
      // The mistake: only the first write fails.
      if (this.#mistake === 'goes on after a failure') this.failing = false
      throw new StorageFailedError('a write', new Error('told to fail'))
    }
  }

  async openGroup(group: string, options: { readonly signal?: AbortSignal } = {}): Promise<GroupLog> {
    this.#lifecycle.assertRunning()
    options.signal?.throwIfAborted()
    checkGroupName(group)
    if (this.#open.has(group) && this.#mistake !== 'opens twice') throw new GroupOpenError(group)
    const place = this.#mistake === 'mixes groups' ? group.toLowerCase() : group
    const kept = this.#disk.get(place) ?? {
      hardState: { term: 0, votedFor: undefined },
      snapshot: undefined,
      entries: [],
    }
    this.#disk.set(place, kept)
    this.#open.add(group)
    return new ArrayGroupLog(this, kept, this.#mistake, () => this.#open.delete(group))
  }
}

class ArrayGroupLog implements GroupLog {
  readonly recovered: RecoveredLog
  readonly #storage: ArrayLogStorage
  readonly #kept: Kept
  readonly #mistake: Mistake | undefined
  readonly #bounds: LogBounds
  readonly #onDispose: () => void
  #disposed = false

  constructor(storage: ArrayLogStorage, kept: Kept, mistake: Mistake | undefined, onDispose: () => void) {
    this.#storage = storage
    this.#kept = kept
    this.#mistake = mistake
    this.#onDispose = onDispose
    const meta = kept.snapshot?.meta
    let entries = entriesBehind(meta, kept.entries)
    if (mistake === 'keeps what a snapshot covers') entries = kept.entries
    if (mistake === 'keeps entries that conflict')
      entries = kept.entries.filter(({ index }) => index > (meta?.index ?? 0))
    // What follows the snapshot must not join what conflicts with it.
    else if (mistake !== 'brings entries that conflict back' && mistake !== 'keeps what a snapshot covers') {
      kept.entries = [...entries]
    }
    this.recovered = { hardState: kept.hardState, snapshot: meta, entries: [...entries] }
    this.#bounds = new LogBounds(this.recovered)
  }

  #check(): void {
    if (this.#disposed && this.#mistake !== 'works after disposal') throw new NotRunningError('the log', 'disposed')
    this.#storage.check()
  }

  async persist(write: LogWrite): Promise<void> {
    this.#check()
    if (this.#mistake !== 'takes holes') this.#bounds.write(write)
    const kept = this.#kept
    const hardState = write.hardState && { ...write.hardState }
    const entries = write.entries && [...write.entries]
    if (this.#mistake === 'reorders' && (hardState?.term ?? 0) % 2 === 1) {
      for (let turn = 0; turn < 5; turn++) await Promise.resolve()
    }
    if (hardState !== undefined) {
      kept.hardState = this.#mistake === 'loses the vote' ? { term: hardState.term, votedFor: undefined } : hardState
    }
    const first = entries?.[0]
    if (entries === undefined || first === undefined) return
    if (this.#mistake !== 'does not cut') kept.entries = kept.entries.filter(({ index }) => index < first.index)
    for (const entry of entries) {
      const data = this.#mistake === 'aliases buffers' ? entry.data : new Uint8Array(entry.data)
      kept.entries.push({ ...entry, data: this.#mistake === 'loses data' ? data.subarray(0, 4_096) : data })
    }
  }

  async saveSnapshot(meta: SnapshotMeta, content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> {
    this.#check()
    if (this.#mistake !== 'takes older snapshots') this.#bounds.checkSnapshot(meta)
    const chunks: Uint8Array[] = []
    const context = this.#mistake === 'loses the context' ? new Uint8Array(0) : new Uint8Array(meta.context)
    const keep = (): void => {
      const whole = Buffer.concat(chunks)
      this.#kept.snapshot = {
        meta: { ...meta, context },
        sizeBytes: whole.length,
        read: async (offset, maxBytes) => whole.subarray(offset, offset + maxBytes),
      }
      this.#bounds.snapshotSaved(meta)
    }
    for await (const chunk of content) {
      chunks.push(chunk)
      if (this.#mistake === 'half a snapshot') keep()
    }
    // A newer one may have come meanwhile.
    if (!['takes older snapshots', 'half a snapshot'].includes(this.#mistake ?? '')) this.#bounds.checkSnapshot(meta)
    keep()
  }

  snapshot(): StoredSnapshot | undefined {
    return this.#kept.snapshot
  }

  async compact(index: number): Promise<void> {
    this.#check()
    this.#bounds.compact(index)
    const upTo = this.#mistake === 'compacts too much' ? index + 1 : index
    this.#kept.entries = this.#kept.entries.filter((entry) => entry.index > upTo)
  }

  async resetToSnapshot(): Promise<void> {
    this.#check()
    this.#bounds.reset()
    if (this.#mistake !== 'reset keeps entries') this.#kept.entries = []
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true
    this.#onDispose()
  }
}
