import { RaftNode } from '@dsys/raft'
import { systemRuntime } from '@dsys/runtime'
import { MemoryLogStorage } from '@dsys/storage-memory'
import { MemoryNetwork } from '@dsys/transport-memory'

const machine = { initial: () => 0, apply: (sum: number, add: number) => ({ state: sum + add, result: sum + add }) }
const network = new MemoryNetwork()
async function begin(id: string) {
  const [transport, log] = [network.endpoint(id), new MemoryLogStorage()]
  await Promise.all([transport.start(), log.start()])
  const raft = new RaftNode({ ...systemRuntime(), transport, log, machine }, { id, group: 'orders' })
  await raft.start()
  return raft
}
const first = await begin('n1')
await first.bootstrap({ voters: ['n1'] }) // once in the life of the group
await first.propose(5)
const later = await Promise.all(['n2', 'n3', 'n4'].map(begin)) // they wait to be added
const members = await first.reconfigure({ voters: ['n1', 'n2', 'n3'], learners: ['n4'] }) // any node takes it
console.log(members.voters.length, members.learners.length) // 3 1
console.log(await later[2]?.propose(1)) // 6
await Promise.all([first, ...later].map((raft) => raft.stop()))
