import { stateStorageConformance } from '@dsys/storage/conformance'
import { describe, test } from 'vitest'
import { folderPlace } from './folder-place.ts'

// What needs a process that is killed in the middle of an operation is in kill.e2e.test.ts.
stateStorageConformance(
  { describe, test },
  { supports: ['reopen', 'durable', 'crash', 'failure'], create: () => folderPlace() },
)
