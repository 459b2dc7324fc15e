export type { LinkConditions } from '@dsys/transport/faulty'
export {
  type EndpointOptions,
  type LinkFunction,
  MemoryNetwork,
  type MemoryNetworkOptions,
  type MemoryNetworkPorts,
} from './memory-network.ts'
export type { MemoryTransport } from './memory-transport.ts'
