import { test } from 'node:test'
import { forSeeds, testCluster } from '@dsys/simulation'

test('a leader that crashes is replaced', async (t) => {
  const cluster = await testCluster({ nodes: 3, seed: 7 })
  t.after(() => cluster[Symbol.asyncDispose]())
  const leader = await cluster.elected()
  cluster.crash(leader)
  await cluster.elected({ not: leader })
  await cluster.restart(leader)
  await cluster.converged({ within: '20s' })
})

test('so is one that is cut off, with each of these seeds', async () => {
  await forSeeds([1, 2, 3], { nodes: 5 }, async (cluster) => {
    const leader = await cluster.elected()
    cluster.partition(
      [leader],
      cluster.ids.filter((id) => id !== leader),
    )
    await cluster.elected({ not: leader })
  })
})
