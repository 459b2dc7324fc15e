import { type Clock, systemClock } from '@dsys/runtime'
import type { ConformanceDeclaration, TransportFixture } from '../src/conformance.ts'
import type { PeerAddress } from '../src/index.ts'
import type { FullLoopback } from './full-loopback.ts'

/** A class of transports over a wire. */
export type LoopbackClass = new (wire: Map<string, FullLoopback>, self: PeerAddress) => FullLoopback

/** A network of `kind`, with a wire of its own. */
export function fixtureOf(kind: LoopbackClass, clock: Clock = systemClock): TransportFixture {
  const wire = new Map<string, FullLoopback>()
  const all: FullLoopback[] = []
  return {
    clock,
    endpoint: (self) => {
      const transport = new kind(wire, self)
      all.push(transport)
      return transport
    },
    interrupt: async () => {
      for (const transport of all) transport.disconnect()
      return async () => {
        for (const transport of all) transport.reconnect()
      }
    },
  }
}

export const ALL: ConformanceDeclaration = { broadcast: true, fastNegative: true, ordered: true, outages: true }
