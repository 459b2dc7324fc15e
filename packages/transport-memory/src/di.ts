import type { Module } from '@dsys/di'
import { TRANSPORT } from '@dsys/transport/di'
import type { MemoryNetwork } from './memory-network.ts'

/** Options of {@link memoryTransport}. */
export interface MemoryTransportOptions {
  /** The network that the nodes of one cluster share. */
  readonly network: MemoryNetwork
  readonly nodeId: string
  /** Default: one more than the last of this node in this network. */
  readonly generation?: number
}

/** Registers an endpoint of `network` as the transport of the node. */
export function memoryTransport(options: MemoryTransportOptions): Module {
  const { network, nodeId, generation } = options
  return (scope) => {
    scope.register(TRANSPORT, () => network.endpoint(nodeId, generation === undefined ? {} : { generation }))
  }
}
