import { expect, test } from 'vitest'
import { Cluster } from './support/cluster.ts'
import { counter } from './support/machines.ts'

/** Longer than a place is needed for a snapshot as small as these are, and shorter than one was held for a node that is gone. */
const SOON_MS = 2_000

test('P-35: a follower that answers gets its snapshot, though more are gone than are sent one at once', async () => {
  await using cluster = await Cluster.start(counter, { size: 7, raft: { snapshotEveryBytes: 2_048, keepEntries: 1 } })
  const leader = await cluster.elected()
  const [gone = '', alsoGone = '', away = ''] = cluster.followers()
  cluster.crash(gone)
  cluster.crash(alsoGone)
  let chunks = 0
  cluster.filter = (from, to, message) => {
    if (message.type === 'snapshot-chunk') chunks++
    return from !== away && to !== away
  }
  for (let i = 0; i < 200; i++) await cluster.run(cluster.node(leader).propose({ id: `filler ${i}`, by: 1 }))
  await cluster.advance(SOON_MS)
  chunks = 0
  await cluster.advance(SOON_MS)
  expect(chunks).toBe(0)
  cluster.filter = undefined
  await cluster.waitFor('the snapshot', () => cluster.node(away).status().snapshotIndex > 0, SOON_MS)
  await cluster.start(gone)
  await cluster.waitFor('another', () => cluster.node(gone).status().snapshotIndex > 0, SOON_MS)
})
