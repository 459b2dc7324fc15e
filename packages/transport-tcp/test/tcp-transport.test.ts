import { systemRuntime } from '@dsys/runtime'
import { describe, expect, test } from 'vitest'
import { formatAddress, isLoopback, parseAddress } from '../src/address.ts'
import { TcpListenError, TcpTransport, type TcpTransportOptions, TcpUnprotectedError } from '../src/index.ts'
import { InterruptibleNetwork } from './interruptible-network.ts'
import { reached, startNode, TestNode, until } from './rig.ts'

const make = (options: Partial<TcpTransportOptions>): TcpTransport =>
  new TcpTransport(systemRuntime(), { cluster: 'test', nodeId: 'a', generation: 1, ...options })

describe('start', () => {
  test('listens on loopback at a free port, and tells the address', async () => {
    await using a = await startNode({ nodeId: 'a' })
    expect(a.address).toMatch(/^127\.0\.0\.1:[1-9]\d+$/)
    await a.transport.stop()
    expect(a.transport.address).toBeUndefined()
  })

  test('says which address is taken', async () => {
    await using a = await startNode({ nodeId: 'a' })
    const { port } = parseAddress(a.address)
    await using b = make({ listen: { port } })
    await expect(b.start()).rejects.toThrow(TcpListenError)
    await expect(make({ listen: { port } }).start()).rejects.toMatchObject({ code: 'DSYS_TRANSPORT_TCP_LISTEN', port })
  })

  test('refuses to listen where others can reach it and nobody is asked who they are', async () => {
    const listen = { host: '0.0.0.0', port: 0 }
    await expect(make({ listen }).start()).rejects.toThrow(TcpUnprotectedError)
    await expect(make({ listen }).start()).rejects.toMatchObject({ code: 'DSYS_TRANSPORT_TCP_UNPROTECTED' })
    const network = new InterruptibleNetwork()
    const onLoopback = {
      network: {
        ...network,
        secure: false,
        dial: network.dial,
        accept: network.accept,
        listen: (_: unknown, ...rest: unknown[]) =>
          network.listen({ host: '127.0.0.1', port: 0 }, ...(rest as [never, never])),
      },
    }
    for (const given of [{ secret: 'sixteen bytes or more' }, { allowUnauthenticated: true }]) {
      await using open = new TestNode({ nodeId: 'a', listen, ...given }, onLoopback as never)
      await open.transport.start()
      expect(open.transport.connection).toBe('connected')
    }
  })
})

test('a listener that is lost is a lost connection, until it listens again at the same address', async () => {
  const network = new InterruptibleNetwork()
  await using a = await startNode({ nodeId: 'a' }, { network })
  const { address } = a
  const restore = network.interrupt()
  expect([a.transport.connection, a.send('a')]).toEqual(['disconnected', false])
  await restore()
  await until('the listener', () => a.transport.connection === 'connected')
  expect(a.address).toBe(address)
})

test('without a network nothing is dialled, and what waited is gone', async () => {
  const network = new InterruptibleNetwork()
  await using b = await startNode({ nodeId: 'b' }, { network })
  // Waits so short that a connection that was lost would be dialled again at once.
  const options = { nodeId: 'a', peers: { b: b.address }, minReconnectWaitMs: 1, maxReconnectWaitMs: 1 }
  await using a = await startNode(options, { network })
  await reached(a, b)
  a.send('b', [66])
  const { dials } = network
  const restore = network.interrupt()
  await new Promise(setImmediate)
  expect([network.dials, a.count('frames_dropped_total')]).toEqual([dials, 1])
  await restore()
  await until('both', () => a.transport.connection === 'connected' && b.transport.connection === 'connected')
  await reached(a, b)
  expect(b.inbox.some(({ frame }) => frame[0] === 66)).toBe(false)
})

describe('options', () => {
  test.each([
    ['an empty cluster', { cluster: '' }],
    ['a long cluster', { cluster: 'x'.repeat(65) }],
    ['no node id', { nodeId: '' }],
    ['generation 0', { generation: 0 }],
    ['a port out of its range', { listen: { port: 65_536 } }],
    ['an empty host', { listen: { host: '' } }],
    ['a short secret', { secret: 'fifteen bytes..' }],
    ['TLS without an authority', { tls: { cert: 'x', key: 'x', ca: '' } }],
    ['an address without a port', { peers: { b: 'localhost' } }],
    ['a frame limit that is too small', { maxFrameBytes: 1_023 }],
    [
      'a frame limit that is too large',
      { maxFrameBytes: 2 ** 27, maxQueuedBytes: 2 ** 29, maxTotalQueuedBytes: 2 ** 30 },
    ],
    ['a queue that is too small for two frames', { maxFrameBytes: 2_000, maxQueuedBytes: 3_999 }],
    ['less for all than for one', { maxQueuedBytes: 2 ** 24, maxTotalQueuedBytes: 2 ** 23 }],
    ['a longest wait below the shortest', { minReconnectWaitMs: 20, maxReconnectWaitMs: 19 }],
    ['no time to connect', { connectTimeoutMs: 0 }],
    ['a timer beyond what timers hold', { pingIntervalMs: 2 ** 31 }],
    ['half a peer', { maxPeers: 0.5 }],
    ['no room for handshakes', { maxHandshakes: 0 }],
    ['no frames', { maxQueuedFrames: 0 }],
    ['no time to stop', { stopTimeoutMs: 0 }],
  ] as [string, Partial<TcpTransportOptions>][])('%s is a RangeError', (_what, options) => {
    expect(() => make(options)).toThrow(RangeError)
  })

  test('an error repeats no secret', () => {
    expect(() => make({ secret: 'short secret' })).toThrow(/^(?!.*short secret)/)
  })

  test('addresses are read and written', () => {
    for (const text of ['127.0.0.1:80', 'host.example:65535', '[::1]:7'])
      expect(formatAddress(parseAddress(text))).toBe(text)
    for (const text of ['', 'a', ':1', 'a:0', 'a:65536', '::1:7', 'a b:1', 'a:1:2'])
      expect(() => parseAddress(text)).toThrow(RangeError)
    expect(['localhost', '127.0.0.2', '::1'].map(isLoopback)).toEqual([true, true, true])
    expect(['0.0.0.0', '127.example.org', '10.0.0.1', '::'].map(isLoopback)).toEqual([false, false, false, false])
  })

  test('peers that can be listed can be broadcast to, a function cannot', () => {
    expect(make({ peers: new Map() }).capabilities.broadcast).toBe(true)
    expect(make({ peers: () => undefined }).capabilities.broadcast).toBe(false)
  })

  test('an address that only a function gives, and that is none, meets nobody and is told of', async () => {
    await using a = await startNode({ nodeId: 'a', peers: () => 'nonsense' })
    expect(a.send('b')).toBe(true)
    await until('the report', () => a.events.some(({ type }) => type === 'peer-absent'))
    expect(a.said('the address of a peer is none')).toHaveLength(1)
  })
})
