import { deepEqual, equal, ok, throws } from 'node:assert/strict'
import { ChannelTakenError } from '../errors.ts'
import type { Destination, TransportEvent } from '../port.ts'
import { defineCase, type Node, type Suite } from './rig.ts'

const ODD_IDS = [
  'with space',
  'a.b',
  'a',
  'A',
  '*',
  '>',
  '.',
  '..',
  'any',
  'all',
  '-',
  '=YS5i',
  'ünïcödé',
  '节点一',
  '🦊',
  'new\nline',
  '"quoted" \\ %2E /etc',
  '\u0000',
  '节'.repeat(128),
  // What every object has.
  '__proto__',
  'constructor',
  'toString',
]

const firstBytes = (node: Node): number[] => node.inbox.items.map(({ frame }) => frame[0] ?? -1)

const isAbsent = (event: TransportEvent): boolean => event.type === 'peer-absent'
const textOf = (value: object): string => JSON.stringify(value, ['type', 'peer', 'id', 'generation', 'channel', 'tag'])
/** Reports have no order of their own. */
const reportsIn = (node: Node): string[] => node.events.items.filter(isAbsent).map(textOf).sort()

export function addressingCases(suite: Suite): void {
  generations(suite)
  restarts(suite)
  names(suite)
  channels(suite)
  absence(suite)
  tags(suite)
}

function generations(suite: Suite): void {
  defineCase(suite, 'a frame with a generation reaches that life, one without reaches any', async (rig) => {
    const a = await rig.node('a')
    const b = await rig.node('b', 7)
    a.send({ id: 'b', generation: 7 }, [1])
    a.send({ id: 'b' }, [2])
    a.send({ id: 'b', generation: 6 }, [3])
    a.send({ id: 'b', generation: 8 }, [4])
    await a.settled(b)
    deepEqual(firstBytes(b).sort(), [1, 2])
  })

  defineCase(suite, 'a generation may be any whole number', async (rig) => {
    const a = await rig.node('a', Number.MAX_SAFE_INTEGER)
    const b = await rig.node('b', 1_700_000_000_000)
    a.send(b.transport.self, [1])
    const [got] = await b.inbox.until(1, 'frames')
    deepEqual(got?.from, { id: 'a', generation: Number.MAX_SAFE_INTEGER })
  })
}

function restarts(suite: Suite): void {
  defineCase(suite, 'after a restart, a frame for the earlier life reaches nobody', async (rig) => {
    const a = await rig.node('a')
    const first = await rig.node('b', 1)
    await first.stop()
    const second = await rig.node('b', 2)
    a.send({ id: 'b', generation: 1 }, [1])
    a.send({ id: 'b', generation: 2 }, [2])
    a.send({ id: 'b' }, [3])
    await a.settled(second)
    deepEqual([firstBytes(first), firstBytes(second).sort()], [[], [2, 3]])
  })

  defineCase(
    suite,
    'frames that are under way during a restart reach the life they are for, or nobody',
    async (rig) => {
      const a = await rig.node('a')
      const first = await rig.node('b', 1)
      for (let i = 0; i < 50; i++) a.send({ id: 'b', generation: i % 2 === 0 ? 1 : 2 }, [i])
      const [, second] = await Promise.all([first.stop(), rig.node('b', 2)])
      await a.settled(second)
      deepEqual([firstBytes(first).filter((i) => i % 2 !== 0), firstBytes(second).filter((i) => i % 2 === 0)], [[], []])
    },
  )

  defineCase(suite, 'each of many lives of a node gets what is for it, and speaks in its own name', async (rig) => {
    const a = await rig.node('a')
    for (let life = 1; life <= 5; life++) {
      const b = await rig.node('b', life * 10)
      for (let earlier = 1; earlier <= life; earlier++) a.send({ id: 'b', generation: earlier * 10 }, [earlier])
      b.send({ id: 'a' }, [life])
      const answers = await a.inbox.until(life, 'frames')
      deepEqual(answers.at(-1)?.from, { id: 'b', generation: life * 10 })
      await a.settled(b)
      deepEqual(firstBytes(b), [life])
      await b.stop()
    }
  })

  defineCase(suite, 'while an earlier life still runs, what names the later one reaches that alone', async (rig) => {
    const a = await rig.node('a')
    const earlier = await rig.node('b', 1)
    const later = await rig.node('b', 2)
    for (let i = 0; i < 10; i++) a.send({ id: 'b', generation: 2 }, [i])
    await a.settled(later)
    deepEqual([firstBytes(earlier).length, firstBytes(later).length], [0, 10])
    // A life that was left behind does not take the later one with it when it goes.
    await earlier.stop()
    a.send({ id: 'b' }, [10])
    await a.settled(later)
    equal(firstBytes(later).length, 11)
  })
}

function names(suite: Suite): void {
  defineCase(suite, 'a node id may hold any characters, and each reaches only its node', async (rig) => {
    const nodes: Node[] = []
    for (const id of ODD_IDS) nodes.push(await rig.node(id))
    const sender = await rig.node('sender')
    for (const [index, id] of ODD_IDS.entries()) sender.send({ id }, [index])
    for (const [index, node] of nodes.entries()) {
      await node.inbox.until(1, `frames at ${JSON.stringify(ODD_IDS[index])}`)
      await sender.settled(node)
      deepEqual(firstBytes(node), [index])
      node.send({ id: 'sender' }, [index])
    }
    const answers = await sender.inbox.until(ODD_IDS.length, 'answers')
    deepEqual(
      answers.map(({ frame, from }) => [frame[0], from.id]).sort(),
      ODD_IDS.map((id, index) => [index, id]).sort(),
    )
  })

  defineCase(suite, 'an illegal id, generation or channel throws RangeError', async (rig) => {
    const a = await rig.node('a')
    const frame = Uint8Array.of(1)
    const destinations: Destination[] = [
      { id: '' },
      { id: 'x'.repeat(129) },
      { id: '\ud800' },
      { id: 'b', generation: 0 },
      { id: 'b', generation: 1.5 },
    ]
    for (const to of destinations) throws(() => a.transport.send(to, 'test', frame), RangeError)
    for (const channel of ['', 'Upper', 'dot.ted', '*', 'x'.repeat(65)]) {
      throws(() => a.transport.send({ id: 'b' }, channel, frame), RangeError)
      throws(() => a.transport.listen(channel, () => undefined), RangeError)
      if (suite.declaration.broadcast) throws(() => a.transport.broadcast(channel, frame), RangeError)
    }
  })
}

function channels(suite: Suite): void {
  defineCase(suite, 'channels are apart, however many there are', async (rig) => {
    const a = await rig.node('a')
    const b = await rig.node('b')
    const got = new Map<string, number[]>()
    const odd = ['x'.repeat(64), '-', '0', 'constructor', 'valueof']
    const all = [...Array.from({ length: 200 }, (_, index) => `channel-${index}`), ...odd]
    for (const channel of all)
      b.transport.listen(channel, (frame) => got.set(channel, [...(got.get(channel) ?? []), ...frame]))
    for (const [index, channel] of all.entries()) a.send({ id: 'b' }, [index], channel)
    await a.settled(b)
    deepEqual(got, new Map(all.map((channel, index) => [channel, [index]])))
  })

  defineCase(suite, 'a frame on a channel without a handler is dropped, and harms nothing', async (rig) => {
    const a = await rig.node('a')
    const b = await rig.node('b')
    a.send({ id: 'b' }, [1], 'nobody-here')
    await a.settled(b)
    b.listen('nobody-here')
    a.send({ id: 'b' }, [2], 'nobody-here')
    await b.inbox.until(1, 'frames')
    deepEqual(firstBytes(b), [2])
  })

  defineCase(suite, 'a second handler on a channel throws, until the first one ended', async (rig) => {
    const a = await rig.node('a')
    const b = await rig.node('b')
    const early: number[] = []
    const late: number[] = []
    const end = b.transport.listen('one', (frame) => early.push(frame[0] ?? -1))
    throws(() => b.transport.listen('one', () => undefined), ChannelTakenError)
    a.send({ id: 'b' }, [1], 'one')
    await a.settled(b)
    end()
    a.send({ id: 'b' }, [2], 'one')
    await a.settled(b)
    b.transport.listen('one', (frame) => late.push(frame[0] ?? -1))
    end()
    a.send({ id: 'b' }, [3], 'one')
    await a.settled(b)
    deepEqual([early, late], [[1], [3]])
  })
}

function absence(suite: Suite): void {
  defineCase(suite, 'sending to nobody neither throws nor says false', async (rig) => {
    const a = await rig.node('a')
    a.send({ id: 'nobody' }, [1])
    a.send({ id: 'nobody', generation: 3 }, [1])
  })

  if (!suite.declaration.fastNegative) {
    defineCase(suite, 'peer-absent is declared unsupported', async (rig) => {
      const a = await rig.node('a')
      equal(a.transport.capabilities.fastNegative, false)
    })
    return
  }

  defineCase(suite, 'a frame that met nobody is reported, with its destination and channel', async (rig) => {
    const a = await rig.node('a')
    await rig.node('b', 2)
    equal(a.transport.capabilities.fastNegative, true)
    const destinations: Destination[] = [
      { id: 'no.body *' },
      { id: 'nobody', generation: 9 },
      { id: 'b', generation: 1 },
    ]
    for (const to of destinations) a.send(to, [1])
    ok(!a.events.items.some(isAbsent), 'never from inside send')
    await a.events.until(3, 'peer-absent events', isAbsent)
    deepEqual(reportsIn(a), destinations.map((peer) => textOf({ type: 'peer-absent', peer, channel: 'test' })).sort())
  })

  defineCase(suite, 'a frame that met its node, and a broadcast, are not reported', async (rig) => {
    const a = await rig.node('a')
    if (suite.declaration.broadcast) a.transport.broadcast('test', Uint8Array.of(1))
    const b = await rig.node('b')
    a.send({ id: 'b' }, [1])
    a.send(b.transport.self, [1])
    a.send({ id: 'b' }, [1], 'nobody-listens')
    a.send({ id: 'a' }, [1])
    a.send({ id: 'a' }, [1], 'nobody-listens')
    await a.settled(b)
    deepEqual(a.events.items.filter(isAbsent), [])
  })

  defineCase(suite, 'a frame is reported once at most, and no report comes after the stop', async (rig) => {
    const a = await rig.node('a')
    const b = await rig.node('b')
    for (let i = 0; i < 50; i++) a.send({ id: 'nobody' }, [i])
    await a.settled(b)
    await a.events.until(1, 'peer-absent events', isAbsent)
    await a.settled(b)
    ok(a.events.items.filter(isAbsent).length <= 50)
    a.send({ id: 'nobody' }, [50])
    await a.stop()
    const before = a.events.items.length
    const c = await rig.node('c')
    await c.settled(b)
    equal(a.events.items.length, before)
    deepEqual(a.events.items.at(-1), { type: 'closed' })
  })
}

function tags(suite: Suite): void {
  defineCase(suite, 'a frame with a tag arrives as any other, whatever the tag', async (rig) => {
    const a = await rig.node('a')
    const b = await rig.node('b')
    const tags = [0, 1, 35, 36, 2 ** 32, Number.MAX_SAFE_INTEGER]
    for (const [index, tag] of tags.entries()) a.tagged({ id: 'b' }, [index], tag)
    for (const [index, tag] of tags.entries()) a.tagged(b.transport.self, [index + tags.length], tag)
    a.tagged({ id: 'a' }, [99], 7)
    await a.inbox.until(1, 'frames to oneself')
    await a.settled(b)
    deepEqual(
      firstBytes(b).sort((one, other) => one - other),
      Array.from({ length: 2 * tags.length }, (_, index) => index),
    )
    deepEqual([firstBytes(a), b.inbox.items[0]?.from], [[99], { id: 'a', generation: 1 }])
    for (const tag of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      throws(() => a.transport.send({ id: 'b' }, 'test', Uint8Array.of(1), tag), RangeError)
    }
  })

  if (!suite.declaration.fastNegative) return

  defineCase(suite, 'a report names the tag of its frame, and none where that had none', async (rig) => {
    const a = await rig.node('a')
    const b = await rig.node('b')
    a.tagged({ id: 'nobody' }, [1], 0)
    a.tagged({ id: 'b' }, [1], 1)
    a.send({ id: 'nobody' }, [1])
    a.tagged({ id: 'nobody' }, [1], Number.MAX_SAFE_INTEGER)
    a.tagged({ id: 'b', generation: 9 }, [1], 3)
    a.tagged({ id: 'nobody' }, [1], 2)
    await a.events.until(5, 'peer-absent events', isAbsent)
    await a.settled(b)
    const nobody = { type: 'peer-absent', peer: { id: 'nobody' }, channel: 'test' }
    const reports = [0, 2, Number.MAX_SAFE_INTEGER].map((tag) => textOf({ ...nobody, tag }))
    const ofLife = textOf({ type: 'peer-absent', peer: { id: 'b', generation: 9 }, channel: 'test', tag: 3 })
    deepEqual(reportsIn(a), [textOf(nobody), ...reports, ofLife].sort())
  })
}
