import { SeededRandom, systemRuntime, VirtualClock } from '@dsys/runtime'
import { diskConformance, logStorageConformance } from '@dsys/storage/conformance'
import { FileLogStorage } from '@dsys/storage-file'
import { MemoryDisk } from '@dsys/storage-memory'
import { describe, test } from 'vitest'

const nothing = async (): Promise<void> => undefined

describe('on the simulated disk', () => {
  diskConformance(
    { describe, test },
    {
      supports: ['crash'],
      create: async () => {
        const disk = new MemoryDisk(new SeededRandom(1))
        const place = { disk: disk.mount(), crash, [Symbol.asyncDispose]: nothing }
        function crash(): void {
          disk.crash()
          place.disk = disk.mount()
        }
        return place
      },
    },
  )

  logStorageConformance(
    { describe, test },
    {
      supports: ['crash', 'failure'],
      create: async () => {
        const random = new SeededRandom(7)
        const disk = new MemoryDisk(random.stream('disk'))
        const runtime = systemRuntime({ random, clock: new VirtualClock() })
        return {
          open: () =>
            new FileLogStorage({ ...runtime, disk: disk.mount() }, { directory: 'data/n1', segmentBytes: 4_096 }),
          crash: () => void disk.crash(),
          failWrites: () => disk.failWrites(),
          [Symbol.asyncDispose]: nothing,
        }
      },
    },
  )
})
