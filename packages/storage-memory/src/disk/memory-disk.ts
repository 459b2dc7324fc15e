import type { Random } from '@dsys/runtime'
import type { Disk } from '@dsys/storage'
import { type CrashReport, emptyReport, type UnsyncedFate } from './crash-fate.ts'
import { MemoryFile } from './memory-file.ts'
import { MemoryTree } from './memory-tree.ts'
import { MountedDisk } from './mounted-disk.ts'
import { type DiskGate, type DiskOperation, type DiskOutcome, PowerLossError } from './operation.ts'

/** Options of a {@link MemoryDisk}. */
export interface MemoryDiskOptions {
  /** What reaches the medium as one: a torn write consists of whole ones, but for the place where it was cut. Default 512. */
  readonly sectorBytes?: number
  /**
   * Promises that this disk breaks: `durableWrites` resolve before they are durable, `sync` and `sync-directory` do
   * nothing. For seeing that a test notices. Default: none.
   */
  readonly ignores?: readonly ('durableWrites' | 'sync' | 'sync-directory')[]
}

/** A bit that was turned over on a disk. */
export interface FlippedBit {
  readonly path: string
  readonly position: number
  readonly bit: number
}

/**
 * A disk in memory that loses what was not synced: any part of each write, in any order, and any change of a name. It outlives
 * those who use it, as a disk outlives a process. Every operation is a point at which it can lose power or fail.
 *
 * The same seed and the same calls give the same disk.
 */
export class MemoryDisk {
  readonly #random: Random
  readonly #sectorBytes: number
  readonly #ignores: ReadonlySet<string>
  #tree = new MemoryTree()
  readonly #locks = new Set<string>()
  #life = 0
  #off = false
  readonly #onPowerLoss: (() => void)[] = []
  #operations = 0
  #crashAt = Number.POSITIVE_INFINITY
  #tornAt: number | undefined
  #failFrom = Number.POSITIVE_INFINITY
  #failChange = Number.POSITIVE_INFINITY
  #failRead = Number.POSITIVE_INFINITY
  #capacityBytes = Number.POSITIVE_INFINITY

  /** @param random draws what a crash leaves. */
  constructor(random: Random, options: MemoryDiskOptions = {}) {
    this.#random = random
    this.#sectorBytes = options.sectorBytes ?? 512
    this.#ignores = new Set(options.ignores ?? [])
  }

  /** The disk as a process sees it that starts now, and is dead after the next crash. Default `gate`: see {@link MemoryDisk.operations}. */
  mount(options: { readonly gate?: DiskGate } = {}): Disk {
    const life = this.#life
    const gate: DiskGate = options.gate ?? ((operation, effect) => this.#perform(life, operation, effect))
    return new MountedDisk(gate, {
      tree: this.#tree,
      createFile: () => new MemoryFile(this.#sectorBytes),
      isAlive: () => life === this.#life,
      honours: (promise) => !this.#ignores.has(promise),
      roomBytes: () => this.#capacityBytes - (this.#capacityBytes === Number.POSITIVE_INFINITY ? 0 : this.usedBytes),
      locks: this.#locks,
      random: this.#random,
    })
  }

  /** Operations so far, in all lives, through mounts without a gate. Each takes one turn of the microtask queue. */
  get operations(): number {
    return this.#operations
  }

  /** Whether power is lost, until {@link MemoryDisk.crash} or {@link MemoryDisk.kill} brings it back. */
  get dead(): boolean {
    return this.#off
  }

  /** Resolves when power is lost the next time in an operation: by {@link MemoryDisk.crashAt} or {@link MemoryDisk.tearNextWrite}. */
  powerLoss(): Promise<void> {
    return new Promise((resolve) => this.#onPowerLoss.push(resolve))
  }

  /** How many bytes all files have. */
  get usedBytes(): number {
    let bytes = 0
    for (const { file } of this.#tree.files()) bytes += file.length
    return bytes
  }

  /** Loses power in the middle of operation number `operation`, counted from 0 as {@link MemoryDisk.operations} does. */
  crashAt(operation: number): void {
    this.#crashAt = operation
  }

  /** Exactly the first `bytes` bytes of the next write reach the disk, and power is lost. A shorter write is torn at its end. */
  tearNextWrite(bytes: number): void {
    this.#tornAt = bytes
  }

  /** From now on every operation that changes something fails, until the next crash. */
  failWrites(): void {
    this.#failFrom = this.#operations
  }

  /** The operation that changes something and comes after `changes` further ones fails, and the disk works again afterwards. */
  failOnce(changes: number = 0): void {
    this.#failChange = changes
  }

  /** Whether the operation that {@link MemoryDisk.failOnce} is about is still to come. */
  get changeWillFail(): boolean {
    return this.#failChange !== Number.POSITIVE_INFINITY
  }

  /** The read that comes after `reads` further ones fails, and the disk works again afterwards. */
  failRead(reads: number = 0): void {
    this.#failRead = reads
  }

  /** Whether the read that {@link MemoryDisk.failRead} is about is still to come. */
  get readWillFail(): boolean {
    return this.#failRead !== Number.POSITIVE_INFINITY
  }

  /** Files may have this many bytes together; a write beyond stops in the middle. `undefined` takes the limit away. */
  limit(capacityBytes: number | undefined): void {
    this.#capacityBytes = capacityBytes ?? Number.POSITIVE_INFINITY
  }

  /**
   * The process was killed and starts again; the machine has power all the time. Earlier files are dead, and nothing is
   * lost: what was written is there to read, whether it was synced or not.
   */
  kill(): void {
    this.#life++
    this.#off = false
    this.#crashAt = Number.POSITIVE_INFINITY
    this.#tornAt = undefined
    this.#failFrom = Number.POSITIVE_INFINITY
    this.#failChange = Number.POSITIVE_INFINITY
    this.#failRead = Number.POSITIVE_INFINITY
    this.#locks.clear()
  }

  /** No write or read fails any more, and there is room. What errors have done stays, and so does what was told about crashes. */
  mend(): void {
    this.#failFrom = Number.POSITIVE_INFINITY
    this.#failChange = Number.POSITIVE_INFINITY
    this.#failRead = Number.POSITIVE_INFINITY
    this.limit(undefined)
  }

  /** Power is lost now, and back: `fate` says what becomes of what was not synced, and earlier files are dead. */
  crash(fate: UnsyncedFate = 'drawn'): CrashReport {
    this.kill()
    const report = emptyReport()
    const files = this.#tree.all()
    this.#tree.crash(fate, this.#random, report)
    for (const file of files) file.crash(fate, this.#random, report)
    return report
  }

  /** The disk is replaced by an empty one, and earlier files are dead. */
  wipe(): void {
    this.kill()
    this.#tree = new MemoryTree()
  }

  /**
   * The system needs memory: what a failed sync could not write, and was only read from memory since, is gone.
   * Everything else stays.
   *
   * @returns how many files this has changed.
   */
  evict(): number {
    let changed = 0
    for (const file of this.#tree.all()) if (file.evict()) changed++
    return changed
  }

  /** The files that a process can open now, with their sizes. */
  files(): readonly { readonly path: string; readonly sizeBytes: number }[] {
    return this.#tree.files().map(({ path, file }) => ({ path, sizeBytes: file.length }))
  }

  /** What a process would read of a file: a copy. Throws FileMissingError. */
  content(path: string): Uint8Array {
    return Uint8Array.from(this.#tree.get(path).view())
  }

  /** Changes the content of a file, for instance to damage it. All of it is durable then. Returns a copy. */
  edit(path: string, edit: (content: Uint8Array) => void): Uint8Array {
    const file = this.#tree.get(path)
    const content = Uint8Array.from(file.view())
    edit(content)
    file.replace(Buffer.from(content))
    return content
  }

  /** Turns over one bit of a file, as it may rot on the medium. Turning it again mends it. */
  flip({ path, position, bit }: FlippedBit): void {
    this.#tree.get(path).flip(position, bit)
  }

  /** Turns over a bit anywhere in all files, each as likely as any other; `undefined` when there is none. */
  flipAny(random: Random): FlippedBit | undefined {
    const { usedBytes } = this
    if (usedBytes === 0) return undefined
    const flipped = this.bitAt(random.integer(0, usedBytes), random.integer(0, 8))
    if (flipped !== undefined) this.flip(flipped)
    return flipped
  }

  /** The place of a byte when all files are laid behind each other; `undefined` behind the last one. */
  bitAt(byte: number, bit: number): FlippedBit | undefined {
    let start = 0
    for (const { path, sizeBytes } of this.files()) {
      if (byte < start + sizeBytes) return { path, position: byte - start, bit }
      start += sizeBytes
    }
    return undefined
  }

  /** One operation of a mount without a gate. */
  async #perform<T>(life: number, operation: DiskOperation, effect: (outcome: DiskOutcome) => T): Promise<T> {
    await Promise.resolve()
    // Closing and giving back a lock change nothing that a crash leaves.
    if (operation.type === 'close' || operation.type === 'unlock') return effect('done')
    if (life !== this.#life || this.#off) throw new PowerLossError()
    const number = this.#operations++
    const outcome = this.#outcomeOf(operation, number)
    if (outcome === 'done') return effect('done')
    if (outcome === 'failed') return effect('failed')
    this.#off = true
    for (const tell of this.#onPowerLoss.splice(0)) tell()
    effect(outcome)
    throw new PowerLossError()
  }

  #outcomeOf(operation: DiskOperation, number: number): DiskOutcome {
    if (operation.changes && number >= this.#failFrom) return 'failed'
    if (operation.changes && this.#failChange-- === 0) {
      this.#failChange = Number.POSITIVE_INFINITY
      return 'failed'
    }
    if (operation.type === 'read' && this.#failRead-- === 0) {
      this.#failRead = Number.POSITIVE_INFINITY
      return 'failed'
    }
    if (number >= this.#crashAt) return 'cut'
    if (operation.type === 'write' && this.#tornAt !== undefined) return { tornAt: this.#tornAt }
    return 'done'
  }
}
