import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { describe, expect, test } from 'vitest'
import { Authority } from '../../../tooling/fixtures/certificates.ts'
import { encodeControl, FRAME, FrameReader } from '../src/frames.ts'
import { encodeRefuse, type Refusal } from '../src/messages.ts'
import type { TcpTls } from '../src/options.ts'
import { reached, Stranger, startNode, type TestNode, until } from './rig.ts'

const SECRET = 'a secret of the test'
const failed = (node: TestNode): unknown[] => node.said('a peer cannot be connected').map(({ failure }) => failure)
const told = (node: TestNode): string[] =>
  node.events.map(({ type }) => type).filter((type) => type === 'identity-conflict' || type === 'peer-absent')

/** Listens on a free port, and answers every greeting with `payload` as a refusal. */
async function refuser(payload: Uint8Array, tls?: TcpTls): Promise<{ address: string; greeted: number } & Disposable> {
  const onSocket = (socket: Socket): void => {
    const frames = new FrameReader(4_096, () => {
      at.greeted++
      socket.end(encodeControl(FRAME.refuse, payload))
    })
    socket.on('data', (chunk: Buffer) => frames.push(chunk))
    socket.on('error', () => undefined)
  }
  const server =
    tls === undefined
      ? createServer(onSocket)
      : createTlsServer({ ...(tls as { cert: string; key: string; ca: string }), requestCert: true }, onSocket)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const at = { address: `127.0.0.1:${port}`, greeted: 0, [Symbol.dispose]: () => void server.close() }
  return at
}

describe('a refusal by somebody who does not prove to be of the cluster', () => {
  test.each<Refusal>(['stale', 'conflict', 'stopping', 'wrong-node', 'earlier-life'])(
    '%s is a failed attempt and no more: nobody is told of a twin or of an absence, and the node is found once it is there',
    async (refusal) => {
      using stranger = await refuser(encodeRefuse(refusal, 99))
      await using b = await startNode({ nodeId: 'b', secret: SECRET })
      await using a = await startNode({ nodeId: 'a', secret: SECRET, peers: { b: stranger.address } })
      await until('a second attempt', () => {
        a.send('b')
        return stranger.greeted > 1
      })
      expect(new Set(failed(a))).toEqual(new Set(['unproved']))
      a.transport.setPeers({ b: b.address })
      await reached(a, b)
      expect(told(a)).toEqual([])
    },
  )

  test('is not believed either when it was true at another time', async () => {
    await using b = await startNode({ nodeId: 'b', secret: SECRET })
    await using first = await startNode({ nodeId: 'a', generation: 2, secret: SECRET, peers: { b: b.address } })
    await reached(first, b)
    const heard: Buffer[] = []
    const tap = createServer((near) => {
      const far = new Stranger(b.address)
      near.on('data', (chunk: Buffer) => far.socket.write(chunk))
      far.socket.on('data', (chunk: Buffer) => {
        heard.push(chunk)
        near.write(chunk)
      })
      near.on('error', () => undefined)
      near.on('close', () => far.socket.destroy())
    }).listen(0, '127.0.0.1')
    await once(tap, 'listening')
    const { port } = tap.address() as { port: number }
    const peers = { b: `127.0.0.1:${port}` }
    await using earlier = await startNode({ nodeId: 'a', generation: 1, secret: SECRET, peers })
    earlier.send('b')
    await until('the refusal that is true', () => told(earlier).includes('identity-conflict'))
    tap.close()
    const bytes = Buffer.concat(heard)
    // What came before it is the welcome.
    const refusal = bytes.subarray(bytes.lastIndexOf(Uint8Array.of(0xd5, FRAME.refuse, 0, 0)) + 8)
    expect(refusal).toHaveLength(9 + 32)
    using thief = await refuser(refusal)
    await using later = await startNode({ nodeId: 'a', generation: 1, secret: SECRET, peers: { b: thief.address } })
    later.send('b')
    await until('a failed dial', () => failed(later).length > 0)
    expect([failed(later)[0], told(later)]).toEqual(['unproved', []])
  })

  test('is not believed of a node whose certificate is another one, but that the node is not there', async () => {
    const authority = new Authority()
    const tls = authority.issue({ common: 'a' })
    using liar = await refuser(encodeRefuse('stale', 99), authority.issue({ common: 'c' }))
    await using a = await startNode({ nodeId: 'a', tls, peers: { b: liar.address } })
    a.send('b')
    await until('a failed dial', () => failed(a).length > 0)
    expect([failed(a)[0], told(a)]).toEqual(['unproved', []])
    await using c = await startNode({ nodeId: 'c', tls: authority.issue({ common: 'c' }) })
    a.transport.setPeers({ b: c.address })
    await until('the report', () => {
      a.send('b')
      return told(a).includes('peer-absent')
    })
  })
})

test('a node of the cluster that refuses is believed, with a secret too', async () => {
  await using c = await startNode({ nodeId: 'c', secret: SECRET })
  await using a = await startNode({ nodeId: 'a', secret: SECRET, peers: { b: c.address } })
  a.send('b')
  await until('the report', () => told(a).includes('peer-absent'))
  expect(failed(a)[0]).toBe('wrong-node')
})
