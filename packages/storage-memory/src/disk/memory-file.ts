import type { Random } from '@dsys/runtime'
import { type CrashReport, emptyReport, landingOrder, type UnsyncedFate } from './crash-fate.ts'
import { GrowableBytes } from './growable-bytes.ts'

/** How to take a change back: the length of the file before it, and the bytes that it overwrote or cut. */
interface Undo {
  readonly length: number
  readonly position: number
  readonly bytes: Uint8Array
}

type Change = WriteChange | TruncateChange

interface WriteChange {
  readonly type: 'write'
  readonly position: number
  readonly data: Uint8Array
  durable: boolean
  readonly undo: Undo
}

interface TruncateChange {
  readonly type: 'truncate'
  readonly sizeBytes: number
  durable: boolean
  readonly undo: Undo
}

/**
 * The content of one file: what a process reads, and what of it a crash may take away.
 *
 * The changes that are not durable stand in a list, each with what takes it back. So a write costs what it writes, and only a
 * crash costs more.
 */
export class MemoryFile {
  #content = new GrowableBytes()
  /** Changes since the last sync, in order. Durable ones among them stand behind one that is not. */
  #unsynced: Change[] = []
  /**
   * What is on the disk without the unsynced changes, once a failed sync has made that something which cannot be computed
   * from what is read: the system keeps what it could not write, and calls it clean.
   */
  #platter: GrowableBytes | undefined
  readonly #sectorBytes: number

  constructor(sectorBytes: number) {
    this.#sectorBytes = sectorBytes
  }

  get length(): number {
    return this.#content.length
  }

  /** How many changes a crash could take away. */
  get unsynced(): number {
    return this.#unsynced.length
  }

  read(position: number, length: number): Uint8Array {
    return this.#content.read(position, length)
  }

  /** What a process reads: not a copy. */
  view(): Buffer {
    return this.#content.view()
  }

  /** `data` may be changed by the caller afterwards. */
  write(position: number, data: Uint8Array, durable: boolean): void {
    if (this.#settled(durable)) {
      this.#platter?.write(position, data)
      this.#content.write(position, data)
      return
    }
    const { length } = this.#content
    const undo = { length, position, bytes: this.#content.read(position, data.length) }
    this.#unsynced.push({ type: 'write', position, data: Uint8Array.from(data), durable, undo })
    this.#content.write(position, data)
  }

  truncate(sizeBytes: number, durable: boolean): void {
    if (this.#settled(durable)) {
      this.#platter?.resize(sizeBytes)
      this.#content.resize(sizeBytes)
      return
    }
    const { length } = this.#content
    const undo = { length, position: sizeBytes, bytes: this.#content.read(sizeBytes, length) }
    this.#unsynced.push({ type: 'truncate', sizeBytes, durable, undo })
    this.#content.resize(sizeBytes)
  }

  /** Whether a change with this durability is final at once. */
  #settled(durable: boolean): boolean {
    return durable && this.#unsynced.length === 0
  }

  /** What a sync that begins now will cover. */
  mark(): unknown {
    return this.#unsynced.at(-1)
  }

  /** Everything up to `mark` is durable. */
  sync(mark: unknown): void {
    const last = this.#unsynced.indexOf(mark as Change)
    for (const change of this.#unsynced.slice(0, last + 1)) change.durable = true
    this.#settle()
  }

  /** Forgets how to take back what is durable and stands in front. */
  #settle(): void {
    const loose = this.#unsynced.findIndex(({ durable }) => !durable)
    const settled = loose === -1 ? this.#unsynced : this.#unsynced.slice(0, loose)
    if (this.#platter !== undefined) for (const change of settled) redo(this.#platter, change)
    this.#unsynced = loose === -1 ? [] : this.#unsynced.slice(loose)
  }

  /**
   * A sync fails: of what it should have written, some is on the disk. The rest is still read, and no later sync writes it
   * (as Linux does it; Rebello and others, "Can Applications Recover from fsync Failures?", ATC 2020).
   */
  failSync(random: Random): void {
    if (this.#unsynced.length === 0) return
    this.#platter = this.#afterCrash('drawn', random, emptyReport())
    this.#unsynced = []
  }

  /** A write that was to be durable fails: as if it had been followed by a sync that fails. */
  failWrite(position: number, data: Uint8Array, random: Random): void {
    this.write(position, data, false)
    this.failSync(random)
  }

  /** The system needs memory: what a failed sync has left there alone is read no more. Returns whether there was such. */
  evict(): boolean {
    if (this.#platter === undefined) return false
    const changes = this.#unsynced
    this.#content = this.#platter
    this.#platter = undefined
    this.#unsynced = []
    for (const change of changes) {
      if (change.type === 'write') this.write(change.position, change.data, change.durable)
      else this.truncate(change.sizeBytes, change.durable)
    }
    return true
  }

  /** Power is lost: what is read from now on is what was durable, and what `fate` leaves of the rest. */
  crash(fate: UnsyncedFate, random: Random, report: CrashReport): void {
    this.#content = this.#afterCrash(fate, random, report)
    this.#platter = undefined
    this.#unsynced = []
  }

  #afterCrash(fate: UnsyncedFate, random: Random, report: CrashReport): GrowableBytes {
    const result = this.#platter?.clone() ?? this.#content.clone()
    if (this.#platter === undefined) for (const { undo } of this.#unsynced.toReversed()) takeBack(result, undo)
    const ordered = fate === 'drawn' ? landingOrder(this.#unsynced, random) : this.#unsynced
    if (ordered.some((change, i) => change !== this.#unsynced[i])) report.filesReordered++
    for (const change of ordered) this.#land(result, change, fate, random, report)
    return result
  }

  #land(target: GrowableBytes, change: Change, fate: UnsyncedFate, random: Random, report: CrashReport): void {
    if (change.durable) {
      redo(target, change)
      return
    }
    const kinds = change.type === 'write' && change.data.length > 0 ? 3 : 2
    const drawn = fate === 'kept' ? 0 : fate === 'lost' ? 1 : random.integer(0, kinds)
    if (drawn === 0) {
      report.writesKept++
      redo(target, change)
    } else if (drawn === 1) report.writesLost++
    else if (change.type === 'write') {
      report.writesTorn++
      this.#tear(target, change, random)
    }
  }

  /** Cut at any byte; before that, all sectors or any of them. Or any of them up to the end. */
  #tear(target: GrowableBytes, { position, data }: WriteChange, random: Random): void {
    const inOrder = random.float() < 0.3
    const cut = inOrder || random.float() < 0.5 ? random.integer(0, data.length + 1) : data.length
    for (let from = 0; from < cut; ) {
      const sectorEnd = (Math.floor((position + from) / this.#sectorBytes) + 1) * this.#sectorBytes - position
      const to = Math.min(sectorEnd, cut)
      if (inOrder || random.float() < 0.5) target.write(position + from, data.subarray(from, to))
      from = to
    }
  }

  /** The content is `content` now, and durable. */
  replace(content: Buffer): void {
    this.#content = new GrowableBytes(content)
    this.#platter = undefined
    this.#unsynced = []
  }

  /** One bit of what is stored turns over. */
  flip(position: number, bit: number): void {
    for (const bytes of [this.#content, this.#platter]) {
      const view = bytes?.view()
      const found = view?.[position]
      if (view !== undefined && found !== undefined) view[position] = found ^ (1 << bit)
    }
  }
}

function redo(target: GrowableBytes, change: Change): void {
  if (change.type === 'write') target.write(change.position, change.data)
  else target.resize(change.sizeBytes)
}

function takeBack(target: GrowableBytes, { length, position, bytes }: Undo): void {
  target.resize(length)
  target.write(position, bytes)
}
