import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type NatsCluster, natsForTests } from '../../../tooling/nats-server/index.mjs'
import { Nodes, recordingLogger, type StartedNode } from './nodes.ts'

const nats = await natsForTests()
const nodes = new Nodes(nats)

const isConnected = (node: StartedNode) => (): boolean => node.transport.connection === 'connected'
const isDisconnected = (node: StartedNode) => (): boolean => node.transport.connection === 'disconnected'
const nextTurn = (): Promise<unknown> => new Promise((resolve) => setImmediate(resolve))

/** Has `from` send ascending numbers to the node with the id `to` until it is told to stop; the numbers that arrive. */
function stream(from: StartedNode, to: StartedNode) {
  const got: number[] = []
  let next = 1
  let isOver = false
  const end = to.transport.listen(`from-${from.transport.self.id}`, (frame) => {
    got.push(new DataView(frame.buffer, frame.byteOffset).getUint32(0))
  })
  const send = async (): Promise<void> => {
    while (!isOver) {
      const frame = new Uint8Array(4)
      new DataView(frame.buffer).setUint32(0, next++)
      from.transport.send({ id: to.transport.self.id }, `from-${from.transport.self.id}`, frame)
      await nextTurn()
    }
    end()
  }
  const sending = send()
  return {
    got,
    /** Resolves when a frame has arrived that was not yet sent now. */
    flows: async (): Promise<void> => {
      const sentByNow = next - 1
      while ((got.at(-1) ?? 0) <= sentByNow) await nextTurn()
    },
    stop: (): Promise<void> => {
      isOver = true
      return sending
    },
  }
}

const isAscending = (numbers: readonly number[]): boolean =>
  numbers.every((number, i) => i === 0 || number > (numbers[i - 1] ?? 0))

nats.describe(describe, 'with a cluster of three servers', () => {
  let cluster: NatsCluster
  beforeAll(async () => {
    cluster = await nats.startCluster()
  })
  afterAll(() => cluster.stop())

  test('M-35: when the server of a node is killed, it goes on by another one; no frame comes twice or late', async () => {
    // Each node is told of one server, and learns of the others.
    const [a, b, c] = await Promise.all([
      nodes.start(cluster.urls[0] ?? '', 'a'),
      nodes.start(cluster.urls[1] ?? '', 'b'),
      nodes.start(cluster.urls[2] ?? '', 'c'),
    ])
    const streams = [stream(a, b), stream(b, a), stream(c, a), stream(b, c)]
    await Promise.all(streams.map(({ flows }) => flows()))
    await cluster.servers[0].kill()
    await a.until(isDisconnected(a))
    await a.until(isConnected(a))
    await Promise.all(streams.map(({ flows }) => flows()))
    await Promise.all(streams.map(({ stop }) => stop()))
    for (const { got } of streams) expect(isAscending(got)).toBe(true)
    for (const other of [b, c]) expect(other.events.filter(({ type }) => type !== 'peer-absent')).toHaveLength(1)
    await cluster.servers[0].restart()
    await cluster.whole()
  })

  test('M-37: a node that has just connected elsewhere is never absent to those that have heard it', async () => {
    const a = await nodes.start(cluster.urls[0] ?? '', 'a')
    for (const channel of ['test', 'membership']) {
      a.transport.listen(`hello-${channel}`, (frame, from) => a.transport.send(from, channel, frame))
    }
    for (let round = 1; round <= 20; round++) {
      const late = await nodes.start(cluster.urls[1 + (round % 2)] ?? '', `late-${round}`)
      for (const channel of ['test', 'membership']) {
        late.transport.send(a.transport.self, `hello-${channel}`, Uint8Array.of(round))
      }
      await late.until(() => late.frames.length === 2)
      await late.transport.stop()
    }
    expect(a.events.map(({ type }) => type)).toEqual(['connected'])
  })
})

nats.describe(describe, 'with servers of which one takes less than the others', () => {
  const SMALL = 70_000

  test('no node uses that one that was promised more, nor one that needs more; both say so', async () => {
    await using cluster = await nats.startCluster({ configs: ['', `max_payload: ${SMALL}`, ''] })
    const { logger, lines } = recordingLogger()
    const a = await nodes.start(cluster.urls[0] ?? '', 'a', {}, logger)
    const promised = a.transport.capabilities.maxFrameBytes
    for (const i of [2, 0]) await cluster.servers[i as 0 | 2].kill()
    await a.until(isDisconnected(a))
    const isTold = (line: string): boolean => line.startsWith('["error"') && line.includes(`up to ${SMALL} bytes`)
    while (!lines.some(isTold)) await nextTurn()
    expect(a.transport.connection).toBe('disconnected')
    await cluster.servers[2].restart()
    await a.until(isConnected(a))
    expect(a.transport.capabilities.maxFrameBytes).toBe(promised)
    expect(a.transport.send({ id: 'b' }, 'test', new Uint8Array(promised))).toBe(true)
    await a.until(() => a.events.some(({ type }) => type === 'peer-absent'))
    // Each of these may ask the small one first.
    for (let i = 0; i < 5; i++) {
      const b = await nodes.start([cluster.urls[1] ?? '', cluster.urls[2] ?? ''], `b${i}`, { minFrameBytes: SMALL + 1 })
      expect(b.transport.capabilities.maxFrameBytes).toBe(promised)
    }
  })
})
