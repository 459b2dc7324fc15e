import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Disk, DiskFile } from '@dsys/storage'
import { nodeDisk } from '@dsys/storage-file'

type Kind = 'change' | 'read' | 'look'

/** A process that has died hears of nothing any more. */
const never = new Promise<never>(() => undefined)

/**
 * The real disk as seen by a process that can be killed in any operation, and whose disk can fail as told. The machine keeps its
 * power, so nothing is lost that was written.
 */
export class MortalDisk {
  readonly #root: string
  #life = 0
  #files = new Set<DiskFile>()
  readonly #underWay = new Set<Promise<unknown>>()
  /** The folders that this life has locked. */
  #locked = new Set<string>()
  #diesIn = Number.POSITIVE_INFINITY
  /** Whether the operation in which it dies takes effect. */
  #lastLands = false
  #tornAt: number | undefined
  #onDeath: () => void = () => undefined
  #writesFail = false
  #readsLeft = Number.POSITIVE_INFINITY
  #roomBytes = Number.POSITIVE_INFINITY

  constructor(root: string) {
    this.#root = root
  }

  /** The disk for one life of a process. */
  mount(): Disk {
    const disk = nodeDisk(this.#root)
    const life = this.#life
    const use = <T>(kind: Kind, body: () => Promise<T>): Promise<T> => this.#use(life, kind, body)
    return {
      open: (path, options) =>
        use(options?.create ? 'change' : 'look', async () => this.#file(life, await disk.open(path, options))),
      list: (directory) => use('look', () => disk.list(directory)),
      createDirectory: (directory) => use('change', () => disk.createDirectory(directory)),
      rename: (from, to) => use('change', () => disk.rename(from, to)),
      remove: (path) => use('change', () => disk.remove(path)),
      syncDirectory: (directory) => use('change', () => disk.syncDirectory(directory)),
      lock: (directory) =>
        use('look', async () => {
          const unlock = await disk.lock(directory)
          this.#locked.add(directory)
          return () =>
            this.#use(life, 'look', async () => {
              await unlock()
              this.#locked.delete(directory)
            })
        }),
    }
  }

  /** The process dies in the operation that comes after `operations` further ones. Resolves when it is dead. */
  dieAfter(operations: number): Promise<void> {
    this.#diesIn = operations
    this.#lastLands = operations % 2 === 1
    return this.#death()
  }

  /** The process dies in its next write, of which the first `bytes` bytes are on the disk. */
  tearNextWrite(bytes: number): Promise<void> {
    this.#tornAt = bytes
    return this.#death()
  }

  #death(): Promise<void> {
    return new Promise((resolve) => {
      this.#onDeath = resolve
    })
  }

  /** Every change fails from now on. */
  failWrites(): void {
    this.#writesFail = true
  }

  /** The read that comes after `reads` further ones fails. */
  failRead(reads: number): void {
    this.#readsLeft = reads
  }

  /** Files may grow by this much together. */
  fill(bytes: number): void {
    this.#roomBytes = bytes
  }

  /** Nothing fails any more. */
  mend(): void {
    this.#writesFail = false
    this.#readsLeft = Number.POSITIVE_INFINITY
    this.#roomBytes = Number.POSITIVE_INFINITY
  }

  /** The process dies, unless it is dead, and the next may begin. */
  async kill(): Promise<void> {
    this.#die()
    // What the system does for a process ends, or never begins; it does not go on in the time of the next one.
    await Promise.allSettled(this.#underWay)
    const files = [...this.#files]
    this.#files = new Set()
    await Promise.all(files.map((file) => file.close()))
    // The lock of a dead process stays behind, and its process is no more.
    for (const directory of this.#locked) {
      const path = join(this.#root, directory, 'lock')
      const holder = JSON.parse(readFileSync(path, 'utf8')) as object
      writeFileSync(path, JSON.stringify({ ...holder, startedAs: 'an earlier life' }))
    }
    this.#locked = new Set()
  }

  #die(): void {
    this.#life++
    this.#diesIn = Number.POSITIVE_INFINITY
    this.#tornAt = undefined
    this.#onDeath()
  }

  /** What is stored, and what a byte of it is in. */
  stored(): { readonly path: string; readonly sizeBytes: number }[] {
    return readdirSync(this.#root, { recursive: true, withFileTypes: true })
      .filter((found) => found.isFile())
      .map((found) => join(found.parentPath, found.name))
      .sort()
      .map((path) => ({ path, sizeBytes: statSync(path).size }))
  }

  /** Turns over a bit when all files are laid behind each other. */
  flip(byte: number, bit: number): void {
    let start = 0
    for (const { path, sizeBytes } of this.stored()) {
      if (byte < start + sizeBytes) {
        const content = readFileSync(path)
        content[byte - start] = (content[byte - start] as number) ^ (1 << bit)
        writeFileSync(path, content)
        return
      }
      start += sizeBytes
    }
  }

  #file(life: number, file: DiskFile): DiskFile {
    this.#files.add(file)
    return {
      read: (position, length) => this.#use(life, 'read', () => file.read(position, length)),
      write: (position, data) => this.#write(life, file, position, data),
      sync: () => this.#use(life, 'change', () => file.sync()),
      truncate: (sizeBytes) => this.#use(life, 'change', () => file.truncate(sizeBytes)),
      sizeBytes: () => this.#use(life, 'look', () => file.sizeBytes()),
      close: async () => {
        if (life !== this.#life) return never
        this.#files.delete(file)
        await file.close()
      },
    }
  }

  #write(life: number, file: DiskFile, position: number, data: Uint8Array): Promise<void> {
    return this.#use(life, 'change', async () => {
      if (this.#tornAt !== undefined) {
        await file.write(position, data.subarray(0, this.#tornAt))
        this.#die()
        return
      }
      if (this.#roomBytes !== Number.POSITIVE_INFINITY) await this.#takeRoom(file, position, data)
      await file.write(position, data)
    })
  }

  /** A full disk takes the beginning of a write. */
  async #takeRoom(file: DiskFile, position: number, data: Uint8Array): Promise<void> {
    const grows = Math.max(0, position + data.length - (await file.sizeBytes()))
    if (grows > this.#roomBytes) {
      await file.write(position, data.subarray(0, data.length - grows + this.#roomBytes))
      this.#roomBytes = 0
      throw new Error('ENOSPC: no space left on device (as told)')
    }
    this.#roomBytes -= grows
  }

  async #use<T>(life: number, kind: Kind, body: () => Promise<T>): Promise<T> {
    if (life !== this.#life) return never
    if (kind === 'read' && this.#readsLeft-- === 0) throw new Error('EIO: i/o error (as told)')
    if (kind === 'change' && this.#writesFail) throw new Error('EIO: i/o error (as told)')
    const last = this.#diesIn-- === 0
    if (last && !this.#lastLands) this.#die()
    if (life !== this.#life) return never
    const ended = body()
    this.#underWay.add(ended)
    try {
      return await ended
    } finally {
      this.#underWay.delete(ended)
      if (last) this.#die()
      // The dead learn of nothing, also not of an error.
      if (life !== this.#life) await never
    }
  }
}
