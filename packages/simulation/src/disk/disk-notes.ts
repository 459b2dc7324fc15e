import type { StateChange, StateWriteOptions } from '@dsys/storage'
import { type DiskOperation, MemoryStateStorage, type MemoryStateStoragePorts } from '@dsys/storage-memory'
import { checksumOf, hashText, mixIn } from '../checksum.ts'
import type { Scheduler } from '../scheduler.ts'
import type { Trace } from '../trace.ts'

/** Where the operations of a disk are noted. */
export interface DiskNotesParts {
  readonly scheduler: Scheduler
  readonly trace: Trace
  /** The node that the disk belongs to. */
  readonly node: string
}

/** Whether an operation took effect as it was meant to. */
export type OperationEnd = 'done' | 'failed' | 'cut'

const ENDS: Readonly<Record<OperationEnd, number>> = { done: 0, failed: 1, cut: 2 }

/**
 * Notes what is done to a disk in a trace, as it takes effect: the operation as `disk.<type>`, with its position, its length, and 0 where
 * it was done, 1 where it failed, 2 where power was lost meanwhile. Its path and what is written are part of the hash.
 */
export class DiskNotes {
  readonly #parts: DiskNotesParts

  constructor(parts: DiskNotesParts) {
    this.#parts = parts
  }

  note({ type, path, to, position, bytes, data }: DiskOperation, end: OperationEnd): void {
    const { trace, scheduler, node } = this.#parts
    trace.add(scheduler.nowMs, node, `disk.${type}`, '', position ?? 0, bytes ?? 0, ENDS[end])
    const name = hashText(to === undefined ? path : `${path} to ${to}`)
    trace.content(data === undefined ? name : checksumOf(data, name))
    if (trace.kept) trace.detail(to === undefined ? path : `${path} to ${to}`)
  }

  /** Changes of a state storage, as it is asked for them. */
  noteChanges(changes: readonly StateChange[]): void {
    const { trace, scheduler, node } = this.#parts
    trace.add(scheduler.nowMs, node, 'state.write', '', changes.length)
    let sum = 0
    for (const change of changes) {
      sum = checksumOf(change.key, mixIn(sum, change.type === 'put' ? 1 : 2))
      if (change.type === 'put') sum = checksumOf(change.value, sum)
    }
    trace.content(sum)
  }
}

/** A state storage in memory whose changes are noted. */
export class NotedStateStorage extends MemoryStateStorage {
  readonly #notes: DiskNotes

  constructor(ports: MemoryStateStoragePorts, notes: DiskNotes) {
    super(ports)
    this.#notes = notes
  }

  override write(changes: readonly StateChange[], options?: StateWriteOptions): Promise<void> {
    this.#notes.noteChanges(changes)
    return super.write(changes, options)
  }
}
