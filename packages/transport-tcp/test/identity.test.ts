import { once } from 'node:events'
import { createServer } from 'node:net'
import { describe, expect, test } from 'vitest'
import { Authority } from '../../../tooling/fixtures/certificates.ts'
import { encodeControl, FRAME, FrameReader } from '../src/frames.ts'
import { encodeHello, encodeProved, encodeWelcome, INSTANCE_BYTES, NONCE_BYTES } from '../src/messages.ts'
import { alternativeNames } from '../src/tls-network.ts'
import { reached, Stranger, startNode, type TestNode, until } from './rig.ts'

const SECRET = 'a secret of the test'
const failed = (node: TestNode): unknown[] => node.said('a peer cannot be connected').map(({ failure }) => failure)

/** `a` sends to `b`, who must not get it; resolves with why `a` was not let in, or did not go in. */
async function turnedAway(a: TestNode, b: TestNode): Promise<unknown> {
  a.send('b')
  await until('a failed dial', () => failed(a).length > 0)
  expect(b.inbox).toEqual([])
  return failed(a)[0]
}

describe('at the handshake', () => {
  test.each([
    ['another cluster', {}, { cluster: 'other' }, 'cluster'],
    ['another secret', { secret: SECRET }, { secret: `${SECRET}s` }, 'unproved'],
    ['no secret', { secret: SECRET }, {}, 'unproved'],
    ['a secret where none is known', {}, { secret: SECRET }, 'unproved'],
  ])('a node with %s is turned away', async (_what, listening, dialling, failure) => {
    await using b = await startNode({ nodeId: 'b', ...listening })
    await using a = await startNode({ nodeId: 'a', peers: { b: b.address }, ...dialling })
    expect(await turnedAway(a, b)).toBe(failure)
  })

  test('nodes with the same secret talk to each other', async () => {
    await using b = await startNode({ nodeId: 'b', secret: SECRET })
    await using a = await startNode({ nodeId: 'a', peers: { b: b.address }, secret: new TextEncoder().encode(SECRET) })
    await reached(a, b)
    await reached(b, a)
  })

  test('a node at the address of another is not taken for it, and the frame met nobody', async () => {
    await using c = await startNode({ nodeId: 'c' })
    await using a = await startNode({ nodeId: 'a', peers: { b: c.address } })
    expect(await turnedAway(a, c)).toBe('wrong-node')
    await until('the report', () => a.events.some(({ type }) => type === 'peer-absent'))
  })

  test('whoever dials itself is told of the conflict', async () => {
    await using a = await startNode({ nodeId: 'a', generation: 2 })
    await using twin = await startNode({ nodeId: 'a', generation: 1, peers: { b: a.address } })
    twin.send('b')
    await until('a failed dial', () => failed(twin).length > 0)
    expect(failed(twin)).toEqual(['wrong-node'])
  })

  test('a listener that does not know the secret is not believed, and gets no frame', async () => {
    const impostor = createServer((socket) => {
      const frames = new FrameReader(4_096, () => {
        const welcome = encodeWelcome({
          ...{ version: 1, id: 'b', generation: 1, maxFrameBytes: 1_024 },
          instance: new Uint8Array(INSTANCE_BYTES),
          nonce: new Uint8Array(NONCE_BYTES),
        })
        socket.write(encodeControl(FRAME.welcome, encodeProved(new Uint8Array(32), welcome)))
        socket.write(encodeControl(FRAME.ready, new Uint8Array(8)))
      })
      socket.on('data', (chunk: Buffer) => frames.push(chunk))
      socket.on('error', () => undefined)
    }).listen(0, '127.0.0.1')
    await once(impostor, 'listening')
    const { port } = impostor.address() as { port: number }
    await using a = await startNode({ nodeId: 'a', peers: { b: `127.0.0.1:${port}` }, secret: SECRET })
    a.send('b')
    await until('a failed dial', () => failed(a).length > 0)
    expect([failed(a)[0], a.count('frames_sent_total')]).toEqual(['unproved', 0])
    impostor.close()
  })

  test('a proof that was heard once proves nothing the next time', async () => {
    await using b = await startNode({ nodeId: 'b', secret: SECRET })
    const heard: Buffer[] = []
    const tap = createServer((near) => {
      const far = new Stranger(b.address)
      near.on('data', (chunk: Buffer) => {
        heard.push(chunk)
        far.socket.write(chunk)
      })
      far.socket.on('data', (chunk: Buffer) => near.write(chunk))
      near.on('close', () => far.socket.destroy())
    }).listen(0, '127.0.0.1')
    await once(tap, 'listening')
    const { port } = tap.address() as { port: number }
    await using a = await startNode({ nodeId: 'a', peers: { b: `127.0.0.1:${port}` }, secret: SECRET })
    await reached(a, b)
    await a.transport.stop()
    const before = b.inbox.length
    using thief = new Stranger(b.address)
    thief.socket.write(Buffer.concat(heard))
    await until('the thief to be turned away', () => thief.closed || b.count('refused_total') > 0)
    expect(b.inbox).toHaveLength(before)
    tap.close()
  })

  test.each([
    ['too new', { min: 2, max: 3 }, 'refuse'],
    ['too old', { min: 0, max: 0 }, 'refuse'],
    ['a range that holds ours', { min: 0, max: 9 }, 'welcome'],
  ] as const)('a version that is %s gets a %3$s', async (_what, versions, answer) => {
    await using b = await startNode({ nodeId: 'b' })
    using stranger = new Stranger(b.address)
    const hello = encodeHello({
      ...{ versions, proves: false, cluster: 'test', id: 'a', generation: 1, to: 'b', wanted: 0, dial: 1 },
      ...{ instance: new Uint8Array(INSTANCE_BYTES), nonce: new Uint8Array(NONCE_BYTES), maxFrameBytes: 1_024 },
    })
    // Fields of a later version behind those that are known do no harm.
    stranger.socket.write(encodeControl(FRAME.hello, Buffer.concat([hello, Buffer.from('more')])))
    await until('an answer', () => stranger.bytes.length > 8)
    expect(stranger.bytes[1]).toBe(FRAME[answer])
  })
})

describe('lives of a node', () => {
  const conflicts = (node: TestNode): unknown[] =>
    node.events.flatMap((event) => (event.type === 'identity-conflict' ? [event.peer] : []))

  test('a later life takes the place of an earlier one that still runs, which is told, M-09', async () => {
    await using a = await startNode({ nodeId: 'a' })
    await using first = await startNode({ nodeId: 'b', generation: 1, peers: { a: a.address } })
    await reached(first, a)
    await using second = await startNode({ nodeId: 'b', generation: 2, peers: { a: a.address } })
    await reached(second, a)
    await until('the earlier life to be told', () => conflicts(first).length > 0)
    expect(conflicts(first)).toEqual([{ id: 'b', generation: 2 }])
    const before = a.inbox.length
    first.send('a')
    await until('a failed dial', () => failed(first).includes('stale'))
    expect(a.inbox).toHaveLength(before)
    expect(a.inbox.at(-1)?.from.generation).toBe(2)
  })

  test('two processes with one id and one generation are found out, and the first one stays, M-12', async () => {
    await using a = await startNode({ nodeId: 'a' })
    await using first = await startNode({ nodeId: 'b', peers: { a: a.address } })
    await reached(first, a)
    await using clone = await startNode({ nodeId: 'b', peers: { a: a.address } })
    clone.send('a', [66])
    await until('both to be told', () => conflicts(clone).length > 0 && conflicts(a).length > 0)
    expect([conflicts(a)[0], conflicts(clone)[0]]).toEqual([
      { id: 'b', generation: 1 },
      { id: 'b', generation: 1 },
    ])
    await reached(first, a)
    expect(a.inbox.some(({ frame }) => frame[0] === 66)).toBe(false)
  })

  test('a frame for an earlier life than the connected one meets nobody, M-09', async () => {
    await using b = await startNode({ nodeId: 'b', generation: 2 })
    await using a = await startNode({ nodeId: 'a', peers: { b: b.address } })
    await reached(a, b)
    a.transport.send({ id: 'b', generation: 1 }, 'test', Uint8Array.of(7))
    await until('the report', () => a.events.some(({ type }) => type === 'peer-absent'))
    await reached(a, b)
    expect(b.inbox.some(({ frame }) => frame[0] === 7)).toBe(false)
  })

  test('a frame for a later life finds it at the address, although the earlier one is still connected', async () => {
    const addresses = new Map<string, string>()
    await using first = await startNode({ nodeId: 'b', generation: 1 })
    await using a = await startNode({ nodeId: 'a', peers: (id) => addresses.get(id) })
    addresses.set('b', first.address)
    await reached(a, first)
    await using second = await startNode({ nodeId: 'b', generation: 2 })
    addresses.set('b', second.address)
    a.transport.send({ id: 'b', generation: 2 }, 'test', Uint8Array.of(7))
    await until('the frame', () => second.inbox.length > 0)
    expect(second.inbox[0]?.frame[0]).toBe(7)
  })

  test('a frame for a later life that is not there meets nobody, and the connection stays', async () => {
    await using b = await startNode({ nodeId: 'b' })
    await using a = await startNode({ nodeId: 'a', peers: { b: b.address } })
    await reached(a, b)
    a.transport.send({ id: 'b', generation: 9 }, 'test', Uint8Array.of(7))
    await until('the report', () => a.events.some(({ type }) => type === 'peer-absent'))
    await reached(a, b)
    expect([a.count('connects_total'), b.count('connects_total')]).toEqual([1, 1])
  })
})

describe('with TLS', () => {
  const authority = new Authority()
  const certified = (nodeId: string, subject: Parameters<Authority['issue']>[0], more = {}) =>
    startNode({ nodeId, tls: authority.issue(subject), ...more })

  test.each([
    ['DNS name', { common: 'x', dns: ['other', 'a'] }],
    ['URI', { common: 'x', uris: ['dsys:a'] }],
    ['common name, where there are no others', { common: 'a' }],
  ])('a node is who its certificate says: by its %s', async (_what, subject) => {
    await using b = await certified('b', { common: 'b' })
    await using a = await certified('a', subject, { peers: { b: b.address } })
    await reached(a, b)
    await reached(b, a)
  })

  test.each([
    ['the dialler', { common: 'x', dns: ['c'] }, { common: 'b' }],
    ['the dialler, by a common name beside other names', { common: 'a', dns: ['c'] }, { common: 'b' }],
    ['the listener', { common: 'a' }, { common: 'c' }],
  ])('a certificate of another node is not enough: %s', async (_what, dialler, listener) => {
    await using b = await certified('b', listener)
    await using a = await certified('a', dialler, { peers: { b: b.address } })
    expect(await turnedAway(a, b)).toBe('unproved')
  })

  test('an unknown authority is not believed, in either direction, nor is anybody without TLS', async () => {
    await using b = await certified('b', { common: 'b' })
    await using a = await startNode({
      ...{ nodeId: 'a', peers: { b: b.address }, tls: new Authority('another').issue({ common: 'a' }) },
    })
    expect(await turnedAway(a, b)).toBe('unreachable')
    await until('the other side to tell of it', () => b.count('refused_total') > 0)
    expect(b.said('a connection was turned away')[0]).toMatchObject({
      failure: 'unreachable',
      why: 'it proved no certificate that is believed, from 127.0.0.1',
    })
    await using plain = await startNode({ nodeId: 'c', peers: { b: b.address }, connectTimeoutMs: 200 })
    expect(await turnedAway(plain, b)).toBe('unreachable')
  })

  test('and a secret beside it, both are needed', async () => {
    await using b = await certified('b', { common: 'b' }, { secret: SECRET })
    await using a = await certified('a', { common: 'a' }, { secret: SECRET, peers: { b: b.address } })
    await reached(a, b)
    await using c = await certified('c', { common: 'c' }, { secret: `${SECRET}s`, peers: { b: b.address } })
    c.send('b', [99])
    await until('a failed dial', () => failed(c).length > 0)
    expect(failed(c)).toEqual(['unproved'])
  })

  test('names with commas and quotes in a certificate are one name', () => {
    expect(alternativeNames('DNS:a, URI:"dsys:b, DNS:c", IP Address:127.0.0.1, DNS:d')).toEqual([
      'a',
      'dsys:b, DNS:c',
      'd',
    ])
    expect(alternativeNames('')).toEqual([])
  })
})
