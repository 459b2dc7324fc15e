import { expect, test } from 'vitest'
import { Cluster } from './support/cluster.ts'
import { counter } from './support/machines.ts'

const FIVE = ['n1', 'n2', 'n3', 'n4', 'n5']

test('a group grows from three to five voters and shrinks to two others, and loses nothing', async () => {
  await using cluster = new Cluster(counter, { ids: FIVE, initial: ['n1', 'n2', 'n3'] })
  for (const id of ['n1', 'n2', 'n3']) await cluster.start(id)
  const leader = await cluster.elected()
  await cluster.run(cluster.node(leader).propose({ id: 'a', by: 1 }))
  for (const id of ['n4', 'n5']) await cluster.start(id)
  const grown = await cluster.run(cluster.node('n2').reconfigure({ voters: FIVE }))
  expect(grown).toEqual({ voters: FIVE, learners: [] })
  expect(await cluster.run(cluster.node('n5').propose({ id: 'b', by: 2 }))).toBe(3)
  const shrunk = await cluster.run(cluster.node('n4').reconfigure({ voters: ['n4', 'n5'], learners: ['n1'] }))
  expect(shrunk).toEqual({ voters: ['n4', 'n5'], learners: ['n1'] })
  await cluster.waitFor('a leader among the new', () => ['n4', 'n5'].includes(cluster.leader() ?? ''))
  expect(await cluster.run(cluster.node('n4').propose({ id: 'c', by: 4 }))).toBe(7)
  expect(cluster.node('n4').status()).toMatchObject({ voters: ['n4', 'n5'], learners: ['n1'], change: undefined })
})
