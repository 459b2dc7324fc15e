import { type Logger, NotRunningError } from '@dsys/runtime'
import {
  CorruptionError,
  entriesBehind,
  type GroupLog,
  LogBounds,
  type LogEntry,
  type LogWrite,
  type RecoveredLog,
  type SnapshotMeta,
  StorageFailedError,
  type StoredSnapshot,
} from '@dsys/storage'
import { putCompact, putReset, putWrite, writeBytes } from './format/records.ts'
import type { GroupIndex } from './group-index.ts'
import { MAX_WRITE_BYTES } from './options.ts'
import type { SnapshotFiles } from './snapshot-files.ts'
import type { LogRequest, WriteAheadLog } from './write-ahead-log.ts'

const MARK_BYTES = 16

/** What a {@link FileGroupLog} is made of. */
export interface FileGroupLogParts {
  readonly log: WriteAheadLog
  readonly group: GroupIndex
  readonly snapshots: SnapshotFiles
  /** Entries found in the log. */
  readonly entries: readonly LogEntry[]
  /** The folder, for error messages. */
  readonly directory: string
  readonly logger: Logger
  readonly onDispose: () => void
}

/** Checks that what the log and the snapshot hold fits together, and gives what the caller sees of it. */
function recoveredOf({ group, snapshots, entries, directory }: FileGroupLogParts): RecoveredLog {
  const snapshot = snapshots.newest?.meta
  const covered = snapshot?.index ?? 0
  if (group.base > covered) {
    const what = `group "${group.name}" was compacted up to ${group.base}, and there is no snapshot that covers it`
    throw new CorruptionError(directory, 0, what)
  }
  const first = entries[0]?.index ?? 1
  if (entries.length > 0 && first > covered + 1) {
    throw new CorruptionError(directory, 0, `group "${group.name}" lacks the entries ${covered + 1} to ${first - 1}`)
  }
  return { hardState: group.hardState, snapshot, entries: entriesBehind(snapshot, entries) }
}

/** The log of one group in a {@link WriteAheadLog}, with its snapshots beside it. */
export class FileGroupLog implements GroupLog {
  readonly recovered: RecoveredLog
  readonly #log: WriteAheadLog
  readonly #group: GroupIndex
  readonly #snapshots: SnapshotFiles
  readonly #logger: Logger
  readonly #bounds: LogBounds
  readonly #onDispose: () => void
  /** Snapshots are stored one after the other; this is the end of the last. */
  #saving: Promise<void> = Promise.resolve()
  /** Appends end in their order, so this one ends last. */
  #lastAppend: Promise<void> = Promise.resolve()
  #disposing: Promise<void> | undefined

  constructor(parts: FileGroupLogParts) {
    this.recovered = recoveredOf(parts)
    this.#log = parts.log
    this.#group = parts.group
    this.#snapshots = parts.snapshots
    this.#logger = parts.logger
    this.#onDispose = parts.onDispose
    this.#bounds = new LogBounds(this.recovered)
  }

  async persist(write: LogWrite): Promise<void> {
    this.#assertOpen()
    const bytes = writeBytes(write)
    if (bytes > MAX_WRITE_BYTES) throw new RangeError(`one write takes at most ${MAX_WRITE_BYTES} bytes, got ${bytes}`)
    this.#bounds.write(write)
    const { id } = this.#group
    // The caller may use its objects again while this waits for its turn.
    const kept: LogWrite = {
      ...(write.hardState ? { hardState: { term: write.hardState.term, votedFor: write.hardState.votedFor } } : {}),
      ...(write.entries ? { entries: [...write.entries] } : {}),
    }
    await this.#append({
      group: this.#group,
      bytes,
      frees: false,
      put: (out) => putWrite(out, id, kept),
      note: (segment) => this.#noteWrite(kept, segment),
    })
  }

  #noteWrite({ hardState, entries }: LogWrite, segment: number): void {
    if (hardState !== undefined) this.#group.hardState = hardState
    const first = entries?.[0]
    if (entries !== undefined && first !== undefined) {
      this.#group.append(segment, first.index, first.index + entries.length - 1)
    }
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
    // Another snapshot may have been stored since the call.
    this.#bounds.checkSnapshot(meta)
    // Files of snapshots go by the group's number, so the log must hold number and name first.
    await this.#persistNothing()
    try {
      await this.#snapshots.write(meta, content, (operation) => this.#onDisk(operation))
    } catch (error) {
      if (!(error instanceof StorageFailedError)) await this.#onDisk(this.#snapshots.discard(meta))
      throw error
    }
    this.#bounds.snapshotSaved(meta)
    this.#logger.log('debug', 'stored a snapshot', { group: this.#group.name, index: meta.index })
  }

  /** Resolves once all before it is durable, and the group has its number. */
  #persistNothing(): Promise<void> {
    const { id } = this.#group
    return this.#append({
      group: this.#group,
      bytes: MARK_BYTES,
      frees: false,
      put: (out) => putWrite(out, id, {}),
      note: () => undefined,
    })
  }

  async #onDisk<T>(operation: Promise<T>): Promise<T> {
    try {
      return await operation
    } catch (error) {
      throw this.#log.fail('storing a snapshot', error)
    }
  }

  snapshot(): StoredSnapshot | undefined {
    this.#assertOpen()
    return this.#snapshots.newest
  }

  async compact(index: number): Promise<void> {
    this.#assertOpen()
    this.#bounds.compact(index)
    const { id } = this.#group
    await this.#append({
      group: this.#group,
      bytes: MARK_BYTES,
      frees: true,
      put: (out) => putCompact(out, id, index),
      note: () => this.#group.compact(index),
    })
  }

  async resetToSnapshot(): Promise<void> {
    this.#assertOpen()
    this.#bounds.reset()
    const { id } = this.#group
    const index = this.#bounds.snapshotIndex
    await this.#append({
      group: this.#group,
      bytes: MARK_BYTES,
      frees: true,
      put: (out) => putReset(out, id, index),
      note: () => this.#group.reset(index),
    })
  }

  /** Waits for the writes under way, whatever becomes of them, then lets the group be opened again. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#disposing ??= this.#dispose()
    return this.#disposing
  }

  async #dispose(): Promise<void> {
    await this.#saving
    await this.#lastAppend
    this.#onDispose()
  }

  #append(request: LogRequest): Promise<void> {
    const appended = this.#log.append(request)
    this.#lastAppend = appended.then(undefined, () => undefined)
    return appended
  }

  #assertOpen(): void {
    if (this.#disposing !== undefined) throw new NotRunningError(`the log of group "${this.#group.name}"`, 'disposed')
  }
}
