import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nkeys } from '@nats-io/transport-node'
import { describe, expect, test } from 'vitest'
import { Authority, type Issued } from '../../../tooling/fixtures/certificates.ts'
import { natsForTests } from '../../../tooling/nats-server/index.mjs'
import type { NatsTransportOptions } from '../src/index.ts'
import { Operator } from './nats-jwt.ts'
import { errorOf, everythingIn, Nodes, recordingLogger } from './nodes.ts'

const nats = await natsForTests()
const nodes = new Nodes(nats)

/** Two nodes with these options reach each other, on both of their connections. */
async function reachEachOther(servers: string, one: Partial<NatsTransportOptions>, other = one): Promise<void> {
  const a = await nodes.start(servers, 'a', one)
  const b = await nodes.start(servers, 'b', other)
  for (const channel of ['test', 'membership']) a.transport.send({ id: 'b' }, channel, Uint8Array.of(1))
  await b.until(() => b.frames.length === 2)
}

/** The refusal of a node, of which neither it nor the log may quote any of `secrets`. */
async function refusal(servers: string, options: Partial<NatsTransportOptions>, secrets: readonly string[] = []) {
  const { logger, lines } = recordingLogger()
  const error = await errorOf(nodes.create(servers, 'x', { connectTimeoutMs: 300, ...options }, logger).start())
  for (const secret of secrets) expect(everythingIn(error) + lines.join()).not.toContain(secret)
  return error
}

const seedOf = (pair: ReturnType<typeof nkeys.createUser>): string => Buffer.from(pair.getSeed()).toString()

nats.describe(describe, 'keys and credentials', () => {
  test('the nkey of a user lets a node in, and another one does not', async () => {
    const user = nkeys.createUser()
    const server = await nodes.server({ config: `authorization { users = [ { nkey: ${user.getPublicKey()} } ] }` })
    await reachEachOther(server.url, { authentication: { nkeySeed: `${seedOf(user)}\n` } })
    const nkeySeed = seedOf(nkeys.createUser())
    const error = await refusal(server.url, { authentication: { nkeySeed } }, [nkeySeed])
    expect(error.code).toBe('DSYS_TRANSPORT_NATS_AUTHENTICATION')
  })

  test('credentials of the account let nodes in; those of another operator, and expired ones, do not', async () => {
    const operator = new Operator()
    const server = await nodes.server({ config: operator.config })
    const [one, other] = [operator.creds(), operator.creds().trim()]
    await reachEachOther(server.url, { authentication: { creds: one } }, { authentication: { creds: other } })
    for (const creds of [new Operator().creds(), operator.creds({ expired: true })]) {
      const error = await refusal(
        server.url,
        { authentication: { creds } },
        creds.split('\n').filter((line) => line[0] !== '-' && line !== ''),
      )
      expect(error.code).toBe('DSYS_TRANSPORT_NATS_AUTHENTICATION')
    }
  })
})

nats.describe(describe, 'TLS', () => {
  const authority = new Authority()
  const client = authority.issue({ common: 'a node' })

  async function tlsServer(certificate: Issued, more = '') {
    const folder = mkdtempSync(join(tmpdir(), 'dsys-nats-tls-'))
    nodes.after(async () => rmSync(folder, { recursive: true }))
    const file = (name: string, text: string): string => {
      writeFileSync(join(folder, name), text, { mode: 0o600 })
      return JSON.stringify(join(folder, name))
    }
    const files = `cert_file: ${file('cert.pem', certificate.cert)}, key_file: ${file('key.pem', certificate.key)}`
    return nodes.server({
      config: `tls { ${files}, ca_file: ${file('ca.pem', authority.issue({ common: 'x' }).ca)}, ${more} }`,
    })
  }

  test('a node talks to a server whose certificate has its name or address, and to none that says nothing of who it is', async () => {
    const byAddress = await tlsServer(authority.issue({ common: 'a server', addresses: ['127.0.0.1'] }))
    const byName = await tlsServer(authority.issue({ common: 'a server', dns: ['localhost'] }))
    const tls = { ca: client.ca }
    await reachEachOther(byAddress.url, { tls })
    await reachEachOther(`tls://localhost:${byName.port}`, { tls })
    const plain = await nodes.server()
    for (const [servers, options] of [
      [byAddress.url, {}],
      [byAddress.url, { tls: { ca: new Authority().issue({ common: 'x' }).ca } }],
      [byAddress.url, { tls: { caFile: '/nowhere/ca.pem' } }],
      [`localhost:${byAddress.port}`, { tls }],
      [byName.url, { tls }],
      [plain.url, { tls }],
      [plain.url.replace('nats:', 'tls:'), {}],
    ] as const) {
      expect(await refusal(servers, options)).toMatchObject({ code: 'DSYS_TRANSPORT_NATS_TLS', retryable: false })
    }
  })

  test('a server that asks who a node is gets its certificate, and refuses one of another authority, or none', async () => {
    const server = await tlsServer(authority.issue({ common: 'a server', addresses: ['127.0.0.1'] }), 'verify: true')
    await reachEachOther(server.url, { tls: client })
    const stranger = { ...new Authority().issue({ common: 'a node' }), ca: client.ca }
    for (const tls of [{ ca: client.ca }, stranger, { ...client, key: 'unreadable' }]) {
      const error = await refusal(server.url, { tls }, [stranger.key, client.key])
      expect(error.code).toBe('DSYS_TRANSPORT_NATS_TLS')
    }
  })
})
