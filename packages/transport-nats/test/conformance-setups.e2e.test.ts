import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type StartOptions, systemRuntime } from '@dsys/runtime'
import { type ConformanceDeclaration, transportConformance } from '@dsys/transport/conformance'
import { connect, type NatsConnection, nkeys } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { Authority } from '../../../tooling/fixtures/certificates.ts'
import {
  type NatsCluster,
  type NatsServer,
  natsForTests,
  type StartNatsOptions,
} from '../../../tooling/nats-server/index.mjs'
import { NatsTransport, type NatsTransportOptions } from '../src/index.ts'

// What conformance.test.ts shows at default settings, in all other set-ups.
const nats = await natsForTests()
const ALL: ConformanceDeclaration = { broadcast: true, fastNegative: true, ordered: true, outages: true }
let networks = 0

const COMMON = { reconnectWaitMs: 20, maxQueuedBytes: 24 * 2 ** 20 }

function overOneServer(options: Partial<NatsTransportOptions>, server: StartNatsOptions = {}): void {
  let running: NatsServer
  beforeAll(async () => {
    running = await nats.start(server)
  })
  afterAll(() => running.stop())
  transportConformance(
    { describe, test },
    () => {
      const common = { servers: running.url, cluster: `set-up ${networks++}`, ...COMMON, ...options }
      return {
        endpoint: ({ id, generation }) => new NatsTransport(systemRuntime(), { ...common, nodeId: id, generation }),
        interrupt: async () => {
          await running.kill()
          return () => running.restart()
        },
      }
    },
    ALL,
  )
}

nats.describe(describe, 'with one connection', () => {
  overOneServer({ controlChannels: [] })
})

nats.describe(
  describe,
  'with TLS, certificates on both sides, an nkey, and all channels on the connection of control',
  () => {
    const authority = new Authority()
    const folder = mkdtempSync(join(tmpdir(), 'dsys-nats-tls-'))
    afterAll(() => rmSync(folder, { recursive: true }))
    const file = (name: string, text: string): string => {
      writeFileSync(join(folder, name), text, { mode: 0o600 })
      return JSON.stringify(join(folder, name))
    }
    const { cert, key, ca } = authority.issue({ common: 'a server', addresses: ['127.0.0.1'] })
    const user = nkeys.createUser()
    const config = `
    tls { cert_file: ${file('cert.pem', cert)}, key_file: ${file('key.pem', key)}, ca_file: ${file('ca.pem', ca)}, verify: true }
    authorization { users = [ { nkey: ${user.getPublicKey()} } ] }
  `
    const nkeySeed = Buffer.from(user.getSeed()).toString()
    const controlChannels = ['test', 'one', 'two', 'other', 'chat', 'relay', 'early', 'scribble', 'nobody-here']
    overOneServer(
      { tls: authority.issue({ common: 'a node' }), authentication: { nkeySeed }, controlChannels },
      { config },
    )
  },
)

/** Starts once all servers of the cluster know of the node, which NATS itself tells nobody. */
class KnownNatsTransport extends NatsTransport {
  readonly #witnesses: readonly NatsConnection[]

  constructor(options: NatsTransportOptions, witnesses: readonly NatsConnection[]) {
    super(systemRuntime(), options)
    this.#witnesses = witnesses
  }

  override async start(options?: StartOptions): Promise<void> {
    await super.start(options)
    const nodeId = /^[A-Za-z0-9_-]+$/.test(this.self.id)
      ? this.self.id
      : `=${Buffer.from(this.self.id).toString('base64url')}`
    await Promise.all(this.#witnesses.map((witness) => isKnown(witness, `${nodeId}-${this.self.generation}`)))
  }
}

async function isKnown(witness: NatsConnection, instance: string): Promise<void> {
  const subject = `$SRV.PING.dsys-set-up-${networks - 1}.${instance}`
  for (;;) {
    const answered = await witness.request(subject).then(
      () => true,
      () => false,
    )
    if (answered) return
  }
}

nats.describe(describe, 'with nodes spread over a cluster of three servers', () => {
  let cluster: NatsCluster
  let witnesses: NatsConnection[] = []
  beforeAll(async () => {
    cluster = await nats.startCluster()
    witnesses = await Promise.all(cluster.urls.map((servers) => connect({ servers })))
  })
  afterAll(async () => {
    for (const witness of witnesses) await witness.close()
    await cluster.stop()
  })
  let turn = 0
  transportConformance(
    { describe, test },
    () => {
      const common = { cluster: `set-up-${networks++}`, ...COMMON }
      return {
        endpoint: ({ id, generation }) => {
          const servers = cluster.urls[turn++ % 3] ?? ''
          return new KnownNatsTransport({ ...common, servers, nodeId: id, generation }, witnesses)
        },
      }
    },
    // What a server of the cluster that is lost means is shown in cluster.test.ts.
    { ...ALL, outages: false },
  )
})
