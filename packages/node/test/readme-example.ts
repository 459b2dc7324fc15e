import { createNode } from '@dsys/node'
import { systemRuntime, utf8 } from '@dsys/runtime'
import { MemoryLogStorage } from '@dsys/storage-memory'
import { MemoryNetwork } from '@dsys/transport-memory'

const network = new MemoryNetwork()
const voters = ['n1', 'n2', 'n3']
const cluster = voters.map((id) =>
  createNode(
    { ...systemRuntime(), transport: network.endpoint(id), log: new MemoryLogStorage() },
    { cluster: 'shop', voters },
  ),
)
await Promise.all(cluster.map(({ node }) => node.start()))

const [one, two, three] = cluster.map(({ kv }) => kv.linearizable('default', { codec: utf8 }))
await one?.put('greeting', 'hello')
console.log((await two?.get('greeting'))?.value) // hello
console.log((await three?.create('greeting', 'hi'))?.created) // false
const status = await cluster[0]?.node.status()
const members = status?.members.map(({ id, state }) => `${id} ${state}`)
console.log(members?.sort().join(', ')) // n1 alive, n2 alive, n3 alive
await Promise.all(cluster.map(({ node }) => node.stop()))
