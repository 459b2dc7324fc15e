import { systemRuntime } from '@dsys/runtime'
import { NatsTransport } from '@dsys/transport-nats'

const servers = process.env.NATS_URL ?? 'nats://127.0.0.1:4222'
await using a = new NatsTransport(systemRuntime(), { servers, cluster: 'shop', nodeId: 'a', generation: 1 })
await using b = new NatsTransport(systemRuntime(), { servers, cluster: 'shop', nodeId: 'b', generation: 1 })
const got = new Promise<string>((resolve) => {
  b.listen('greetings', (frame, from) => resolve(`${new TextDecoder().decode(frame)} from ${from.id}`))
})
await a.start()
await b.start()
a.send({ id: 'b' }, 'greetings', new TextEncoder().encode('hello'))
console.log(await got) // hello from a
