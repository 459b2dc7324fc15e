import { deepEqual, equal, ok, rejects, throws } from 'node:assert/strict'
import { NotRunningError } from '@dsys/runtime'
import { defineCase, type Node, type Rig, type Suite } from './rig.ts'

export function lifecycleCases(suite: Suite): void {
  starting(suite)
  signals(suite)
  events(suite)
  stopping(suite)
  endings(suite)
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
    await b.start()
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
    await Promise.all([a.start(), a.start()])
    await a.start()
    deepEqual([a.events.items, a.transport.connection], [[{ type: 'connected' }], 'connected'])
  })
}

function signals(suite: Suite): void {
  defineCase(suite, 'an aborted start rejects with the reason, and leaves nothing behind', async (rig) => {
    const a = rig.create('a')
    const reason = new Error('changed my mind')
    await rejects(a.start({ signal: AbortSignal.abort(reason) }), reason)
    equal(a.transport.connection, 'closed')
    await rejects(a.start(), NotRunningError)
  })

  defineCase(
    suite,
    'a start that is aborted under way rejects with the reason, and leaves nothing behind',
    async (rig) => {
      const a = await rig.node('a')
      const b = rig.create('b')
      b.listen()
      const controller = new AbortController()
      const reason = new Error('changed my mind')
      const rejected = rejects(b.start({ signal: controller.signal }), reason)
      controller.abort(reason)
      await rejected
      equal(b.transport.connection, 'closed')
      await isGone(suite, rig, a, b)
      const next = await rig.node('b', 2)
      await a.settled(next)
    },
  )

  defineCase(suite, 'the signal of start does not stop a transport that runs', async (rig) => {
    const a = rig.create('a')
    const controller = new AbortController()
    await a.start({ signal: controller.signal })
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
    await a.start()
    equal(a.transport.connection, 'connected')
    await a.stop()
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
    await a.start()
    await a.stop()
    deepEqual([heard, a.events.items.map(({ type }) => type)], [['connected'], ['connected', 'closed']])
  })
}

/** Sends to `gone`, which has stopped or has never run: nothing may arrive there, and nobody is what the frame meets. */
async function isGone(suite: Suite, rig: Rig, from: Node, gone: Node): Promise<void> {
  const before = gone.inbox.items.length
  const witness = await rig.node('witness')
  from.send({ id: gone.transport.self.id }, [1])
  from.send(gone.transport.self, [1])
  await from.settled(witness)
  equal(gone.inbox.items.length, before)
  if (!suite.declaration.fastNegative) return
  await from.events.until(2, 'reports that nobody is there', ({ type }) => type === 'peer-absent')
}

function stopping(suite: Suite): void {
  defineCase(suite, 'sending after stop throws', async (rig) => {
    const a = await rig.node('a')
    const { transport } = a
    await a.stop()
    throws(() => transport.send({ id: 'b' }, 'test', Uint8Array.of(1)), NotRunningError)
    if (suite.declaration.broadcast) throws(() => transport.broadcast('test', Uint8Array.of(1)), NotRunningError)
  })

  defineCase(suite, 'what was sent before stop leaves', async (rig) => {
    const a = await rig.node('a')
    const b = await rig.node('b')
    // More than the buffers of a socket hold, where the queue takes that much.
    const frame = new Uint8Array(Math.min(2 ** 18, a.transport.capabilities.maxFrameBytes))
    let taken = 0
    while (taken < 64 && a.transport.send({ id: 'b' }, 'test', frame)) taken++
    await a.stop()
    ok(taken > 0, 'an empty queue takes a frame')
    await b.inbox.until(taken, 'frames sent right before stop')
  })

  defineCase(suite, 'nothing is handed over after stop has resolved', async (rig) => {
    const a = await rig.node('a')
    const b = await rig.node('b')
    const c = await rig.node('c')
    a.send({ id: 'b' }, [1])
    await b.stop()
    const before = b.inbox.items.length
    a.send({ id: 'b' }, [2])
    await a.settled(c)
    equal(b.inbox.items.length, before)
  })

  defineCase(suite, 'a node that has stopped is gone', async (rig) => {
    const a = await rig.node('a')
    const b = await rig.node('b')
    await a.settled(b)
    await b.stop()
    await isGone(suite, rig, a, b)
  })
}

function endings(suite: Suite): void {
  defineCase(suite, 'a network outlives each of its nodes', async (rig) => {
    const [a, b] = [await rig.node('a'), await rig.node('b')]
    for (let round = 0; round < 10; round++) {
      const guest = await rig.node('guest', round + 1)
      await guest.settled(a)
      await guest.dispose()
    }
    await a.settled(b)
  })

  defineCase(suite, 'stop and disposal work in every state, and again', async (rig) => {
    const fresh = rig.create('fresh')
    await fresh.dispose()
    equal(fresh.transport.connection, 'closed')
    const starting = rig.create('starting')
    await Promise.all([rejects(starting.start(), NotRunningError), starting.dispose()])
    const stopsItself = rig.create('stops-itself')
    stopsItself.transport.observe(({ type }) => {
      // The stop below joins this one, and tells how it went.
      if (type === 'connected') stopsItself.stop().catch(() => undefined)
    })
    await rejects(stopsItself.start(), NotRunningError)
    await stopsItself.stop()
    deepEqual(
      [starting, stopsItself].map(({ transport }) => transport.connection),
      ['closed', 'closed'],
    )
    const running = await rig.node('running')
    await Promise.all([running.stop(), running.dispose(), running.stop()])
    await running.stop()
    deepEqual(
      running.events.items.filter(({ type }) => type === 'closed'),
      [{ type: 'closed' }],
    )
  })
}
