import type { Random } from '@dsys/runtime'
import type { MemoryCrashOptions } from '@dsys/storage-memory'

interface Disk {
  readonly waiting: number
  crash(options?: MemoryCrashOptions): void
}

/** Fails the syncs of a disk in memory, or loses power in one of them. What a crash keeps of what waits is drawn. */
export class SyncFaults {
  readonly #random: Random
  #disk: Disk | undefined
  #failing = false
  #syncsLeft = Number.POSITIVE_INFINITY
  #lost = false
  #onPowerLoss: () => void = () => undefined

  constructor(random: Random) {
    this.#random = random
  }

  /** Takes the disk whose option `sync` is that of this object. */
  over<T extends Disk>(disk: T): T {
    this.#disk = disk
    return disk
  }

  /** What each sync waits for. */
  readonly sync = async (): Promise<void> => {
    if (this.#failing) throw new Error('the disk is broken')
    if (this.#syncsLeft-- > 0) return
    this.#losePower()
    this.#onPowerLoss()
  }

  readonly crashAfter = (syncs: number): Promise<void> => {
    this.#syncsLeft = syncs
    return new Promise((resolve) => {
      this.#onPowerLoss = resolve
    })
  }

  readonly crash = (): void => {
    if (!this.#lost) this.#losePower()
    this.#lost = false
    this.#syncsLeft = Number.POSITIVE_INFINITY
  }

  readonly failWrites = (): void => {
    this.#failing = true
  }

  mend(): void {
    this.#failing = false
  }

  #losePower(): void {
    this.#lost = true
    this.#disk?.crash({ keep: this.#random.integer(0, this.#disk.waiting + 1), silent: true })
  }
}
