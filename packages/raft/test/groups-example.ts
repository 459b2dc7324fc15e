import { RaftGroups } from '@dsys/raft'
import { systemRuntime } from '@dsys/runtime'
import { MemoryLogStorage } from '@dsys/storage-memory'
import { MemoryNetwork } from '@dsys/transport-memory'

const machine = { initial: () => 0, apply: (sum: number, add: number) => ({ state: sum + add, result: sum + add }) }
const voters = ['n1', 'n2', 'n3']
const network = new MemoryNetwork()
const hosts = await Promise.all(
  voters.map(async (id) => {
    const [transport, log] = [network.endpoint(id), new MemoryLogStorage()]
    await Promise.all([transport.start(), log.start()])
    const groups = new RaftGroups({ ...systemRuntime(), transport, log }, { id })
    await groups.start()
    await Promise.all(['orders', 'stock', 'users'].map((group) => groups.open({ group, voters }, machine)))
    return groups
  }),
)
console.log(await hosts[0]?.get('orders')?.propose(2)) // 2
console.log(await hosts[1]?.get('stock')?.propose(3)) // 3
console.log(hosts[2]?.list().join(' ')) // orders stock users
await Promise.all(hosts.map((groups) => groups.stop()))
