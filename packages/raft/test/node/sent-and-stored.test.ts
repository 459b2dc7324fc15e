import { SeededRandom } from '@dsys/runtime'
import { expect, test } from 'vitest'
import type { WireMessage } from '../../src/wire.ts'
import { Cluster } from './support/cluster.ts'
import { type Add, type CounterState, counter } from './support/machines.ts'

type Stored = ReturnType<ReturnType<Cluster<CounterState, Add, number>['disk']>['read']>

/** What `message` claims, in words, that is not on the disk of its sender when it leaves. */
function missing(
  { hardState: { term, votedFor }, snapshot, entries }: Stored,
  to: string,
  from: string,
  message: WireMessage,
) {
  if (!('term' in message)) return undefined
  const { type } = message
  // Those of an older term are true in that one: what is stored since says no less.
  const isPreVote = (type === 'vote-request' || type === 'vote-response') && message.preVote
  if (message.term > term) return isPreVote ? undefined : `the term of ${type}`
  if (message.term < term) return undefined
  if (type === 'vote-response' && message.granted && !isPreVote && votedFor !== to) return `the vote for ${to}`
  if (type === 'vote-request' && !isPreVote && votedFor !== from) return 'the vote for itself'
  const lastIndex = entries.at(-1)?.index ?? snapshot?.meta.index ?? 0
  if (type === 'append-accepted' && message.matchIndex > lastIndex) return `the entries up to ${message.matchIndex}`
  return undefined
}

test('whatever leaves a node is on its disk as far as it speaks of that, though a turn sends before it writes (P-01, P-38)', async () => {
  const random = new SeededRandom(7)
  await using cluster = await Cluster.start(counter, {
    raft: { electionTimeoutMs: 200, heartbeatIntervalMs: 20, snapshotEveryBytes: 600, keepEntries: 2 },
    sync: (_id, clock) => new Promise((resolve) => void clock.setTimer(1 + 30 * random.float(), resolve)),
  })
  const seen = new Map<string, number>()
  const wrong: string[] = []
  cluster.filter = (from, to, message) => {
    seen.set(message.type, (seen.get(message.type) ?? 0) + 1)
    const lacks = missing(cluster.disk(from).read('test'), to, from, message)
    if (lacks !== undefined) wrong.push(`${from} sends to ${to} and has not stored ${lacks}`)
    return true
  }
  for (let round = 0; round < 5; round++) {
    const leader = await cluster.elected()
    for (let i = 0; i < 12; i++) void cluster.node(leader).propose({ id: `${round}.${i}`, by: 1 })
    await cluster.advance(random.integer(0, 150))
    cluster.crash(leader)
    await cluster.waitFor('another leader', () => cluster.leader() !== undefined)
    const next = cluster.leader() as string
    for (let i = 0; i < 12; i++) await cluster.run(cluster.node(next).propose({ id: `${round}.next.${i}`, by: 1 }))
    await cluster.start(leader)
  }
  await cluster.converged()
  expect(wrong).toEqual([])
  for (const type of ['vote-request', 'vote-response', 'append-request', 'append-accepted', 'snapshot-chunk'])
    expect(seen.get(type), type).toBeGreaterThan(0)
})
