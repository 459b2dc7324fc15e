import { Membership } from '@dsys/membership'
import { systemRuntime } from '@dsys/runtime'
import { MemoryNetwork } from '@dsys/transport-memory'

const network = new MemoryNetwork() // over NATS: a NatsTransport in place of each endpoint
await using t1 = network.endpoint('n1')
await using t2 = network.endpoint('n2')
await Promise.all([t1.start(), t2.start()])
await using n1 = new Membership({ ...systemRuntime(), transport: t1 }, { cluster: 'shop', roles: ['gateway'] })
await using n2 = new Membership({ ...systemRuntime(), transport: t2 }, { cluster: 'shop', tags: { zone: 'b' } })
await Promise.all([n1.start(), n2.start()])
n2.update({ roles: ['worker'] })

for await (const event of n1.events()) {
  if (event.type === 'Synced') continue // what follows are changes
  console.log(event.type, event.member.id, event.why)
  if (event.type === 'MemberLeft') break
  if (n1.alive({ role: 'worker', tags: { zone: 'b' } }).length > 0) void n2.stop()
}
