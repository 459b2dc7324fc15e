import { type DiskFile, FileClosedError } from '@dsys/storage'
import type { DiskParts } from './disk-parts.ts'
import type { MemoryFile } from './memory-file.ts'
import { DiskFaultError, type DiskGate, type DiskOperation, type DiskOutcome, PowerLossError } from './operation.ts'

/** An open file of a {@link MountedDisk}. */
export class MountedFile implements DiskFile {
  readonly #gate: DiskGate
  readonly #parts: DiskParts
  readonly #path: string
  readonly #file: MemoryFile
  readonly #durable: boolean
  readonly #underWay = new Set<Promise<unknown>>()
  #closing: Promise<void> | undefined

  constructor(gate: DiskGate, parts: DiskParts, opened: { path: string; file: MemoryFile; durable: boolean }) {
    this.#gate = gate
    this.#parts = parts
    this.#path = opened.path
    this.#file = opened.file
    this.#durable = opened.durable
  }

  read(position: number, length: number): Promise<Uint8Array> {
    return this.#operate({ type: 'read', position, bytes: length }, (outcome, operation) => {
      if (outcome === 'failed') throw new DiskFaultError('EIO', operation)
      return this.#file.read(position, length)
    })
  }

  write(position: number, data: Uint8Array): Promise<void> {
    const operation = { type: 'write', position, bytes: data.length, changes: true, durable: this.#durable } as const
    return this.#operate(operation, (outcome, described) => this.#write(position, data, outcome, described))
  }

  #write(position: number, data: Uint8Array, outcome: DiskOutcome, operation: DiskOperation): void {
    const file = this.#file
    const room = file.length + Math.max(0, this.#parts.roomBytes()) - position
    if (outcome === 'failed') {
      // A write that promised nothing may fail before it has done anything.
      if (this.#durable) file.failWrite(position, data, this.#parts.random)
      throw new DiskFaultError('EIO', operation)
    }
    if (outcome === 'done' && room < data.length && position + data.length > file.length) {
      // A full disk takes the beginning of the write, and does not sync it.
      if (room > 0) file.write(position, data.subarray(0, room), false)
      throw new DiskFaultError('ENOSPC', operation)
    }
    if (typeof outcome === 'object') file.write(position, data.subarray(0, outcome.tornAt), true)
    // A write under way when the power goes is not durable yet.
    else file.write(position, data, this.#durable && outcome === 'done')
  }

  sync(): Promise<void> {
    const mark = this.#file.mark()
    return this.#operate({ type: 'sync', changes: true, durable: true }, (outcome, operation) => {
      if (outcome === 'done' && this.#parts.honours('sync')) this.#file.sync(mark)
      if (outcome !== 'failed') return
      this.#file.failSync(this.#parts.random)
      throw new DiskFaultError('EIO', operation)
    })
  }

  truncate(sizeBytes: number): Promise<void> {
    const operation = { type: 'truncate', bytes: sizeBytes, changes: true, durable: this.#durable } as const
    return this.#operate(operation, (outcome, described) => {
      if (outcome === 'failed') throw new DiskFaultError('EIO', described)
      this.#file.truncate(sizeBytes, this.#durable && outcome === 'done')
    })
  }

  sizeBytes(): Promise<number> {
    return this.#operate({ type: 'size' }, (outcome, operation) => {
      if (outcome === 'failed') throw new DiskFaultError('EIO', operation)
      return this.#file.length
    })
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    if (this.#underWay.size > 0) await Promise.allSettled(this.#underWay)
    await this.#gate({ type: 'close', path: this.#path, changes: false, durable: false }, () => undefined)
  }

  #operate<T>(
    described: Pick<DiskOperation, 'type'> & Partial<DiskOperation>,
    effect: (outcome: DiskOutcome, operation: DiskOperation) => T,
  ): Promise<T> {
    if (this.#closing !== undefined) return Promise.reject(new FileClosedError(this.#path, described.type))
    const operation: DiskOperation = { path: this.#path, changes: false, durable: false, ...described }
    const ended = this.#gate(operation, (outcome) => {
      if (!this.#parts.isAlive()) throw new PowerLossError()
      return effect(outcome, operation)
    })
    this.#underWay.add(ended)
    const forget = (): void => void this.#underWay.delete(ended)
    ended.then(forget, forget)
    return ended
  }
}
