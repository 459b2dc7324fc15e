import { testCluster } from '@dsys/simulation'
import { expect, test } from 'vitest'

test('the side with a majority goes on, and the other one catches up', async () => {
  await using cluster = await testCluster({ nodes: 5, seed: 42 })
  const stock = (id: string) => cluster.service(id).kv.linearizable('default')
  cluster.partition(['n1', 'n2'], ['n3', 'n4', 'n5'])
  await cluster.run(stock('n4').put('sku/1', Buffer.from('7')))
  await cluster.advance('10s')
  cluster.heal()
  await cluster.converged()
  expect((await cluster.run(stock('n1').get('sku/1')))?.value.toString()).toBe('7')
})
