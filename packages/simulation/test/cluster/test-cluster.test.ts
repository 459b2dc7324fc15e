import { testCluster } from '@dsys/simulation'
import { expect, test } from 'vitest'

test('a cluster elects, writes, survives a crash of its leader, and converges', async () => {
  await using cluster = await testCluster({ nodes: 3, seed: 42 })
  const leader = await cluster.elected()
  const keyspace = cluster.service(leader).kv.linearizable('default')
  expect(await cluster.run(keyspace.put('a', Buffer.from('1')))).toEqual({ revision: 1 })
  cluster.crash(leader)
  await cluster.advance('5s')
  const next = await cluster.elected()
  expect(next).not.toBe(leader)
  await cluster.restart(leader)
  await cluster.converged()
})
