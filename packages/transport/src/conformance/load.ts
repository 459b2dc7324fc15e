import { deepEqual, equal, ok } from 'node:assert/strict'
import { isWhole, numbered, numberOf } from './numbered.ts'
import { defineCase, type Node, type Rig, type Suite } from './rig.ts'

/** What an adapter may take at most in one turn, in which nothing can leave: more is no bound. */
const MOST_QUEUED_BYTES = 2 ** 28
const MOST_QUEUED_FRAMES = 2 ** 19

/** The smallest frame that carries a number. */
const SMALL_BYTES = 4

/** Sends until the transport says false; returns how many frames it took. */
function fill(send: (frame: Uint8Array) => boolean, length: number): number {
  for (let taken = 0; taken < MOST_QUEUED_FRAMES && taken * length <= MOST_QUEUED_BYTES; taken++) {
    if (!send(numbered(taken, length))) return taken
  }
  throw new Error('send never said false in one turn of the event loop: the queue to the network has no bound')
}

export function loadCases(suite: Suite): void {
  backPressure(suite)
  slowness(suite)
  handlers(suite)

  defineCase(suite, 'each of many nodes reaches each other', async (rig) => {
    const nodes: Node[] = []
    for (let index = 0; index < 12; index++) nodes.push(await rig.node(`node-${index}`, index + 1))
    for (const [index, from] of nodes.entries()) {
      for (const to of nodes) if (to !== from) from.send(to.transport.self, [index])
    }
    for (const [index, node] of nodes.entries()) {
      await node.inbox.until(11, 'frames')
      const others = [...nodes.keys()].filter((other) => other !== index)
      const got = node.inbox.items.map(({ frame, from }) => ({ sender: frame[0], generation: from.generation }))
      deepEqual(
        got.sort((one, other) => one.generation - other.generation),
        others.map((other) => ({ sender: other, generation: other + 1 })),
      )
    }
  })
}

function backPressure(suite: Suite): void {
  const sends: [name: string, send: (node: Node) => (frame: Uint8Array) => boolean][] = [
    ['send', (node) => (frame) => node.transport.send({ id: 'b' }, 'test', frame)],
  ]
  if (suite.declaration.broadcast)
    sends.push(['broadcast', (node) => (frame) => node.transport.broadcast('test', frame)])

  for (const [name, sendOf] of sends) {
    defineCase(suite, `${name} says false when the queue is full; what it refused never arrives`, async (rig) => {
      const a = await rig.node('a')
      const b = await rig.node('b')
      const length = Math.min(65_536, a.transport.capabilities.maxFrameBytes)
      const send = sendOf(a)
      const taken = fill(send, length)
      ok(taken > 0, 'an empty queue takes a frame')
      await reached(rig, a, b)
      const numbers = b.inbox.items.map(({ frame }) => numberOf(frame))
      ok(
        b.inbox.items.every(({ frame }) => isWhole(frame, length)),
        'each frame is whole',
      )
      ok(
        numbers.every((number) => number < taken),
        'no refused frame arrives',
      )
      equal(new Set(numbers).size, numbers.length, 'no frame arrives twice')
    })
  }

  defineCase(suite, 'a queue that was full takes frames again, and they arrive', async (rig) => {
    const a = await rig.node('a')
    const b = await rig.node('b')
    const c = await rig.node('c')
    const length = Math.min(65_536, a.transport.capabilities.maxFrameBytes)
    fill((frame) => a.transport.send({ id: 'b' }, 'test', frame), length)
    await reached(rig, a, c)
    await reached(rig, a, b)
  })

  defineCase(suite, 'small frames are bounded too, and leave room again', async (rig) => {
    const a = await rig.node('a')
    const b = await rig.node('b')
    ok(fill((frame) => a.transport.send({ id: 'b' }, 'test', frame), SMALL_BYTES) > 0)
    await reached(rig, a, b)
  })

  defineCase(suite, 'stop ends also with a full queue', async (rig) => {
    const a = await rig.node('a')
    await rig.node('b')
    const length = Math.min(65_536, a.transport.capabilities.maxFrameBytes)
    fill((frame) => a.transport.send({ id: 'b' }, 'test', frame), length)
    await a.stop()
    equal(a.transport.connection, 'closed')
  })
}

/** Tries until a frame has gone from `a` to `b`: after a flood some may be lost, but not for ever. */
async function reached(rig: Rig, a: Node, b: Node): Promise<void> {
  const channel = `reached-${b.transport.self.id}`
  let arrived = false
  const end = b.transport.listen(channel, () => {
    arrived = true
  })
  await rig.until(`a frame to ${b.transport.self.id} after a full queue`, () => {
    a.transport.send(b.transport.self, channel, new Uint8Array(1))
    return arrived
  })
  end()
}

function slowness(suite: Suite): void {
  defineCase(suite, 'a receiver that is slow with each frame gets all of them, whole and once', async (rig) => {
    const a = await rig.node('a')
    const b = rig.create('b')
    const length = Math.min(20_000, a.transport.capabilities.maxFrameBytes)
    const got = b.inbox
    let work = 1
    b.transport.listen('test', (frame, from) => {
      got.add({ frame, from })
      for (let round = 0; round < 100_000; round++) work = Math.imul(work, 48_271) | 1
    })
    await b.start()
    for (let number = 0; number < 200; number++) a.send({ id: 'b' }, numbered(number, length))
    await got.until(200, 'frames')
    ok(work !== 0)
    ok(got.items.every(({ frame }) => isWhole(frame, length)))
    equal(new Set(got.items.map(({ frame }) => numberOf(frame))).size, 200)
  })
}

function handlers(suite: Suite): void {
  defineCase(suite, 'handlers are called one at a time, also where they send', async (rig) => {
    const a = await rig.node('a')
    const b = await rig.node('b')
    let inside = 0
    let nested = 0
    let left = 100
    for (const node of [a, b]) {
      node.transport.listen('chat', () => {
        if (inside > 0) nested++
        inside++
        if (left-- > 0) {
          node.transport.send({ id: 'a' }, 'chat', Uint8Array.of(1))
          if (left % 5 === 0) node.transport.send({ id: 'b' }, 'chat', Uint8Array.of(2))
        }
        inside--
      })
    }
    a.send({ id: 'b' }, [0], 'chat')
    await rig.until('the end of the chat', () => left <= 0)
    equal(nested, 0)
  })

  defineCase(suite, 'a handler may end itself and begin another, in the middle of a burst', async (rig) => {
    const a = await rig.node('a')
    const b = await rig.node('b')
    const seen: string[] = []
    const end = b.transport.listen('relay', () => {
      seen.push('first')
      end()
      b.transport.listen('relay', () => seen.push('second'))
    })
    for (let i = 0; i < 10; i++) a.send({ id: 'b' }, [i], 'relay')
    await a.settled(b)
    deepEqual(seen, ['first', ...new Array<string>(9).fill('second')])
  })

  defineCase(suite, 'a handler may stop its transport, and gets nothing once that is done', async (rig) => {
    const a = await rig.node('a')
    const b = rig.create('b')
    const c = await rig.node('c')
    let stopped: Promise<void> | undefined
    let calls = 0
    b.transport.listen('test', () => {
      calls++
      stopped ??= b.stop()
    })
    await b.start()
    for (let i = 0; i < 50; i++) a.send({ id: 'b' }, [i])
    await rig.until('the stop in the handler', () => stopped !== undefined)
    await stopped
    const before = calls
    a.send({ id: 'b' }, [51])
    await a.settled(c)
    equal(calls, before)
  })
}
