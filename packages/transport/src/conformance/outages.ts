import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import type { TransportEvent } from '../port.ts'
import { isWhole, numbered, numberOf, upTo } from './numbered.ts'
import { defineCase, type Node, type Rig, type Suite } from './rig.ts'

const isDisconnected = ({ type }: TransportEvent): boolean => type === 'disconnected'
const isConnected = ({ type }: TransportEvent): boolean => type === 'connected'
const typesOf = (node: Node): string[] =>
  node.events.items.map(({ type }) => type).filter((type) => type !== 'peer-absent')

/** Only for adapters whose fixture can take the network away. */
export function outageCases(suite: Suite): void {
  if (!suite.declaration.outages) return
  during(suite)
  endings(suite)

  defineCase(suite, 'after an outage the nodes reach each other again by themselves', async (rig) => {
    const [a, b] = await pair(rig)
    for (let round = 1; round <= 3; round++) {
      const restore = await outage(rig, a, b)
      await restore()
      await a.events.until(round + 1, 'connected events', isConnected)
      await b.events.until(round + 1, 'connected events', isConnected)
      equal(a.transport.connection, 'connected')
      await a.settled(b)
    }
    const story = ['connected', ...new Array<string[]>(3).fill(['disconnected', 'connected']).flat()]
    deepEqual([typesOf(a), typesOf(b)], [story, story])
  })

  defineCase(suite, 'what an outage loses is whole frames: the others arrive as they are, and once', async (rig) => {
    const [a, b] = await pair(rig)
    const length = Math.min(5_000, a.transport.capabilities.maxFrameBytes)
    for (let i = 0; i < 100; i++) a.send({ id: 'b' }, numbered(i, length))
    const restore = await rig.interrupt()
    for (let i = 100; i < 200; i++) a.transport.send({ id: 'b' }, 'test', numbered(i, length))
    await a.events.until(1, 'disconnected events', isDisconnected)
    await restore()
    await a.events.until(2, 'connected events', isConnected)
    await b.events.until(2, 'connected events', isConnected)
    for (let i = 200; i < 250; i++) a.send({ id: 'b' }, numbered(i, length))
    await a.settled(b)
    ok(
      b.inbox.items.every(({ frame }) => isWhole(frame, length)),
      'each frame is whole',
    )
    const got = b.inbox.items.map(({ frame }) => numberOf(frame))
    equal(new Set(got).size, got.length, 'no frame arrives twice')
    const ascending = [...got].sort((one, other) => one - other)
    if (suite.declaration.ordered) deepEqual(got, ascending)
    deepEqual(
      ascending.filter((number) => number >= 200),
      upTo(50).map((index) => 200 + index),
    )
  })
}

const pair = async (rig: Rig) => [await rig.node('a'), await rig.node('b')] as const

/** Begins an outage, and waits until the nodes know. */
async function outage(rig: Rig, ...nodes: readonly Node[]): Promise<() => Promise<void>> {
  const before = nodes.map((node) => node.events.items.filter(isDisconnected).length)
  const restore = await rig.interrupt()
  for (const [index, node] of nodes.entries()) {
    await node.events.until((before[index] ?? 0) + 1, 'disconnected events', isDisconnected)
  }
  return restore
}

function during(suite: Suite): void {
  defineCase(suite, 'during an outage send says false, and what it refused never arrives', async (rig) => {
    const [a, b] = await pair(rig)
    const restore = await outage(rig, a, b)
    equal(a.transport.connection, 'disconnected')
    for (const to of [{ id: 'b' }, b.transport.self, { id: 'nobody' }]) {
      equal(a.transport.send(to, 'test', Uint8Array.of(1)), false)
    }
    if (suite.declaration.broadcast) equal(a.transport.broadcast('test', Uint8Array.of(1)), false)
    await restore()
    await a.events.until(2, 'connected events', isConnected)
    await b.events.until(2, 'connected events', isConnected)
    await a.settled(b)
    equal(b.inbox.items.length, 0)
  })

  defineCase(suite, 'an outage is no evidence about a peer', async (rig) => {
    const [a, b] = await pair(rig)
    const restore = await outage(rig, a, b)
    a.transport.send({ id: 'b' }, 'test', Uint8Array.of(1))
    await restore()
    await a.events.until(2, 'connected events', isConnected)
    await b.events.until(2, 'connected events', isConnected)
    await a.settled(b)
    ok(!a.events.items.some(({ type }) => type === 'peer-absent'))
  })

  defineCase(suite, 'a disconnected event says why', async (rig) => {
    const [a, b] = await pair(rig)
    const restore = await outage(rig, a, b)
    for (const event of a.events.items) if (event.type === 'disconnected') ok(event.why.length > 0)
    await restore()
  })
}

function endings(suite: Suite): void {
  defineCase(suite, 'stop and disposal work during an outage', async (rig) => {
    const [a, b] = await pair(rig)
    const restore = await outage(rig, a, b)
    await Promise.all([a.stop(), b.dispose()])
    await restore()
    deepEqual(
      [a, b].map((node) => [node.transport.connection, typesOf(node)]),
      [a, b].map(() => ['closed', ['connected', 'disconnected', 'closed']]),
    )
  })

  defineCase(suite, 'a start during an outage can be aborted, and joined by disposal', async (rig) => {
    const [a, b] = await pair(rig)
    const restore = await outage(rig, a, b)
    const controller = new AbortController()
    const reason = new Error('changed my mind')
    const aborted = rig.create('aborted')
    const rejected = rejects(aborted.start({ signal: controller.signal }), reason)
    const starting = aborted.transport.connection
    controller.abort(reason)
    await rejected
    ok(starting !== 'idle', 'a transport that starts is not idle any more')
    equal(aborted.transport.connection, 'closed')
    const disposed = rig.create('disposed')
    const start = disposed.start().then(
      () => 'started',
      () => 'failed',
    )
    await disposed.dispose()
    await start
    equal(disposed.transport.connection, 'closed')
    await restore()
  })
}
