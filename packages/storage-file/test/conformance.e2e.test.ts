import { existsSync } from 'node:fs'
import { logStorageConformance } from '@dsys/storage/conformance'
import { describe, test } from 'vitest'
import { realLogPlace } from './real-place.ts'

/** The machine keeps its power here, so where the system has files in memory they serve as well, and save thousands of syncs. */
const parent = existsSync('/dev/shm') ? '/dev/shm' : undefined

describe('with real files', () => {
  logStorageConformance(
    { describe, test },
    {
      supports: ['crash', 'crash-points', 'torn-writes', 'damage', 'failure', 'read-errors', 'full'],
      create: () => realLogPlace(parent),
    },
  )
})
