import { systemRuntime } from '@dsys/runtime'
import { Rpc, type RpcContext } from '@dsys/transport'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type NatsServer, natsForTests } from '../../../tooling/nats-server/index.mjs'
import { NatsTransport } from '../src/index.ts'

const nats = await natsForTests()
const NOTHING = new Uint8Array(0)

nats.describe(describe, 'RPC over a real NATS server', () => {
  let server: NatsServer
  beforeAll(async () => {
    server = await nats.start()
  })
  afterAll(() => server.stop())

  test('calls, cancels, carries a trace, and knows at once that nobody is there', async () => {
    const node = async (nodeId: string): Promise<{ transport: NatsTransport; rpc: Rpc }> => {
      const options = { servers: server.url, cluster: 'rpc', nodeId, generation: 1 }
      const transport = new NatsTransport(systemRuntime(), options)
      const rpc = new Rpc({ ...systemRuntime(), transport }, { channel: 'rpc' })
      await transport.start()
      await rpc.start()
      return { transport, rpc }
    }
    const [a, b] = [await node('a'), await node('b')]
    const controller = new AbortController()
    const reason = new Error('enough')
    const told = new Promise<RpcContext>((resolve) => {
      b.rpc.handle('slow', (_payload, context) => {
        context.signal.addEventListener('abort', () => resolve(context))
        controller.abort(reason)
        return new Promise(() => undefined)
      })
    })
    b.rpc.handle('echo', async (payload) => payload)
    const answers = Array.from({ length: 50 }, (_, i) => a.rpc.call({ id: 'b' }, 'echo', Uint8Array.of(i)))
    expect((await Promise.all(answers)).map(([first]) => first)).toEqual(answers.map((_, i) => i))
    const slow = a.rpc.call({ id: 'b' }, 'slow', NOTHING, { signal: controller.signal, traceparent: '00-1-2-01' })
    await expect(slow).rejects.toBe(reason)
    expect((await told).traceparent).toBe('00-1-2-01')
    await expect(a.rpc.call({ id: 'nobody' }, 'echo', NOTHING)).rejects.toMatchObject({ code: 'DSYS_RPC_PEER_ABSENT' })
    for (const part of [a.rpc, b.rpc, a.transport, b.transport]) await part.stop()
  })
})
