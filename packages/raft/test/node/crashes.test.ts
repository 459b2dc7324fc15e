import { expect, test } from 'vitest'
import { Cluster } from './support/cluster.ts'
import { counter } from './support/machines.ts'

test('the leader crashes under a stream of writes: every acknowledged one is there, and none twice', async () => {
  for (let seed = 1; seed <= 5; seed++) {
    await using cluster = await Cluster.start(counter, { seed, network: { link: { minDelayMs: 1, maxDelayMs: 5 } } })
    const acknowledged: string[] = []
    let open = 0
    const write = (id: string, name: string): void => {
      open++
      const done = (): void => void open--
      cluster
        .node(id)
        .propose({ id: name, by: 1 }, { timeoutMs: 10_000 })
        .then(() => acknowledged.push(name))
        .then(done, done)
    }
    let crashed: string | undefined
    await cluster.elected()
    for (let i = 0; i < 60; i++) {
      for (const id of cluster.lives.keys()) if (id !== cluster.leader()) write(id, `${i} ${id}`)
      await cluster.advance(10)
      if (i === 20) {
        crashed = await cluster.elected()
        cluster.crash(crashed)
      }
      if (i === 40) await cluster.start(crashed as string)
    }
    await cluster.waitFor('the end of the calls of those that live', () => open === 0)
    await cluster.converged()
    const { applied } = await cluster.state(cluster.leader() as string)
    expect(acknowledged.length).toBeGreaterThan(50)
    expect(applied).toEqual(expect.arrayContaining(acknowledged))
    expect(new Set(applied).size).toBe(applied.length)
  }
})

test('what was handed to a leader that is lost goes to the next one as soon as there is one', async () => {
  await using cluster = await Cluster.start(counter)
  const first = await cluster.elected()
  for (const id of cluster.ids) await cluster.run(cluster.node(id).propose({ id, by: 1 }))
  cluster.filter = (from, _to, message) => from !== first || message.type !== 'append-request'
  const writes = cluster
    .followers()
    .map((id) => cluster.node(id).propose({ id: `waits ${id}`, by: 1 }, { timeoutMs: 60_000 }))
  await cluster.advance(50)
  cluster.crash(first)
  cluster.filter = undefined
  await cluster.elected()
  await cluster.run(Promise.all(writes), 20)
})

test('a node that crashes right behind its vote still has the term in which it gave it (P-01)', async () => {
  await using cluster = await Cluster.start(counter)
  // Nothing else may bring the term to the disk.
  cluster.filter = (_from, _to, { type }) => type === 'vote-request' || type === 'vote-response'
  await cluster.waitFor('a leader', () => cluster.leader() !== undefined)
  const leader = cluster.leader() as string
  const { term } = cluster.node(leader).status()
  const voters = cluster.followers().filter((id) => cluster.node(id).status().term === term)
  expect(voters.length).toBeGreaterThan(0)
  for (const id of cluster.ids) cluster.crash(id)
  for (const id of voters) {
    await cluster.start(id)
    expect(cluster.node(id).status().term).toBe(term)
  }
})

test('all crash at once, with part of the last writes on disk: no acknowledged write is lost', async () => {
  for (let seed = 1; seed <= 5; seed++) {
    await using cluster = await Cluster.start(counter, { seed })
    const leader = await cluster.elected()
    const acknowledged: string[] = []
    for (let i = 0; i < 50; i++) {
      const name = `${i}`
      cluster
        .node(leader)
        .propose({ id: name, by: 1 })
        .then(
          () => acknowledged.push(name),
          () => undefined,
        )
      if (i === 30) for (const id of cluster.ids.slice(0, seed % 3)) cluster.disk(id).holdSyncs()
      if (i % 3 === 0) await cluster.advance(1)
    }
    for (const id of cluster.ids) cluster.crash(id, { keep: seed })
    for (const id of cluster.ids) await cluster.start(id)
    await cluster.elected()
    const { applied } = await cluster.run(cluster.node('n2').read((state) => structuredClone(state)))
    expect(acknowledged.length).toBeGreaterThan(20)
    expect(applied).toEqual(expect.arrayContaining(acknowledged))
    expect(new Set(applied).size).toBe(applied.length)
  }
})

test('a node that was away catches up by itself', async () => {
  await using cluster = await Cluster.start(counter)
  const leader = await cluster.elected()
  const away = cluster.followers()[0] as string
  cluster.crash(away)
  for (let i = 0; i < 5; i++) await cluster.run(cluster.node(leader).propose({ id: `${i}`, by: 1 }))
  await cluster.advance(5_000)
  await cluster.start(away)
  await cluster.waitFor('the missing entries', () => cluster.node(away).status().lastApplied === 8, 500)
  expect((await cluster.state(away)).total).toBe(5)
})

test('a node that crashes and is back before anybody notices catches up too, though nobody writes', async () => {
  await using cluster = await Cluster.start(counter)
  const leader = await cluster.elected()
  const follower = cluster.followers()[0] as string
  await cluster.run(cluster.node(leader).propose({ id: 'x', by: 1 }))
  await cluster.converged()
  cluster.crash(follower)
  await cluster.start(follower)
  await cluster.waitFor('the old state', () => cluster.node(follower).status().lastApplied === 4, 500)
  expect(
    await cluster.run(
      cluster.node(follower).read((state) => state.total),
      500,
    ),
  ).toBe(1)
  expect(cluster.node(leader).status()).toMatchObject({ role: 'leader', term: 1 })
})

test('without a majority nothing is acknowledged; with it everything goes on', async () => {
  await using cluster = await Cluster.start(counter, { size: 5 })
  await cluster.elected()
  const [a, b, c] = cluster.followers() as [string, string, string]
  for (const id of [a, b, c]) cluster.crash(id)
  const survivor = [...cluster.lives.keys()][0] as string
  const write = cluster.node(survivor).propose({ id: 'waits', by: 1 }, { timeoutMs: 60_000 })
  await cluster.advance(10_000)
  expect(cluster.node(survivor).status().commitIndex).toBeLessThan(3)
  await cluster.start(a)
  expect(await cluster.run(write)).toBe(1)
})

test('a leader is cut off for long: when it is back, the group has one leader and loses nothing', async () => {
  await using cluster = await Cluster.start(counter)
  const leader = await cluster.elected()
  await cluster.run(cluster.node(leader).propose({ id: 'x', by: 1 }))
  cluster.network.partition([leader], cluster.followers())
  await cluster.advance(10_000)
  const second = cluster.leader() as string
  expect(second).not.toBe(leader)
  await cluster.run(cluster.node(second).propose({ id: 'y', by: 1 }))
  cluster.network.heal()
  await cluster.converged()
  expect((await cluster.state(leader)).applied).toEqual(['x', 'y'])
  expect([...cluster.lives.values()].filter(({ raft }) => raft.status().role === 'leader')).toHaveLength(1)
})
