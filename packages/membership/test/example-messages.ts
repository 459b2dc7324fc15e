import { Membership } from '@dsys/membership'
import { systemRuntime, utf8 } from '@dsys/runtime'
import { MemoryNetwork } from '@dsys/transport-memory'

const network = new MemoryNetwork()
await using t1 = network.endpoint('n1')
await using t2 = network.endpoint('n2')
await Promise.all([t1.start(), t2.start()])
await using n1 = new Membership({ ...systemRuntime(), transport: t1 }, { cluster: 'shop' })
await using n2 = new Membership({ ...systemRuntime(), transport: t2 }, { cluster: 'shop', roles: ['worker'] })
await Promise.all([n1.start(), n2.start()])

n2.onQuery('queue', () => utf8.encode('3 jobs wait')) // what it throws is an answer as well
const query = n1.query('queue', utf8.encode(''), { filter: { role: 'worker' } })
for await (const answer of query)
  console.log(answer.from.id, answer.ok ? utf8.decode(answer.payload) : answer.error.code)
console.log((await query.summary()).end, (await query.summary()).silent.length)

const news = n2.broadcasts('cache')
n1.broadcast('cache', utf8.encode('user:42'))
for await (const { origin, payload } of news) {
  console.log(origin.id, utf8.decode(payload))
  break
}
