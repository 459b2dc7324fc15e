import { type Logger, NotRunningError } from '@dsys/runtime'
import type { ByteWriter } from '@dsys/runtime/bytes'
import {
  type GroupLog,
  type HardState,
  LogBounds,
  type LogEntry,
  type LogWrite,
  type RecoveredLog,
  type SnapshotMeta,
  StorageFailedError,
  type StoredSnapshot,
} from '@dsys/storage'
import {
  type LogEnd,
  type NewHead,
  putCompact,
  putReset,
  putSalvage,
  putWrite,
  RECORD_BYTES,
  writeBytes,
} from './format/records.ts'
import type { GroupIndex } from './group-index.ts'
import { MAX_WRITE_BYTES } from './options.ts'
import type { Beginning, Opening } from './salvage.ts'
import type { SnapshotFiles } from './snapshot-files.ts'
import type { WriteAheadLog } from './write-ahead-log.ts'

const NO_ENTRIES: readonly LogEntry[] = []

/** What a {@link FileGroupLog} is made of. */
export interface FileGroupLogParts {
  readonly log: WriteAheadLog
  readonly group: GroupIndex
  readonly snapshots: SnapshotFiles
  readonly opening: Opening
  readonly logger: Logger
  readonly onDispose: () => void
}

/** One record of the group on its way into the log. */
interface Change {
  /** About how large it is besides its vote. */
  readonly bytes: number
  /** Whether it can make an old segment superfluous. */
  readonly frees: boolean
  /** Writes the record, which begins with `head`. */
  readonly put: (out: ByteWriter, head: NewHead) => void
  /** Updates the group's index; the record stands in `segment`. */
  readonly note: (segment: number) => void
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
  /** As they are with all writes that were called; the index of the group has what is durable. */
  #hardState: HardState
  #number: number
  #end: LogEnd
  /** What the next record has to say first. */
  #beginning: Beginning | undefined
  /** Ends when what the salvage gave up is out of the way. */
  #settled: Promise<void> | undefined

  constructor(parts: FileGroupLogParts) {
    this.recovered = parts.opening.recovered
    this.#beginning = parts.opening.beginning
    const { hardState, number, end } = parts.group
    this.#hardState = hardState
    this.#number = number ?? 0
    this.#end = endAfter(this.#beginning, end)
    this.#log = parts.log
    this.#group = parts.group
    this.#snapshots = parts.snapshots
    this.#logger = parts.logger
    this.#onDispose = parts.onDispose
    this.#bounds = new LogBounds(this.recovered)
    this.#group.rewrite = (entries) => this.#rewrite(entries)
  }

  async persist(write: LogWrite): Promise<void> {
    this.#assertOpen()
    const hardState = write.hardState === undefined ? this.#hardState : { ...write.hardState }
    // The caller may use its objects again while this waits for its turn.
    const entries = write.entries === undefined ? NO_ENTRIES : [...write.entries]
    const bytes = writeBytes(hardState, entries)
    if (bytes > MAX_WRITE_BYTES) throw new RangeError(`one write takes at most ${MAX_WRITE_BYTES} bytes, got ${bytes}`)
    this.#bounds.write(write)
    this.#hardState = hardState
    const last = entries.at(-1)
    if (last !== undefined) this.#end = { last: last.index, lastTerm: last.term }
    const end = this.#end
    await this.#append({
      bytes,
      frees: false,
      put: (out, head) => putWrite(out, head, entries, end),
      note: (segment) => {
        const first = entries[0]
        if (first !== undefined) this.#group.append(segment, first.index, end.last, bytes)
      },
    })
  }

  /** Writes what the log holds anew, so that it does not stand in old segments. Does nothing where more is on its way: that would be cut off. */
  async #rewrite(entries: readonly LogEntry[]): Promise<void> {
    const isBehind = this.#number !== (this.#group.number ?? 0) || this.#beginning !== undefined
    const first = entries[0]
    if (isBehind || this.#disposing !== undefined || first === undefined) return
    const end = this.#end
    const bytes = writeBytes(this.#hardState, entries)
    await this.#append({
      bytes,
      frees: true,
      put: (out, head) => putWrite(out, head, entries, end),
      note: (segment) => this.#group.append(segment, first.index, end.last, bytes),
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
    const end = this.#end
    return this.#append({
      bytes: RECORD_BYTES,
      frees: false,
      put: (out, head) => putWrite(out, head, NO_ENTRIES, end),
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
    await this.#append({
      bytes: RECORD_BYTES,
      frees: true,
      put: (out, head) => putCompact(out, head, index),
      note: () => this.#group.compact(index),
    })
  }

  async resetToSnapshot(): Promise<void> {
    this.#assertOpen()
    this.#bounds.reset()
    const index = this.#bounds.snapshotIndex
    const term = this.#snapshots.newest?.meta.term ?? this.#end.lastTerm
    this.#end = { last: index, lastTerm: term }
    await this.#append({
      bytes: RECORD_BYTES,
      frees: true,
      put: (out, head) => putReset(out, head, index, term),
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
    this.#group.rewrite = undefined
    this.#group.held = false
    this.#onDispose()
  }

  #append(change: Change): Promise<void> {
    const before = this.#beginning && beginningChange(this.#group, this.#beginning)
    this.#beginning = undefined
    const number = this.#number + (before === undefined ? 1 : 2)
    this.#number = number
    const [group, hardState, end] = [this.#group, this.#hardState, this.#end]
    const appended = this.#log.append({
      group,
      bytes: change.bytes + (before?.bytes ?? 0),
      frees: change.frees || before !== undefined,
      put: (out) => {
        before?.put(out, { group: group.id, number: number - 1, hardState })
        change.put(out, { group: group.id, number, hardState })
      },
      note: (segment) => {
        before?.note(segment)
        change.note(segment)
        group.number = number
        group.hardState = hardState
        group.end = end
      },
    })
    return this.#settles(appended, before !== undefined)
  }

  /** Nothing counts on the new beginning of a salvaged log before the snapshot that cannot be read is out of its way. */
  #settles(appended: Promise<void>, begins: boolean): Promise<void> {
    if (begins) {
      this.#settled = appended.then(() => this.#onDisk(this.#snapshots.putAway()))
      this.#settled.catch(() => undefined)
    }
    const settled = this.#settled
    const done = settled === undefined ? appended : Promise.all([appended, settled]).then(() => undefined)
    this.#lastAppend = done.then(undefined, () => undefined)
    return done
  }

  #assertOpen(): void {
    if (this.#disposing !== undefined) throw new NotRunningError(`the log of group "${this.#group.name}"`, 'disposed')
  }
}

/** Of the entries that stand in the log, those that `beginning` says alone count from here on. */
function beginningChange(group: GroupIndex, beginning: Beginning): Change {
  const size = { bytes: RECORD_BYTES, frees: true }
  if (beginning.type === 'reset') {
    const { index, term } = beginning
    return { ...size, put: (out, head) => putReset(out, head, index, term), note: () => group.reset(index) }
  }
  const { kept } = beginning
  return { ...size, put: (out, head) => putSalvage(out, head, kept), note: () => group.salvaged(kept) }
}

function endAfter(beginning: Beginning | undefined, end: LogEnd): LogEnd {
  if (beginning === undefined) return end
  if (beginning.type === 'reset') return { last: beginning.index, lastTerm: beginning.term }
  return { ...end, last: beginning.kept }
}
