import { describe, expect, test } from 'vitest'
import { Authority } from '../../../tooling/fixtures/certificates.ts'
import { encodeControl, FRAME } from '../src/frames.ts'
import { reached, Stranger, startNode, until } from './rig.ts'

describe('whoever is no node', () => {
  test.each([
    ['speaks another protocol', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')],
    ['announces four gigabytes', Buffer.from([0xd5, 16, 0, 0, 0xff, 0xff, 0xff, 0xff])],
    ['sends a greeting of nothing', encodeControl(FRAME.hello)],
    ['sends a greeting of noise', encodeControl(FRAME.hello, new Uint8Array(200).fill(0x44))],
    ['sends data before it has proved who it is', encodeControl(FRAME.data, Uint8Array.of(1))],
    ['confirms without a greeting', encodeControl(FRAME.confirm)],
  ])('and %s is turned away, and the node goes on', async (_what, bytes) => {
    await using b = await startNode({ nodeId: 'b' })
    using stranger = new Stranger(b.address)
    stranger.socket.write(bytes)
    await until('the end of the connection', () => stranger.closed)
    expect([b.inbox, b.count('connects_total')]).toEqual([[], 0])
    await using a = await startNode({ nodeId: 'a', peers: { b: b.address } })
    await reached(a, b)
  })

  test('and says nothing, or one byte after the other, is gone by the deadline', async () => {
    await using b = await startNode({ nodeId: 'b', connectTimeoutMs: 60 })
    using silent = new Stranger(b.address)
    using slow = new Stranger(b.address)
    const dripping = setInterval(() => slow.socket.write(Buffer.from([0xd5])), 5)
    await until('the end of both', () => silent.closed && slow.closed)
    clearInterval(dripping)
    expect(b.count('refused_total')).toBe(2)
  })

  test('and does not speak TLS where it must is gone by the deadline', async () => {
    const tls = new Authority().issue({ common: 'b' })
    await using b = await startNode({ nodeId: 'b', tls, connectTimeoutMs: 60 })
    using silent = new Stranger(b.address)
    // The first byte of a TLS record, and then one of its length at a time.
    using slow = new Stranger(b.address)
    const dripping = setInterval(() => slow.socket.write(Buffer.from([0x16])), 5)
    await until('the end of both', () => silent.closed && slow.closed)
    clearInterval(dripping)
  })

  test('and comes in numbers takes the place of its own kind: a node still gets in', async () => {
    await using b = await startNode({ nodeId: 'b', maxHandshakes: 4 })
    const strangers = Array.from({ length: 12 }, () => new Stranger(b.address))
    await until('the first eight to be closed', () => strangers.filter(({ closed }) => closed).length === 8)
    expect(strangers.map(({ closed }) => closed)).toEqual([...new Array(8).fill(true), ...new Array(4).fill(false)])
    await using a = await startNode({ nodeId: 'a', peers: { b: b.address } })
    await reached(a, b)
    for (const stranger of strangers) stranger.socket.destroy()
  })
})

test('peers beyond the bound are refused, and those that are there stay', async () => {
  await using b = await startNode({ nodeId: 'b', maxPeers: 2 })
  const peers = { b: b.address }
  await using a1 = await startNode({ nodeId: 'a1', peers })
  await using a2 = await startNode({ nodeId: 'a2', peers })
  await using a3 = await startNode({ nodeId: 'a3', peers })
  await reached(a1, b)
  await reached(a2, b)
  a3.send('b')
  await until('a refusal', () => a3.said('a peer cannot be connected').some(({ failure }) => failure === 'full'))
  await reached(a1, b)
  await a1.transport.stop()
  await reached(a3, b)
})

test('what a peer may cause does not fill the log', async () => {
  await using b = await startNode({ nodeId: 'b' })
  for (let i = 0; i < 30; i++) {
    using stranger = new Stranger(b.address)
    stranger.socket.write('no frame at all')
    await until('the end of the connection', () => stranger.closed)
  }
  expect(b.count('refused_total')).toBe(30)
  expect(b.said('a connection was turned away').length).toBeLessThan(5)
})
