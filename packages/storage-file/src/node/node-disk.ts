import { close, constants, fdatasync, fstat, fsync, ftruncate, open, read, write } from 'node:fs'
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { promisify } from 'node:util'
import { type Random, systemRandom } from '@dsys/runtime'
import { type Disk, type DiskFile, FileClosedError, FileMissingError, type OpenFileOptions } from '@dsys/storage'
import { lockDirectory } from './directory-lock.ts'

const openFile = promisify(open)
const closeFile = promisify(close)
const statFile = promisify(fstat)
const syncFile = promisify(fsync)
const syncData = promisify(fdatasync)
const truncateFile = promisify(ftruncate)

const isMissing = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT'

// The callbacks of node:fs cost about half of what its promises do, and this is the path of every commit.
const readOnce = (fd: number, target: Uint8Array, position: number): Promise<number> =>
  new Promise((fulfil, reject) => {
    read(fd, target, 0, target.length, position, (error, count) => (error === null ? fulfil(count) : reject(error)))
  })

const writeOnce = (fd: number, data: Uint8Array, position: number): Promise<number> =>
  new Promise((fulfil, reject) => {
    write(fd, data, 0, data.length, position, (error, count) => (error === null ? fulfil(count) : reject(error)))
  })

class NodeFile implements DiskFile {
  readonly #path: string
  readonly #fd: number
  #underWay = 0
  #onRest: (() => void) | undefined
  #closing: { readonly closed: Promise<void>; readonly by: Error } | undefined

  constructor(path: string, fd: number) {
    this.#path = path
    this.#fd = fd
  }

  read(position: number, length: number): Promise<Uint8Array> {
    return this.#use('read', async (fd) => {
      // The end of the file is known, so a length far behind it costs no memory.
      const wanted = Math.max(0, Math.min(length, (await statFile(fd)).size - position))
      const target = new Uint8Array(wanted)
      let done = 0
      while (done < wanted) {
        const count = await readOnce(fd, target.subarray(done), position + done)
        if (count === 0) break
        done += count
      }
      return target.subarray(0, done)
    })
  }

  write(position: number, data: Uint8Array): Promise<void> {
    return this.#use('write', async (fd) => {
      let done = 0
      while (done < data.length) {
        const count = await writeOnce(fd, done === 0 ? data : data.subarray(done), position + done)
        // A system that takes nothing, and does not say why, is not to be asked for ever.
        if (count === 0) throw new Error(`the system took ${done} of ${data.length} bytes`)
        done += count
      }
    })
  }

  /** fdatasync also writes what is needed to read the data back, which the size is. */
  sync(): Promise<void> {
    return this.#use('sync', syncData)
  }

  truncate(sizeBytes: number): Promise<void> {
    return this.#use('truncate', (fd) => truncateFile(fd, sizeBytes))
  }

  sizeBytes(): Promise<number> {
    return this.#use('tell the size', async (fd) => (await statFile(fd)).size)
  }

  close(): Promise<void> {
    this.#closing ??= { closed: this.#close(), by: new Error('the file was closed here') }
    return this.#closing.closed
  }

  async #close(): Promise<void> {
    if (this.#underWay > 0) {
      await new Promise<void>((resolve) => {
        this.#onRest = resolve
      })
    }
    await closeFile(this.#fd)
  }

  /** The number of a closed file may belong to another one already, so nothing may use it from then on. */
  async #use<T>(operation: string, body: (fd: number) => Promise<T>): Promise<T> {
    if (this.#closing !== undefined) throw new FileClosedError(this.#path, operation, this.#closing.by)
    this.#underWay++
    try {
      return await body(this.#fd)
    } finally {
      this.#underWay--
      if (this.#underWay === 0) this.#onRest?.()
    }
  }
}

async function syncPath(path: string): Promise<void> {
  const fd = await openFile(path, constants.O_RDONLY)
  try {
    await syncFile(fd)
  } finally {
    await closeFile(fd)
  }
}

/** The file system of this machine, below one folder. */
class NodeDisk implements Disk {
  readonly #root: string
  readonly #random: Random

  constructor(root: string, random: Random) {
    this.#root = resolve(root)
    this.#random = random
  }

  async open(path: string, options: OpenFileOptions = {}): Promise<DiskFile> {
    const { O_RDWR, O_CREAT, O_DSYNC, O_SYNC } = constants
    // A system without O_DSYNC has the stronger O_SYNC.
    const durable = options.durableWrites ? (O_DSYNC ?? O_SYNC) : 0
    return this.openWith(path, O_RDWR | (options.create ? O_CREAT : 0) | durable)
  }

  protected async openWith(path: string, flags: number): Promise<DiskFile> {
    try {
      return new NodeFile(path, await openFile(this.#resolve(path), flags, 0o640))
    } catch (error) {
      throw isMissing(error) ? new FileMissingError(path, error) : error
    }
  }

  async list(directory: string): Promise<readonly string[]> {
    try {
      return await readdir(this.#resolve(directory))
    } catch (error) {
      if (isMissing(error)) return []
      throw error
    }
  }

  async createDirectory(directory: string): Promise<void> {
    const path = this.#resolve(directory)
    const first = await mkdir(path, { recursive: true, mode: 0o750 })
    if (first === undefined) return
    // The folders above the root are not the caller's to sync, so it is done here for all that were made.
    for (let made = path; ; made = dirname(made)) {
      await syncPath(dirname(made))
      if (made === first) return
    }
  }

  async rename(from: string, to: string): Promise<void> {
    try {
      await rename(this.#resolve(from), this.#resolve(to))
    } catch (error) {
      throw isMissing(error) ? new FileMissingError(from, error) : error
    }
  }

  remove(path: string): Promise<void> {
    return rm(this.#resolve(path), { force: true })
  }

  syncDirectory(directory: string): Promise<void> {
    return syncPath(this.#resolve(directory))
  }

  lock(directory: string): Promise<() => Promise<void>> {
    return lockDirectory(this.#resolve(directory), directory === '' ? this.#root : directory, this.#random)
  }

  #resolve(path: string): string {
    const resolved = join(this.#root, path)
    const inside = relative(this.#root, resolved)
    if (inside === '..' || inside.startsWith(`..${sep}`)) throw new RangeError(`${path} leads out of the disk's folder`)
    return resolved
  }
}

/** The same, to be looked at: files are opened for reading alone, and whatever would change something throws. */
class ReadOnlyDisk extends NodeDisk {
  override async open(path: string): Promise<DiskFile> {
    return this.openWith(path, constants.O_RDONLY)
  }

  override async createDirectory(): Promise<void> {
    throw new TypeError('this disk is only read')
  }

  override async rename(): Promise<void> {
    throw new TypeError('this disk is only read')
  }

  override async remove(): Promise<void> {
    throw new TypeError('this disk is only read')
  }

  override async syncDirectory(): Promise<void> {
    throw new TypeError('this disk is only read')
  }

  override async lock(): Promise<() => Promise<void>> {
    throw new TypeError('this disk is only read')
  }
}

/** The real disk below `root`, which nobody can change by it. */
export function readOnlyDisk(root: string): Disk {
  return new ReadOnlyDisk(root, systemRandom)
}

/**
 * The real disk, as far as it lies below the folder `root`, which need not exist yet.
 *
 * @param ports `random` names lock files. Default: the system's.
 */
export function nodeDisk(root: string, ports: { readonly random?: Random } = {}): Disk {
  return new NodeDisk(root, ports.random ?? systemRandom)
}
