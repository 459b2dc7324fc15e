import { describe, expect, test } from 'vitest'
import { Cluster, type ClusterOptions } from './support/cluster.ts'
import type { MessageFilter } from './support/life.ts'
import { type Add, type CounterState, counter, registers } from './support/machines.ts'
import { failsOnlyWith } from './support/open-outcomes.ts'

type Counters = Cluster<CounterState, Add, number>

const SMALL: ClusterOptions = {
  raft: { snapshotEveryBytes: 4_096, keepEntries: 8 },
  network: { maxFrameBytes: 2_048 },
}
let commands = 0

async function write(cluster: Counters, id: string, count: number): Promise<void> {
  const writes = Array.from({ length: count }, () =>
    cluster.node(id).propose({ id: `command ${++commands} ${'x'.repeat(100)}`, by: 1 }),
  )
  await cluster.run(Promise.all(writes))
}

/** A cluster whose `away` has missed so much that only a snapshot of many chunks can help. */
async function leftBehind(options: ClusterOptions = {}): Promise<{ cluster: Counters; leader: string; away: string }> {
  const cluster = await Cluster.start(counter, { ...SMALL, ...options })
  const leader = await cluster.elected()
  const away = cluster.followers()[0] as string
  await write(cluster, away, 5)
  cluster.crash(away)
  // The log is kept for one that was heard just now.
  await cluster.advance(1_500)
  for (let i = 0; i < 8; i++) await write(cluster, leader, 25)
  expect(cluster.node(leader).status().firstIndex).toBeGreaterThan(20)
  return { cluster, leader, away }
}

async function expectCaughtUp(cluster: Counters, away: string): Promise<void> {
  await cluster.converged()
  const states = await Promise.all([...cluster.lives.keys()].map((id) => cluster.state(id)))
  for (const state of states) expect(state).toEqual(states[0])
  expect(new Set(states[0]?.applied).size).toBe(states[0]?.applied.length)
  expect(cluster.life(away).events.some((event) => event.type === 'SnapshotInstalled')).toBe(true)
}

describe('taking a snapshot', () => {
  test('bounds the log, and a restart goes on from snapshot and log', async () => {
    await using cluster = await Cluster.start(counter, { ...SMALL, size: 1 })
    for (let i = 0; i < 20; i++) await write(cluster, 'n1', 10)
    const { snapshotIndex, firstIndex, lastIndex } = cluster.node('n1').status()
    const taken = cluster.life('n1').events.filter((event) => event.type === 'SnapshotTaken')
    expect(taken.at(-1)).toMatchObject({ index: snapshotIndex })
    expect(taken.length).toBeGreaterThan(1)
    // As large as the last snapshot at the most, before the next is due.
    expect(lastIndex - firstIndex).toBeLessThan(190)
    const before = await cluster.state('n1')
    expect(before.total).toBe(200)
    cluster.crash('n1')
    await cluster.start('n1')
    expect(cluster.node('n1').status().lastApplied).toBe(snapshotIndex)
    expect(await cluster.run(cluster.node('n1').read((state) => structuredClone(state)))).toEqual(before)
    expect(await cluster.run(cluster.node('n1').propose({ id: 'more', by: 1 }))).toBe(201)
    const [stopped] = [cluster.node('n1')]
    await cluster.run(stopped.stop())
    expect(stopped.status().snapshotIndex).toBe(snapshotIndex)
  })

  test('a crash at any moment of it loses nothing', async () => {
    for (const keep of [0, 1, 2, 3]) {
      await using cluster = await Cluster.start(counter, { ...SMALL, size: 1 })
      await write(cluster, 'n1', 20)
      cluster.disk('n1').holdSyncs()
      for (let i = 0; i < 30; i++)
        cluster
          .node('n1')
          .propose({ id: `late ${i} ${'x'.repeat(150)}`, by: 1 })
          .catch(failsOnlyWith('DSYS_RAFT_FAILED'))
      await cluster.advance(100)
      cluster.crash('n1', { keep })
      await cluster.start('n1')
      expect(await cluster.run(cluster.node('n1').read((state) => state.total))).toBeGreaterThanOrEqual(20)
    }
  })
})

describe('behind a snapshot a tail of the log stays', () => {
  const taken = (cluster: Counters, id: string): number =>
    cluster.life(id).events.filter(({ type }) => type === 'SnapshotTaken').length

  test('so a follower that is a little behind gets entries, and no snapshot', async () => {
    await using cluster = await Cluster.start(counter, SMALL)
    const leader = await cluster.elected()
    const away = cluster.followers()[0] as string
    let chunks = 0
    cluster.filter = (_from, _to, message) => {
      if (message.type === 'snapshot-chunk') chunks++
      return true
    }
    // Until one is taken while the follower is away, and has been for so long that nothing is kept for its sake.
    for (let before = 0; taken(cluster, leader) === before; ) {
      if (!cluster.lives.has(away)) await cluster.start(away)
      await cluster.converged()
      cluster.crash(away)
      await cluster.advance(1_500)
      before = taken(cluster, leader)
      await write(cluster, leader, 5)
      await cluster.advance(10)
    }
    const { snapshotIndex, firstIndex, lastIndex } = cluster.node(leader).status()
    expect(firstIndex).toBe(snapshotIndex - 8 + 1)
    await cluster.start(away)
    // It has not taken the last snapshot itself, and lacks entries that the one of the leader covers.
    expect(cluster.node(away).status().lastIndex).toBeLessThan(snapshotIndex)
    await cluster.converged()
    expect(cluster.node(away).status().lastApplied).toBe(lastIndex)
    expect(chunks).toBe(0)
    expect(cluster.life(away).events.filter(({ type }) => type === 'SnapshotInstalled')).toEqual([])
  })

  test('of half the size at most at which the next snapshot is due', async () => {
    await using cluster = await Cluster.start(counter, { size: 1, raft: { ...SMALL.raft, keepEntries: 10_000 } })
    while (taken(cluster, 'n1') < 3) await write(cluster, 'n1', 1)
    await cluster.advance(10)
    const { snapshotIndex, firstIndex } = cluster.node('n1').status()
    // An entry has some 170 bytes here.
    expect(snapshotIndex + 1 - firstIndex).toBeGreaterThan(5)
    expect(snapshotIndex + 1 - firstIndex).toBeLessThanOrEqual(2_048 / 128)
  })
})

describe('a follower that is too far behind', () => {
  test('gets the snapshot in chunks, installs it, and goes on', async () => {
    const { cluster, away } = await leftBehind()
    await using _ = cluster
    const chunks: number[] = []
    cluster.filter = (_from, _to, message) => {
      if (message.type === 'snapshot-chunk') chunks.push(message.offset)
      return true
    }
    const begunMs = cluster.clock.monotonicMs()
    await cluster.start(away)
    await expectCaughtUp(cluster, away)
    expect(new Set(chunks).size).toBeGreaterThan(10)
    // Over a perfect network no chunk goes twice, and nobody waits for a timer besides the first heartbeat.
    expect(chunks.length).toBe(new Set(chunks).size)
    expect(cluster.clock.monotonicMs() - begunMs).toBeLessThan(300)
    await write(cluster, away, 3)
    const [leaderId] = [cluster.leader() as string]
    await cluster.advance(3_000)
    expect(
      cluster
        .node(leaderId)
        .status()
        .followers.find(({ id }) => id === away)?.state,
    ).toBe('replicate')
  })

  test('over a network that loses, doubles, delays and reorders', async () => {
    for (let seed = 1; seed <= 5; seed++) {
      const { cluster, away } = await leftBehind({ seed })
      await using _ = cluster
      cluster.network.setLink({ lossRate: 0.15, duplicateRate: 0.15, reorderRate: 0.2, minDelayMs: 1, maxDelayMs: 30 })
      await cluster.start(away)
      await cluster.waitFor('the snapshot', () => cluster.node(away).status().snapshotIndex > 20, 120_000)
      cluster.network.setLink(undefined)
      await expectCaughtUp(cluster, away)
    }
  })

  const losses: readonly [what: string, lost: MessageFilter][] = [
    [
      'its word that the snapshot is installed',
      (from, _to, message) => from !== 'away' || message.type !== 'append-accepted',
    ],
    [
      'its word that the last chunk is there',
      (from, _to, message) => from !== 'away' || message.type !== 'snapshot-progress',
    ],
    ['every chunk', (_from, _to, message) => message.type !== 'snapshot-chunk'],
  ]
  for (const [what, lost] of losses) {
    test(`catches up although ${what} is lost for a while`, async () => {
      const { cluster, away } = await leftBehind()
      await using _ = cluster
      cluster.filter = (from, to, message) => lost(from === away ? 'away' : from, to, message)
      await cluster.start(away)
      await cluster.advance(4_000)
      cluster.filter = undefined
      await expectCaughtUp(cluster, away)
    })
  }

  test('crashes while it installs, at any moment, and gets it again', async () => {
    for (const keep of [0, 1, 2]) {
      const { cluster, away } = await leftBehind({ seed: 10 + keep })
      await using _ = cluster
      await cluster.start(away)
      let chunks = 0
      cluster.filter = (_from, _to, message) => {
        if (message.type === 'snapshot-chunk' && ++chunks === 8) cluster.disk(away).holdSyncs()
        return true
      }
      await cluster.waitFor('the snapshot to be stored', () => chunks >= 8 && cluster.disk(away).waiting > 0)
      cluster.crash(away, { keep })
      cluster.filter = undefined
      await cluster.advance(50)
      await cluster.start(away)
      await cluster.converged()
      expect(await cluster.state(away)).toEqual(await cluster.state(cluster.leader() as string))
      await write(cluster, away, 3)
    }
  })

  test('gets one also when the leader changes in the middle', async () => {
    const { cluster, leader, away } = await leftBehind()
    await using _ = cluster
    let chunks = 0
    cluster.filter = (_from, _to, message) => {
      if (message.type === 'snapshot-chunk') chunks++
      return true
    }
    cluster.network.setLink({ minDelayMs: 5 })
    await cluster.start(away)
    await cluster.waitFor('the middle', () => chunks >= 5)
    cluster.crash(leader)
    await expectCaughtUp(cluster, away)
  })

  test('the leader compacts further while it sends', async () => {
    const { cluster, leader, away } = await leftBehind()
    await using _ = cluster
    cluster.network.setLink({ minDelayMs: 10 })
    await cluster.start(away)
    for (let i = 0; i < 10; i++) await write(cluster, leader, 25)
    await expectCaughtUp(cluster, away)
  })

  test('catches up under a load that writes the log anew faster than a snapshot is sent (P-37)', async () => {
    await using cluster = await Cluster.start(registers, {
      raft: { snapshotEveryBytes: 16_384, keepEntries: 8 },
      network: { maxFrameBytes: 2_048, link: { minDelayMs: 10 } },
    })
    const leader = await cluster.elected()
    const away = cluster.followers()[0] as string
    let [written, stopped] = [0, false]
    const writer = async (): Promise<void> => {
      while (!stopped) {
        written += 1
        await cluster.node(leader).propose({ type: 'write', key: `k${written % 1_000}`, value: written })
      }
    }
    cluster.crash(away)
    const writers = Array.from({ length: 24 }, writer)
    await cluster.advance(20_000)
    await cluster.start(away)
    const lag = (): number => {
      const { lastIndex, followers } = cluster.node(leader).status()
      return lastIndex - (followers.find(({ id }) => id === away)?.matchIndex ?? 0)
    }
    await cluster.waitFor('the follower to have the log', () => lag() < 100)
    await cluster.advance(5_000)
    expect(lag()).toBeLessThan(100)
    stopped = true
    await cluster.run(Promise.all(writers))
  })

  test('long ids of voters still leave room for a chunk in the smallest frame', async () => {
    const ids = Array.from({ length: 5 }, (_, i) => `${i}${'v'.repeat(127)}`)
    const cluster = new Cluster(counter, { ...SMALL, ids, network: { maxFrameBytes: 2_560 } })
    await using _ = cluster
    for (const id of ids) await cluster.start(id)
    const leader = await cluster.elected()
    const away = cluster.followers()[0] as string
    cluster.crash(away)
    await cluster.advance(1_500)
    for (let i = 0; i < 8; i++) await write(cluster, leader, 25)
    await cluster.start(away)
    await expectCaughtUp(cluster, away)
    expect(cluster.logged.filter(({ level }) => level === 'error')).toEqual([])
  })
})
