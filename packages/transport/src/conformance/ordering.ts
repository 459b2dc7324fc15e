import { deepEqual } from 'node:assert/strict'
import { numbered, numberOf, upTo } from './numbered.ts'
import { defineCase, type Node, type Suite } from './rig.ts'

const CHANNELS = ['test', 'one', 'two'] as const

const numbersOf = (node: Node): number[] => node.inbox.items.map(({ frame }) => numberOf(frame))

/** Only for adapters that claim an order. */
export function orderingCases(suite: Suite): void {
  if (!suite.declaration.ordered) return

  defineCase(suite, 'frames arrive in order, whatever their sizes, channels and kinds of address', async (rig) => {
    const a = await rig.node('a')
    const b = await rig.node('b', 2)
    for (const channel of CHANNELS) if (channel !== 'test') b.listen(channel)
    const most = Math.min(20_000, a.transport.capabilities.maxFrameBytes)
    for (const number of upTo(600)) {
      const frame = numbered(number, 4 + ((number * 7_919) % (most - 3)))
      a.send(number % 2 === 0 ? { id: 'b' } : { id: 'b', generation: 2 }, frame, CHANNELS[number % CHANNELS.length])
    }
    await b.inbox.until(600, 'frames')
    deepEqual(numbersOf(b), upTo(600))
  })

  defineCase(suite, 'the frames of each of many senders arrive in their order', async (rig) => {
    const receiver = await rig.node('receiver')
    const senders: Node[] = []
    for (const id of ['a', 'b', 'c', 'd', 'e']) senders.push(await rig.node(id))
    for (const number of upTo(100)) for (const sender of senders) sender.send({ id: 'receiver' }, numbered(number, 50))
    await receiver.inbox.until(500, 'frames')
    for (const { transport } of senders) {
      const own = receiver.inbox.items.filter(({ from }) => from.id === transport.self.id)
      deepEqual(
        own.map(({ frame }) => numberOf(frame)),
        upTo(100),
      )
    }
  })

  if (!suite.declaration.broadcast) return
  defineCase(suite, 'broadcasts and frames to a node keep their order', async (rig) => {
    const a = await rig.node('a')
    const b = await rig.node('b')
    for (const number of upTo(200)) {
      if (number % 3 === 0) a.transport.broadcast('test', numbered(number, 20))
      else a.send({ id: 'b' }, numbered(number, 20))
    }
    await b.inbox.until(200, 'frames')
    deepEqual(numbersOf(b), upTo(200))
  })
}
