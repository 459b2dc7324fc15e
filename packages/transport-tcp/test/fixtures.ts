import { systemRuntime } from '@dsys/runtime'
import type { PeerAddress } from '@dsys/transport'
import type { TransportFixture } from '@dsys/transport/conformance'
import { type TcpPeers, TcpTransport, type TcpTransportOptions } from '../src/index.ts'
import { InterruptibleNetwork } from './interruptible-network.ts'

/** The transports of one case over real sockets, whose network can be taken away. */
class Network implements TransportFixture {
  readonly transports: TcpTransport[] = []
  readonly #network = new InterruptibleNetwork()
  readonly #optionsOf: (id: string) => Partial<TcpTransportOptions>

  constructor(optionsOf: (id: string) => Partial<TcpTransportOptions>) {
    this.#optionsOf = optionsOf
  }

  endpoint({ id, generation }: PeerAddress): TcpTransport {
    const transport = new TcpTransport(
      { ...systemRuntime(), network: this.#network },
      // Odd characters in the name of the cluster must not matter.
      { cluster: 'case .*', nodeId: id, generation, minReconnectWaitMs: 5, ...this.#optionsOf(id) },
    )
    this.transports.push(transport)
    return transport
  }

  async interrupt(): Promise<() => Promise<void>> {
    return this.#network.interrupt()
  }
}

/** A function finds the last life of each node that has started. */
export function withFunction(): TransportFixture {
  const addressOf = (id: string): string | undefined =>
    network.transports.findLast(({ self, address }) => self.id === id && address !== undefined)?.address
  const network = new Network(() => ({ peers: addressOf }))
  return network
}

/** Each transport is told of all others in a table, whenever one comes or goes. */
export function withTables(optionsOf: (id: string) => Partial<TcpTransportOptions>): TransportFixture {
  const network = new Network(optionsOf)
  const tell = (): void => {
    const table: TcpPeers = new Map(network.transports.map(({ self, address }) => [self.id, address]).filter(isKnown))
    for (const transport of network.transports) transport.setPeers(table)
  }
  return {
    endpoint: (self) => {
      const transport = network.endpoint(self)
      transport.observe(tell)
      return transport
    },
    interrupt: () => network.interrupt(),
  }
}

const isKnown = (entry: readonly (string | undefined)[]): entry is [string, string] => entry[1] !== undefined
