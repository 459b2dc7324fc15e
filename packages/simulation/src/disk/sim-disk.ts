import { type Clock, type Random, SeededRandom, type TimerHandle } from '@dsys/runtime'
import type { Disk, LogStorage, StateStorage } from '@dsys/storage'
import {
  type CrashReport,
  type DiskEffect,
  DiskFaultError,
  type DiskOperation,
  type DiskOutcome,
  type FlippedBit,
  MemoryDisk,
  MemoryLogDisk,
  MemoryLogStorage,
  MemoryStateDisk,
  MemoryStateStorage,
  type UnsyncedFate,
} from '@dsys/storage-memory'
import { DiskTiming, type DiskTimingKnobs } from './disk-timing.ts'

/** What a fault of a {@link SimDisk} did to somebody. A fault that met nobody is not counted. */
export type DiskFault =
  /** An operation took longer by itself, or since the disk was slow, or hung. */
  | 'hiccup'
  | 'slowed'
  | 'stalled'
  /** An operation failed. */
  | 'read-failed'
  | 'sync-failed'
  | 'full'
  /** A crash came while operations were under way: they took effect nevertheless, or not. */
  | 'in-flight-kept'
  | 'in-flight-lost'
  /** What a crash did to what was not synced. */
  | 'write-kept'
  | 'write-lost'
  | 'write-torn'
  | 'file-reordered'
  | 'name-kept'
  | 'name-lost'
  | 'folder-lost'
  /** Changes of a log or state storage in memory, that a crash took away or kept. */
  | 'change-kept'
  | 'change-lost'
  /** What a failed sync could not write is read no more. */
  | 'evicted'
  | 'bit-flipped'
  | 'wiped'

/** What a {@link SimDisk} may do. */
export interface SimDiskPorts {
  readonly random: Random
  /** Is told of every fault that met somebody, so that a run can prove that each kind fired. Default: nobody is told. */
  readonly count?: (what: DiskFault, times: number) => void
}

/** What a {@link SimDisk} is like. */
export interface SimDiskKnobs extends DiskTimingKnobs {
  /** See `MemoryDiskOptions`. Default 512. */
  readonly sectorBytes?: number
  /** When a write of the state storage in memory resolves, see `MemoryStateDiskOptions`. Default `durable`. */
  readonly acknowledge?: 'durable' | 'written'
}

/** What one life of a process brings along. */
export interface SimMountPorts {
  /** The clock of this life: a process that is paused or dead learns of nothing. */
  readonly clock: Clock
  /**
   * Is called right before an operation takes effect, and right after it, when its caller does not know of it yet. It may
   * crash the disk: before, the operation is under way and may be lost; after, it has happened, and nobody is told.
   */
  readonly onOperation?: (operation: DiskOperation, phase: 'before' | 'after') => void
}

/** What a crash leaves of a {@link SimDisk}. */
export interface SimCrash {
  readonly unsynced: UnsyncedFate
  /** Default `kept`. */
  readonly disk?: 'kept' | 'lost'
}

interface Job {
  readonly operation: DiskOperation
  readonly ports: SimMountPorts
  readonly effect: DiskEffect<unknown>
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
  timer: TimerHandle | undefined
}

/** A loss of power in the next write. */
interface Tear {
  readonly bytes: number
  readonly onTorn: () => void
}

const FULL_ROOM_BYTES = 16 * 1024

/**
 * The disk of one simulated machine. It outlives the processes on it. Every operation takes virtual time, and happens in one piece at the end of it;
 * what was not synced when the machine loses power is lost, torn, kept, or overtaken by what came later.
 *
 * It carries files ({@link SimDisk.mount}), and beside them a log storage and a state storage without files, for runs
 * that need speed more than the code of `storage-file`.
 */
export class SimDisk {
  readonly #count: (what: DiskFault, times: number) => void
  readonly #knobs: SimDiskKnobs
  readonly #timing: DiskTiming
  readonly #files: MemoryDisk
  #log: MemoryLogDisk = new MemoryLogDisk()
  #state: MemoryStateDisk
  /** Draws which operations fail, and what is left of those under way. */
  readonly #faults: Random
  /** Operations that have not taken effect, in the order of the calls. */
  readonly #inFlight = new Set<Job>()
  /** Those of them that hang. */
  #hanging: Job[] = []
  #stalls = 0
  #tear: Tear | undefined
  #life = 0
  readonly #failingReads = new Set<{ readonly probability: number }>()
  readonly #failingSyncs = new Set<{ readonly probability: number }>()
  readonly #limits = new Set<{ readonly capacityBytes: number }>()

  constructor(ports: SimDiskPorts, knobs: SimDiskKnobs = {}) {
    const { random } = ports
    this.#count = ports.count ?? (() => undefined)
    this.#knobs = knobs
    this.#timing = new DiskTiming(random.stream('disk timing'), knobs, (what) => this.#count(what, 1))
    this.#faults = random.stream('disk faults')
    const { sectorBytes } = knobs
    this.#files = new MemoryDisk(random.stream('disk medium'), sectorBytes === undefined ? {} : { sectorBytes })
    this.#state = this.#newState()
  }

  /** The disk for one life of a process. Its operations never end once that life has: the disk crashed, or the clock stands still. */
  mount(ports: SimMountPorts): Disk {
    const { life } = this
    return this.#files.mount({ gate: (operation, effect) => this.#begin(life, ports, operation, effect) })
  }

  /** A log storage without files for one life of a process, not started. Its syncs are operations of this disk, called `log`. */
  logStorage(ports: SimMountPorts): LogStorage {
    const { life } = this
    return new MemoryLogStorage({ disk: this.#log, sync: () => this.#sync(life, ports, 'log') })
  }

  /** A state storage without files for one life of a process, not started. Its syncs are operations of this disk, called `state`. */
  stateStorage(ports: SimMountPorts): StateStorage {
    const { life } = this
    return new MemoryStateStorage({ disk: this.#state, sync: () => this.#sync(life, ports, 'state') })
  }

  /** How many lives have ended here: it grows with each crash. */
  get life(): number {
    return this.#life
  }

  /** How many operations are under way. */
  get inFlight(): number {
    return this.#inFlight.size
  }

  /** The files, to look at them or to damage them. */
  get files(): MemoryDisk {
    return this.#files
  }

  /** Operations hang until the returned function is called, those under way included. */
  stall(): () => void {
    this.#stalls++
    return once(() => {
      this.#stalls--
      if (this.#stalls > 0) return
      const hanging = this.#hanging
      this.#hanging = []
      for (const job of hanging) if (this.#inFlight.has(job)) this.#schedule(job)
    })
  }

  /** Operations that begin from now on take `factor` (1 or more) times as long, until the returned function is called. */
  slow(factor: number): () => void {
    return this.#timing.slow(factor)
  }

  /** Reads fail with EIO, each with `probability` (default 1), until the returned function is called. */
  failReads(options: { readonly probability?: number } = {}): () => void {
    return addTo(this.#failingReads, { probability: options.probability ?? 1 })
  }

  /**
   * Syncs of files and folders, and writes that are to be durable, fail with EIO, each with `probability` (default 1),
   * until the returned function is called. What such a sync should have written may be on the disk or not; it is
   * still read, and no later sync writes it, as on Linux.
   */
  failSyncs(options: { readonly probability?: number } = {}): () => void {
    return addTo(this.#failingSyncs, { probability: options.probability ?? 1 })
  }

  /**
   * The disk is full after some more bytes: what grows a file fails with ENOSPC, also in the middle of a write, until the
   * returned function is called.
   *
   * @param options `roomBytes`: how much still fits. Default: drawn, up to 16 KiB.
   */
  fill(options: { readonly roomBytes?: number } = {}): () => void {
    const roomBytes = options.roomBytes ?? this.#faults.integer(0, FULL_ROOM_BYTES)
    const end = addTo(this.#limits, { capacityBytes: this.#files.usedBytes + roomBytes })
    this.#limit()
    return () => {
      end()
      this.#limit()
    }
  }

  #limit(): void {
    let least = Number.POSITIVE_INFINITY
    for (const { capacityBytes } of this.#limits) least = Math.min(least, capacityBytes)
    this.#files.limit(least === Number.POSITIVE_INFINITY ? undefined : least)
  }

  /**
   * Power is lost in the next write to a file, of which exactly the first `bytes` bytes are on the disk then; of a shorter one, all. What
   * else was not synced is drawn. Resolves when that has happened; never, when the disk crashes before.
   */
  tearNextWrite(bytes: number): Promise<void> {
    return new Promise((onTorn) => {
      this.#tear = { bytes, onTorn }
    })
  }

  /** Turns over one bit in the files, drawn from `seed`; tells which, or `undefined` when there are no bytes. */
  flipBit(seed: number): FlippedBit | undefined {
    const flipped = this.#files.flipAny(new SeededRandom(seed))
    if (flipped !== undefined) this.#count('bit-flipped', 1)
    return flipped
  }

  /**
   * Everything that runs on this disk is dead, and a new life may begin. With `drawn` or `lost` the machine has lost
   * power: what was not synced is drawn or lost. With `kept` only the process was killed: what it has written is there, and
   * what it was just writing may be. A `lost` disk is replaced by an empty one, as by {@link SimDisk.wipe}.
   */
  crash(fate: SimCrash = { unsynced: 'drawn' }): void {
    const { unsynced, disk } = fate
    if (disk === 'lost') {
      this.wipe()
      return
    }
    this.#endInFlight(unsynced)
    this.#crashStorages(unsynced)
    if (unsynced === 'kept') {
      this.#files.kill()
      if (this.#faults.float() < 0.5) this.#evict()
      return
    }
    this.#report(this.#files.crash(unsynced))
  }

  /** The disk is replaced by an empty one. Everything that runs on it is dead. */
  wipe(): void {
    this.#endInFlight('lost')
    this.#log.crash({ silent: true })
    this.#state.crash({ silent: true })
    this.#log = new MemoryLogDisk()
    this.#state = this.#newState()
    this.#files.wipe()
    this.#count('wiped', 1)
  }

  #newState(): MemoryStateDisk {
    const { acknowledge } = this.#knobs
    return new MemoryStateDisk(acknowledge === undefined ? {} : { acknowledge })
  }

  #begin<T>(life: number, ports: SimMountPorts, operation: DiskOperation, effect: DiskEffect<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const job: Job = {
        operation,
        ports,
        effect,
        resolve: resolve as (value: unknown) => void,
        reject,
        timer: undefined,
      }
      // Who is dead begins nothing.
      if (life !== this.life) return
      this.#inFlight.add(job)
      this.#schedule(job)
    })
  }

  #schedule(job: Job): void {
    const { clock } = job.ports
    const delayMs = this.#timing.draw(job.operation.durable)
    const end = (): void => this.#end(job)
    job.timer = delayMs === 0 ? clock.afterIo(end) : clock.setTimer(delayMs, end)
  }

  #end(job: Job): void {
    if (this.#stalls > 0) {
      this.#count('stalled', 1)
      this.#hanging.push(job)
      return
    }
    const { operation, ports, effect, resolve, reject } = job
    ports.onOperation?.(operation, 'before')
    // The hook may have ended this life.
    if (!this.#inFlight.delete(job)) return
    if (operation.type === 'write' && this.#tear !== undefined) {
      this.#tearIn(job, this.#tear)
      return
    }
    const { life } = this
    let settle: () => void
    try {
      const result = effect(this.#outcomeOf(operation))
      settle = () => resolve(result)
    } catch (error) {
      if (error instanceof DiskFaultError && error.code === 'ENOSPC') this.#count('full', 1)
      settle = () => reject(error)
    }
    ports.onOperation?.(operation, 'after')
    if (life === this.life) settle()
  }

  #tearIn({ effect }: Job, { bytes, onTorn }: Tear): void {
    effect({ tornAt: bytes })
    this.#count('write-torn', 1)
    this.crash()
    onTorn()
  }

  #outcomeOf(operation: DiskOperation): DiskOutcome {
    if (operation.type === 'read' && this.#fails(this.#failingReads)) {
      this.#count('read-failed', 1)
      return 'failed'
    }
    if (operation.durable && this.#fails(this.#failingSyncs)) {
      this.#count('sync-failed', 1)
      return 'failed'
    }
    return 'done'
  }

  #fails(faults: ReadonlySet<{ readonly probability: number }>): boolean {
    for (const { probability } of faults) if (probability >= 1 || this.#faults.float() < probability) return true
    return false
  }

  #sync(life: number, ports: SimMountPorts, path: string): Promise<void> {
    const operation: DiskOperation = { type: 'sync', path, changes: true, durable: true }
    return this.#begin(life, ports, operation, (outcome) => {
      if (outcome === 'failed') throw new DiskFaultError('EIO', operation)
    })
  }

  /** Operations under way may still take effect; nobody is told. */
  #endInFlight(fate: UnsyncedFate): void {
    this.#life++
    this.#tear = undefined
    const jobs = [...this.#inFlight]
    this.#inFlight.clear()
    this.#hanging = []
    for (const { timer, effect } of jobs) {
      timer?.cancel()
      const kept = fate !== 'lost' && this.#faults.float() < 0.5
      this.#count(kept ? 'in-flight-kept' : 'in-flight-lost', 1)
      if (!kept) continue
      try {
        effect(fate === 'kept' ? 'done' : 'cut')
      } catch {
        // It would have failed, for instance since the disk is full. Nobody is left to be told.
      }
    }
  }

  #crashStorages(fate: UnsyncedFate): void {
    for (const disk of [this.#log, this.#state]) {
      const { waiting } = disk
      const keep = fate === 'kept' ? waiting : fate === 'lost' ? 0 : this.#faults.integer(0, waiting + 1)
      if (keep > 0) this.#count('change-kept', keep)
      if (waiting > keep) this.#count('change-lost', waiting - keep)
      disk.crash({ keep, silent: true })
    }
  }

  #evict(): void {
    if (this.#files.evict() > 0) this.#count('evicted', 1)
  }

  #report(report: CrashReport): void {
    const counts: readonly (readonly [DiskFault, number])[] = [
      ['write-kept', report.writesKept],
      ['write-lost', report.writesLost],
      ['write-torn', report.writesTorn],
      ['file-reordered', report.filesReordered],
      ['name-kept', report.namesKept],
      ['name-lost', report.namesLost],
      ['folder-lost', report.foldersLost],
    ]
    for (const [what, times] of counts) if (times > 0) this.#count(what, times)
  }
}

function once(body: () => void): () => void {
  let done = false
  return () => {
    if (done) return
    done = true
    body()
  }
}

function addTo<T>(faults: Set<T>, fault: T): () => void {
  faults.add(fault)
  return () => void faults.delete(fault)
}
