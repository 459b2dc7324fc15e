import { systemRuntime } from '@dsys/runtime'
import { transportConformance } from '@dsys/transport/conformance'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { type NatsServer, natsForTests } from '../../../tooling/nats-server/index.mjs'
import { NatsTransport } from '../src/index.ts'

const nats = await natsForTests()

nats.describe(describe, 'over a real NATS server', () => {
  let server: NatsServer
  beforeAll(async () => {
    server = await nats.start()
  })
  afterAll(() => server.stop())

  let networks = 0
  transportConformance(
    { describe, test },
    () => {
      // A cluster name of its own keeps the cases apart, and odd characters in it must not matter.
      const cluster = `case ${networks++}.*`
      return {
        endpoint: ({ id, generation }) =>
          new NatsTransport(systemRuntime(), {
            servers: server.url,
            cluster,
            nodeId: id,
            generation,
            reconnectWaitMs: 20,
            maxQueuedBytes: 24 * 2 ** 20,
          }),
        interrupt: async () => {
          await server.kill()
          return () => server.restart()
        },
      }
    },
    { broadcast: true, fastNegative: true, ordered: true, outages: true },
  )
})
