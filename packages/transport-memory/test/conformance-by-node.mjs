// The conformance suite under the test runner of Node.js, as an adapter of someone else would use it: from the build.
import { describe, test } from 'node:test'
import { transportConformance } from '@dsys/transport/conformance'
import { MemoryNetwork } from '@dsys/transport-memory'

transportConformance(
  { describe, test },
  () => {
    const network = new MemoryNetwork()
    return { endpoint: ({ id, generation }) => network.endpoint(id, { generation }) }
  },
  { broadcast: true, fastNegative: true, ordered: true, outages: false },
)
