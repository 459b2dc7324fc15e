import { SeededRandom } from '@dsys/runtime'
import type { TransportEvent } from '@dsys/transport'
import { describe, expect, test } from 'vitest'
import { Counts } from '../../src/chance.ts'
import { MachineClock } from '../../src/machine-clock.ts'
import type { LinkKnobs } from '../../src/network/links.ts'
import { type SimEndpointOptions, SimNetwork, type SimNetworkOptions } from '../../src/network/sim-network.ts'
import { SimProcess } from '../../src/process.ts'
import { Scheduler } from '../../src/scheduler.ts'
import { Trace } from '../../src/trace.ts'
import { CALM } from './links-world.ts'

/** A network, its processes, and what their transports said. */
class World {
  readonly scheduler = new Scheduler()
  readonly counts = new Counts()
  readonly trace = new Trace({ keep: true })
  readonly machine = new MachineClock(() => this.scheduler.nowMs)
  readonly network: SimNetwork

  constructor(options: SimNetworkOptions = {}, knobs: Partial<LinkKnobs> = {}, seed = 1) {
    this.network = new SimNetwork(
      {
        scheduler: this.scheduler,
        random: new SeededRandom(seed),
        knobs: { ...CALM, ...knobs },
        count: (what) => this.counts.add(what),
        trace: this.trace,
        describe: (_channel, frame) => `${frame.byteLength} bytes`,
      },
      options,
    )
  }

  /** A transport in a process of its own, not yet started. */
  create(id: string, options: Partial<SimEndpointOptions> = {}) {
    const process = new SimProcess(this.scheduler, this.machine)
    const transport = this.network.endpoint(id, { process, ...options })
    const frames: number[] = []
    const atMs: number[] = []
    const events: TransportEvent[] = []
    transport.observe((event) => events.push(event))
    transport.listen('test', (frame) => {
      frames.push(frame[0] ?? -1)
      atMs.push(this.scheduler.nowMs)
    })
    const send = (to: string, number: number, generation?: number): boolean =>
      transport.send(generation === undefined ? { id: to } : { id: to, generation }, 'test', Uint8Array.of(number))
    return { transport, process, frames, atMs, events, send }
  }

  async start(id: string, options: Partial<SimEndpointOptions> = {}) {
    const node = this.create(id, options)
    await node.transport.start()
    return node
  }

  pass(ms: number): Promise<void> {
    return this.scheduler.runAsync(this.scheduler.nowMs + ms)
  }

  count(fate: string): number {
    return this.counts.byName.get(`network.${fate}`) ?? 0
  }
}

const typesOf = (events: readonly TransportEvent[]): string[] => events.map(({ type }) => type)

describe('the process of an endpoint', () => {
  test('paused, gets its frames late, in one burst, in order', async () => {
    const world = new World()
    const [a, b] = [await world.start('a'), await world.start('b')]
    b.process.pause()
    for (let i = 0; i < 20; i++) world.scheduler.at(i * 100, () => a.send('b', i))
    await world.pass(5_000)
    expect(b.frames).toEqual([])
    b.process.resume()
    await world.pass(0)
    expect(b.frames).toEqual(Array.from({ length: 20 }, (_, i) => i))
    expect(new Set(b.atMs)).toEqual(new Set([5_000]))
  })

  test('paused, has room for so many frames and no more', async () => {
    const world = new World({ maxQueuedFrames: 10 })
    const [a, b] = [await world.start('a'), await world.start('b')]
    b.process.pause()
    for (let i = 0; i < 15; i++) world.scheduler.at(i * 10, () => a.send('b', i))
    await world.pass(1_000)
    b.process.resume()
    await world.pass(0)
    expect([b.frames.length, world.count('overrun')]).toEqual([10, 5])
    a.send('b', 99)
    await world.pass(10)
    expect(b.frames.at(-1)).toBe(99)
  })

  test('killed, gets nothing, sends nothing, and is reported as absent', async () => {
    const world = new World()
    const [a, b] = [await world.start('a'), await world.start('b')]
    a.send('b', 1)
    b.process.kill()
    await world.pass(10)
    expect(b.send('a', 2)).toBe(false)
    expect(b.transport.broadcast('test', Uint8Array.of(3))).toBe(false)
    await world.pass(10)
    expect([a.frames, b.frames]).toEqual([[], []])
    expect(a.events.slice(1)).toEqual([{ type: 'peer-absent', peer: { id: 'b' }, channel: 'test' }])
  })

  test('killed and followed by another life: a frame under way meets the life that is there then', async () => {
    const world = new World({}, { delayMs: 100 })
    const [a, b] = [await world.start('a'), await world.start('b')]
    a.send('b', 1)
    a.send('b', 2, 1)
    b.process.kill()
    const next = await world.start('b')
    await world.pass(1_000)
    expect([next.transport.self.generation, next.frames, b.frames]).toEqual([2, [1], []])
    expect(typesOf(a.events)).toEqual(['connected', 'peer-absent'])
  })
})

describe('bytes', () => {
  test('are copied: neither the sender nor another receiver can change what arrives', async () => {
    const world = new World()
    const [a, b, c] = [await world.start('a'), await world.start('b'), await world.start('c')]
    const frame = Uint8Array.of(7)
    for (const { transport } of [b, c]) transport.listen('scribble', (own) => own.fill(0))
    a.transport.broadcast('scribble', frame)
    a.transport.broadcast('test', frame)
    a.send('a', 7)
    frame.fill(9)
    await world.pass(10)
    expect([b.frames, c.frames, a.frames]).toEqual([[7], [7], [7]])
  })

  test('of a duplicated frame arrive twice, each time unchanged', async () => {
    const world = new World({}, { duplicateRate: 1 })
    const [a, b] = [await world.start('a'), await world.start('b')]
    b.transport.listen('scribble', (own) => {
      b.frames.push(own[0] ?? -1)
      own.fill(0)
    })
    a.transport.send({ id: 'b' }, 'scribble', Uint8Array.of(7))
    await world.pass(10_000)
    expect(b.frames).toEqual([7, 7])
  })
})

describe('two processes with the same id', () => {
  test('both get what is sent to the id alone, and each what names its generation, as over NATS', async () => {
    const world = new World()
    const a = await world.start('a')
    const [one, two] = [await world.start('b'), await world.start('b')]
    a.send('b', 1)
    a.send('b', 2, 1)
    a.send('b', 3, 2)
    a.transport.broadcast('test', Uint8Array.of(4))
    await world.pass(10)
    expect([one.frames, two.frames]).toEqual([
      [1, 2, 4],
      [1, 3, 4],
    ])
  })

  test('of the same generation both get all; each keeps for itself what it sends to itself', async () => {
    const world = new World()
    const a = await world.start('a')
    const twins = [await world.start('b', { generation: 5 }), await world.start('b', { generation: 5 })] as const
    a.send('b', 1, 5)
    twins[0].send('b', 2)
    twins[0].transport.broadcast('test', Uint8Array.of(3))
    await world.pass(10)
    expect(twins[0].frames.sort()).toEqual([1, 2])
    expect(twins[1].frames.sort()).toEqual([1, 3])
    expect(a.frames).toEqual([3])
  })

  test('may be at two places, of which one is cut', async () => {
    const world = new World()
    const a = await world.start('a')
    const [one, two] = [await world.start('b'), await world.start('b', { place: 'elsewhere' })]
    world.network.links.cut('a', 'b')
    a.send('b', 1)
    await world.pass(10)
    expect([one.frames, two.frames]).toEqual([[], [1]])
    await two.transport.stop()
    one.process.kill()
    world.network.links.heal()
    a.send('b', 2)
    await world.pass(10)
    expect(typesOf(a.events)).toEqual(['connected', 'peer-absent'])
  })
})

describe('the evidence that nobody is there', () => {
  test('travels as a frame does: late, lost to a cut broker, and once also where it is duplicated', async () => {
    const world = new World({}, { delayMs: 50, duplicateRate: 1 })
    const a = await world.start('a')
    a.send('nobody', 1)
    await world.pass(49)
    expect(typesOf(a.events)).toEqual(['connected'])
    await world.pass(10_000)
    expect(typesOf(a.events)).toEqual(['connected', 'peer-absent'])
  })

  test('may be missing', async () => {
    const world = new World({ missedAbsenceRate: 0.5 })
    const a = await world.start('a')
    for (let i = 0; i < 400; i++) world.scheduler.at(i, () => a.send('nobody', 1))
    await world.pass(1_000)
    const reports = typesOf(a.events).filter((type) => type === 'peer-absent').length
    expect(reports).toBeGreaterThan(150)
    expect(reports).toBeLessThan(250)
  })

  test('is about a node whose broker is known to be lost, and not where the loss is hidden', async () => {
    const world = new World()
    const a = await world.start('a')
    await world.start('b')
    const end = world.network.links.disconnect('b', { buffered: true })
    a.send('b', 1)
    await world.pass(10)
    expect(typesOf(a.events)).toEqual(['connected'])
    end()
    world.network.links.disconnect('b', { buffered: false })
    a.send('b', 1)
    await world.pass(10)
    expect(typesOf(a.events)).toEqual(['connected', 'peer-absent'])
  })

  test('is never there when a frame was lost on its way, nor without fastNegative', async () => {
    const lossy = new World({}, { lossRate: 1 })
    const a = await lossy.start('a')
    a.send('nobody', 1)
    await lossy.pass(100)
    const silent = new World({ fastNegative: false })
    const b = await silent.start('b')
    b.send('nobody', 1)
    await silent.pass(100)
    expect([typesOf(a.events), typesOf(b.events)]).toEqual([['connected'], ['connected']])
  })
})

describe('the broker', () => {
  test('lost and back: the node says so, and sends nothing meanwhile', async () => {
    const world = new World()
    const [a, b] = [await world.start('a'), await world.start('b')]
    const end = world.network.links.disconnect('a', { buffered: false })
    expect([a.transport.connection, a.send('b', 1), a.send('a', 2)]).toEqual(['disconnected', false, false])
    end()
    expect([a.transport.connection, a.send('b', 3)]).toEqual(['connected', true])
    await world.pass(10)
    expect([typesOf(a.events), b.frames]).toEqual([['connected', 'disconnected', 'connected'], [3]])
  })

  test('lost unnoticed: what was sent arrives stale, unless the process died or stopped first', async () => {
    const world = new World()
    const [a, c, d, b] = [
      await world.start('a'),
      await world.start('c'),
      await world.start('d'),
      await world.start('b'),
    ]
    const ends = ['a', 'c', 'd'].map((id) => world.network.links.disconnect(id, { buffered: true }))
    for (const [index, node] of [a, c, d].entries()) expect(node.send('b', index)).toBe(true)
    c.process.kill()
    await d.transport.stop()
    await world.pass(3_000)
    for (const end of ends) end()
    await world.pass(10)
    expect([b.frames, typesOf(a.events)]).toEqual([[0], ['connected']])
    expect([world.count('stale'), world.count('cut')]).toEqual([1, 2])
  })

  test('away at the start: the node starts when it is back, or fails when that takes too long', async () => {
    const world = new World({ connectTimeoutMs: 1_000 })
    const end = world.network.links.disconnect('a', { buffered: true })
    const outcomes: string[] = []
    const [early, late] = [world.create('a'), world.create('a')]
    early.transport.start().catch((error: { code: string }) => outcomes.push(error.code))
    await world.pass(500)
    void late.transport.start().then(() => outcomes.push('started'))
    await world.pass(600)
    expect(outcomes).toEqual(['DSYS_SIMULATION_UNREACHABLE'])
    end()
    await world.pass(1)
    expect([outcomes.at(-1), early.transport.connection, late.transport.connection]).toEqual([
      'started',
      'closed',
      'connected',
    ])
  })

  test('lost and back while the process is paused: it learns of both, in order, when it goes on', async () => {
    const world = new World()
    const a = await world.start('a')
    a.process.pause()
    const end = world.network.links.disconnect('a', { buffered: false })
    end()
    expect(typesOf(a.events)).toEqual(['connected'])
    a.process.resume()
    await world.pass(0)
    expect(typesOf(a.events)).toEqual(['connected', 'disconnected', 'connected'])
  })
})

describe('the queue to the network', () => {
  test('is bounded in frames and bytes, and has room again when frames arrived or were lost', async () => {
    for (const limits of [{ maxQueuedFrames: 4 }, { maxQueuedBytes: 400, maxFrameBytes: 100 }]) {
      const world = new World(limits)
      const a = await world.start('a')
      await world.start('b')
      const end = world.network.links.hold('a', 'b')
      const burst = (): boolean[] =>
        Array.from({ length: 6 }, () => a.transport.send({ id: 'b' }, 'test', new Uint8Array(100)))
      expect(burst()).toEqual([true, true, true, true, false, false])
      await world.pass(100)
      expect(a.send('b', 1)).toBe(false)
      end()
      await world.pass(10)
      world.network.links.cut('a', 'b')
      for (let i = 0; i < 10; i++) expect(burst().every((taken) => taken)).toBe(true)
    }
  })

  test('counts frames to oneself too, until they are handed over', async () => {
    const world = new World({ maxQueuedFrames: 4 })
    const a = await world.start('a')
    for (let round = 0; round < 3; round++) {
      expect([1, 2, 3, 4, 5].map((number) => a.send('a', number))).toEqual([true, true, true, true, false])
      await world.pass(0)
    }
    expect(a.frames).toHaveLength(12)
  })

  test('options out of their range are refused', () => {
    const wrong: SimNetworkOptions[] = [
      { maxFrameBytes: 0 },
      { maxQueuedFrames: 1.5 },
      { maxQueuedBytes: 10 },
      { missedAbsenceRate: 2 },
      { connectTimeoutMs: 0 },
    ]
    for (const options of wrong) expect(() => new World(options)).toThrow(RangeError)
    const world = new World({ maxQueuedBytes: 2 ** 21 })
    expect(() => world.create('a', { maxFrameBytes: 2 ** 22 })).toThrow(RangeError)
    expect(() => world.create('a', { generation: 0 })).toThrow(RangeError)
    expect(world.create('a', { maxFrameBytes: 5 }).transport.capabilities.maxFrameBytes).toBe(5)
  })
})

test('the same seed gives the same trace, with details for people', async () => {
  const run = async (seed: number): Promise<World> => {
    const world = new World({ missedAbsenceRate: 0.3 }, { lossRate: 0.1, duplicateRate: 0.1, tailRate: 0.1 }, seed)
    const [a, b] = [await world.start('a'), await world.start('b')]
    for (let i = 0; i < 200; i++) {
      world.scheduler.at(i, () => a.send('b', i % 256))
      world.scheduler.at(i, () => b.send('nobody', 1))
    }
    await world.pass(10_000)
    return world
  }
  const [one, two, other] = [await run(4), await run(4), await run(5)]
  expect(one.trace.hash).toBe(two.trace.hash)
  expect(one.trace.hash).not.toBe(other.trace.hash)
  const details = new Set(one.trace.events.map(({ detail }) => detail))
  expect(details).toEqual(new Set(['test 1 bytes', 'nobody at nobody for test']))
})
