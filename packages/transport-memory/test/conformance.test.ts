import { transportConformance } from '@dsys/transport/conformance'
import { describe, test } from 'vitest'
import { MemoryNetwork } from '../src/index.ts'

transportConformance(
  { describe, test },
  () => {
    const network = new MemoryNetwork()
    return { endpoint: ({ id, generation }) => network.endpoint(id, { generation }) }
  },
  { broadcast: true, fastNegative: true },
)
