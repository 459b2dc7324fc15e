import { SeededRandom, systemRuntime } from '@dsys/runtime'
import { type FaultyTransport, faulty } from '@dsys/transport/faulty'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type NatsServer, natsForTests } from '../../../tooling/nats-server/index.mjs'
import { NatsTransport } from '../src/index.ts'

const nats = await natsForTests()

nats.describe(describe, 'faults at run time over a real NATS server', () => {
  let server: NatsServer
  beforeAll(async () => {
    server = await nats.start()
  })
  afterAll(() => server.stop())

  /** A started node, what it got, and a way to wait until `frame` is among it. */
  async function startNode(nodeId: string) {
    const runtime = systemRuntime()
    const inner = new NatsTransport(runtime, { servers: server.url, cluster: 'faults', nodeId, generation: 1 })
    const transport: FaultyTransport = faulty(inner, { clock: runtime.clock, random: new SeededRandom(1) })
    const got: number[] = []
    let wake = (): void => undefined
    transport.listen('test', (frame) => {
      got.push(frame[0] ?? -1)
      wake()
    })
    await transport.start()
    const until = async (frame: number): Promise<void> => {
      while (!got.includes(frame)) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    }
    return { transport, got, until }
  }

  test('cuts one way and both, duplicates, delays, and takes the connection away, on a broker that goes on', async () => {
    const [a, b] = [await startNode('a'), await startNode('b')]
    const send = (number: number): boolean => a.transport.send({ id: 'b' }, 'test', Uint8Array.of(number))
    const back = (number: number): boolean => b.transport.send({ id: 'a' }, 'test', Uint8Array.of(number))
    a.transport.cut('b', 'out')
    b.transport.cut('a', 'in')
    expect([send(1), a.transport.broadcast('test', Uint8Array.of(2)), back(3)]).toEqual([true, true, true])
    await a.until(3)
    a.transport.heal()
    send(4)
    // Over NATS two frames keep their order, so frame 2 is there by now, and was cut.
    while (b.transport.counts.cut < 2) await new Promise((resolve) => setImmediate(resolve))
    b.transport.heal()
    b.transport.setLink({ duplicateRate: 1 }, { direction: 'in' })
    a.transport.setLink({ minDelayMs: 5 }, { peer: 'b', direction: 'out' })
    send(5)
    await b.until(5)
    a.transport.setLink(undefined, { peer: 'b' })
    b.transport.setLink(undefined)
    a.transport.disconnect()
    expect([send(6), a.transport.connection]).toEqual([false, 'disconnected'])
    back(7)
    a.transport.reconnect()
    send(8)
    await b.until(8)
    expect(b.got).toEqual([5, 5, 8])
    expect(a.transport.counts).toMatchObject({ delayed: 1, lost: 0 })
    await Promise.all([a.transport.stop(), b.transport.stop()])
  })
})
