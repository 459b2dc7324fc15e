import { DirectoryLockedError, type Disk, type DiskFile, FileMissingError, type OpenFileOptions } from '@dsys/storage'
import type { DiskParts } from './disk-parts.ts'
import { MountedFile } from './mounted-file.ts'
import { DiskFaultError, type DiskGate, type DiskOperation, type DiskOutcome, PowerLossError } from './operation.ts'

type Described = Pick<DiskOperation, 'type' | 'path'> & Partial<DiskOperation>

/** A {@link Disk} for one life of one process. */
export class MountedDisk implements Disk {
  readonly #gate: DiskGate
  readonly #parts: DiskParts

  constructor(gate: DiskGate, parts: DiskParts) {
    this.#gate = gate
    this.#parts = parts
  }

  async open(path: string, options: OpenFileOptions = {}): Promise<DiskFile> {
    const { tree, createFile, roomBytes } = this.#parts
    const creates = options.create === true && tree.find(path) === undefined
    const file = await this.#operate({ type: creates ? 'create' : 'open', path, changes: creates }, (_, operation) => {
      const found = tree.find(path)
      if (found !== undefined) return found
      if (options.create !== true) throw new FileMissingError(path)
      if (roomBytes() <= 0) throw new DiskFaultError('ENOSPC', operation)
      const created = createFile()
      tree.link(path, created)
      return created
    })
    const durable = options.durableWrites === true && this.#parts.honours('durableWrites')
    return new MountedFile(this.#gate, this.#parts, { path, file, durable })
  }

  list(directory: string): Promise<readonly string[]> {
    return this.#operate({ type: 'list', path: directory }, () => this.#parts.tree.list(directory))
  }

  createDirectory(directory: string): Promise<void> {
    const { tree, roomBytes } = this.#parts
    return this.#operate({ type: 'create-directory', path: directory, changes: true }, (_, operation) => {
      if (roomBytes() <= 0 && !tree.hasFolder(directory)) throw new DiskFaultError('ENOSPC', operation)
      tree.createFolder(directory)
    })
  }

  rename(from: string, to: string): Promise<void> {
    return this.#operate({ type: 'rename', path: from, to, changes: true }, () => this.#parts.tree.rename(from, to))
  }

  remove(path: string): Promise<void> {
    return this.#operate({ type: 'remove', path, changes: true }, () => this.#parts.tree.remove(path))
  }

  syncDirectory(directory: string): Promise<void> {
    const { tree, honours } = this.#parts
    const mark = tree.mark()
    return this.#operate({ type: 'sync-directory', path: directory, changes: true, durable: true }, (outcome) => {
      if (outcome === 'done' && honours('sync-directory')) tree.sync(directory, mark)
    })
  }

  async lock(directory: string): Promise<() => Promise<void>> {
    const { locks } = this.#parts
    await this.#operate({ type: 'lock', path: directory }, () => {
      if (locks.has(directory)) throw new DirectoryLockedError(directory, 'this process')
      locks.add(directory)
    })
    let released = false
    return () =>
      this.#gate({ type: 'unlock', path: directory, changes: false, durable: false }, () => {
        if (released) return
        released = true
        // In a later life somebody else may hold it.
        if (this.#parts.isAlive()) locks.delete(directory)
      })
  }

  /** An operation that fails without a trace when it fails. */
  #operate<T>(described: Described, effect: (outcome: DiskOutcome, operation: DiskOperation) => T): Promise<T> {
    const operation: DiskOperation = { changes: false, durable: false, ...described }
    return this.#gate(operation, (outcome) => {
      if (!this.#parts.isAlive()) throw new PowerLossError()
      if (outcome === 'failed') throw new DiskFaultError('EIO', operation)
      return effect(outcome, operation)
    })
  }
}
