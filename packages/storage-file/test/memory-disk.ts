import type { Random } from '@dsys/runtime'
import { DirectoryLockedError, type Disk, type DiskFile, FileMissingError, type OpenFileOptions } from '@dsys/storage'

const SECTOR_BYTES = 512

/** The simulated machine lost power; whoever still uses its disk gets this. */
export class PowerLossError extends Error {
  constructor() {
    super('the simulated machine lost power')
  }
}

type FileChange =
  | { readonly type: 'write'; readonly position: number; readonly data: Buffer; readonly durable: boolean }
  | { readonly type: 'truncate'; readonly sizeBytes: number; readonly durable: boolean }

function applied(content: Buffer, change: FileChange): Buffer {
  if (change.type === 'truncate') {
    const cut = Buffer.alloc(change.sizeBytes)
    content.copy(cut)
    return cut
  }
  const end = change.position + change.data.length
  const grown =
    end > content.length ? Buffer.concat([content, Buffer.alloc(end - content.length)]) : Buffer.from(content)
  change.data.copy(grown, change.position)
  return grown
}

class Inode {
  /** What a crash cannot take away. */
  base: Buffer = Buffer.alloc(0)
  /** Changes since, in order. */
  changes: FileChange[] = []
  /** What a read sees. */
  content: Buffer = Buffer.alloc(0)

  change(change: FileChange): void {
    this.content = applied(this.content, change)
    this.changes.push(change)
    if (this.changes.every(({ durable }) => durable)) this.sync()
  }

  sync(): void {
    this.base = this.content
    this.changes = []
  }

  /** Each change that was not durable survives, is lost, or survives in part: any sectors, cut at any byte. */
  crash(random: Random): void {
    let content = this.base
    for (const change of this.changes) {
      const fate = change.durable ? 0 : random.integer(0, 3)
      if (fate === 0) content = applied(content, change)
      else if (fate === 1 && change.type === 'write') content = torn(content, change, random)
    }
    this.content = content
    this.sync()
  }
}

function torn(content: Buffer, change: FileChange & { type: 'write' }, random: Random): Buffer {
  const cut = random.integer(0, change.data.length + 1)
  const inOrder = random.float() < 0.3
  let result = content
  let from = 0
  while (from < cut) {
    const sectorEnd = (Math.floor((change.position + from) / SECTOR_BYTES) + 1) * SECTOR_BYTES - change.position
    const to = Math.min(sectorEnd, cut)
    if (inOrder || random.float() < 0.5) {
      result = applied(result, { ...change, position: change.position + from, data: change.data.subarray(from, to) })
    }
    from = to
  }
  return result
}

type Names = Map<string, Inode>

class Folder {
  /** Whether the folder's own name would survive a crash. */
  linked = false
  durable: Names = new Map()
  names: Names = new Map()
  changes: ((names: Names) => void)[] = []

  change(change: (names: Names) => void): void {
    change(this.names)
    this.changes.push(change)
  }

  sync(): void {
    this.durable = new Map(this.names)
    this.changes = []
  }

  /** Any of the changes that were not synced may have reached the disk. */
  crash(random: Random): void {
    for (const change of this.changes) if (random.float() < 0.5) change(this.durable)
    this.names = new Map(this.durable)
    this.changes = []
  }
}

/** How a {@link MemoryDisk} breaks the rules, to see that a test notices. */
export interface MemoryDiskBugs {
  /** `durableWrites` is ignored. */
  readonly lazyWrites?: boolean
  /** `syncDirectory` does nothing. */
  readonly lazyNames?: boolean
}

/**
 * A disk in memory that loses what was not synced: any part of each write, in any order, and any change of a name. Every
 * operation is a point at which it can crash or fail.
 */
export class MemoryDisk {
  readonly #random: Random
  readonly #bugs: MemoryDiskBugs
  readonly #folders = new Map<string, Folder>([['', new Folder()]])
  readonly #locks = new Set<string>()
  #life = 0
  #off = false
  #crashAt = Number.POSITIVE_INFINITY
  #failFrom = Number.POSITIVE_INFINITY
  #failOnce = false
  /** Operations so far, in all lives. */
  operations = 0

  constructor(random: Random, bugs: MemoryDiskBugs = {}) {
    this.#random = random
    this.#bugs = bugs
  }

  /** Loses power in the middle of operation number `operation`, counted from 0. */
  crashAt(operation: number): void {
    this.#crashAt = operation
  }

  /** From now on every operation that changes something fails. */
  failWrites(): void {
    this.#failFrom = this.operations
  }

  /** The next operation that changes something fails, and the disk works again afterwards. */
  failOnce(): void {
    this.#failOnce = true
  }

  /** Whether power is lost, until {@link MemoryDisk.crash} brings it back. */
  get dead(): boolean {
    return this.#off
  }

  /**
   * The process was killed and starts again; the machine has power all the time. Earlier files are dead, and nothing is
   * lost: what was written is there to read, whether it was synced or not.
   */
  kill(): void {
    this.#life++
    this.#off = false
    this.#crashAt = Number.POSITIVE_INFINITY
    this.#failFrom = Number.POSITIVE_INFINITY
    this.#locks.clear()
  }

  /** Power is lost now, and back: what survives is drawn, and earlier files are dead. */
  crash(): void {
    this.kill()
    const inodes = new Set<Inode>()
    for (const folder of this.#folders.values()) {
      for (const inode of [...folder.names.values(), ...folder.durable.values()]) inodes.add(inode)
      folder.crash(this.#random)
    }
    for (const inode of inodes) inode.crash(this.#random)
    for (const [path, folder] of this.#folders) {
      if (path !== '' && !folder.linked && this.#random.float() < 0.5) this.#forget(path)
    }
    for (const folder of this.#folders.values()) folder.linked = true
  }

  #forget(path: string): void {
    for (const inside of [...this.#folders.keys()]) {
      if (inside === path || inside.startsWith(`${path}/`)) this.#folders.delete(inside)
    }
  }

  /** The content of a file, to look at or to damage. Changes by `edit` are durable. */
  edit(path: string, edit: (content: Buffer) => void): Buffer {
    const inode = this.#find(path)
    const content = Buffer.from(inode.content)
    edit(content)
    inode.content = content
    inode.sync()
    return content
  }

  /** One operation: `change` happens, unless power was lost before or is lost now, which may leave a part of it. */
  async #operate(life: number, changes: boolean, change: () => void): Promise<void> {
    await Promise.resolve()
    if (life !== this.#life || this.#off) throw new PowerLossError()
    const number = this.operations++
    if (changes && this.#failOnce) {
      this.#failOnce = false
      throw new Error('the simulated disk failed once')
    }
    if (changes && number >= this.#failFrom) throw new Error('the simulated disk failed')
    if (number >= this.#crashAt) {
      this.#off = true
      change()
      throw new PowerLossError()
    }
    change()
  }

  /** The disk as a process sees it that starts now, and is dead after the next crash. */
  mount(): Disk {
    const life = this.#life
    return {
      open: (path, options = {}) => this.#open(life, path, options),
      list: (directory) => this.#list(life, directory),
      createDirectory: (directory) => this.#createDirectory(life, directory),
      rename: (from, to) => this.#rename(life, from, to),
      remove: (path) => this.#remove(life, path),
      syncDirectory: (directory) => this.#syncDirectory(life, directory),
      lock: (directory) => this.#lock(life, directory),
    }
  }

  async #open(life: number, path: string, options: OpenFileOptions): Promise<DiskFile> {
    const folder = this.#folder(parentOf(path))
    await this.#operate(life, options.create === true && !folder.names.has(nameOf(path)), () => {
      if (folder.names.has(nameOf(path))) return
      if (!options.create) throw new FileMissingError(path)
      const inode = new Inode()
      folder.change((names) => names.set(nameOf(path), inode))
    })
    return this.#handle(this.#find(path), life, options.durableWrites === true && !this.#bugs.lazyWrites)
  }

  #handle(inode: Inode, life: number, durableWrites: boolean): DiskFile {
    const operate = (changes: boolean, change: () => void): Promise<void> => this.#operate(life, changes, change)
    return {
      read: async (position, length) => {
        await operate(false, () => undefined)
        return Uint8Array.from(inode.content.subarray(position, position + length))
      },
      write: (position, data) => {
        const kept = Buffer.from(data)
        // A write under way when the power goes is not durable yet.
        return operate(true, () => {
          inode.change({ type: 'write', position, data: kept, durable: durableWrites && !this.#off })
        })
      },
      sync: () => operate(true, () => !this.#off && inode.sync()),
      truncate: (sizeBytes) =>
        operate(true, () => inode.change({ type: 'truncate', sizeBytes, durable: durableWrites && !this.#off })),
      sizeBytes: async () => {
        await operate(false, () => undefined)
        return inode.content.length
      },
      close: async () => undefined,
    }
  }

  async #list(life: number, directory: string): Promise<readonly string[]> {
    await this.#operate(life, false, () => undefined)
    const inside = [...this.#folders.keys()].filter((path) => path !== '' && parentOf(path) === directory).map(nameOf)
    return [...(this.#folders.get(directory)?.names.keys() ?? []), ...inside]
  }

  async #createDirectory(life: number, directory: string): Promise<void> {
    await this.#operate(life, true, () => {
      const parts = directory.split('/').filter((part) => part !== '')
      for (let i = 1; i <= parts.length; i++) {
        const path = parts.slice(0, i).join('/')
        if (!this.#folders.has(path)) this.#folders.set(path, new Folder())
      }
    })
  }

  async #rename(life: number, from: string, to: string): Promise<void> {
    const folder = this.#folder(parentOf(from))
    if (folder !== this.#folder(parentOf(to))) throw new Error('this disk renames inside a folder only')
    await this.#operate(life, true, () => {
      const inode = this.#find(from)
      folder.change((names) => {
        names.delete(nameOf(from))
        names.set(nameOf(to), inode)
      })
    })
  }

  async #remove(life: number, path: string): Promise<void> {
    const folder = this.#folder(parentOf(path))
    await this.#operate(life, true, () => folder.change((names) => names.delete(nameOf(path))))
  }

  async #syncDirectory(life: number, directory: string): Promise<void> {
    const folder = this.#folder(directory)
    await this.#operate(life, true, () => {
      if (this.#off || this.#bugs.lazyNames) return
      folder.sync()
      for (const [path, inside] of this.#folders) if (path !== '' && parentOf(path) === directory) inside.linked = true
    })
  }

  async #lock(life: number, directory: string): Promise<() => Promise<void>> {
    await this.#operate(life, false, () => {
      if (this.#locks.has(directory)) throw new DirectoryLockedError(directory, 'this process')
      this.#locks.add(directory)
    })
    return async () => {
      if (life === this.#life) this.#locks.delete(directory)
    }
  }

  #folder(path: string): Folder {
    const folder = this.#folders.get(path)
    if (folder === undefined) throw new Error(`there is no folder ${path}`)
    return folder
  }

  #find(path: string): Inode {
    const inode = this.#folder(parentOf(path)).names.get(nameOf(path))
    if (inode === undefined) throw new FileMissingError(path)
    return inode
  }
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')))
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
