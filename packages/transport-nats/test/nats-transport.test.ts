import { once } from 'node:events'
import { connect as connectSocket, createServer, type Socket } from 'node:net'
import { systemRuntime } from '@dsys/runtime'
import { describe, expect, test } from 'vitest'
import { natsForTests } from '../../../tooling/nats-server/index.mjs'
import { NatsTransport } from '../src/index.ts'
import { errorOf, everythingIn, Nodes, recordingLogger } from './nodes.ts'

const nats = await natsForTests()
const nodes = new Nodes(nats)

describe('options', () => {
  const options = { servers: 'nats://127.0.0.1:4222', cluster: 'test', nodeId: 'a', generation: 1 }

  test.each([
    { servers: [] },
    { servers: 'http://127.0.0.1' },
    { servers: 'nats://' },
    { cluster: '' },
    { cluster: 'x'.repeat(65) },
    { nodeId: '' },
    { generation: 0 },
    { connectTimeoutMs: 0 },
    { pingIntervalMs: 1.5 },
    { pingIntervalMs: 2 ** 31 },
    { controlChannels: ['Upper case'] },
    { controlChannels: Array.from({ length: 65 }, (_, i) => `c${i}`) },
    { serviceDiscovery: { version: 'newest' } },
    { serviceDiscovery: { metadata: { k: 'x'.repeat(16_384) } } },
    { serviceDiscovery: { description: '点'.repeat(6_000) } },
    { serviceDiscovery: { metadata: Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`k${i}`, ''])) } },
  ])('%j is refused', (wrong) => {
    expect(() => new NatsTransport(systemRuntime(), { ...options, ...wrong })).toThrow(RangeError)
  })

  test('an unreadable URL or key is refused without repeating it', () => {
    for (const wrong of [
      { servers: 'nats://user:hunter2@exa mple:99999' },
      { servers: 'nats://user:hunter2%@127.0.0.1' },
      { authentication: { nkeySeed: 'hunter2' } },
      { authentication: { creds: 'hunter2' } },
    ]) {
      try {
        new NatsTransport(systemRuntime(), { ...options, ...wrong })
        expect.unreachable()
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError)
        expect(everythingIn(error)).not.toContain('hunter2')
      }
    }
  })
})

test('without a server, start fails in time, says how to get one, and tells no secret', async () => {
  const { logger, lines } = recordingLogger()
  const transport = nodes.create('nats://user:hunter2@127.0.0.1:1', 'a', { connectTimeoutMs: 200 }, logger)
  const error = await errorOf(transport.start())
  expect(error).toMatchObject({
    code: 'DSYS_TRANSPORT_NATS_UNREACHABLE',
    message: expect.stringMatching(/127\.0\.0\.1:1 within 200 ms/),
    hint: expect.stringContaining('nats-server'),
    retryable: true,
  })
  expect(everythingIn(error) + lines.join()).not.toContain('hunter2')
  expect(transport.connection).toBe('closed')
})

test('start can be cancelled while it waits for a server', async () => {
  const transport = nodes.create('nats://127.0.0.1:1', 'a', { connectTimeoutMs: 60_000 })
  const controller = new AbortController()
  const starting = errorOf(transport.start({ signal: controller.signal }))
  const reason = new Error('enough')
  controller.abort(reason)
  expect(await starting).toBe(reason)
})

test('a server that accepts and says nothing does not hold up start', async () => {
  const sockets: Socket[] = []
  const mute = createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1')
  await new Promise((resolve) => mute.once('listening', resolve))
  nodes.after(async () => {
    for (const socket of sockets) socket.destroy()
    mute.close()
  })
  const { port } = mute.address() as { port: number }
  const error = await errorOf(nodes.create(`127.0.0.1:${port}`, 'a', { connectTimeoutMs: 200 }).start())
  expect(error.code).toBe('DSYS_TRANSPORT_NATS_UNREACHABLE')
})

nats.describe(describe, 'with a NATS server', () => {
  test('M-35: kill -9 of the server and its restart heal without help, and nothing stale leaves', async () => {
    const server = await nodes.server()
    const a = await nodes.start(server.url, 'a')
    const b = await nodes.start(server.url, 'b')
    await server.kill()
    await a.until(() => a.transport.connection === 'disconnected')
    await b.until(() => b.transport.connection === 'disconnected')
    expect(a.transport.send({ id: 'b' }, 'test', Uint8Array.of(1))).toBe(false)
    expect(a.transport.broadcast('test', Uint8Array.of(2))).toBe(false)
    expect(a.transport.send({ id: 'a' }, 'test', Uint8Array.of(3))).toBe(false)
    await server.restart()
    await a.until(() => a.transport.connection === 'connected')
    await b.until(() => b.transport.connection === 'connected')
    expect(a.transport.send({ id: 'b' }, 'test', Uint8Array.of(4))).toBe(true)
    await b.until(() => b.frames.length > 0)
    expect([a.frames, b.frames]).toEqual([[], [4]])
    expect(a.events.map(({ type }) => type)).toEqual(['connected', 'disconnected', 'connected'])
  })

  test('M-36: a server that hangs is noticed by its missing signs of life, also with a full send buffer', async () => {
    const server = await nodes.server()
    const a = await nodes.start(server.url, 'a', { pingIntervalMs: 50, maxQueuedBytes: 16 * 2 ** 20 })
    server.signal('SIGSTOP')
    const frame = new Uint8Array(2 ** 19)
    while (a.transport.send({ id: 'b' }, 'test', frame)) {
      // Fill what the kernel buffers and the queue behind it.
    }
    await a.until(() => a.transport.connection === 'disconnected')
    expect(a.events.at(-1)).toEqual({ type: 'disconnected', why: 'the server did not answer pings' })
    server.signal('SIGCONT')
    await a.until(() => a.transport.connection === 'connected')
    expect(a.transport.send({ id: 'b' }, 'test', frame)).toBe(true)
  })

  test('a full queue refuses frames, and takes them again once the server has read', async () => {
    const server = await nodes.server()
    const a = await nodes.start(server.url, 'a', { maxQueuedBytes: 2 ** 20 })
    const b = await nodes.start(server.url, 'b')
    const frame = new Uint8Array(2 ** 18)
    let taken = 0
    while (a.transport.send({ id: 'b' }, 'test', frame)) taken++
    expect(taken).toBeGreaterThanOrEqual(2)
    expect(taken).toBeLessThanOrEqual(9)
    await b.until(() => b.frames.length === taken)
    while (!a.transport.send({ id: 'b' }, 'test', frame)) await new Promise((resolve) => setImmediate(resolve))
    await b.until(() => b.frames.length === taken + 1)
  })

  test('says that it is closed as soon as it takes nothing more', async () => {
    const server = await nodes.server()
    const { transport } = await nodes.start(server.url, 'a')
    const stopping = transport.stop()
    expect(() => transport.send({ id: 'b' }, 'test', Uint8Array.of(1))).toThrow('not running')
    expect(transport.connection).toBe('closed')
    await stopping
  })

  test('frames of another cluster do not arrive', async () => {
    const server = await nodes.server()
    const a = await nodes.start(server.url, 'a')
    const b = await nodes.start(server.url, 'b')
    const stranger = await nodes.start(server.url, 'x', { cluster: 'test2' })
    stranger.transport.send({ id: 'b' }, 'test', Uint8Array.of(1))
    stranger.transport.broadcast('test', Uint8Array.of(2))
    await stranger.until(() => stranger.events.some(({ type }) => type === 'peer-absent'))
    a.transport.send({ id: 'b' }, 'test', Uint8Array.of(3))
    await b.until(() => b.frames.length > 0)
    expect(b.frames).toEqual([3])
  })

  test('messages of others on the subjects of a node are dropped', async () => {
    const server = await nodes.server()
    const a = await nodes.start(server.url, 'a')
    const b = await nodes.start(server.url, 'b')
    const socket = connectSocket({ host: '127.0.0.1', port: server.port })
    const replies = [
      '',
      'somewhere.else',
      'dsys.test.r.x',
      'dsys.test.r.x.0.z-1.b.any.test',
      'dsys.test.r.x.NaN.z-1.b.any.test',
      'dsys.test.r.x.1.z-0.b.any.test',
      'dsys.test.r.x.1.z.b.any.test',
      // Who answers such a sender would be told of an illegal id by an error that nobody expects.
      'dsys.test.r.=.1.z-1.b.any.test',
      'dsys.test.r.=gIA.1.z-1.b.any.test',
      `dsys.test.r.${'x'.repeat(129)}.1.z-1.b.any.test`,
      'dsys.test.r.=eA.1.z-1.b.any.test',
      'dsys.test.r.x.1e3.z-1.b.any.test',
    ]
    const lines = replies.map((reply) => `PUB dsys.test.n.b.any.test ${reply} 1\r\n1\r\n`)
    socket.write(`CONNECT {"verbose":false}\r\n${lines.join('')}PING\r\n`)
    await new Promise<void>((resolve) => socket.on('data', (data) => data.includes('PONG') && resolve()))
    socket.destroy()
    a.transport.send({ id: 'b' }, 'test', Uint8Array.of(2))
    await b.until(() => b.frames.length > 0)
    expect(b.frames).toEqual([2])
  })

  test('an observer that throws, although it must not, makes its node not deaf', async () => {
    const server = await nodes.server()
    const a = await nodes.start(server.url, 'a')
    const b = await nodes.start(server.url, 'b')
    const failure = new Error('thrown by the observer of a test')
    a.transport.observe(({ type }) => {
      if (type === 'peer-absent') throw failure
    })
    // The runner of the tests would take it for a failure of its own.
    const others = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    try {
      const thrown = once(process, 'uncaughtException')
      a.transport.send({ id: 'nobody' }, 'test', Uint8Array.of(1))
      expect((await thrown)[0]).toBe(failure)
    } finally {
      for (const other of others) process.on('uncaughtException', other)
    }
    b.transport.send({ id: 'a' }, 'test', Uint8Array.of(2))
    await a.until(() => a.frames.length === 1)
    expect(a.transport.connection).toBe('connected')
  })

  test('nobody can make a node hear of an absent peer that cannot be', async () => {
    const server = await nodes.server()
    const b = await nodes.start(server.url, 'b')
    const socket = connectSocket({ host: '127.0.0.1', port: server.port })
    const status = 'NATS/1.0 503\r\n\r\n'
    const peers = ['=.any', 'x.-5', 'x.NaN', '-.all', 'x.any']
    const lines = peers.map((peer) => {
      return `HPUB dsys.test.r.b.1.z-1.${peer}.test ${status.length} ${status.length}\r\n${status}\r\n`
    })
    socket.write(`CONNECT {"verbose":false,"headers":true}\r\n${lines.join('')}`)
    await b.until(() => b.events.length > 1)
    socket.destroy()
    expect(b.events).toEqual([{ type: 'connected' }, { type: 'peer-absent', peer: { id: 'x' }, channel: 'test' }])
  })

  test('a server with a lower limit than needed fails start; one with a higher limit shows in capabilities', async () => {
    const server = await nodes.server({ config: 'max_payload: 100000' })
    const error = await errorOf(nodes.create(server.url, 'a', { minFrameBytes: 100_001 }).start())
    expect(error).toMatchObject({
      code: 'DSYS_TRANSPORT_NATS_FRAME_LIMIT',
      serverLimitBytes: 100_000,
      neededBytes: 100_001,
    })
    const b = await nodes.start(server.url, 'b', { minFrameBytes: 100_000 })
    expect(b.transport.capabilities.maxFrameBytes).toBe(100_000)
  })

  test('the longest names fit into the protocol lines of NATS', async () => {
    const server = await nodes.server()
    const longest = (character: string): string => character.repeat(128)
    const options = { cluster: '节'.repeat(64), generation: Number.MAX_SAFE_INTEGER }
    const a = await nodes.start(server.url, longest('点'), options)
    const b = await nodes.start(server.url, longest('节'), options)
    const channel = 'x'.repeat(64)
    const got = new Promise((resolve) => b.transport.listen(channel, (_frame, from) => resolve(from)))
    a.transport.send(b.transport.self, channel, Uint8Array.of(1))
    expect(await got).toEqual(a.transport.self)
    expect(a.transport.connection).toBe('connected')
  })

  test('a frame that is kept does not hold much more memory than its own', async () => {
    const server = await nodes.server()
    const a = await nodes.start(server.url, 'a')
    const b = await nodes.start(server.url, 'b')
    const kept: Uint8Array[] = []
    b.transport.listen('kept', (frame) => kept.push(frame))
    for (let i = 0; i < 100; i++) a.transport.send({ id: 'b' }, 'kept', new Uint8Array(100))
    a.transport.send({ id: 'b' }, 'test', Uint8Array.of(1))
    await b.until(() => b.frames.length > 0)
    for (const frame of kept) expect(frame.buffer.byteLength).toBeLessThanOrEqual(200)
  })
})

nats.describe(describe, 'authentication', () => {
  const config = 'authorization { users = [ { user: ann, password: "right" } ] }'

  test('the right credentials work, as an option or in the URL', async () => {
    const server = await nodes.server({ config })
    await nodes.start(server.url, 'a', { authentication: { user: 'ann', pass: 'right' } })
    const b = await nodes.start(server.url.replace('nats://', 'nats://ann:right@'), 'b')
    expect(b.transport.connection).toBe('connected')
  })

  test('a token works too', async () => {
    const server = await nodes.server({ config: 'authorization { token: "s3cret" }' })
    await nodes.start(server.url, 'a', { authentication: { token: 's3cret' } })
    await nodes.start(server.url.replace('nats://', 'nats://s3cret@'), 'b')
  })

  test.each([{ authentication: { user: 'ann', pass: 'hunter2' } }, { authentication: { token: 'hunter2' } }, {}])(
    'wrong credentials fail at once, and no secret is told (%#)',
    async (options) => {
      const server = await nodes.server({ config })
      const { logger, lines } = recordingLogger()
      const url = server.url.replace('nats://', 'nats://ann:hunter2@')
      const error = await errorOf(nodes.create(url, 'a', options, logger).start())
      expect(error).toMatchObject({ code: 'DSYS_TRANSPORT_NATS_AUTHENTICATION', retryable: false })
      expect(everythingIn(error) + lines.join()).not.toContain('hunter2')
      expect(lines, 'a refusal is not tried again').toEqual([])
    },
  )

  test('a node whose right to subscribe is taken away is disconnected, not deaf; it is back with the right', async () => {
    const permitted = (subscribe: string): string =>
      `authorization { users = [ { user: ann, password: right, permissions: { publish: ">", subscribe: "${subscribe}" } } ] }`
    const server = await nodes.server({ config: permitted('dsys.>') })
    const a = await nodes.start(server.url, 'a', {
      authentication: { user: 'ann', pass: 'right' },
      reconnectWaitMs: 20,
    })
    server.reload(permitted('other.>'))
    await a.until(() => a.transport.connection === 'disconnected')
    server.reload(permitted('dsys.>'))
    await a.until(() => a.transport.connection === 'connected')
    expect(a.events.map(({ type }) => type)).toEqual(['connected', 'disconnected', 'connected'])
  })

  test('a user that may not subscribe is told so', async () => {
    const server = await nodes.server({
      config: 'authorization { users = [ { user: ann, password: right, permissions: { subscribe: "other.>" } } ] }',
    })
    const error = await errorOf(
      nodes.create(server.url, 'a', { authentication: { user: 'ann', pass: 'right' } }).start(),
    )
    expect(error).toMatchObject({
      code: 'DSYS_TRANSPORT_NATS_PERMISSION',
      hint: expect.stringContaining('dsys.<cluster>.>'),
    })
  })
})
