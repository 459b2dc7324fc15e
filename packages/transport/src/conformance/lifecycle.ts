import { deepEqual, equal, rejects, throws } from 'node:assert/strict'
import { NotRunningError } from '@dsys/runtime'
import { defineCase, type Suite } from './rig.ts'

export function lifecycleCases(suite: Suite): void {
  starting(suite)
  signals(suite)
  events(suite)
  stopping(suite)
}

function starting(suite: Suite): void {
  defineCase(suite, 'sending before start throws', async (rig) => {
    const { transport } = rig.create('a')
    equal(transport.connection, 'idle')
    throws(() => transport.send({ id: 'b' }, 'test', Uint8Array.of(1)), NotRunningError)
    if (suite.declaration.broadcast) throws(() => transport.broadcast('test', Uint8Array.of(1)), NotRunningError)
  })

  defineCase(suite, 'a handler set before start gets frames', async (rig) => {
    const a = await rig.node('a')
    const b = rig.create('b')
    b.listen('early')
    await b.transport.start()
    a.send({ id: 'b' }, [1], 'early')
    await b.inbox.until(1, 'frames')
  })

  defineCase(suite, 'once start has resolved, the node can be reached', async (rig) => {
    const a = await rig.node('a')
    for (let round = 0; round < 20; round++) {
      const late = await rig.node(`late-${round}`)
      a.send({ id: `late-${round}` }, [round])
      await late.inbox.until(1, 'frames sent right after start')
    }
  })

  defineCase(suite, 'start twice is one start', async (rig) => {
    const a = rig.create('a')
    await Promise.all([a.transport.start(), a.transport.start()])
    deepEqual(a.events.items, [{ type: 'connected' }])
  })
}

function signals(suite: Suite): void {
  defineCase(suite, 'an aborted start rejects with the reason, and leaves nothing behind', async (rig) => {
    const a = rig.create('a')
    const reason = new Error('changed my mind')
    await rejects(a.transport.start({ signal: AbortSignal.abort(reason) }), reason)
    equal(a.transport.connection, 'closed')
    await rejects(a.transport.start(), NotRunningError)
  })

  defineCase(
    suite,
    'a start that is aborted under way rejects with the reason, and leaves nothing behind',
    async (rig) => {
      const a = await rig.node('a')
      const b = rig.create('b')
      const controller = new AbortController()
      const reason = new Error('changed my mind')
      const rejected = rejects(b.transport.start({ signal: controller.signal }), reason)
      controller.abort(reason)
      await rejected
      equal(b.transport.connection, 'closed')
      const c = await rig.node('c')
      a.send({ id: 'b' }, [1])
      await a.settled(c)
      equal(b.inbox.items.length, 0)
      const next = await rig.node('b', 2)
      await a.settled(next)
    },
  )

  defineCase(suite, 'the signal of start does not stop a transport that runs', async (rig) => {
    const a = rig.create('a')
    const controller = new AbortController()
    await a.transport.start({ signal: controller.signal })
    controller.abort()
    const b = await rig.node('b')
    a.send({ id: 'b' }, [1])
    await b.inbox.until(1, 'frames')
  })
}

function events(suite: Suite): void {
  defineCase(suite, 'the connection and its events tell the same story', async (rig) => {
    const a = rig.create('a')
    const unheard: string[] = []
    a.transport.observe((event) => unheard.push(event.type))()
    await a.transport.start()
    equal(a.transport.connection, 'connected')
    await a.transport.stop()
    equal(a.transport.connection, 'closed')
    deepEqual([a.events.items, unheard], [[{ type: 'connected' }, { type: 'closed' }], []])
  })

  defineCase(suite, 'an observer hears each event once, also beside others, until it ends', async (rig) => {
    const a = rig.create('a')
    const heard: string[] = []
    const end = a.transport.observe((event) => {
      heard.push(event.type)
      end()
    })
    await a.transport.start()
    await a.transport.stop()
    deepEqual([heard, a.events.items.map(({ type }) => type)], [['connected'], ['connected', 'closed']])
  })
}

function stopping(suite: Suite): void {
  defineCase(suite, 'sending after stop throws', async (rig) => {
    const { transport } = await rig.node('a')
    await transport.stop()
    throws(() => transport.send({ id: 'b' }, 'test', Uint8Array.of(1)), NotRunningError)
    if (suite.declaration.broadcast) throws(() => transport.broadcast('test', Uint8Array.of(1)), NotRunningError)
  })

  defineCase(suite, 'what was sent before stop leaves', async (rig) => {
    const a = await rig.node('a')
    const b = await rig.node('b')
    // More than the buffers of a socket hold.
    const frame = new Uint8Array(Math.min(2 ** 18, a.transport.capabilities.maxFrameBytes))
    for (let i = 0; i < 64; i++) a.send({ id: 'b' }, frame)
    await a.transport.stop()
    await b.inbox.until(64, 'frames sent right before stop')
  })

  defineCase(suite, 'nothing is handed over after stop has resolved', async (rig) => {
    const a = await rig.node('a')
    const b = await rig.node('b')
    const c = await rig.node('c')
    a.send({ id: 'b' }, [1])
    await b.transport.stop()
    const before = b.inbox.items.length
    a.send({ id: 'b' }, [2])
    await a.settled(c)
    equal(b.inbox.items.length, before)
  })

  defineCase(suite, 'a network outlives each of its nodes', async (rig) => {
    const [a, b] = [await rig.node('a'), await rig.node('b')]
    for (let round = 0; round < 10; round++) {
      const guest = await rig.node('guest', round + 1)
      await guest.settled(a)
      await guest.transport[Symbol.asyncDispose]()
    }
    await a.settled(b)
  })

  defineCase(suite, 'stop and disposal work in every state, and again', async (rig) => {
    const fresh = rig.create('fresh')
    await fresh.transport[Symbol.asyncDispose]()
    equal(fresh.transport.connection, 'closed')
    const starting = rig.create('starting')
    const start = starting.transport.start()
    const failed = rejects(start, NotRunningError)
    await starting.transport[Symbol.asyncDispose]()
    await failed
    const running = await rig.node('running')
    await Promise.all([running.transport.stop(), running.transport[Symbol.asyncDispose](), running.transport.stop()])
    await running.transport.stop()
    deepEqual(
      running.events.items.filter(({ type }) => type === 'closed'),
      [{ type: 'closed' }],
    )
  })
}
