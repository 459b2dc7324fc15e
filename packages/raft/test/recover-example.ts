import { RaftNode, recover } from '@dsys/raft'
import { systemRuntime } from '@dsys/runtime'
import { MemoryLogDisk, MemoryLogStorage } from '@dsys/storage-memory'
import { MemoryNetwork } from '@dsys/transport-memory'

const machine = { initial: () => 0, apply: (sum: number, add: number) => ({ state: sum + add, result: sum + add }) }
const [network, disk] = [new MemoryNetwork(), new MemoryLogDisk()]
async function begin(id: string, log = new MemoryLogStorage()) {
  const transport = network.endpoint(id)
  await Promise.all([transport.start(), log.start()])
  const raft = new RaftNode({ ...systemRuntime(), transport, log, machine }, { id, group: 'orders' })
  await raft.start()
  return { stop: () => raft.stop().then(() => log.stop()), raft, transport }
}
const [n1, n2] = [await begin('n1', new MemoryLogStorage({ disk })), await begin('n2')]
await n1.raft.bootstrap({ voters: ['n1', 'n2'] })
await n1.raft.propose(5)
await Promise.all([n1.stop(), n2.stop(), n1.transport.stop()]) // and n2 is gone for ever

const log = new MemoryLogStorage({ disk })
await log.start()
const options = { id: 'n1', group: 'orders', voters: ['n1'] }
console.log(await recover({ log }, options).catch(({ lastIndex }) => lastIndex > 1)) // true
console.log((await recover({ log }, { ...options, acceptDataLoss: true })).previousMembers.length) // 2
await log.stop()

const alone = await begin('n1', new MemoryLogStorage({ disk }))
console.log(await alone.raft.propose(1)) // 6
await alone.stop()
