import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { systemRuntime } from '@dsys/runtime'
import { afterEach, describe, expect, test } from 'vitest'
import { Authority } from '../../../tooling/fixtures/certificates.ts'
import { connectOrLeaveNothing } from '../src/client-sockets.ts'
import { NatsTransport, type NatsTransportOptions } from '../src/index.ts'
import { openUplink } from '../src/nats-uplink.ts'

const authority = new Authority()
const certificate = authority.issue({ common: 'a server', addresses: ['127.0.0.1'], dns: ['localhost'] })
const INFO = { server_id: 'fake', version: '2.10.0', proto: 1, headers: true, max_payload: 1_048_576 }
const servers: { readonly server: Server; readonly open: Set<Socket> }[] = []

afterEach(async () => {
  for (const { server, open } of servers.splice(0)) {
    for (const socket of open) socket.destroy()
    await once(server.close(), 'close')
  }
})

/** A listener that does with each socket what `onSocket` does, and nothing else. */
async function listener(onSocket: (socket: Socket) => void = () => undefined, server: Server = createServer()) {
  const open = new Set<Socket>()
  let dials = 0
  server.on('connection', (socket: Socket) => {
    dials++
    open.add(socket)
    socket.on('close', () => open.delete(socket))
    socket.on('error', () => undefined)
    // A socket with nobody who reads it would not notice that the other side is gone.
    if (server.listenerCount('secureConnection') === 0) socket.resume()
  })
  server.on(server.listenerCount('secureConnection') === 0 ? 'connection' : 'secureConnection', onSocket)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  servers.push({ server, open })
  const { port } = server.address() as AddressInfo
  return {
    port,
    url: `127.0.0.1:${port}`,
    open,
    get dials() {
      return dials
    },
    /** As soon as this process has heard that all of them are closed. */
    allClosed: async (but = 0): Promise<void> => {
      while (open.size > but) await new Promise(setImmediate)
    },
  }
}

/** Speaks as much of NATS as a node needs to start, over TLS. */
function speak(socket: Socket): void {
  socket.write(`INFO ${JSON.stringify({ ...INFO, tls_required: true })}\r\n`)
  socket.on('data', (chunk) => {
    for (const line of chunk.toString('latin1').split('\r\n')) if (line === 'PING') socket.write('PONG\r\n')
  })
}

const node = (url: string, options: Partial<NatsTransportOptions> = {}): NatsTransport =>
  new NatsTransport(systemRuntime(), {
    ...{ servers: url, cluster: 'shop', nodeId: 'a', generation: 1, reconnectWaitMs: 1, connectTimeoutMs: 60 },
    ...options,
  })

/** At each of these places the client itself would keep its socket for as long as the other side says nothing. */
const SILENCES: readonly (readonly [string, (socket: Socket) => void, Partial<NatsTransportOptions>])[] = [
  ['from the beginning', () => undefined, {}],
  ['from the beginning, where TLS comes first', () => undefined, { tls: { handshakeFirst: true } }],
  [
    'once it has offered TLS',
    (socket) => socket.write(`INFO ${JSON.stringify({ ...INFO, tls_required: true })}\r\n`),
    {},
  ],
  ['once it has said who it is', (socket) => socket.write(`INFO ${JSON.stringify(INFO)}\r\n`), {}],
]

describe.each(SILENCES)('M-36: a server that is silent %s', (_when, says, options) => {
  test('costs no socket, however often it is tried', async () => {
    const server = await listener(says)
    for (let i = 0; i < 3; i++) {
      await expect(node(server.url, options).start()).rejects.toMatchObject({ code: 'DSYS_TRANSPORT_NATS_UNREACHABLE' })
    }
    expect(server.dials).toBeGreaterThanOrEqual(3)
    await server.allClosed()
  })

  test('costs no socket when the node stops meanwhile', async () => {
    const server = await listener(says)
    const a = node(server.url, { ...options, connectTimeoutMs: 60_000 })
    const started = expect(a.start()).rejects.toThrow()
    while (server.open.size === 0) await new Promise(setImmediate)
    await a.stop()
    await started
    await server.allClosed()
  })

  test('costs no socket when the attempt is given up, and no time', async () => {
    const server = await listener(says)
    const controller = new AbortController()
    const { tls = {} } = options
    const connection = { servers: server.url, tls, reconnect: false, timeout: 600_000 }
    const given = expect(connectOrLeaveNothing(connection, controller.signal)).rejects.toThrow()
    while (server.open.size === 0) await new Promise(setImmediate)
    controller.abort(new Error('changed my mind'))
    await given
    await server.allClosed()
  })
})

test('M-35: a server that hangs before it has confirmed the subscriptions leaves time for the others', async () => {
  const answering = (mostPongs: number) => (socket: Socket) => {
    let left = mostPongs
    socket.write(`INFO ${JSON.stringify(INFO)}\r\n`)
    socket.on('data', (chunk) => {
      for (const line of chunk.toString('latin1').split('\r\n')) {
        if (line === 'PING' && left-- > 0) socket.write('PONG\r\n')
      }
    })
  }
  const [hangs, serves] = [await listener(answering(1)), await listener(answering(99))]
  const uplink = await openUplink(
    systemRuntime(),
    {
      servers: [hangs.url, serves.url],
      connectionTo: (server) => ({ servers: server, reconnect: false, timeout: 50 }),
      inbound: [],
      returned: 'x.>',
      hasControl: false,
      discovery: undefined,
      neededFrameBytes: 1,
      maxQueuedBytes: 1_024,
      attemptMs: 50,
      timeoutMs: 600_000,
    },
    { onMessage: () => undefined, onNobody: () => undefined, onEnd: () => undefined },
    new AbortController().signal,
  )
  expect([hangs.dials, uplink.server]).toEqual([1, serves.url])
  await hangs.allClosed()
  uplink.close()
  await serves.allClosed()
})

test('sockets that somebody else dials meanwhile are left alone', async () => {
  const server = await listener()
  const started = expect(node(server.url).start()).rejects.toThrow()
  const other = connect(server.port, '127.0.0.1')
  await once(other, 'connect')
  await started
  await server.allClosed(1)
  expect(other.destroyed).toBe(false)
  other.destroy()
})

test('a start that is given up while the name of the server is looked up dials nobody for good', async () => {
  const server = await listener()
  const options = { servers: `localhost:${server.port}`, reconnect: false, timeout: 60_000 }
  const controller = new AbortController()
  const connected = connectOrLeaveNothing(options, controller.signal)
  controller.abort(new Error('changed my mind'))
  await expect(connected).rejects.toThrow()
  await server.allClosed()
  const { dials } = server
  await expect(connectOrLeaveNothing(options, controller.signal)).rejects.toThrow('changed my mind')
  expect(server.dials).toBe(dials)
})

describe('TLS first', () => {
  const secure = () =>
    listener(
      speak,
      createTlsServer(certificate).on('secureConnection', () => undefined),
    )

  test('a node starts over it, by address and by name', async () => {
    const server = await secure()
    for (const url of [server.url, `localhost:${server.port}`]) {
      const a = node(url, { tls: { handshakeFirst: true, ca: certificate.ca }, connectTimeoutMs: 10_000 })
      await a.start()
      expect(server.open.size).toBe(2)
      await a.stop()
      await server.allClosed()
    }
  })

  test('what goes wrong is said as it is, and leaves no socket', async () => {
    const server = await secure()
    const stranger = new Authority().issue({ common: 'x' }).ca
    const distrusts = node(server.url, { tls: { handshakeFirst: true, ca: stranger }, connectTimeoutMs: 10_000 })
    await expect(distrusts.start()).rejects.toMatchObject({ code: 'DSYS_TRANSPORT_NATS_TLS' })
    await server.allClosed()
    const closed = await listener()
    const { server: last } = servers.pop() ?? {}
    if (last !== undefined) await once(last.close(), 'close')
    for (const url of [closed.url, `localhost:${closed.port}`])
      await expect(node(url, { tls: { handshakeFirst: true } }).start()).rejects.toThrow('ECONNREFUSED')
  })
})
