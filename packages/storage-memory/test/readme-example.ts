import { MemoryLogDisk, MemoryLogStorage } from '@dsys/storage-memory'

const disk = new MemoryLogDisk() // outlives the storage, as a real disk outlives a process
const before = new MemoryLogStorage({ disk })
await before.start()
const log = await before.openGroup('orders')
await log.persist({ hardState: { term: 1, votedFor: 'n1' } })

disk.crash() // what was acknowledged stays

await using after = new MemoryLogStorage({ disk })
await after.start()
const { recovered } = await after.openGroup('orders')
console.log(recovered.hardState.votedFor) // n1
