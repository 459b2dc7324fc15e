import { type Clock, SeededRandom, VirtualClock } from '@dsys/runtime'
import type { DiskOperation } from '@dsys/storage-memory'
import { SimDisk, type SimDiskKnobs } from '../../src/disk/sim-disk.ts'
import { runFreely } from './world.ts'

/** A simulated disk that can be put through all that the conformance suites know. Its clock runs on its own. */
export class SimPlace {
  readonly sim: SimDisk
  readonly clock = new VirtualClock()
  readonly #stop: () => void
  #operationsLeft = Number.POSITIVE_INFINITY
  #onPowerLoss: () => void = () => undefined
  #readsLeft = Number.POSITIVE_INFINITY
  #endOfRead: () => void = () => undefined
  readonly #faults: (() => void)[] = []

  constructor(seed: number, knobs: SimDiskKnobs = {}) {
    this.#stop = runFreely(this.clock)
    this.sim = new SimDisk({ random: new SeededRandom(seed) }, knobs)
  }

  /** What each life brings along. */
  get ports(): { clock: Clock; onOperation: (operation: DiskOperation, phase: 'before' | 'after') => void } {
    return { clock: this.clock, onOperation: (operation, phase) => this.#see(operation, phase) }
  }

  /** Everything works again. */
  mend(): void {
    this.#readsLeft = Number.POSITIVE_INFINITY
    for (const end of this.#faults.splice(0)) end()
  }

  readonly crash = (): void => {
    this.#operationsLeft = Number.POSITIVE_INFINITY
    this.sim.crash()
  }

  readonly crashAfter = (operations: number): Promise<void> => {
    this.#operationsLeft = operations
    return new Promise((resolve) => {
      this.#onPowerLoss = resolve
    })
  }

  readonly tearNextWrite = (bytes: number): Promise<void> => this.sim.tearNextWrite(bytes)

  readonly storedBytes = (): number => this.sim.files.usedBytes

  readonly flipBit = (byte: number, bit: number): void => {
    const flipped = this.sim.files.bitAt(byte, bit)
    if (flipped !== undefined) this.sim.files.flip(flipped)
  }

  readonly failWrites = (): void => void this.#faults.push(this.sim.failSyncs())

  readonly failRead = (reads: number): void => {
    this.#readsLeft = reads
  }

  readonly fill = (roomBytes: number): void => void this.#faults.push(this.sim.fill({ roomBytes }))

  readonly [Symbol.asyncDispose] = async (): Promise<void> => this.#stop()

  #see(operation: DiskOperation, phase: 'before' | 'after'): void {
    if (phase === 'after') {
      this.#endOfRead()
      return
    }
    if (operation.type === 'read' && this.#readsLeft-- === 0) {
      const mend = this.sim.failReads()
      this.#endOfRead = () => {
        mend()
        this.#endOfRead = () => undefined
      }
    }
    if (this.#operationsLeft-- > 0) return
    this.crash()
    this.#onPowerLoss()
  }
}
