import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemRuntime } from '@dsys/runtime'
import { diskConformance, logStorageConformance } from '@dsys/storage/conformance'
import { FileLogStorage, nodeDisk } from '@dsys/storage-file'
import { describe, test } from 'vitest'

const temporary = (): Promise<string> => mkdtemp(join(tmpdir(), 'dsys-storage-file-'))
const removeAll = (directory: string): Promise<void> => rm(directory, { recursive: true, force: true })

describe('on the real disk', () => {
  diskConformance(
    { describe, test },
    {
      create: async () => {
        const directory = await temporary()
        return { disk: nodeDisk(directory), [Symbol.asyncDispose]: () => removeAll(directory) }
      },
    },
  )

  logStorageConformance(
    { describe, test },
    {
      create: async () => {
        const directory = await temporary()
        return {
          open: () => new FileLogStorage(systemRuntime(), { directory, segmentBytes: 64 * 1024 }),
          [Symbol.asyncDispose]: () => removeAll(directory),
        }
      },
    },
  )
})
