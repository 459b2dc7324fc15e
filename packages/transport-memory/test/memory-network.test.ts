import { SeededRandom, VirtualClock } from '@dsys/runtime'
import type { TransportEvent } from '@dsys/transport'
import { describe, expect, test } from 'vitest'
import { MemoryNetwork, type MemoryNetworkOptions, type MemoryTransport } from '../src/index.ts'

function virtualNetwork(options: MemoryNetworkOptions = {}, seed = 1) {
  const clock = new VirtualClock()
  return { clock, network: new MemoryNetwork({ clock, random: new SeededRandom(seed) }, options) }
}

/** A started endpoint that keeps the first byte of each frame it gets. */
async function node(network: MemoryNetwork, id: string, generation?: number) {
  const transport: MemoryTransport = network.endpoint(id, generation === undefined ? {} : { generation })
  const got: number[] = []
  const events: TransportEvent[] = []
  transport.listen('test', (frame) => got.push(frame[0] ?? -1))
  transport.observe((event) => events.push(event))
  await transport.start()
  return { transport, got, events }
}

const send = (from: MemoryTransport, to: string, byte: number) => from.send({ id: to }, 'test', Uint8Array.of(byte))

describe('faults on demand', () => {
  test('a cut loses frames one way, also those under way, until it heals', async () => {
    const { clock, network } = virtualNetwork({ link: { minDelayMs: 10 } })
    const a = await node(network, 'a')
    const b = await node(network, 'b')
    send(a.transport, 'b', 1)
    network.cut('a', 'b')
    send(a.transport, 'b', 2)
    send(b.transport, 'a', 3)
    clock.advance(20)
    expect([a.got, b.got]).toEqual([[3], []])
    network.heal()
    send(a.transport, 'b', 4)
    clock.advance(20)
    expect(b.got).toEqual([4])
    expect(a.events).toEqual([{ type: 'connected' }])
  })

  test('a partition cuts both ways between its groups and nowhere else', async () => {
    const { clock, network } = virtualNetwork()
    const [a, b, c, d] = await Promise.all(['a', 'b', 'c', 'd'].map((id) => node(network, id)))
    network.partition(['a', 'b'], ['c'])
    a?.transport.broadcast('test', Uint8Array.of(1))
    c?.transport.broadcast('test', Uint8Array.of(2))
    clock.advance(0)
    expect([a?.got, b?.got, c?.got, d?.got]).toEqual([[], [1], [], [1, 2]])
  })

  test('loss, duplication and reordering replay from their seed', async () => {
    const run = async (seed: number) => {
      const link = { lossRate: 0.2, duplicateRate: 0.2, reorderRate: 0.3, minDelayMs: 1, maxDelayMs: 5 }
      const { clock, network } = virtualNetwork({ link }, seed)
      const a = await node(network, 'a')
      const b = await node(network, 'b')
      for (let i = 0; i < 100; i++) {
        send(a.transport, 'b', i)
        clock.advance(1)
      }
      clock.advance(100)
      return b.got
    }
    const first = await run(7)
    expect(await run(7)).toEqual(first)
    expect(await run(8)).not.toEqual(first)
    expect(new Set(first).size).toBeLessThan(95)
    expect(first.length).toBeGreaterThan(new Set(first).size)
    expect(first).not.toEqual([...first].sort((x, y) => x - y))
  })

  test('delay alone keeps the order of a link', async () => {
    const { clock, network } = virtualNetwork({ link: { minDelayMs: 1, maxDelayMs: 50 } })
    const a = await node(network, 'a')
    const b = await node(network, 'b')
    for (let i = 0; i < 50; i++) {
      send(a.transport, 'b', i)
      clock.advance(1)
    }
    clock.advance(0)
    expect(b.got.length).toBeLessThan(50)
    clock.advance(100)
    expect(b.got).toEqual(Array.from({ length: 50 }, (_, i) => i))
  })

  test('a disconnected node drops what it sends and gets nothing', async () => {
    const { clock, network } = virtualNetwork()
    const a = await node(network, 'a')
    const b = await node(network, 'b')
    network.disconnect('a', 'the broker went away')
    expect(a.transport.connection).toBe('disconnected')
    expect(send(a.transport, 'b', 1)).toBe(false)
    send(b.transport, 'a', 2)
    clock.advance(0)
    network.reconnect('a')
    expect(send(a.transport, 'b', 3)).toBe(true)
    clock.advance(0)
    expect([a.got, b.got]).toEqual([[], [3]])
    expect(a.events).toEqual([
      { type: 'connected' },
      { type: 'disconnected', why: 'the broker went away' },
      { type: 'connected' },
    ])
  })
})

test('a frame that met nobody is reported once, however often the network duplicates it', async () => {
  const { clock, network } = virtualNetwork({ link: { duplicateRate: 1, maxDelayMs: 5 } })
  const a = await node(network, 'a')
  send(a.transport, 'nobody', 1)
  clock.advance(10)
  expect(a.events).toEqual([{ type: 'connected' }, { type: 'peer-absent', peer: { id: 'nobody' }, channel: 'test' }])
})

describe('lives of a node', () => {
  test('a later life takes the place of the earlier one, which gets and sends nothing more', async () => {
    const { clock, network } = virtualNetwork()
    const first = await node(network, 'a')
    const b = await node(network, 'b')
    send(b.transport, 'a', 1)
    const second = await node(network, 'a')
    expect(second.transport.self).toEqual({ id: 'a', generation: 2 })
    expect(send(first.transport, 'b', 2)).toBe(false)
    send(b.transport, 'a', 3)
    clock.advance(0)
    expect([first.got, second.got, b.got]).toEqual([[], [1, 3], []])
    await first.transport.stop()
    send(b.transport, 'a', 4)
    clock.advance(0)
    expect(second.got).toEqual([1, 3, 4])
  })

  test('an earlier life that starts late does not push the later one out', async () => {
    const { clock, network } = virtualNetwork()
    const early = network.endpoint('a')
    const late = await node(network, 'a')
    await early.start()
    expect(early.connection).toBe('disconnected')
    const b = await node(network, 'b')
    send(b.transport, 'a', 1)
    clock.advance(0)
    expect(late.got).toEqual([1])
  })

  test('a generation that does not grow is refused', () => {
    const { network } = virtualNetwork()
    network.endpoint('a', { generation: 5 })
    expect(() => network.endpoint('a', { generation: 5 })).toThrow(RangeError)
  })
})

describe('bounds', () => {
  test('a full queue drops and says so, and takes frames again once it drains', async () => {
    const { clock, network } = virtualNetwork({ maxQueuedFrames: 2 })
    const a = await node(network, 'a')
    const b = await node(network, 'b')
    await node(network, 'c')
    expect([1, 2, 3].map((byte) => send(a.transport, 'b', byte))).toEqual([true, true, false])
    clock.advance(0)
    expect(send(a.transport, 'b', 4)).toBe(true)
    expect(a.transport.broadcast('test', Uint8Array.of(5))).toBe(false)
    clock.advance(0)
    expect(b.got).toEqual([1, 2, 4])
  })

  test('bytes count too', async () => {
    const { network } = virtualNetwork({ maxFrameBytes: 10, maxQueuedBytes: 15 })
    const a = await node(network, 'a')
    expect(a.transport.send({ id: 'b' }, 'test', new Uint8Array(10))).toBe(true)
    expect(a.transport.send({ id: 'b' }, 'test', new Uint8Array(6))).toBe(false)
    expect(() => virtualNetwork({ maxFrameBytes: 10, maxQueuedBytes: 9 })).toThrow(RangeError)
  })
})

test('conditions out of their range are refused when they are set, and change nothing', async () => {
  const { clock, network } = virtualNetwork({ link: { minDelayMs: 5 } })
  const a = await node(network, 'a')
  const b = await node(network, 'b')
  const senseless = [
    { minDelayMs: Number.POSITIVE_INFINITY },
    { lossRate: Number.NaN },
    { minDelayMs: 2, maxDelayMs: 1 },
  ]
  for (const link of senseless) {
    expect(() => network.setLink(link)).toThrow(RangeError)
    expect(() => virtualNetwork({ link })).toThrow(RangeError)
  }
  expect(send(a.transport, 'b', 1)).toBe(true)
  clock.advance(4)
  expect(b.got).toEqual([])
  clock.advance(1)
  expect(b.got).toEqual([1])
})

test('a handler that throws breaks no other frame, and the error surfaces', async () => {
  const { clock, network } = virtualNetwork()
  const a = await node(network, 'a')
  const b = network.endpoint('b')
  const got: number[] = []
  b.listen('test', (frame) => {
    got.push(frame[0] ?? -1)
    if (frame[0] === 1) throw new Error('broken handler')
  })
  await b.start()
  send(a.transport, 'b', 1)
  send(a.transport, 'b', 2)
  expect(() => clock.advance(0)).toThrow('broken handler')
  expect(got).toEqual([1, 2])
})
