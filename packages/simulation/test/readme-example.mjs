import { test } from 'node:test'
import { testCluster } from '@dsys/simulation'

test('a leader that crashes is replaced', async (t) => {
  const cluster = await testCluster({ nodes: 3, seed: 7 })
  t.after(() => cluster[Symbol.asyncDispose]())
  const leader = await cluster.elected()
  cluster.crash(leader)
  await cluster.waitFor('another leader', () => ![undefined, leader].includes(cluster.leader()))
  await cluster.restart(leader)
  await cluster.converged({ within: '20s' })
})
