import type { Socket } from 'node:net'
import { SeededRandom, systemClock } from '@dsys/runtime'
import { describe, expect, test, vi } from 'vitest'
import { encodeControl, FRAME, HEADER_BYTES } from '../src/frames.ts'
import { nodeNetwork, type TcpNetwork } from '../src/index.ts'
import { Relay, reached, SteppedPings, startNode, type TestNode, until } from './rig.ts'

const lost = (node: TestNode): unknown[] => node.said('lost the connection to a peer').map(({ why }) => why)
/** Of the frames that carry a number. */
const numbersOf = (node: TestNode): number[] =>
  node.inbox.filter(({ frame }) => frame.length >= 4).map(({ frame }) => Buffer.from(frame).readUInt32BE(0))

function numbered(number: number, length = 4): Uint8Array {
  const frame = Buffer.alloc(length)
  frame.writeUInt32BE(number)
  return new Uint8Array(frame)
}

/** Sockets of Node.js, which are kept, and the writes of those that have dialled are counted. */
function countingNetwork(): {
  readonly network: TcpNetwork
  readonly writes: () => number
  readonly sockets: Socket[]
} {
  const sockets: Socket[] = []
  let writes = 0
  const dial: TcpNetwork['dial'] = (address) => {
    const dialling = nodeNetwork.dial(address)
    sockets.push(dialling.socket)
    const write = dialling.socket._write.bind(dialling.socket)
    const writev = dialling.socket._writev?.bind(dialling.socket)
    dialling.socket._write = (...given) => {
      writes++
      write(...given)
    }
    dialling.socket._writev = (...given) => {
      writes++
      writev?.(...given)
    }
    return dialling
  }
  const accept: TcpNetwork['accept'] = (socket, use) => {
    sockets.push(socket)
    nodeNetwork.accept(socket, use)
  }
  return { network: { ...nodeNetwork, dial, accept }, writes: () => writes, sockets }
}

describe('a connection', () => {
  test('is one for both directions, however many dial at once', async () => {
    const addresses = new Map<string, string>()
    const nodes = await Promise.all(
      ['a', 'b', 'c', 'd', 'e'].map((nodeId) => startNode({ nodeId, peers: (id) => addresses.get(id) })),
    )
    for (const node of nodes) addresses.set(node.transport.self.id, node.address)
    for (const from of nodes) for (const to of nodes) if (from !== to) from.send(to.transport.self.id)
    await until('all frames', () => nodes.every(({ inbox }) => inbox.length === 4))
    expect(nodes.map((node) => node.count('connects_total'))).toEqual([4, 4, 4, 4, 4])
    await Promise.all(nodes.map((node) => node.transport.stop()))
  })

  test('takes what one callback sends in one write, and answers in the turn of the question', async () => {
    const { network, writes, sockets } = countingNetwork()
    await using b = await startNode({ nodeId: 'b' })
    await using a = await startNode({ nodeId: 'a', peers: { b: b.address } }, { network })
    await reached(a, b)
    await new Promise(setImmediate)
    const before = writes()
    for (let i = 0; i < 500; i++) a.send('b', numbered(i))
    a.transport.send({ id: 'b' }, 'test', numbered(500, 40_000))
    expect(writes()).toBe(before)
    await Promise.resolve()
    expect(writes()).toBe(before + 1)
    await until('all frames', () => numbersOf(b).includes(500))
    expect(sockets).toHaveLength(1)
  })

  test('has two writes a turn at most, however often is sent', async () => {
    const { network, writes } = countingNetwork()
    await using b = await startNode({ nodeId: 'b' })
    await using a = await startNode({ nodeId: 'a', peers: { b: b.address } }, { network })
    await reached(a, b)
    await new Promise(setImmediate)
    await new Promise(setImmediate)
    const before = writes()
    for (let i = 0; i < 50; i++) {
      a.send('b', numbered(i))
      await Promise.resolve()
    }
    await new Promise(setImmediate)
    await new Promise(setImmediate)
    expect(writes() - before).toBeLessThanOrEqual(2)
    await until('all frames', () => b.inbox.length >= 50)
  })

  test('has no delay by Nagle on either side', async () => {
    const accepted: Socket[] = []
    const noDelay = vi.fn()
    const watch = (socket: Socket): Socket => {
      accepted.push(socket)
      const setNoDelay = socket.setNoDelay.bind(socket)
      socket.setNoDelay = (on) => {
        noDelay(on)
        return setNoDelay(on)
      }
      return socket
    }
    const network: TcpNetwork = {
      ...nodeNetwork,
      dial: (address) => {
        const dialling = nodeNetwork.dial(address)
        watch(dialling.socket)
        return dialling
      },
      accept: (socket, use) => use(watch(socket)),
    }
    await using b = await startNode({ nodeId: 'b' }, { network })
    await using a = await startNode({ nodeId: 'a', peers: { b: b.address } }, { network })
    await reached(a, b)
    expect([accepted.length, noDelay.mock.calls]).toEqual([2, [[true], [true]]])
  })

  test('that is cut is made anew, and what had not been handed to the system is not lost', async () => {
    await using b = await startNode({ nodeId: 'b' })
    await using relay = await Relay.to(b.address)
    await using a = await startNode({ nodeId: 'a', peers: { b: relay.address }, maxQueuedBytes: 64 * 2 ** 20 })
    await reached(a, b)
    relay.freeze()
    for (let i = 0; i < 200; i++) expect(a.send('b', numbered(i, 2 ** 16))).toBe(true)
    await until('the system to take no more', () => a.count('frames_sent_total') > 1)
    relay.cut()
    relay.thaw()
    await until('the last frame', () => numbersOf(b).at(-1) === 199)
    const got = numbersOf(b)
    expect(got.length).toBeGreaterThan(10)
    expect(got).toEqual([...got].sort((one, other) => one - other))
    expect(new Set(got).size).toBe(got.length)
  })

  test('to nobody is tried again after a wait that grows, is random, and ends at its bound', async () => {
    const waits: number[] = []
    // Time stands still but for the timers that are due, so that every wait is a whole one.
    const clock = {
      ...systemClock,
      monotonicMs: () => 0,
      setTimer: (delayMs: number, callback: () => void) => {
        if (delayMs < 100) waits.push(delayMs)
        return systemClock.setTimer(delayMs < 100 ? 0 : delayMs, callback)
      },
    }
    const address = await startNode({ nodeId: 'gone' }).then(async (gone) => {
      const text = gone.address
      await gone.transport.stop()
      return text
    })
    const limits = { minReconnectWaitMs: 4, maxReconnectWaitMs: 32 }
    await using a = await startNode(
      { nodeId: 'a', peers: { gone: address }, ...limits },
      { clock, random: new SeededRandom(7) },
    )
    for (let attempt = 1; attempt <= 8; attempt++) {
      const before = a.events.length
      a.send('gone')
      await until('the report', () => a.events.length > before)
    }
    expect(waits).toHaveLength(7)
    for (const [index, wait] of waits.entries()) {
      const most = Math.min(4 * 2 ** index, 32)
      expect([wait > most / 2, wait <= most], `${index}: ${wait}`).toEqual([true, true])
    }
    expect(new Set(waits).size).toBe(waits.length)
  })

  test('goes to the new address once it is known, without waiting', async () => {
    const gone = await startNode({ nodeId: 'b' })
    const old = gone.address
    await gone.transport.stop()
    await using a = await startNode({
      nodeId: 'a',
      peers: { b: old },
      minReconnectWaitMs: 60_000,
      maxReconnectWaitMs: 60_000,
    })
    a.send('b')
    await until('the report', () => a.events.some(({ type }) => type === 'peer-absent'))
    await using b = await startNode({ nodeId: 'b', generation: 2 })
    a.send('b', [9])
    a.transport.setPeers({ b: b.address })
    await until('the frame', () => b.inbox.length > 0)
    expect(() => a.transport.setPeers({ b: 'no address' })).toThrow(RangeError)
    expect(() => a.transport.setPeers(() => undefined)).toThrow(RangeError)
  })

  test('to a peer whose address nobody knows is not made anew, and what waits for it meets nobody', async () => {
    await using b = await startNode({ nodeId: 'b' })
    await using relay = await Relay.to(b.address)
    const a = await startNode({ nodeId: 'a', peers: { b: relay.address } })
    await reached(a, b)
    relay.freeze()
    for (let i = 0; i < 200; i++) b.send('a', numbered(i, 2 ** 16))
    await until('the system to take no more', () => b.count('frames_sent_total') > 1)
    relay.cut()
    await until('the reports', () => b.events.some(({ type }) => type === 'peer-absent'))
    const dropped = b.count('frames_dropped_total')
    expect(dropped).toBeGreaterThan(10)
    relay.thaw()
    await reached(a, b)
    expect([numbersOf(a), b.count('frames_dropped_total')]).toEqual([[], dropped])
    await a.transport.stop()
  })

  test('takes a frame that is larger than a batch piece by piece, and that is progress', async () => {
    const { network, writes } = countingNetwork()
    await using b = await startNode({ nodeId: 'b', maxFrameBytes: 2 ** 22 })
    const options = { nodeId: 'a', peers: { b: b.address }, maxFrameBytes: 2 ** 22 }
    await using a = await startNode(options, { network })
    await reached(a, b)
    const before = writes()
    const frame = new Uint8Array(2 ** 22).map((_, index) => index * 31)
    a.send('b', frame)
    await until('the frame', () => b.inbox.at(-1)?.frame.length === frame.length)
    expect(Buffer.compare(b.inbox.at(-1)?.frame ?? frame.subarray(1), frame)).toBe(0)
    expect(writes() - before).toBeGreaterThanOrEqual(16)
  })

  test('lets nothing come between the pieces of a frame, also no sign of life', async () => {
    const held: (() => void)[] = []
    let hold = false
    const sockets: Socket[] = []
    const dial: TcpNetwork['dial'] = (address) => {
      const dialling = nodeNetwork.dial(address)
      const write = dialling.socket._write.bind(dialling.socket)
      dialling.socket._write = (chunk, encoding, callback) =>
        write(chunk, encoding, (error) => (hold ? held.push(() => callback(error)) : callback(error)))
      sockets.push(dialling.socket)
      return dialling
    }
    await using b = await startNode({ nodeId: 'b', pingIntervalMs: 20 })
    await using a = await startNode({ nodeId: 'a', peers: { b: b.address } }, { network: { ...nodeNetwork, dial } })
    await reached(a, b)
    hold = true
    const frame = new Uint8Array(2 ** 20).map((_, index) => index * 31)
    a.send('b', frame)
    await until('the first piece', () => held.length > 0)
    let asked = false
    sockets[0]?.on('data', (chunk: Buffer) => {
      asked ||= encodeControl(FRAME.ping).equals(chunk.subarray(-HEADER_BYTES))
    })
    await until('a question of the peer', () => asked)
    hold = false
    for (const release of held) release()
    await until('the frame', () => b.inbox.at(-1)?.frame.length === frame.length)
    expect(Buffer.compare(b.inbox.at(-1)?.frame ?? frame.subarray(1), frame)).toBe(0)
    expect(lost(b)).toEqual([])
  })

  test.each([
    ['soon', 20],
    ['when this node stops', 60_000],
  ])('of an earlier life that takes nothing any more is closed %s', async (when, pingIntervalMs) => {
    const { network, sockets } = countingNetwork()
    await using earlier = await startNode({ nodeId: 'b' })
    await using relay = await Relay.to(earlier.address)
    await using a = await startNode({ nodeId: 'a', peers: { b: relay.address }, pingIntervalMs }, { network })
    await reached(a, earlier)
    relay.freeze()
    for (let i = 0; i < 200; i++) a.send('b', numbered(i, 2 ** 16))
    await until('the system to take no more', () => a.count('frames_sent_total') > 1)
    await using later = await startNode({ nodeId: 'b', generation: 2, peers: { a: a.address } })
    await reached(later, a)
    if (when !== 'soon') await Promise.all([a.transport.stop(), later.transport.stop()])
    await until('the end of the socket', () => sockets[0]?.destroyed === true)
  })

  test('ends in order when a node stops: the peer has read all, and knows that nobody is there', async () => {
    await using b = await startNode({ nodeId: 'b' })
    const a = await startNode({ nodeId: 'a', peers: { b: b.address } })
    for (let i = 0; i < 300; i++) a.send('b', numbered(i, 10_000))
    await a.transport.stop()
    expect(numbersOf(b)).toHaveLength(300)
    expect(lost(b)).toEqual(['the peer said goodbye'])
    b.transport.send({ id: 'a', generation: 1 }, 'test', Uint8Array.of(1))
    await until('the report', () => b.events.some(({ type }) => type === 'peer-absent'))
  })
})

describe('a peer that', () => {
  const quick = { pingIntervalMs: 20, connectTimeoutMs: 200 }

  test('is half open is noticed on both sides, M-36', async () => {
    await using b = await startNode({ nodeId: 'b', ...quick })
    await using relay = await Relay.to(b.address)
    await using a = await startNode({ nodeId: 'a', peers: { b: relay.address }, ...quick })
    await reached(a, b)
    relay.freeze()
    await until('both ends', () => lost(a).length > 0 && lost(b).length > 0)
    expect([lost(a), lost(b)]).toEqual([['the peer gave no sign of life'], ['the peer gave no sign of life']])
  })

  test('only has nothing to say stays connected', async () => {
    await using b = await startNode({ nodeId: 'b', ...quick })
    await using a = await startNode({ nodeId: 'a', peers: { b: b.address }, ...quick })
    await reached(a, b)
    await new Promise((resolve) => systemClock.setTimer(200, () => resolve(undefined)))
    expect([lost(a), lost(b)]).toEqual([[], []])
  })

  test('is not judged by a node that was blocked itself, M-19 M-20', async () => {
    const pings = new SteppedPings()
    const { pingIntervalMs, clock } = pings
    await using b = await startNode({ nodeId: 'b' })
    await using relay = await Relay.to(b.address)
    await using a = await startNode({ nodeId: 'a', peers: { b: relay.address }, pingIntervalMs }, { clock })
    await reached(a, b)
    relay.freeze()
    for (let i = 0; i < 10; i++) await pings.tick(5_000)
    expect(lost(a)).toEqual([])
    for (let i = 0; i < 4; i++) await pings.tick()
    expect(lost(a)).toEqual(['the peer gave no sign of life'])
  })

  test.each([
    ['is with the system', 4, 'the peer gave no sign of life'],
    ['still waits in part', 400, 'the peer takes no more frames'],
  ])('only receives, and slowly, what %s is alive as long as it does', async (_, count, why) => {
    const [pingsOfA, pingsOfB] = [new SteppedPings(), new SteppedPings()]
    const { pingIntervalMs } = pingsOfA
    const { network: networkOfA, sockets: socketsOfA } = countingNetwork()
    const { network: networkOfB, sockets: socketsOfB } = countingNetwork()
    await using b = await startNode({ nodeId: 'b', pingIntervalMs }, { clock: pingsOfB.clock, network: networkOfB })
    await using relay = await Relay.to(b.address)
    const options = { nodeId: 'a', peers: { b: relay.address }, pingIntervalMs, maxQueuedBytes: 64 * 2 ** 20 }
    await using a = await startNode(options, { clock: pingsOfA.clock, network: networkOfA })
    await reached(a, b)
    const readBy = (sockets: readonly Socket[]): number => sockets[0]?.bytesRead ?? 0
    relay.freezeForward()
    for (let i = 0; i < count; i++) expect(a.send('b', numbered(i, 2 ** 16))).toBe(true)
    await until('the system to take what it takes', () => a.count('frames_sent_total') > 1)
    for (let i = 0; i < 10; i++) {
      const [heardByA, heardByB] = [readBy(socketsOfA), readBy(socketsOfB)]
      await until('bytes to pass on', () => relay.trickle(1_000))
      await until('them to arrive', () => readBy(socketsOfB) === heardByB + 1_000)
      await pingsOfB.tick()
      await until('a sign of life', () => readBy(socketsOfA) > heardByA)
      await pingsOfA.tick()
    }
    expect([lost(a), lost(b), numbersOf(b)]).toEqual([[], [], []])
    for (let i = 0; i < 5; i++) await pingsOfA.tick()
    expect(lost(a)).toEqual([why])
  })

  test('has received says so once an interval, and nothing says so of what says no more than that', async () => {
    const [pingsOfA, pingsOfB] = [new SteppedPings(), new SteppedPings()]
    const { pingIntervalMs } = pingsOfA
    const { network: networkOfA, sockets: socketsOfA } = countingNetwork()
    const { network: networkOfB, sockets: socketsOfB } = countingNetwork()
    await using b = await startNode({ nodeId: 'b', pingIntervalMs }, { clock: pingsOfB.clock, network: networkOfB })
    const options = { nodeId: 'a', peers: { b: b.address }, pingIntervalMs }
    await using a = await startNode(options, { clock: pingsOfA.clock, network: networkOfA })
    await reached(a, b)
    // What came in with the handshake is answered too.
    await pingsOfA.tick()
    await until('all to arrive', () => socketsOfB[0]?.bytesRead === socketsOfA[0]?.bytesWritten)
    const heardByA = socketsOfA[0]?.bytesRead ?? 0
    const heardByB = socketsOfB[0]?.bytesRead ?? 0
    await pingsOfB.tick()
    await until('the sign', () => (socketsOfA[0]?.bytesRead ?? 0) === heardByA + HEADER_BYTES)
    await pingsOfA.tick()
    const before = b.inbox.length
    a.send('b')
    await until('the next frame', () => b.inbox.length > before)
    expect(socketsOfB[0]?.bytesRead).toBe(heardByB + HEADER_BYTES + 'test'.length + 1)
  })

  test('reads nothing gets a bounded queue, which says false and is told of; it is given up in the end, although it talks', async () => {
    await using b = await startNode({ nodeId: 'b' })
    await using relay = await Relay.to(b.address)
    const limits = { maxFrameBytes: 2 ** 16, maxQueuedBytes: 2 ** 20, pingIntervalMs: 60 }
    await using a = await startNode({ nodeId: 'a', peers: { b: relay.address }, ...limits })
    await reached(a, b)
    relay.freezeForward()
    const talking = setInterval(() => b.send('a'), 5)
    let taken = 0
    await until('a full queue', () => {
      if (!a.send('b', numbered(taken, 2 ** 16))) return true
      taken++
      return false
    })
    const waiting = taken - (a.count('frames_sent_total') - 1)
    expect(waiting * 2 ** 16).toBeLessThanOrEqual(2 ** 20)
    expect(a.said('a peer takes frames more slowly than they are sent; some were dropped')).toHaveLength(1)
    expect(a.count('frames_dropped_total')).toBe(1)
    await until('the end', () => lost(a).length > 0)
    clearInterval(talking)
    expect(lost(a)).toEqual(['the peer takes no more frames'])
  })

  test('is slow takes neither the memory nor the room of the others', async () => {
    await using slow = await startNode({ nodeId: 'slow' })
    await using b = await startNode({ nodeId: 'b' })
    await using relay = await Relay.to(slow.address)
    const limits = { maxFrameBytes: 2 ** 16, maxQueuedBytes: 2 ** 20, maxTotalQueuedBytes: 2 ** 21 }
    await using a = await startNode({ nodeId: 'a', peers: { slow: relay.address, b: b.address }, ...limits })
    await reached(a, slow)
    await reached(a, b)
    relay.freeze()
    await until('a full queue', () => !a.send('slow', numbered(0, 2 ** 16)))
    await reached(a, b)
    // A broadcast reaches those that have room.
    const before = b.inbox.length
    expect(a.transport.broadcast('test', numbered(5, 2 ** 16))).toBe(true)
    await until('the broadcast', () => b.inbox.length > before)
    relay.thaw()
    await reached(a, slow)
  })

  test('is one too many gets nothing, and the log says so; it is told of as absent by nobody', async () => {
    await using b = await startNode({ nodeId: 'b' })
    await using c = await startNode({ nodeId: 'c' })
    await using a = await startNode({ nodeId: 'a', peers: { b: b.address, c: c.address }, maxPeers: 1 })
    await reached(a, b)
    expect(a.send('c')).toBe(false)
    expect(a.said('there are as many peers as maxPeers allows; frames to others were dropped')).toMatchObject([
      { level: 'warn', peer: 'c' },
    ])
    await b.transport.stop()
    await until('the room of one', () => a.send('c'))
    await until('the frame', () => c.inbox.length > 0)
  })

  test('takes only smaller frames is not sent larger ones', async () => {
    await using b = await startNode({ nodeId: 'b', maxFrameBytes: 2_000 })
    await using a = await startNode({ nodeId: 'a', peers: { b: b.address } })
    await reached(a, b)
    expect(a.send('b', new Uint8Array(2_001))).toBe(false)
    await reached(a, b)
    expect([a.count('connects_total'), lost(a)]).toEqual([1, []])
    expect(a.log.filter(({ level }) => level === 'warn').map(({ message }) => message)).toEqual([
      'a peer takes only smaller frames than were sent to it; some were dropped',
    ])
  })
})
