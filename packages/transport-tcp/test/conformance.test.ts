import { systemRuntime } from '@dsys/runtime'
import type { PeerAddress, Transport } from '@dsys/transport'
import { transportConformance } from '@dsys/transport/conformance'
import { describe, test } from 'vitest'
import { TcpTransport, type TcpTransportOptions } from '../src/index.ts'
import { InterruptibleNetwork } from './interruptible-network.ts'

/** Takes the listening transports of a case together: the last life of a node that has started is the one that is found. */
function fixture(options: Partial<TcpTransportOptions> = {}) {
  const network = new InterruptibleNetwork()
  const transports: TcpTransport[] = []
  const addressOf = (id: string): string | undefined =>
    transports.findLast((transport) => transport.self.id === id && transport.address !== undefined)?.address
  return {
    endpoint: ({ id, generation }: PeerAddress): Transport => {
      const transport = new TcpTransport(
        { ...systemRuntime(), network },
        // Odd characters in the name of the cluster must not matter.
        { cluster: 'case .*', nodeId: id, generation, peers: addressOf, minReconnectWaitMs: 5, ...options },
      )
      transports.push(transport)
      return transport
    },
    interrupt: async () => network.interrupt(),
  }
}

describe('with peers by a function', () => {
  transportConformance({ describe, test }, fixture, {
    broadcast: false,
    fastNegative: true,
    ordered: true,
    outages: true,
  })
})
