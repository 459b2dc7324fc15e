import { deepEqual, equal, ok, throws } from 'node:assert/strict'
import { BroadcastUnsupportedError, FrameTooLargeError } from '../errors.ts'
import { defineCase, type Rig, type Suite } from './rig.ts'

const bytesOf = (frame: Uint8Array | undefined): number[] => [...(frame ?? [])]

/** A frame whose content depends on `seed` at every position. */
function pattern(length: number, seed: number): Uint8Array {
  const frame = new Uint8Array(length)
  for (let i = 0; i < length; i++) frame[i] = (i * 31 + seed * 7) & 0xff
  return frame
}

/** Not deepEqual: for large frames it takes seconds. */
const sameBytes = (a: Uint8Array | undefined, b: Uint8Array): boolean => a !== undefined && Buffer.compare(a, b) === 0

const pair = async (rig: Rig) => [await rig.node('a'), await rig.node('b', 2)] as const

export function deliveryCases(suite: Suite): void {
  frames(suite)
  ownership(suite)
  sizes(suite)
  broadcasts(suite)
}

function frames(suite: Suite): void {
  defineCase(suite, 'a frame arrives with the address of its sender', async (rig) => {
    const [a, b] = await pair(rig)
    a.send({ id: 'b' }, [1, 2, 3])
    const [got] = await b.inbox.until(1, 'frames')
    deepEqual([bytesOf(got?.frame), got?.from], [[1, 2, 3], { id: 'a', generation: 1 }])
    b.send({ id: 'a' }, [4])
    const [back] = await a.inbox.until(1, 'frames')
    deepEqual([bytesOf(back?.frame), back?.from], [[4], { id: 'b', generation: 2 }])
  })

  defineCase(suite, 'each of many frames arrives once', async (rig) => {
    const [a, b] = await pair(rig)
    for (let i = 0; i < 1_000; i++) a.send({ id: 'b' }, [i >> 8, i & 0xff])
    await b.inbox.until(1_000, 'frames')
    await a.settled(b)
    equal(b.inbox.items.length, 1_000)
    equal(new Set(b.inbox.items.map(({ frame }) => bytesOf(frame).join())).size, 1_000)
  })

  defineCase(suite, 'a frame is never handed over from inside send, not even to oneself', async (rig) => {
    const [a, b] = await pair(rig)
    a.send({ id: 'b' }, [1])
    a.send({ id: 'a' }, [2])
    equal(a.inbox.items.length + b.inbox.items.length, 0)
    const [own] = await a.inbox.until(1, 'frames to oneself')
    deepEqual([bytesOf(own?.frame), own?.from], [[2], { id: 'a', generation: 1 }])
    await b.inbox.until(1, 'frames')
  })
}

function ownership(suite: Suite): void {
  defineCase(suite, 'a frame stays as it was after the handler returned', async (rig) => {
    const [a, b] = await pair(rig)
    const { maxFrameBytes } = a.transport.capabilities
    const sent = Array.from({ length: 200 }, (_, i) => pattern(Math.min(1 + i * 50, maxFrameBytes), i))
    for (const frame of sent) a.send({ id: 'b' }, frame)
    const kept = await b.inbox.until(200, 'frames')
    await a.settled(b)
    for (const [index, frame] of sent.entries()) {
      ok(
        kept.some((got) => sameBytes(got.frame, frame)),
        `frame ${index} is not what was sent`,
      )
    }
  })

  defineCase(suite, 'a frame belongs to its handler: writing to it changes no other', async (rig) => {
    const [a, b] = await pair(rig)
    const sent = Uint8Array.of(7, 7)
    b.transport.listen('scribble', (frame) => frame.fill(0))
    for (const channel of ['scribble', 'test', 'scribble', 'test']) a.transport.send({ id: 'b' }, channel, sent)
    await b.inbox.until(2, 'frames')
    deepEqual(
      b.inbox.items.map(({ frame }) => bytesOf(frame)),
      [
        [7, 7],
        [7, 7],
      ],
    )
    deepEqual(bytesOf(sent), [7, 7])
  })

  defineCase(
    suite,
    'a frame may be a view into a larger buffer, or a Buffer: only its own bytes arrive',
    async (rig) => {
      const [a, b] = await pair(rig)
      const larger = pattern(1_000, 5)
      const views = [larger.subarray(10, 13), larger.subarray(999), Buffer.from(larger.buffer, 500, 4)]
      for (const view of views) a.transport.send({ id: 'b' }, 'test', view)
      await b.inbox.until(3, 'frames')
      deepEqual(b.inbox.items.map(({ frame }) => bytesOf(frame)).sort(), views.map(bytesOf).sort())
    },
  )

  defineCase(suite, 'a frame is a plain Uint8Array, so slice() copies', async (rig) => {
    const [a, b] = await pair(rig)
    a.send({ id: 'b' }, [1])
    a.send({ id: 'b' }, pattern(Math.min(60_000, a.transport.capabilities.maxFrameBytes), 1))
    for (const { frame } of await b.inbox.until(2, 'frames')) equal(Object.getPrototypeOf(frame), Uint8Array.prototype)
  })
}

function sizes(suite: Suite): void {
  defineCase(suite, 'an empty frame arrives', async (rig) => {
    const [a, b] = await pair(rig)
    a.send({ id: 'b' }, [])
    const [got] = await b.inbox.until(1, 'frames')
    equal(got?.frame.byteLength, 0)
  })

  defineCase(suite, 'a frame of the largest size arrives whole', async (rig) => {
    const [a, b] = await pair(rig)
    const frame = pattern(a.transport.capabilities.maxFrameBytes, 3)
    a.send({ id: 'b' }, frame)
    const [got] = await b.inbox.until(1, 'frames')
    ok(sameBytes(got?.frame, frame))
  })

  defineCase(suite, 'several frames of the largest size arrive whole, whoever they are for', async (rig) => {
    const [a, b] = await pair(rig)
    const { maxFrameBytes } = a.transport.capabilities
    const sent = [1, 2, 3].map((seed) => pattern(maxFrameBytes, seed))
    const twins = [1, 2, 3].map((seed) => pattern(maxFrameBytes, seed))
    for (const frame of sent) a.send({ id: 'b' }, frame)
    a.send({ id: 'a' }, pattern(maxFrameBytes, 9))
    if (suite.declaration.broadcast) a.transport.broadcast('test', pattern(maxFrameBytes, 4))
    if (suite.declaration.broadcast) twins.push(pattern(maxFrameBytes, 4))
    await b.inbox.until(twins.length, 'frames')
    const [own] = await a.inbox.until(1, 'frames to oneself')
    ok(sameBytes(own?.frame, pattern(maxFrameBytes, 9)))
    for (const twin of twins) ok(b.inbox.items.some(({ frame }) => sameBytes(frame, twin)))
  })

  defineCase(suite, 'the limit stays what it was once the transport runs', async (rig) => {
    const [a, b] = await pair(rig)
    const before = { ...a.transport.capabilities }
    throws(() => a.transport.send({ id: 'b' }, 'test', new Uint8Array(before.maxFrameBytes + 1)), FrameTooLargeError)
    await a.settled(b)
    deepEqual({ ...a.transport.capabilities }, before)
    ok(Number.isSafeInteger(before.maxFrameBytes) && before.maxFrameBytes > 0)
  })

  defineCase(suite, 'a frame over the limit throws, and nothing is sent', async (rig) => {
    const [a, b] = await pair(rig)
    const { maxFrameBytes } = a.transport.capabilities
    const tooLarge = new Uint8Array(maxFrameBytes + 1)
    const isTheError = (error: unknown): boolean => {
      ok(error instanceof FrameTooLargeError)
      deepEqual([error.code, error.maxFrameBytes], ['DSYS_TRANSPORT_FRAME_TOO_LARGE', maxFrameBytes])
      return true
    }
    throws(() => a.transport.send({ id: 'b' }, 'test', tooLarge), isTheError)
    if (suite.declaration.broadcast) throws(() => a.transport.broadcast('test', tooLarge), isTheError)
    await a.settled(b)
    equal(b.inbox.items.length, 0)
  })
}

function broadcasts(suite: Suite): void {
  if (!suite.declaration.broadcast) {
    defineCase(suite, 'broadcast is declared unsupported, and throws', async (rig) => {
      const [a] = await pair(rig)
      equal(a.transport.capabilities.broadcast, false)
      throws(() => a.transport.broadcast('test', Uint8Array.of(1)), BroadcastUnsupportedError)
    })
    return
  }

  defineCase(suite, 'a broadcast reaches every other node once, and not oneself', async (rig) => {
    const [a, b] = await pair(rig)
    const c = await rig.node('c')
    equal(a.transport.capabilities.broadcast, true)
    ok(a.transport.broadcast('test', Uint8Array.of(9)))
    for (const node of [b, c]) {
      await node.inbox.until(1, 'broadcast frames')
      await a.settled(node)
      deepEqual(
        node.inbox.items.map(({ frame, from }) => [...frame, from.id]),
        [[9, 'a']],
      )
    }
    equal(a.inbox.items.length, 0)
  })

  defineCase(suite, 'a broadcast where nobody else is harms nothing', async (rig) => {
    const a = await rig.node('a')
    ok(a.transport.broadcast('test', Uint8Array.of(1)))
    const b = await rig.node('b')
    await a.settled(b)
    deepEqual([a.inbox.items.length, a.events.items], [0, [{ type: 'connected' }]])
  })

  defineCase(suite, 'a broadcast reaches only those who listen on its channel', async (rig) => {
    const [a, b] = await pair(rig)
    const c = await rig.node('c')
    c.listen('other')
    a.transport.broadcast('other', Uint8Array.of(1))
    await c.inbox.until(1, 'broadcast frames')
    await a.settled(b)
    equal(b.inbox.items.length, 0)
  })

  defineCase(suite, 'each receiver of a broadcast has bytes of its own', async (rig) => {
    const [a, b] = await pair(rig)
    const c = await rig.node('c')
    a.transport.broadcast('test', Uint8Array.of(5))
    const [atB] = await b.inbox.until(1, 'broadcast frames')
    const [atC] = await c.inbox.until(1, 'broadcast frames')
    atB?.frame.fill(0)
    deepEqual(bytesOf(atC?.frame), [5])
  })
}
