import { SeededRandom, VirtualClock } from '@dsys/runtime'
import type { DiskOperation } from '@dsys/storage-memory'
import { type DiskFault, SimDisk, type SimDiskKnobs } from '../../src/disk/sim-disk.ts'

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** A simulated disk with a clock that a test drives. */
export class DiskWorld {
  readonly clock = new VirtualClock()
  readonly counts = new Map<DiskFault, number>()
  readonly operations: string[] = []
  readonly disk: SimDisk
  onOperation: (operation: DiskOperation, phase: 'before' | 'after') => void = () => undefined

  constructor(seed = 1, knobs: SimDiskKnobs = {}) {
    const count = (what: DiskFault, times: number): void =>
      void this.counts.set(what, (this.counts.get(what) ?? 0) + times)
    this.disk = new SimDisk({ random: new SeededRandom(seed), count }, knobs)
  }

  /** What one life of a process brings along. */
  get ports() {
    return {
      clock: this.clock,
      onOperation: (operation: DiskOperation, phase: 'before' | 'after') => {
        this.operations.push(`${phase} ${operation.type} ${operation.path}`)
        this.onOperation(operation, phase)
      },
    }
  }

  /** Lets time pass until `work` has ended. */
  async run<T>(work: Promise<T>): Promise<T> {
    let ended = false
    const end = (): void => {
      ended = true
    }
    work.then(end, end)
    for (let turns = 0; !ended; turns++) {
      if (turns > 100_000) throw new Error('it does not end')
      await turn()
      const nextMs = this.clock.nextDueMs()
      if (!ended && nextMs !== undefined) this.clock.advance(Math.max(0, nextMs - this.clock.monotonicMs()))
    }
    return work
  }

  /** What `work` has come to after `ms` of virtual time. */
  async after<T>(ms: number, work: Promise<T>): Promise<'pending' | 'resolved' | 'rejected'> {
    let state: 'pending' | 'resolved' | 'rejected' = 'pending'
    work.then(
      () => {
        state = 'resolved'
      },
      () => {
        state = 'rejected'
      },
    )
    await this.clock.advanceAsync(ms)
    await turn()
    return state
  }
}

/** Lets a clock run on its own, for suites that know of no clock, until the returned function is called. */
export function runFreely(clock: VirtualClock): () => void {
  let running = true
  const step = (): void => {
    if (!running) return
    const nextMs = clock.nextDueMs()
    if (nextMs !== undefined) clock.advance(Math.max(0, nextMs - clock.monotonicMs()))
    setImmediate(step)
  }
  setImmediate(step)
  return () => {
    running = false
  }
}
