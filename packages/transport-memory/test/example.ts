import { MemoryNetwork } from '@dsys/transport-memory'

const network = new MemoryNetwork()
await using a = network.endpoint('a')
await using b = network.endpoint('b')
const got = new Promise<string>((resolve) => {
  b.listen('greetings', (frame, from) => resolve(`${new TextDecoder().decode(frame)} from ${from.id}`))
})
await a.start()
await b.start()
network.cut('a', 'b')
a.send({ id: 'b' }, 'greetings', new TextEncoder().encode('lost'))
network.heal()
await new Promise((resolve) => setImmediate(resolve))
a.send({ id: 'b' }, 'greetings', new TextEncoder().encode('hello'))
console.log(await got) // hello from a
