import { connect, type NatsConnection } from '@nats-io/transport-node'
import { describe, expect, test } from 'vitest'
import { natsForTests } from '../../../tooling/nats-server/index.mjs'
import { Nodes, recordingLogger } from './nodes.ts'

const nats = await natsForTests()
const nodes = new Nodes(nats)

interface Answer extends Record<string, unknown> {
  readonly id: string
  readonly endpoints: readonly Record<string, unknown>[]
}

async function client(servers: string, user?: { user: string; pass: string }): Promise<NatsConnection> {
  const connection = await connect({ servers, ...user })
  nodes.after(() => connection.close())
  return connection
}

/** The answers of as many nodes, ordered by id. */
async function ask(asking: NatsConnection, subject: string, count: number): Promise<Answer[]> {
  const answers: Answer[] = []
  for await (const message of await asking.requestMany(subject, '', {
    strategy: 'count',
    maxMessages: count,
    maxWait: 5_000,
  })) {
    answers.push(message.json<Answer>())
  }
  return answers.sort((one, other) => (one.id < other.id ? -1 : 1))
}

nats.describe(describe, 'discovery of services', () => {
  test('shows every node as an instance of its cluster: whoever asks all, the cluster, or one', async () => {
    const server = await nodes.server()
    const metadata = { shop_version: '2.0.1' }
    await nodes.start(server.url, 'n1', { generation: 7, serviceDiscovery: { version: '1.2.3', metadata } })
    await nodes.start(server.url, 'n.2')
    await nodes.start(server.url, 'other', { cluster: '节' })
    const asking = await client(server.url)
    const n1 = {
      type: 'io.nats.micro.v1.ping_response',
      name: 'dsys-test',
      id: 'n1-7',
      version: '1.2.3',
      metadata: { shop_version: '2.0.1', cluster: 'test', node: 'n1', generation: '7', subjects_version: '1' },
    }
    expect(await ask(asking, '$SRV.PING.dsys-test.n1-7', 1)).toEqual([n1])
    const cluster = await ask(asking, '$SRV.PING.dsys-test', 2)
    expect(cluster).toEqual([expect.objectContaining({ id: '=bi4y-1', version: '0.0.0' }), n1])
    const all = await ask(asking, '$SRV.PING', 3)
    expect(all.map(({ name }) => name).sort()).toEqual(['dsys-6IqC', 'dsys-test', 'dsys-test'])
    for (const { name } of all) expect(name).toMatch(/^[a-zA-Z0-9_-]+$/)
  })

  test('tells what a node listens to, and counts what came in', async () => {
    const server = await nodes.server()
    const a = await nodes.start(server.url, 'a')
    const b = await nodes.start(server.url, 'b', { serviceDiscovery: { description: 'the second' } })
    const asking = await client(server.url)
    const [info] = await ask(asking, '$SRV.INFO.dsys-test.b-1', 1)
    expect(info).toMatchObject({ type: 'io.nats.micro.v1.info_response', description: 'the second' })
    const endpoint = (name: string, subject: string, lane: string) => ({
      name,
      subject,
      queue_group: '',
      metadata: { lane },
    })
    expect(info?.endpoints).toEqual([
      endpoint('data', 'dsys.test.n.b.1.>', 'data'),
      endpoint('data-any-life', 'dsys.test.n.b.any.>', 'data'),
      endpoint('data-broadcast', 'dsys.test.b.>', 'data'),
      endpoint('control', 'dsys.test.cn.b.1.>', 'control'),
      endpoint('control-any-life', 'dsys.test.cn.b.any.>', 'control'),
      endpoint('control-broadcast', 'dsys.test.cb.>', 'control'),
    ])
    asking.publish('dsys.test.n.b.any.test', 'from a stranger')
    await asking.flush()
    for (let i = 0; i < 3; i++) a.transport.send(b.transport.self, 'test', new Uint8Array(10))
    a.transport.broadcast('membership', new Uint8Array(5))
    await b.until(() => b.frames.length === 4)
    const [stats] = await ask(asking, '$SRV.STATS.dsys-test.b-1', 1)
    expect(stats?.type).toBe('io.nats.micro.v1.stats_response')
    expect(new Date(String(stats?.['started'])).toISOString()).toBe(stats?.['started'])
    const counts = stats?.endpoints.map((counted) => [counted['num_requests'], counted['num_errors'], counted['data']])
    expect(counts).toEqual([
      [3, 0, { bytes: 30 }],
      [1, 1, { bytes: 0 }],
      [0, 0, { bytes: 0 }],
      [0, 0, { bytes: 0 }],
      [0, 0, { bytes: 0 }],
      [1, 0, { bytes: 5 }],
    ])
    expect(stats?.endpoints[1]?.['last_error']).toContain('no frame of this cluster')
    const { processing_time: total, average_processing_time: average } = stats?.endpoints[0] ?? {}
    expect(total).toBeGreaterThan(0)
    expect(average).toBe(Math.floor(Number(total) / 3))
  })

  test('a question that nobody waits for the answer of makes no node deaf', async () => {
    const server = await nodes.server()
    const a = await nodes.start(server.url, 'a')
    const b = await nodes.start(server.url, 'b')
    const asking = await client(server.url)
    for (const verb of ['PING', 'INFO', 'STATS']) asking.publish(`$SRV.${verb}`)
    // The answers to this are such questions themselves.
    asking.publish('$SRV.PING', '', { reply: '$SRV.INFO' })
    expect((await ask(asking, '$SRV.PING', 2)).map(({ id }) => id)).toEqual(['a-1', 'b-1'])
    a.transport.send({ id: 'b' }, 'membership', Uint8Array.of(1))
    await b.until(() => b.frames.length === 1)
    expect([a.events, b.events]).toEqual([[{ type: 'connected' }], [{ type: 'connected' }]])
  })

  test('can be switched off', async () => {
    const server = await nodes.server()
    await nodes.start(server.url, 'a', { serviceDiscovery: false })
    await nodes.start(server.url, 'b')
    const asking = await client(server.url)
    expect((await ask(asking, '$SRV.PING', 1)).map(({ id }) => id)).toEqual(['b-1'])
    await expect(asking.request('$SRV.PING.dsys-test.a-1')).rejects.toThrow('no responders')
  })

  test('is left out where the server does not allow it, and the node runs', async () => {
    const server = await nodes.server({
      config: `authorization { users = [
        { user: ann, password: right, permissions: { publish: "dsys.>", subscribe: "dsys.>" } },
        { user: eve, password: right, permissions: { publish: "dsys.>", subscribe: [ "dsys.>", "$SRV.>" ] } },
        { user: ops, password: right }
      ] }`,
    })
    const { logger, lines } = recordingLogger()
    const a = await nodes.start(server.url, 'a', { authentication: { user: 'ann', pass: 'right' } }, logger)
    const e = await nodes.start(server.url, 'e', { authentication: { user: 'eve', pass: 'right' } }, logger)
    const asking = await client(server.url, { user: 'ops', pass: 'right' })
    for (let i = 0; i < 3; i++) asking.publish('$SRV.PING', '', { reply: `answers.${i}` })
    e.transport.send({ id: 'a' }, 'test', Uint8Array.of(1))
    await a.until(() => a.frames.length === 1)
    while (lines.filter((line) => line.includes('the discovery of services')).length < 2) {
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect([a, e].map(({ transport }) => transport.connection)).toEqual(['connected', 'connected'])
    const told = lines.filter((line) => /"(info|warn|error)"/.test(line) && !line.includes('connected to'))
    expect(told.map((line) => line.slice(0, 60))).toHaveLength(2)
  })
})
