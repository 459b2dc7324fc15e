import type { RaftEvent } from '@dsys/raft'
import { EventsLaggedError } from '@dsys/runtime'
import { expect, test } from 'vitest'
import { Cluster } from './support/cluster.ts'
import { counter } from './support/machines.ts'

const roles = (events: readonly RaftEvent[]): string[] =>
  events.flatMap((event) => (event.type === 'RoleChanged' ? [event.role] : []))

test('a stream begins with the present role and leader, then has each change once and in order', async () => {
  await using cluster = await Cluster.start(counter, { size: 1 })
  const { events } = cluster.life('n1')
  await cluster.elected()
  expect(roles(events)).toEqual(['follower', 'pre-candidate', 'candidate', 'leader'])
  expect(events.slice(0, 2)).toMatchObject([
    { type: 'RoleChanged', role: 'follower', term: 0 },
    { type: 'LeaderChanged', leader: undefined, term: 0 },
  ])
  expect(events.at(-1)).toEqual({ type: 'LeaderChanged', leader: 'n1', term: 1 })
  const late = cluster.node('n1').events()
  expect((await late.next()).value).toMatchObject({ type: 'RoleChanged', role: 'leader', term: 1 })
  expect((await late.next()).value).toEqual({ type: 'LeaderChanged', leader: 'n1', term: 1 })
  await late.return?.()
})

test('every node tells of a change of leader, with the term and why', async () => {
  await using cluster = await Cluster.start(counter)
  const first = await cluster.elected()
  await cluster.advance(500)
  const survivors = cluster.followers()
  const firstTerm = cluster.node(first).status().term
  cluster.crash(first)
  const second = await cluster.elected()
  await cluster.advance(500)
  for (const id of survivors) {
    const { events } = cluster.life(id)
    const leaders = events.filter((event) => event.type === 'LeaderChanged')
    expect(leaders.some(({ leader, term }) => leader === first && term === firstTerm)).toBe(true)
    expect(leaders.at(-1)).toMatchObject({ leader: second })
    const terms = events.flatMap((event) => ('term' in event ? [event.term] : []))
    expect(terms).toEqual([...terms].sort((a, b) => a - b))
  }
  const won = cluster.life(second).events.find((event) => event.type === 'RoleChanged' && event.role === 'leader')
  expect(won).toMatchObject({ why: expect.stringContaining('votes from') })
})

test('a subscriber that does not keep up loses its own stream, and nobody else loses anything', async () => {
  await using cluster = await Cluster.start(counter, { size: 1 })
  const slow = cluster.node('n1').events({ capacity: 2 })
  await cluster.elected()
  await expect(
    (async () => {
      for await (const _event of slow);
    })(),
  ).rejects.toBeInstanceOf(EventsLaggedError)
  expect(roles(cluster.life('n1').events)).toContain('leader')
})

test('a stream ends with the node, also when the node was never started', async () => {
  await using cluster = await Cluster.start(counter, { size: 1 })
  const { raft, events } = cluster.life('n1')
  await cluster.elected()
  const stream = raft.events()
  await cluster.run(raft.stop())
  const rest: string[] = []
  for await (const event of stream) rest.push(event.type)
  expect(rest.slice(0, 2)).toEqual(['RoleChanged', 'LeaderChanged'])
  expect(events.at(-1)).toMatchObject({ type: 'LeaderChanged' })

  await using other = new Cluster(counter, { size: 1 })
  const { raft: unused } = await other.prepare('n1')
  const silent = unused.events()
  await unused[Symbol.asyncDispose]()
  expect(await silent.next()).toEqual({ done: true, value: undefined })
})
