import { logStorageConformance, stateStorageConformance } from '@dsys/storage/conformance'
import { MemoryLogDisk, MemoryLogStorage, MemoryStateDisk, MemoryStateStorage } from '@dsys/storage-memory'
import { describe, test } from 'vitest'

const nothing = async (): Promise<void> => undefined

logStorageConformance(
  { describe, test },
  {
    supports: ['crash', 'failure'],
    create: async () => {
      let failing = false
      const sync = async (): Promise<void> => {
        if (failing) throw new Error('the disk is broken')
      }
      const disk = new MemoryLogDisk({ sync })
      return {
        open: () => {
          failing = false
          return new MemoryLogStorage({ disk })
        },
        crash: () => disk.crash(),
        failWrites: () => {
          failing = true
        },
        [Symbol.asyncDispose]: nothing,
      }
    },
  },
)

stateStorageConformance(
  { describe, test },
  { create: async () => ({ open: () => new MemoryStateStorage(), [Symbol.asyncDispose]: nothing }) },
)

describe('over a disk', () => {
  stateStorageConformance(
    { describe, test },
    {
      supports: ['reopen'],
      create: async () => {
        const disk = new MemoryStateDisk()
        return { open: () => new MemoryStateStorage({ disk }), [Symbol.asyncDispose]: nothing }
      },
    },
  )
})
