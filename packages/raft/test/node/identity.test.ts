import { IdentityLostError } from '@dsys/raft'
import { MemoryLogDisk } from '@dsys/storage-memory'
import { expect, test } from 'vitest'
import { Cluster } from './support/cluster.ts'
import { counter } from './support/machines.ts'

const THREE = ['n1', 'n2', 'n3']

test('P-30: a node that comes back with an empty disk counts for nothing and stops itself, until it is removed and added again', async () => {
  await using cluster = await Cluster.start(counter)
  const leader = await cluster.elected()
  const [lost, other] = cluster.followers() as [string, string]
  const add = (at: string, id: string): Promise<number> =>
    cluster.run(cluster.node(at).propose({ id, by: 1 }, { timeoutMs: 20_000 }))
  await add(leader, 'first')
  await cluster.advance(500)
  // Only the leader and the one whose disk is lost have this.
  cluster.network.partition([other], [leader, lost])
  expect(await add(leader, 'second')).toBe(2)
  cluster.crash(leader)
  cluster.crash(lost)
  cluster.disks.set(lost, new MemoryLogDisk())
  cluster.network.heal()
  await cluster.start(lost)
  // Its vote would make a leader that lacks what was acknowledged.
  await cluster.advance(10_000)
  expect(cluster.node(other).status().role).not.toBe('leader')
  await cluster.start(leader)
  const failed = (): unknown => cluster.life(lost).events.find(({ type }) => type === 'Failed')
  await cluster.waitFor('its failure', () => failed() !== undefined)
  const hint = expect.stringContaining(`Remove ${lost} by reconfigure()`)
  expect(failed()).toMatchObject({ error: { hint, cause: expect.any(IdentityLostError) } })
  expect(cluster.node(lost).explain().findings).toMatchObject([{ code: 'node-failed', hint }])
  expect(await add(other, 'third')).toBe(3)
  const leading = [leader, other].find((id) => cluster.node(id).status().role === 'leader') as string
  const lostDisk = (): unknown =>
    cluster
      .node(leading)
      .explain()
      .findings.find(({ code }) => code === 'member-disk-lost')
  expect(lostDisk()).toMatchObject({ evidence: { id: lost, heard: expect.any(Number), known: expect.any(Number) } })
  cluster.crash(lost)
  const voters = THREE.filter((id) => id !== lost)
  await cluster.run(cluster.node(other).reconfigure({ voters }))
  await cluster.start(lost)
  await cluster.run(cluster.node(other).reconfigure({ voters: THREE }))
  expect(lostDisk()).toBeUndefined()
  expect(await add(lost, 'fourth')).toBe(4)
  // It has an identity again, and keeps it.
  cluster.crash(lost)
  await cluster.start(lost)
  expect(await add(lost, 'fifth')).toBe(5)
})
