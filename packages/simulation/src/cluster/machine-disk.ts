import type { SimDisk } from '../disk/sim-disk.ts'
import type { CrashFate, FaultyDisk } from '../world.ts'

/** The disk of a machine, as the machine itself is concerned. */
export interface MachineDisk {
  /** What faults can do to it; absent where they can do nothing. */
  readonly faults?: FaultyDisk
  /** The machine has lost power, or its process has ended. A disk that is lost is an empty one from now on. */
  crash(fate: CrashFate): void
}

/** A {@link SimDisk} as the disk of a machine. */
export class SimMachineDisk implements MachineDisk {
  readonly faults: FaultyDisk
  readonly #disk: SimDisk
  #damaged = false

  constructor(disk: SimDisk) {
    this.#disk = disk
    this.faults = {
      stall: () => disk.stall(),
      slow: (factor) => disk.slow(factor),
      failReads: (options) => disk.failReads(options),
      failSyncs: (options) => disk.failSyncs(options),
      fill: (options) => disk.fill(options),
      flipBit: (seed) => {
        if (disk.flipBit(seed) !== undefined) this.#damaged = true
      },
    }
  }

  /** A bit of it was flipped, and it was not replaced since. */
  get damaged(): boolean {
    return this.#damaged
  }

  crash({ unsynced, disk }: CrashFate): void {
    if (disk === 'lost') {
      this.#damaged = false
      this.#disk.wipe()
    } else this.#disk.crash({ unsynced })
  }
}
