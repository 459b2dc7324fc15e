import { systemRuntime } from '@dsys/runtime'
import { Rpc } from '@dsys/transport'
import { Loopback } from './loopback.ts' // or any adapter: MemoryNetwork, NatsTransport …

const wire = new Map<string, Loopback>()
await using shop = new Loopback(wire, { id: 'shop', generation: 1 })
await using till = new Loopback(wire, { id: 'till', generation: 1 })
await using server = new Rpc({ ...systemRuntime(), transport: shop }, { channel: 'orders' })
await using client = new Rpc({ ...systemRuntime(), transport: till }, { channel: 'orders' })
for (const part of [shop, till, server, client]) await part.start()

server.handle('order', async (payload, { from }) =>
  new TextEncoder().encode(`${from.id} ordered ${payload.length} bytes`),
)
const answer = await client.call({ id: 'shop' }, 'order', new Uint8Array(3), { timeoutMs: 1_000 })
console.log(new TextDecoder().decode(answer)) // till ordered 3 bytes
