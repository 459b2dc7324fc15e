import { SeededRandom, systemRuntime, VirtualClock } from '@dsys/runtime'
import { type LogStoragePlace, logStorageConformance } from '@dsys/storage/conformance'
import { FileLogStorage } from '@dsys/storage-file'
import { MemoryDisk } from '@dsys/storage-memory'
import { describe, test } from 'vitest'

/** A log in files on a disk in memory that can be put through everything. */
function place(seed: number): LogStoragePlace {
  const random = new SeededRandom(seed)
  const disk = new MemoryDisk(random.stream('disk'))
  const runtime = systemRuntime({ random, clock: new VirtualClock() })
  return {
    open: () => {
      disk.mend()
      return new FileLogStorage({ ...runtime, disk: disk.mount() }, { directory: 'data/n1', segmentBytes: 4_096 })
    },
    crash: () => void disk.crash(),
    crashAfter: (operations) => {
      disk.crashAt(disk.operations + operations)
      return disk.powerLoss()
    },
    tearNextWrite: (bytes) => {
      disk.tearNextWrite(bytes)
      return disk.powerLoss()
    },
    storedBytes: () => disk.usedBytes,
    flipBit: (byte, bit) => {
      const flipped = disk.bitAt(byte, bit)
      if (flipped !== undefined) disk.flip(flipped)
    },
    failWrites: () => disk.failWrites(),
    failRead: (reads) => disk.failRead(reads),
    fill: (bytes) => disk.limit(disk.usedBytes + bytes),
    [Symbol.asyncDispose]: async () => undefined,
  }
}

describe('on the simulated disk', () => {
  let seed = 1
  logStorageConformance(
    { describe, test },
    {
      supports: ['crash', 'crash-points', 'torn-writes', 'damage', 'failure', 'read-errors', 'full'],
      // A seed for each place, so that each crash leaves something else.
      create: async () => place(seed++),
    },
  )
})
