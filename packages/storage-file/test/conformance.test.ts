import { diskConformance, logStorageConformance } from '@dsys/storage/conformance'
import { describe, test } from 'vitest'
import { realDiskPlace, realLogPlace } from './real-place.ts'

describe('on the real disk', () => {
  diskConformance({ describe, test }, { supports: ['crash', 'crash-points'], create: () => realDiskPlace() })

  // What needs thousands of lives is run by conformance.e2e.test.ts here, and by simulated-conformance.test.ts on a simulated disk.
  logStorageConformance(
    { describe, test },
    { supports: ['crash', 'failure', 'read-errors', 'full'], create: () => realLogPlace() },
  )
})
