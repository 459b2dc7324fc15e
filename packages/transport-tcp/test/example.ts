import { systemRuntime } from '@dsys/runtime'
import { TcpTransport } from '@dsys/transport-tcp'

const options = { cluster: 'shop', generation: 1, secret: 'at least sixteen bytes of your own' }
await using a = new TcpTransport(systemRuntime(), { ...options, nodeId: 'a', listen: { port: 0 } })
await a.start()
await using b = new TcpTransport(systemRuntime(), { ...options, nodeId: 'b', peers: { a: a.address ?? '' } })
const got = new Promise<string>((resolve) => {
  a.listen('greetings', (frame, from) => resolve(`${new TextDecoder().decode(frame)} from ${from.id}`))
})
await b.start()
b.send({ id: 'a' }, 'greetings', new TextEncoder().encode('hello'))
console.log(await got) // hello from b
