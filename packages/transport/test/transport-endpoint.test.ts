import { NotRunningError, VirtualClock } from '@dsys/runtime'
import { describe, expect, test } from 'vitest'
import {
  BroadcastUnsupportedError,
  type Destination,
  FrameTooLargeError,
  type PeerAddress,
  type TransportCapabilities,
  TransportEndpoint,
} from '../src/index.ts'

// What an adapter gets from TransportEndpoint is proved by the conformance suite over each of them. Here is what it is asked
// for and may tell.

type Step = () => Promise<void>

/** An adapter without a network, which notes what it is asked for, and can be told all that may happen. */
class Probe extends TransportEndpoint {
  readonly capabilities: TransportCapabilities
  readonly clock: VirtualClock
  readonly asked: unknown[] = []
  readonly heard: unknown[] = []
  joining: Step = async () => this.tell.connected()
  leaving: Step = async () => undefined
  readonly tell = {
    connected: (): void => this.connected(),
    disconnected: (why: string): void => this.disconnected(why),
    arrived: (channel: string, frame: Uint8Array, from: PeerAddress): void => this.arrived(channel, frame, from),
    metNobody: (peer: Destination, channel: string, tag?: number): void => this.metNobody(peer, channel, tag),
  }

  constructor(self: PeerAddress = { id: 'a', generation: 2 }, broadcast = true, name?: string) {
    const clock = new VirtualClock()
    super({ clock }, name === undefined ? { self } : { self, name })
    this.clock = clock
    this.capabilities = { broadcast, fastNegative: true, maxFrameBytes: 8 }
    this.observe((event) => this.heard.push(event))
  }

  reaches(to: Destination): boolean {
    return this.isSelf(to)
  }

  protected override join(signal: AbortSignal): Promise<void> {
    this.asked.push(['join', signal.aborted])
    return this.joining()
  }

  protected override leave(): Promise<void> {
    this.asked.push('leave')
    return this.leaving()
  }

  protected override transmit(to: Destination, channel: string, frame: Uint8Array, tag: number | undefined): boolean {
    this.asked.push(['transmit', to, channel, frame.byteLength, tag])
    return frame.byteLength < 8
  }
}

/** A probe that can broadcast. */
class Broadcaster extends Probe {
  protected override transmitToAll(channel: string, frame: Uint8Array): boolean {
    this.asked.push(['transmitToAll', channel, frame.byteLength])
    return frame.byteLength < 8
  }
}

async function started<P extends Probe>(probe: P): Promise<P> {
  await probe.start()
  probe.asked.length = 0
  probe.heard.length = 0
  return probe
}

describe('sending', () => {
  test('asks the adapter for legal frames alone, and says what it said', async () => {
    const probe = await started(new Broadcaster())
    expect(probe.send({ id: 'b' }, 'test', new Uint8Array(7))).toBe(true)
    expect(probe.send({ id: 'b', generation: 3 }, 'test', new Uint8Array(8), 5)).toBe(false)
    expect(probe.broadcast('test', new Uint8Array(7))).toBe(true)
    expect(probe.broadcast('test', new Uint8Array(8))).toBe(false)
    const asked = [...probe.asked]
    expect(asked).toEqual([
      ['transmit', { id: 'b' }, 'test', 7, undefined],
      ['transmit', { id: 'b', generation: 3 }, 'test', 8, 5],
      ['transmitToAll', 'test', 7],
      ['transmitToAll', 'test', 8],
    ])
    for (const illegal of [
      () => probe.send({ id: '' }, 'test', new Uint8Array()),
      () => probe.send({ id: 'b', generation: 0 }, 'test', new Uint8Array()),
      () => probe.send({ id: 'b' }, 'No', new Uint8Array()),
      () => probe.broadcast('No', new Uint8Array()),
    ]) {
      expect(illegal).toThrow(RangeError)
    }
    expect(() => probe.send({ id: 'b' }, 'test', new Uint8Array(9))).toThrow(FrameTooLargeError)
    expect(() => probe.broadcast('test', new Uint8Array(9))).toThrow(FrameTooLargeError)
    expect(probe.asked).toEqual(asked)
  })

  test('is left to the adapter while there is no connection', async () => {
    const probe = await started(new Probe())
    probe.tell.disconnected('a test')
    probe.send({ id: 'b' }, 'test', new Uint8Array(1))
    expect(probe.asked).toHaveLength(1)
  })

  test('a broadcast is refused where it is declared unsupported, and where the adapter has none', async () => {
    for (const probe of [new Broadcaster(undefined, false), new Probe()]) {
      await started(probe)
      expect(() => probe.broadcast('test', new Uint8Array(1))).toThrow(BroadcastUnsupportedError)
      expect(probe.asked).toEqual([])
    }
  })

  test('an endpoint knows frames to itself: to this life of the node', () => {
    const probe = new Probe()
    const destinations = [{ id: 'a' }, { id: 'a', generation: 2 }, { id: 'a', generation: 1 }, { id: 'b' }]
    expect(destinations.map((to) => probe.reaches(to))).toEqual([true, true, false, false])
  })
})

describe('the connection', () => {
  test('is idle, disconnected, connected and closed, with one event for each change', async () => {
    const probe = new Probe()
    const states = [probe.connection]
    probe.joining = async () => {
      states.push(probe.connection)
      probe.tell.connected()
      probe.tell.connected()
      states.push(probe.connection)
    }
    await probe.start()
    probe.tell.disconnected('one')
    probe.tell.disconnected('two')
    states.push(probe.connection)
    probe.tell.connected()
    await probe.stop()
    states.push(probe.connection)
    expect(states).toEqual(['idle', 'disconnected', 'connected', 'disconnected', 'closed'])
    expect(probe.heard).toEqual([
      { type: 'connected' },
      { type: 'disconnected', why: 'one' },
      { type: 'connected' },
      { type: 'closed' },
    ])
  })

  test('is not connected by a start that has not told so', async () => {
    const probe = new Probe()
    probe.joining = async () => undefined
    await probe.start()
    expect([probe.connection, probe.heard]).toEqual(['disconnected', []])
  })

  test('is closed while the adapter still leaves, which the event tells at the end', async () => {
    const probe = await started(new Probe())
    let left: () => void = () => undefined
    probe.leaving = () => new Promise((resolve) => (left = resolve))
    const stopping = probe.stop()
    expect([probe.connection, probe.heard]).toEqual(['closed', []])
    expect(() => probe.send({ id: 'b' }, 'test', new Uint8Array(1))).toThrow(NotRunningError)
    left()
    await stopping
    expect(probe.heard).toEqual([{ type: 'closed' }])
  })

  test('is closed also by an adapter that fails to leave', async () => {
    const probe = await started(new Probe())
    probe.leaving = () => Promise.reject(new Error('stuck'))
    await expect(probe.stop()).rejects.toThrow('stuck')
    expect([probe.connection, probe.heard]).toEqual(['closed', [{ type: 'closed' }]])
  })

  test('a failed start leaves the network, and closes', async () => {
    const probe = new Probe()
    probe.joining = () => Promise.reject(new Error('no network'))
    await expect(probe.start()).rejects.toThrow('no network')
    expect(probe.asked).toEqual([['join', false], 'leave'])
    expect([probe.connection, probe.heard]).toEqual(['closed', [{ type: 'closed' }]])
  })

  test('an endpoint that never started has nothing to leave', async () => {
    const probe = new Probe()
    await probe[Symbol.asyncDispose]()
    expect([probe.connection, probe.asked, probe.heard]).toEqual(['closed', [], []])
  })
})

describe('what the adapter tells', () => {
  test('frames reach the handler of their channel, until the end', async () => {
    const probe = await started(new Probe())
    const from = { id: 'b', generation: 1 }
    const got: unknown[] = []
    probe.listen('test', (frame, sender) => got.push([frame, sender]))
    probe.tell.arrived('test', Uint8Array.of(1), from)
    probe.tell.arrived('other', Uint8Array.of(2), from)
    await probe.stop()
    probe.tell.arrived('test', Uint8Array.of(3), from)
    expect(got).toEqual([[Uint8Array.of(1), from]])
  })

  test('to end a handler twice does not end the next one, be it the same function', async () => {
    const probe = await started(new Probe())
    const got: number[] = []
    const handler = (frame: Uint8Array): void => void got.push(frame[0] ?? 0)
    const end = probe.listen('test', handler)
    end()
    probe.listen('test', handler)
    end()
    probe.tell.arrived('test', Uint8Array.of(1), { id: 'b', generation: 1 })
    expect(got).toEqual([1])
    await probe.stop()
  })

  test('an observer that throws, although it must not, breaks neither the adapter nor other observers, and the error surfaces', async () => {
    const probe = new Probe()
    const end = probe.observe(({ type }) => {
      throw new Error(`broken by ${type}`)
    })
    const heard: string[] = []
    probe.observe(({ type }) => heard.push(type))
    await probe.start()
    probe.tell.disconnected('a test')
    expect(heard).toEqual(['connected', 'disconnected'])
    expect(() => probe.clock.advance(0)).toThrow('broken by connected')
    expect(() => probe.clock.advance(0)).toThrow('broken by disconnected')
    end()
    await probe.stop()
    probe.clock.advance(0)
    expect(heard).toEqual(['connected', 'disconnected', 'closed'])
  })

  test('a frame that met nobody is reported while there is a connection', async () => {
    const probe = await started(new Probe())
    probe.tell.metNobody({ id: 'b' }, 'test')
    probe.tell.metNobody({ id: 'b' }, 'test', 0)
    probe.tell.disconnected('a test')
    probe.tell.metNobody({ id: 'c' }, 'test')
    await probe.stop()
    probe.observe((event) => probe.heard.push(event))
    probe.tell.metNobody({ id: 'd' }, 'test')
    probe.tell.connected()
    probe.tell.disconnected('nothing to lose')
    expect(probe.heard).toEqual([
      { type: 'peer-absent', peer: { id: 'b' }, channel: 'test' },
      { type: 'peer-absent', peer: { id: 'b' }, channel: 'test', tag: 0 },
      { type: 'disconnected', why: 'a test' },
      { type: 'closed' },
    ])
  })
})

test('its errors call it by the name it was given, or by that of its node', () => {
  const send = (probe: Probe) => () => probe.send({ id: 'b' }, 'test', new Uint8Array())
  expect(send(new Probe())).toThrow('transport of a is not running')
  expect(send(new Probe(undefined, true, 'wire of a'))).toThrow('wire of a is not running')
})

test('the address is checked, and cannot be changed', () => {
  expect(() => new Probe({ id: '', generation: 1 })).toThrow(RangeError)
  expect(() => new Probe({ id: 'a', generation: 0 })).toThrow(RangeError)
  const self = { id: 'a', generation: 1 }
  const probe = new Probe(self)
  self.generation = 9
  expect(probe.self).toEqual({ id: 'a', generation: 1 })
  expect(Object.isFrozen(probe.self)).toBe(true)
})
