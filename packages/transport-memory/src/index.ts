export type { LinkConditions, LinkFunction } from './link.ts'
export {
  type EndpointOptions,
  MemoryNetwork,
  type MemoryNetworkOptions,
  type MemoryNetworkPorts,
} from './memory-network.ts'
export type { MemoryTransport } from './memory-transport.ts'
