// What a user writes who has installed three packages: a replicated counter on three nodes.
import { RaftNode } from '@dsys/raft'
import { systemRuntime } from '@dsys/runtime'
import { MemoryLogStorage } from '@dsys/storage-memory'
import { MemoryNetwork } from '@dsys/transport-memory'

const counter = {
  initial: () => ({ n: 0 }),
  apply: (state, command) => ({ state: { n: state.n + command.add }, result: state.n + command.add }),
}

const network = new MemoryNetwork()
const ids = ['n1', 'n2', 'n3']
const members = ids.map((id) => {
  const [transport, log] = [network.endpoint(id), new MemoryLogStorage()]
  const raft = new RaftNode(
    { ...systemRuntime(), transport, log, machine: counter },
    { id, group: 'orders', voters: ids },
  )
  return { transport, log, raft }
})

for (const { transport, log, raft } of members) {
  await transport.start()
  await log.start()
  await raft.start()
}
for (const { raft } of members) await raft.propose({ add: 2 }, { timeoutMs: 20_000 })
const totals = await Promise.all(members.map(({ raft }) => raft.read((state) => state.n, { timeoutMs: 20_000 })))
for (const { transport, log, raft } of members) {
  await raft.stop()
  await log.stop()
  await transport.stop()
}
console.log(JSON.stringify({ totals }))
