import { SeededRandom, systemClock } from '@dsys/runtime'
import { describe, test } from 'vitest'
import { transportConformance } from '../src/conformance.ts'
import { type FaultyTransport, faulty } from '../src/faulty.ts'
import { ALL, fixtureOf } from './fixture.ts'
import { FullLoopback } from './full-loopback.ts'

let outages = 0

// Without a fault; and in every second case with outages the connection is taken by the wrapper, in the others from below.
transportConformance(
  { describe, test },
  () => {
    const inner = fixtureOf(FullLoopback)
    const all: FaultyTransport[] = []
    return {
      ...inner,
      endpoint: (self) => {
        const transport = faulty(inner.endpoint(self), { clock: systemClock, random: new SeededRandom(1) })
        all.push(transport)
        return transport
      },
      interrupt: async () => {
        outages += 1
        if (outages % 2 === 0) return (await inner.interrupt?.()) ?? (async () => undefined)
        for (const transport of all) transport.disconnect()
        return async () => {
          for (const transport of all) transport.reconnect()
        }
      },
    }
  },
  ALL,
)
