import { transportConformance } from '@dsys/transport/conformance'
import { describe, test } from 'vitest'
import { MemoryNetwork } from '../src/index.ts'

transportConformance(
  { describe, test },
  () => {
    const network = new MemoryNetwork()
    const ids = new Set<string>()
    return {
      endpoint: ({ id, generation }) => {
        ids.add(id)
        return network.endpoint(id, { generation })
      },
      interrupt: async () => {
        for (const id of ids) network.disconnect(id)
        return async () => {
          for (const id of ids) network.reconnect(id)
        }
      },
    }
  },
  { broadcast: true, fastNegative: true, ordered: true, outages: true },
)
