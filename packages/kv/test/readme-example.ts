import { Kv, kvMachine } from '@dsys/kv'
import { RaftNode } from '@dsys/raft'
import { json, systemRuntime } from '@dsys/runtime'
import { MemoryLogStorage } from '@dsys/storage-memory'
import { MemoryNetwork } from '@dsys/transport-memory'

await using transport = new MemoryNetwork().endpoint('n1')
await using log = new MemoryLogStorage()
await Promise.all([transport.start(), log.start()])
await using raft = new RaftNode(
  { ...systemRuntime(), transport, log, machine: kvMachine },
  { id: 'n1', group: 'main', voters: ['n1'] },
)
await raft.start()

const stock = new Kv({ raft }).linearizable('default', { codec: json<{ quantity: number }>() })
await stock.put('sku/1', { quantity: 3 })
const entry = await stock.get('sku/1')
console.log(entry?.value.quantity, entry?.revision) // 3 1
const first = await stock.update('sku/1', { quantity: 2 }, { revision: entry?.revision ?? 0 })
console.log(first.updated) // true
const second = await stock.update('sku/1', { quantity: 1 }, { revision: entry?.revision ?? 0 })
console.log(second.updated || second.actual?.value.quantity) // 2
