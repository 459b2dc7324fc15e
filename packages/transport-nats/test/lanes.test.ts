import { describe, expect, test } from 'vitest'
import { natsForTests } from '../../../tooling/nats-server/index.mjs'
import { Nodes } from './nodes.ts'
import { Relay } from './relay.ts'

const nats = await natsForTests()
const nodes = new Nodes(nats)

async function startRelay(port: number): Promise<Relay> {
  const relay = await Relay.before(port)
  nodes.after(() => relay.stop())
  return relay
}

const BULK = new Uint8Array(2 ** 18).fill(1)

nats.describe(describe, 'frames of control', () => {
  test('pass while bulk waits on its way out', async () => {
    const server = await nodes.server()
    const relay = await startRelay(server.port)
    const a = await nodes.start(relay.url, 'a', { pingIntervalMs: 60_000, maxQueuedBytes: 2 ** 22, stopTimeoutMs: 1 })
    const b = await nodes.start(server.url, 'b')
    relay.client('a (generation 1)').client.pause()
    while (a.transport.send({ id: 'b' }, 'test', BULK)) {
      // Fill what the relay and the kernel buffer, and the queue behind it.
    }
    expect(a.transport.send({ id: 'b' }, 'membership', Uint8Array.of(2))).toBe(true)
    expect(a.transport.send(b.transport.self, 'membership', Uint8Array.of(3))).toBe(true)
    expect(a.transport.broadcast('membership', Uint8Array.of(4))).toBe(true)
    await b.until(() => b.frames.includes(4))
    expect(b.frames.filter((frame) => frame !== 1)).toEqual([2, 3, 4])
    expect(a.transport.send({ id: 'b' }, 'test', BULK), 'bulk still waits').toBe(false)
    expect(a.transport.connection).toBe('connected')
  })

  test('pass while bulk waits on its way in, and a frame for nobody is told', async () => {
    const server = await nodes.server()
    const relay = await startRelay(server.port)
    const a = await nodes.start(server.url, 'a')
    const b = await nodes.start(relay.url, 'b', { pingIntervalMs: 60_000 })
    relay.client('b (generation 1)').server.pause()
    for (let i = 0; i < 20; i++) a.transport.send({ id: 'b' }, 'test', BULK)
    a.transport.send({ id: 'b' }, 'membership', Uint8Array.of(2))
    await b.until(() => b.frames.length > 0)
    expect(b.frames).toEqual([2])
    b.transport.send({ id: 'nobody' }, 'membership', Uint8Array.of(1))
    await b.until(() => b.events.some(({ type }) => type === 'peer-absent'))
    relay.client('b (generation 1)').server.resume()
    await b.until(() => b.frames.length === 21)
  })

  test('need no agreement: every node takes them, whichever channels it calls so itself', async () => {
    const server = await nodes.server()
    const choices = [[], ['membership'], ['test'], ['test', 'membership']]
    const all = await Promise.all(
      choices.map((controlChannels, i) => nodes.start(server.url, `n${i}`, { controlChannels })),
    )
    for (const [i, from] of all.entries()) {
      for (const channel of ['test', 'membership']) {
        for (const to of all) if (to !== from) from.transport.send(to.transport.self, channel, Uint8Array.of(i))
        from.transport.broadcast(channel, Uint8Array.of(10 + i))
      }
    }
    for (const [i, node] of all.entries()) {
      await node.until(() => node.frames.length >= 12)
      const others = [0, 1, 2, 3].filter((other) => other !== i)
      const expected = others.flatMap((other) => [other, other, 10 + other, 10 + other])
      expect([...node.frames].sort((x, y) => x - y)).toEqual(expected.sort((x, y) => x - y))
      expect(node.events.map(({ type }) => type)).toEqual(['connected'])
    }
  })

  test.each(['a (generation 1)', 'a (generation 1, control)'])(
    'share their fate with the others: when %s is lost, both are, and both come back',
    async (name) => {
      const server = await nodes.server()
      const relay = await startRelay(server.port)
      const a = await nodes.start(relay.url, 'a')
      const b = await nodes.start(server.url, 'b')
      relay.client(name).client.destroy()
      await a.until(() => a.transport.connection === 'disconnected')
      for (const channel of ['test', 'membership']) {
        expect(a.transport.send({ id: 'b' }, channel, Uint8Array.of(1))).toBe(false)
      }
      await a.until(() => a.transport.connection === 'connected')
      for (const channel of ['test', 'membership']) a.transport.send({ id: 'b' }, channel, Uint8Array.of(2))
      await b.until(() => b.frames.length === 2)
      expect(b.frames).toEqual([2, 2])
      expect(a.events.map(({ type }) => type)).toEqual(['connected', 'disconnected', 'connected'])
    },
  )
})
