import { RaftNode } from '@dsys/raft'
import { systemRuntime } from '@dsys/runtime'
import { MemoryLogStorage } from '@dsys/storage-memory'
import { MemoryNetwork } from '@dsys/transport-memory'

const machine = { initial: () => 0, apply: (sum: number, add: number) => ({ state: sum + add, result: sum + add }) }
const network = new MemoryNetwork()
async function begin(id: string) {
  const [transport, log] = [network.endpoint(id), new MemoryLogStorage()]
  await Promise.all([transport.start(), log.start()])
  const raft = new RaftNode(
    { ...systemRuntime(), transport, log, machine },
    { id, group: 'orders', voters: ['n1', 'n2'] },
  )
  await raft.start()
  return raft
}
const [first, second] = await Promise.all(['n1', 'n2'].map(begin))
const id = await first?.openClient() // keep it where it survives what the client must survive
if (id === undefined) throw new Error('the first node is there')
console.log(await first?.propose(5, { client: { id, sequence: 1 } })) // 5
console.log(await second?.propose(5, { client: { id, sequence: 1 } })) // 5
console.log(await second?.read((sum) => sum)) // 5
await Promise.all([first?.stop(), second?.stop()])
