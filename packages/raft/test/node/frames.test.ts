import { SeededRandom } from '@dsys/runtime'
import { expect, test } from 'vitest'
import { encodeFrame, type WireMessage } from '../../src/wire.ts'
import { Cluster } from './support/cluster.ts'
import { counter } from './support/machines.ts'

const DEPOSE: WireMessage[] = [
  { type: 'vote-request', term: 1_000, preVote: false, transfer: true, lastIndex: 1_000, lastTerm: 1_000 },
  { type: 'heartbeat-request', term: 1_000, commitIndex: 1_000, round: 1 },
]

const FOREIGN: WireMessage[] = [
  { type: 'vote-request', term: 1_000, preVote: false, transfer: true, lastIndex: 0, lastTerm: 0 },
  { type: 'append-accepted', term: 1_000, matchIndex: 1_000, round: 9 },
  { type: 'heartbeat-response', term: 1_000, round: 9 },
]

test('garbage from a member changes nothing', async () => {
  await using cluster = await Cluster.start(counter)
  const leader = await cluster.elected()
  await cluster.run(cluster.node(leader).propose({ id: 'x', by: 1 }))
  const before = cluster.node(leader).status()
  const random = new SeededRandom(1)
  const good = encodeFrame(DEPOSE)
  const { transport } = cluster.life(cluster.followers()[0] as string)
  for (let i = 0; i < 200; i++) {
    // Never a whole frame of ours: of another version, foreign, or cut.
    const cut = good.slice(0, random.integer(3, 20))
    const foreign = random.bytes(random.integer(0, 40))
    if (foreign[0] === 2) foreign[0] = 9
    transport.send({ id: leader }, 'raft-test', i % 2 === 0 ? cut : foreign)
  }
  await cluster.advance(300)
  expect(cluster.node(leader).status()).toMatchObject({
    role: 'leader',
    term: before.term,
    lastIndex: before.lastIndex,
  })
  expect(cluster.logged.filter(({ message }) => message.includes('cannot be read'))).toHaveLength(200)
  expect(await cluster.run(cluster.node(leader).propose({ id: 'y', by: 1 }))).toBe(2)
})

test('a proposal that is no command of ours is not taken into the log', async () => {
  await using cluster = await Cluster.start(counter)
  const leader = await cluster.elected()
  await cluster.run(cluster.node(leader).propose({ id: 'x', by: 1 }))
  const { lastIndex } = cluster.node(leader).status()
  const items = [
    { sequence: 1, kind: 0, data: new Uint8Array(0) },
    { sequence: 2, kind: 77, data: new Uint8Array(100) },
    { sequence: 3, kind: 1, data: new Uint8Array(23) },
  ]
  const frame = encodeFrame([{ type: 'forward-request', items }])
  cluster.life(cluster.followers()[0] as string).transport.send({ id: leader }, 'raft-test', frame)
  await cluster.advance(300)
  expect(cluster.node(leader).status()).toMatchObject({ role: 'leader', lastIndex })
  expect(await cluster.run(cluster.node(leader).propose({ id: 'y', by: 1 }))).toBe(2)
})

test('votes and answers of those who are not of the group are ignored (P-10)', async () => {
  await using cluster = await Cluster.start(counter)
  const leader = await cluster.elected()
  const stranger = cluster.network.endpoint('stranger')
  await stranger.start()
  const answers: Uint8Array[] = []
  stranger.listen('raft-test', (frame) => void answers.push(frame))
  const { term } = cluster.node(leader).status()
  for (const id of cluster.ids) stranger.send({ id }, 'raft-test', encodeFrame(FOREIGN))
  await cluster.advance(3_000)
  for (const id of cluster.ids) expect(cluster.node(id).status()).toMatchObject({ term, leader })
  expect(answers).toEqual([])
})
