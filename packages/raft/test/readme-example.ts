import { RaftNode } from '@dsys/raft'
import { systemRuntime } from '@dsys/runtime'
import { MemoryLogStorage } from '@dsys/storage-memory'
import { MemoryNetwork } from '@dsys/transport-memory'

const counter = {
  initial: () => 0,
  apply: (sum: number, command: { add: number }) => ({ state: sum + command.add, result: sum + command.add }),
}
const voters = ['n1', 'n2', 'n3']
const network = new MemoryNetwork()
const [first, second, third] = await Promise.all(
  voters.map(async (id) => {
    const [transport, log] = [network.endpoint(id), new MemoryLogStorage()]
    await Promise.all([transport.start(), log.start()])
    const raft = new RaftNode({ ...systemRuntime(), transport, log, machine: counter }, { id, group: 'orders', voters })
    await raft.start()
    return raft
  }),
)
console.log(await first?.propose({ add: 2 })) // 2
console.log(await second?.propose({ add: 3 })) // 5
console.log(await third?.read((sum) => sum)) // 5
await Promise.all([first?.stop(), second?.stop(), third?.stop()])
