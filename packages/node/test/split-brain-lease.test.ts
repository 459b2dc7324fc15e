import { ChainedLease, leaseMajority, Membership, SplitBrainResolver, type SurvivorDecision } from '@dsys/membership'
import { createNode } from '@dsys/node'
import { json, SeededRandom, silentLogger, silentMeter, VirtualClock } from '@dsys/runtime'
import { MemoryLogStorage } from '@dsys/storage-memory'
import { MemoryNetwork } from '@dsys/transport-memory'
import { expect, test } from 'vitest'

const link = { minDelayMs: 1, maxDelayMs: 3 }

/** Waits while virtual time passes. */
async function whileTimePasses<T>(clock: VirtualClock, promise: Promise<T>): Promise<T> {
  let isSettled = false
  const settled = promise.finally(() => {
    isSettled = true
  })
  for (let step = 0; !isSettled && step < 600; step += 1) await clock.advanceAsync(100)
  if (!isSettled) throw new Error('it takes longer than a minute')
  return settled
}

test('of two sides that reach one keyspace one goes on, and who does not reach it goes down', async () => {
  const clock = new VirtualClock()
  const random = new SeededRandom(11)
  const runtime = (id: string) => ({ clock, logger: silentLogger, meter: silentMeter, random: random.stream(id) })
  const pass = <T>(promise: Promise<T>): Promise<T> => whileTimePasses(clock, promise)

  const storeNetwork = new MemoryNetwork({ clock, random: random.stream('store') }, { link })
  const voters = ['k1', 'k2', 'k3']
  const stores = voters.map((id) =>
    createNode(
      { ...runtime(id), transport: storeNetwork.endpoint(id), log: new MemoryLogStorage() },
      { cluster: 'store', voters },
    ),
  )
  await pass(Promise.all(stores.map(({ node }) => node.start())))

  const network = new MemoryNetwork({ clock, random: random.stream('network') }, { link })
  const members = ['n1', 'n2', 'n3', 'n4', 'n5'].map((id, i) => {
    const transport = network.endpoint(id)
    const membership = new Membership({ ...runtime(id), transport }, { cluster: 'shop' })
    const register = stores[i % 3]?.kv.linearizable('default', { codec: json<SurvivorDecision>() })
    if (register === undefined) throw new Error('no store')
    const lease = new ChainedLease({ clock, register })
    const told: string[] = []
    const resolver = new SplitBrainResolver(
      { clock, logger: silentLogger, membership, self: id },
      {
        strategy: leaseMajority(lease, { minorityDelayMs: 500 }),
        stableAfterMs: 8_000,
        onDown: ({ why }) => void told.push(`down: ${why}`),
        onSurvive: ({ why }) => void told.push(`survive: ${why}`),
      },
    )
    return { id, transport, membership, resolver, lease, told }
  })
  for (const { transport, membership, resolver } of members) {
    await transport.start()
    await pass(membership.start())
    await resolver.start()
  }
  await clock.advanceAsync(20_000)
  const named = async () => (await pass(members[0]?.lease.last() ?? Promise.resolve(undefined)))?.members
  expect((await named())?.map(({ id }) => id)).toEqual(['n1', 'n2', 'n3', 'n4', 'n5'])

  // n3 reads and writes through k3, which cannot reach the others of its group.
  storeNetwork.partition(['k1', 'k2'], ['k3'])
  network.partition(['n1', 'n2', 'n3'], ['n4', 'n5'])
  await clock.advanceAsync(60_000)
  expect(members.map(({ told }) => told)).toEqual([
    ['survive: the side of n1 has the lease'],
    ['survive: the side of n1 has the lease'],
    ['down: it is not known who has the lease: it was not known within 8000 ms who goes on'],
    ['down: another side than that of n4 has the lease'],
    ['down: another side than that of n4 has the lease'],
  ])
  expect((await named())?.map(({ id }) => id)).toEqual(['n1', 'n2', 'n3'])

  for (const { transport, membership, resolver } of members) {
    await resolver.stop()
    await pass(membership.stop())
    await transport.stop()
  }
  storeNetwork.heal()
  await pass(Promise.all(stores.map(({ node }) => node.stop())))
})
