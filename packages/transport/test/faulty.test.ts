import { SeededRandom, VirtualClock } from '@dsys/runtime'
import { afterEach, describe, expect, test } from 'vitest'
import { type FaultyOptions, type FaultyTransport, faulty } from '../src/faulty.ts'
import type { PeerAddress, TransportEvent } from '../src/index.ts'
import { FullLoopback } from './full-loopback.ts'

const started: FaultyTransport[] = []

afterEach(async () => {
  for (const transport of started.splice(0)) await transport.stop()
})

interface Node {
  readonly transport: FaultyTransport
  readonly inner: FullLoopback
  readonly got: number[]
  readonly from: PeerAddress[]
  readonly events: TransportEvent[]
}

/** A network of nodes with faults in virtual time; frames below take one turn of the event loop. */
function setUp(options: FaultyOptions = {}, seed = 1) {
  const clock = new VirtualClock()
  const random = new SeededRandom(seed)
  const wire = new Map<string, FullLoopback>()
  const node = async (id: string, generation = 1): Promise<Node> => {
    const inner = new FullLoopback(wire, { id, generation })
    const transport = faulty(inner, { clock, random }, options)
    started.push(transport)
    const node: Node = { transport, inner, got: [], from: [], events: [] }
    transport.observe((event) => node.events.push(event))
    transport.listen('test', (frame, from) => {
      node.got.push(frame[0] ?? -1)
      node.from.push(from)
    })
    await transport.start()
    return node
  }
  const advance = async (ms = 0): Promise<void> => {
    await clock.advanceAsync(ms)
    await clock.advanceAsync(0)
  }
  return { clock, node, advance }
}

const send = (from: Node, to: Node | string, ...numbers: number[]): boolean[] =>
  numbers.map((number) => {
    const id = typeof to === 'string' ? to : to.transport.self.id
    return from.transport.send({ id }, 'test', Uint8Array.of(number))
  })

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

describe('cuts', () => {
  test('one way out: nothing reaches the peer, everything comes back, and send says what a network would', async () => {
    const { node, advance } = setUp()
    const [a, b, c] = [await node('a'), await node('b'), await node('c')]
    a.transport.cut('b', 'out')
    expect(send(a, b, 1)).toEqual([true])
    send(a, c, 2)
    send(b, a, 3)
    await advance()
    expect([a.got, b.got, c.got]).toEqual([[3], [], [2]])
    a.transport.heal('b')
    send(a, b, 4)
    await advance()
    expect(b.got).toEqual([4])
    expect(a.transport.counts.cut).toBe(1)
  })

  test('one way in: also broadcasts of the peer, which its own side cannot keep from one receiver', async () => {
    const { node, advance } = setUp()
    const [a, b, c] = [await node('a'), await node('b'), await node('c')]
    a.transport.cut('b', 'in')
    b.transport.cut('c', 'out')
    send(b, a, 1)
    b.transport.broadcast('test', Uint8Array.of(2))
    send(a, b, 3)
    await advance()
    expect([a.got, b.got, c.got]).toEqual([[], [3], [2]])
    expect(a.transport.counts.cut).toBe(2)
  })

  test('both ways, until all are healed', async () => {
    const { node, advance } = setUp()
    const [a, b, c] = [await node('a'), await node('b'), await node('c')]
    a.transport.cut('b')
    a.transport.cut('c')
    for (const peer of [b, c]) {
      send(a, peer, 1)
      send(peer, a, 2)
    }
    await advance()
    expect([a.got, b.got, c.got]).toEqual([[], [], []])
    a.transport.heal()
    for (const peer of [b, c]) send(a, peer, 3)
    await advance()
    expect([b.got, c.got]).toEqual([[3], [3]])
  })

  test('frames that are held back when the cut comes are lost, in both directions', async () => {
    const { node, advance } = setUp()
    const [a, b] = [await node('a'), await node('b')]
    a.transport.setLink({ minDelayMs: 100 })
    send(a, b, 1)
    send(b, a, 2)
    await advance(50)
    expect(a.transport.held).toBe(2)
    a.transport.cut('b')
    await advance(1_000)
    expect([a.got, b.got, a.transport.held]).toEqual([[], [], 0])
  })
})

describe('loss, duplication, delay and order', () => {
  test('a share of frames is lost, each way for itself, and one peer may fare worse than all', async () => {
    const { node, advance } = setUp()
    const [a, b, c] = [await node('a'), await node('b'), await node('c')]
    a.transport.setLink({ lossRate: 0.5 }, { direction: 'out' })
    a.transport.setLink({ lossRate: 1 }, { peer: 'c', direction: 'in' })
    send(a, b, ...upTo(200))
    send(b, a, ...upTo(200))
    send(c, a, ...upTo(200))
    await advance()
    expect(b.got.length).toBeGreaterThan(60)
    expect(b.got.length).toBeLessThan(140)
    expect(a.got).toEqual(upTo(200))
    expect(a.transport.counts.lost).toBe(200 - b.got.length + 200)
    a.transport.setLink(undefined, { peer: 'c', direction: 'in' })
    send(c, a, 7)
    await advance()
    expect(a.got.at(-1)).toBe(7)
  })

  test('a frame that comes twice is two frames, each with bytes of its own', async () => {
    const { node, advance } = setUp()
    const [a, b] = [await node('a'), await node('b')]
    const kept: Uint8Array[] = []
    b.transport.listen('kept', (frame) => {
      kept.push(frame)
      frame[0] = 99
    })
    b.transport.setLink({ duplicateRate: 1 }, { direction: 'in' })
    a.transport.send({ id: 'b' }, 'kept', Uint8Array.of(1, 2))
    await advance()
    expect(kept.map((frame) => [...frame])).toEqual([
      [99, 2],
      [99, 2],
    ])
    expect(kept[0]?.buffer).not.toBe(kept[1]?.buffer)
    b.transport.setLink(undefined)
    a.transport.setLink({ duplicateRate: 1 }, { direction: 'out' })
    send(a, b, 3)
    a.transport.broadcast('test', Uint8Array.of(4))
    await advance()
    expect(b.got).toEqual([3, 3, 4, 4])
  })

  test('a delay takes its time by the clock, and keeps the order, also against frames that are not delayed any more', async () => {
    const { node, advance } = setUp()
    const [a, b] = [await node('a'), await node('b')]
    a.transport.setLink({ minDelayMs: 10, maxDelayMs: 100 }, { direction: 'out' })
    send(a, b, ...upTo(50))
    await advance(9)
    expect(b.got).toEqual([])
    a.transport.setLink(undefined)
    send(a, b, 50, 51)
    await advance(91)
    expect(b.got).toEqual(upTo(52))
    expect(a.transport.counts.delayed).toBe(52)
    expect(a.transport.held).toBe(0)
    send(a, b, 60)
    await advance()
    expect(b.got.at(-1)).toBe(60)
  })

  test('reordering lets later frames overtake', async () => {
    const { node, advance } = setUp()
    const [a, b] = [await node('a'), await node('b')]
    b.transport.setLink({ reorderRate: 0.5, maxDelayMs: 50 }, { direction: 'in' })
    send(a, b, ...upTo(50))
    await advance(1_000)
    expect(b.got).not.toEqual(upTo(50))
    expect([...b.got].sort((one, other) => one - other)).toEqual(upTo(50))
  })

  test('the same seed gives the same faults', async () => {
    const run = async (seed: number): Promise<number[]> => {
      const { node, advance } = setUp({}, seed)
      const [a, b] = [await node('a'), await node('b')]
      a.transport.setLink({ lossRate: 0.2, duplicateRate: 0.2, reorderRate: 0.2, maxDelayMs: 30 })
      send(a, b, ...upTo(100))
      await advance(1_000)
      return b.got
    }
    expect(await run(5)).toEqual(await run(5))
    expect(await run(5)).not.toEqual(await run(6))
  })

  test('frames of a node to itself are left alone', async () => {
    const { node, advance } = setUp()
    const a = await node('a')
    a.transport.setLink({ lossRate: 1 })
    a.transport.cut('a')
    send(a, a, 1)
    await advance()
    expect(a.got).toEqual([1])
  })

  test('conditions out of their range are refused when they are set, and change nothing', async () => {
    const { node, advance } = setUp()
    const [a, b] = [await node('a'), await node('b')]
    for (const wrong of [
      { lossRate: 2 },
      { duplicateRate: Number.NaN },
      { minDelayMs: 5, maxDelayMs: 1 },
      { minDelayMs: -1 },
      { reorderRate: -0.1 },
      { lossRate: Number.POSITIVE_INFINITY },
      { minDelayMs: Number.NaN },
      { minDelayMs: Number.POSITIVE_INFINITY },
      { maxDelayMs: Number.POSITIVE_INFINITY },
      { maxDelayMs: Number.NaN },
      { maxDelayMs: 2 ** 31 },
    ]) {
      for (const at of [undefined, { peer: 'b' }, { peer: 'b', direction: 'out' } as const]) {
        expect(() => a.transport.setLink(wrong, at), JSON.stringify(wrong)).toThrow(RangeError)
      }
    }
    expect(() => a.transport.cut('')).toThrow(RangeError)
    expect(() => a.transport.setLink({}, { peer: '' })).toThrow(RangeError)
    expect(() =>
      faulty(a.inner, { clock: new VirtualClock(), random: new SeededRandom(1) }, { maxQueuedFrames: 0 }),
    ).toThrow(RangeError)
    send(a, b, 1)
    await advance()
    expect(b.got).toEqual([1])
  })
})

describe('bounds', () => {
  test('what is held back is bounded in frames and bytes: beyond, send says false and nothing piles up', async () => {
    const { node, advance } = setUp({ maxQueuedFrames: 3, maxQueuedBytes: 1_000 })
    const [a, b] = [await node('a'), await node('b')]
    a.transport.setLink({ minDelayMs: 10 })
    expect(send(a, b, 1, 2, 3, 4)).toEqual([true, true, true, false])
    expect([a.transport.held, a.transport.counts.overflowed]).toEqual([3, 1])
    await advance(10)
    expect(b.got).toEqual([1, 2, 3])
    expect(a.transport.send({ id: 'b' }, 'test', new Uint8Array(1_001))).toBe(false)
    send(b, a, 1, 2, 3, 4)
    await advance()
    expect([a.transport.held, a.transport.counts.overflowed]).toEqual([3, 3])
  })

  test('a stop loses what is held back, and leaves no timer', async () => {
    const { clock, node } = setUp()
    const [a, b] = [await node('a'), await node('b')]
    a.transport.setLink({ minDelayMs: 10 })
    send(a, b, 1)
    expect(clock.pending).toBe(1)
    await a.transport.stop()
    expect(clock.pending).toBe(0)
    a.transport.setLink({ minDelayMs: 10 }, { peer: 'c' })
    expect(() => send(a, b, 2)).toThrow(expect.objectContaining({ code: 'DSYS_NOT_RUNNING' }))
    b.transport.setLink({ minDelayMs: 10 })
    send(b, 'b2', 1)
    await b.inner.stop()
    expect(clock.pending).toBe(0)
  })
})

describe('misuse is refused with a fault on as without one', () => {
  test.each([
    ['none', undefined],
    ['a cut', {}],
  ])('with %s', async (_name, link) => {
    const { node } = setUp()
    const a = await node('a')
    if (link !== undefined) {
      a.transport.setLink({ minDelayMs: 1 })
      a.transport.cut('b')
    }
    const frame = Uint8Array.of(1)
    expect(() => a.transport.send({ id: '' }, 'test', frame)).toThrow(RangeError)
    expect(() => a.transport.send({ id: 'b', generation: 0 }, 'test', frame)).toThrow(RangeError)
    expect(() => a.transport.send({ id: 'b' }, 'No Channel', frame)).toThrow(RangeError)
    expect(() => a.transport.broadcast('No Channel', frame)).toThrow(RangeError)
    const tooLarge = new Uint8Array(4_097)
    for (const ask of [
      () => a.transport.send({ id: 'b' }, 'test', tooLarge),
      () => a.transport.broadcast('test', tooLarge),
    ]) {
      expect(ask).toThrow(expect.objectContaining({ code: 'DSYS_TRANSPORT_FRAME_TOO_LARGE' }))
    }
    await a.transport.stop()
    expect(() => a.transport.send({ id: 'b' }, 'test', frame)).toThrow(
      expect.objectContaining({ code: 'DSYS_NOT_RUNNING' }),
    )
    expect(() => a.transport.broadcast('test', frame)).toThrow(expect.objectContaining({ code: 'DSYS_NOT_RUNNING' }))
  })

  test('a channel that is taken below is taken', async () => {
    const { node } = setUp()
    const a = await node('a')
    const end = a.inner.listen('below', () => undefined)
    expect(() => a.transport.listen('below', () => undefined)).toThrow(
      expect.objectContaining({ code: 'DSYS_TRANSPORT_CHANNEL_TAKEN' }),
    )
    end()
    a.transport.listen('below', () => undefined)()
    a.transport.listen('below', () => undefined)
  })
})

describe('the connection', () => {
  test('taken and given back: one event each, nothing passes meanwhile, what was held back is lost', async () => {
    const { node, advance } = setUp()
    const [a, b] = [await node('a'), await node('b')]
    a.transport.setLink({ minDelayMs: 100 })
    send(a, b, 1)
    a.transport.disconnect('the cable was pulled')
    a.transport.disconnect()
    expect(send(a, b, 2)).toEqual([false])
    expect(send(a, a, 2)).toEqual([false])
    expect(a.transport.broadcast('test', Uint8Array.of(2))).toBe(false)
    send(b, a, 3)
    await advance(1_000)
    expect([a.transport.connection, a.got, b.got]).toEqual(['disconnected', [], []])
    a.transport.reconnect()
    a.transport.reconnect()
    a.transport.setLink(undefined)
    send(a, b, 4)
    send(b, a, 5)
    await advance()
    expect([a.got, b.got]).toEqual([[5], [4]])
    expect(a.events).toEqual([
      { type: 'connected' },
      { type: 'disconnected', why: 'the cable was pulled' },
      { type: 'connected' },
    ])
  })

  test('is there only when that below is there too', async () => {
    const { node } = setUp()
    const a = await node('a')
    a.transport.disconnect()
    a.inner.disconnect()
    a.transport.reconnect()
    expect([a.transport.connection, a.events.length]).toEqual(['disconnected', 2])
    a.transport.disconnect()
    a.inner.reconnect()
    expect([a.transport.connection, a.events.length]).toEqual(['disconnected', 2])
    a.transport.reconnect()
    expect([a.transport.connection, a.events.length]).toEqual(['connected', 3])
  })
})

describe('a frame that met nobody', () => {
  const absences = (node: Node): number => node.events.filter(({ type }) => type === 'peer-absent').length

  test('is reported, also late; one that was lost or cut is not', async () => {
    const { node, advance } = setUp()
    const a = await node('a')
    send(a, 'nobody', 1)
    a.transport.setLink({ minDelayMs: 10 })
    send(a, 'nobody', 2)
    await advance(10)
    expect(absences(a)).toBe(2)
    a.transport.setLink({ lossRate: 1 })
    send(a, 'nobody', 3)
    a.transport.cut('nobody')
    send(a, 'nobody', 4)
    await advance(10)
    expect(absences(a)).toBe(2)
  })

  test('is not reported while it may be one of two copies: one report a frame at most, and none that is not so', async () => {
    const { node, advance } = setUp()
    const a = await node('a')
    a.transport.setLink({ duplicateRate: 1, minDelayMs: 0, maxDelayMs: 40_000 })
    send(a, 'nobody', 1)
    await advance(60_000)
    expect(absences(a)).toBe(0)
    a.transport.setLink(undefined)
    await advance(30_000)
    send(a, 'nobody', 2)
    await advance()
    expect(absences(a)).toBe(1)
  })

  test('is named by its tag, also late and while others are in doubt; a frame of two copies by none', async () => {
    const { node, advance } = setUp()
    const a = await node('a')
    const tags = (): unknown[] => a.events.flatMap((event) => (event.type === 'peer-absent' ? [event.tag] : []))
    const tagged = (tag: number): boolean => a.transport.send({ id: 'nobody' }, 'test', Uint8Array.of(1), tag)
    tagged(1)
    a.transport.setLink({ minDelayMs: 10 })
    tagged(2)
    await advance(10)
    expect(tags()).toEqual([1, 2])
    a.transport.setLink({ duplicateRate: 1 })
    tagged(3)
    a.transport.setLink({ minDelayMs: 10 })
    tagged(4)
    send(a, 'nobody', 5)
    a.transport.setLink(undefined)
    tagged(6)
    await advance(10)
    expect(tags()).toEqual([1, 2, 4, 6])
    for (const tag of [-1, 0.5]) {
      expect(() => tagged(tag)).toThrow(RangeError)
      a.transport.cut('nobody')
      expect(() => tagged(tag)).toThrow(RangeError)
    }
  })
})
