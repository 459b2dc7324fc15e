import { RaftNode } from '@dsys/raft'
import { systemClock, systemRuntime } from '@dsys/runtime'
import { bumpGeneration, FileLogStorage, nodeDisk } from '@dsys/storage-file'
import { NatsTransport } from '@dsys/transport-nats'

const [nodeId = 'n1', ...others] = (process.env.NODES ?? 'n1').split(',')
const directory = process.env.DATA ?? `.data/counter/${nodeId}`
const servers = [process.env.NATS_URL ?? 'nats://127.0.0.1:4222']

const counter = {
  initial: () => 0,
  apply: (sum: number, command: { add: number }) => ({ state: sum + command.add, result: sum + command.add }),
}
const runtime = systemRuntime()
const generation = await bumpGeneration({ disk: nodeDisk(directory), clock: systemClock }, { directory: '' })
const transport = new NatsTransport(runtime, { servers, cluster: 'shop', nodeId, generation })
const log = new FileLogStorage(runtime, { directory })
const raft = new RaftNode(
  { ...runtime, transport, log, machine: counter },
  { id: nodeId, group: 'orders', voters: [nodeId, ...others] },
)
for (const part of [log, transport, raft]) await part.start()

console.log(await raft.propose({ add: 2 })) // at most once, through whichever node leads
console.log(await raft.read((sum) => sum)) // linearizable unless said otherwise

for (const part of [raft, transport, log]) await part.stop()
