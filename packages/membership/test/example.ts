import { Membership } from '@dsys/membership'
import { systemRuntime } from '@dsys/runtime'
import { MemoryNetwork } from '@dsys/transport-memory'

const network = new MemoryNetwork() // over NATS: a NatsTransport in place of each endpoint
await using t1 = network.endpoint('n1')
await using t2 = network.endpoint('n2')
await Promise.all([t1.start(), t2.start()])
await using n1 = new Membership({ ...systemRuntime(), transport: t1 }, { cluster: 'shop', metadata: { zone: 'a' } })
await using n2 = new Membership({ ...systemRuntime(), transport: t2 }, { cluster: 'shop', metadata: { zone: 'b' } })
await Promise.all([n1.start(), n2.start()])

for await (const event of n1.events()) {
  if (event.type === 'Synced')
    void n2.stop() // what follows are changes
  else console.log(event.type, event.member.id, event.member.metadata['zone'], event.why)
  if (event.type === 'MemberLeft') break
}
