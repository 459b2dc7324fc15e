import { crc32 } from '@dsys/runtime/bytes'
import { describe, expect, test } from 'vitest'
import type { SnapshotChunk } from '../../src/core/messages.ts'
import { Cluster, type ClusterOptions } from './support/cluster.ts'
import { type Blobs, blobs, type PutBlob } from './support/machines.ts'

type BlobCluster = Cluster<Blobs, PutBlob, number>

const KIB = 1_024
const BLOB = 'x'.repeat(4 * KIB)
const KEYS = 80
/** A state of about 320 KiB: 60 chunks of a frame, and two turns of the event loop to encode or decode it. */
const LARGE: ClusterOptions = {
  raft: { snapshotEveryBytes: 128 * KIB, keepEntries: 2, electionTimeoutMs: 1_000, heartbeatIntervalMs: 100 },
  network: { maxFrameBytes: 5 * KIB },
}

/** One after the other, so that every node applies each command in a turn of its own, and takes its snapshots at the same places. */
async function fill(cluster: BlobCluster, leader: string, from = 0, count = KEYS): Promise<void> {
  for (let i = from; i < from + count; i++)
    await cluster.run(cluster.node(leader).propose({ key: `k${i % KEYS}`, blob: `${i} ${BLOB}` }))
}

/** A cluster in which each of `away` needs the whole state, and none of them runs. */
async function leftBehind(
  options: ClusterOptions = {},
  missing = 1,
): Promise<{ cluster: BlobCluster; leader: string; away: string[] }> {
  const cluster = await Cluster.start(blobs, { ...LARGE, ...options })
  const leader = await cluster.elected()
  const away = cluster.followers().slice(0, missing)
  for (const id of away) cluster.crash(id)
  await cluster.advance(1_500)
  await fill(cluster, leader)
  expect(cluster.node(leader).status().firstIndex).toBeGreaterThan(10)
  return { cluster, leader, away }
}

const stateOf = async (cluster: BlobCluster, id: string): Promise<[string, string][]> =>
  [...(await cluster.state(id)).blobs].sort(([a], [b]) => (a < b ? -1 : 1))

async function expectSame(cluster: BlobCluster): Promise<void> {
  await cluster.converged()
  const states = await Promise.all([...cluster.lives.keys()].map((id) => stateOf(cluster, id)))
  expect(states[0]?.length).toBe(KEYS)
  for (const state of states) expect(state).toEqual(states[0])
}

const installs = (cluster: BlobCluster, id: string): number =>
  cluster.life(id).events.filter(({ type }) => type === 'SnapshotInstalled').length

/** Notes the chunks that are sent. */
function watchChunks(cluster: BlobCluster): { from: string; to: string; chunk: SnapshotChunk }[] {
  const chunks: { from: string; to: string; chunk: SnapshotChunk }[] = []
  cluster.filter = (from, to, message) => {
    if (message.type === 'snapshot-chunk') chunks.push({ from, to, chunk: message })
    return true
  }
  return chunks
}

describe('P-36: while a snapshot is', () => {
  test('taken, commands are applied, and it holds what was there before them', async () => {
    let begun = 0
    const between: number[] = []
    let applied = 0
    const watched: typeof blobs = {
      ...blobs,
      apply: (state, command, context) => {
        applied++
        return blobs.apply(state, command, context)
      },
      snapshot: {
        ...(blobs.snapshot as NonNullable<typeof blobs.snapshot>),
        freeze: (state) => {
          begun++
          const then = applied
          const parts = blobs.snapshot?.freeze(state) ?? []
          return (function* () {
            yield* parts
            between.push(applied - then)
          })()
        },
      },
    }
    const raft = { ...LARGE.raft, snapshotEveryBytes: 1_200 * KIB }
    await using cluster = await Cluster.start(watched, { raft, size: 1 })
    await cluster.elected()
    const writer = async (number: number): Promise<void> => {
      for (let i = 0; i < 12; i++)
        await cluster.node('n1').propose({ key: `k${number} ${i}`, blob: `${i} ${BLOB.repeat(8)}` })
    }
    await cluster.run(Promise.all([1, 2, 3, 4, 5].map(writer)))
    expect(begun).toBeGreaterThan(0)
    expect(Math.max(...between)).toBeGreaterThan(0)
    expect(cluster.life('n1').events.filter(({ type }) => type === 'SnapshotTaken')).toHaveLength(begun)
    const before = await stateOf(cluster, 'n1')
    cluster.crash('n1')
    await cluster.run(cluster.start('n1'))
    await cluster.elected()
    await cluster.converged()
    expect(await stateOf(cluster, 'n1')).toEqual(before)
  })

  test('sent over a slow network to a slow disk, the leader commits, the follower answers, and nobody asks for votes', async () => {
    const slow = {
      sync: (_id: string, clock: BlobCluster['clock']) => new Promise<void>((r) => void clock.setTimer(40, r)),
    }
    const { cluster, leader, away } = await leftBehind({ ...slow })
    await using _ = cluster
    const [follower] = away as [string]
    const { term } = cluster.node(leader).status()
    let committed = 0
    let stopped = false
    let answersMs: number[] = []
    let gapMs = 0
    cluster.filter = (from, to, message) => {
      if (from === follower && to === leader && message.type === 'heartbeat-response') {
        answersMs = [...answersMs.slice(-1), cluster.clock.monotonicMs()]
        if (answersMs.length > 1) gapMs = Math.max(gapMs, (answersMs[1] as number) - (answersMs[0] as number))
      }
      return true
    }
    cluster.network.setLink({ minDelayMs: 60, maxDelayMs: 60 })
    await cluster.run(cluster.start(follower))
    const writer = (async () => {
      while (!stopped) {
        await cluster.node(leader).propose({ key: 'k0', blob: 'small' })
        committed++
      }
    })()
    await cluster.waitFor('the snapshot', () => installs(cluster, follower) > 0)
    stopped = true
    await cluster.run(writer)
    expect(committed).toBeGreaterThan(3)
    expect(answersMs.length).toBe(2)
    expect(gapMs).toBeLessThan(500)
    await expectSame(cluster)
    expect(cluster.node(leader).status()).toMatchObject({ role: 'leader', term })
  })

  test('here as a whole and not installed yet, its node asks nobody for votes (P-09)', async () => {
    const { cluster, away } = await leftBehind()
    await using _ = cluster
    const [follower] = away as [string]
    cluster.filter = (_from, to, message) => {
      if (to === follower && message.type === 'snapshot-chunk') cluster.disk(follower).holdSyncs()
      return true
    }
    await cluster.start(follower)
    await cluster.waitFor('the whole of it', () => cluster.disk(follower).waiting > 0)
    for (const id of cluster.ids) if (id !== follower) cluster.crash(id)
    await cluster.advance(10_000)
    const roles = (): string[] =>
      cluster.life(follower).events.flatMap((event) => (event.type === 'RoleChanged' ? [event.role] : []))
    expect(new Set(roles())).toEqual(new Set(['follower']))
    cluster.disk(follower).releaseSyncs()
    await cluster.advance(5_000)
    expect(installs(cluster, follower)).toBe(1)
    expect(roles()).toContain('pre-candidate')
  })

  test('sent to more followers than a leader sends to at once, all of them get it', async () => {
    const { cluster, away } = await leftBehind({ size: 7 }, 3)
    await using _ = cluster
    cluster.network.setLink({ minDelayMs: 20, maxDelayMs: 20 })
    const chunks = watchChunks(cluster)
    for (const id of away) await cluster.start(id)
    await cluster.waitFor('two to get it', () => away.filter((id) => installs(cluster, id) > 0).length >= 2)
    const first = away.filter((id) => installs(cluster, id) > 0)
    const late = away.filter((id) => !first.includes(id))
    // Whoever waits is sent nothing until a place is free.
    expect(chunks.filter(({ to }) => late.includes(to)).length).toBeLessThan(4)
    await cluster.waitFor('all to get it', () => away.every((id) => installs(cluster, id) > 0))
    await expectSame(cluster)
  })
})

describe('a transfer that is interrupted', () => {
  test('goes on where it was when the network comes back', async () => {
    const { cluster, leader, away } = await leftBehind()
    await using _ = cluster
    const [follower] = away as [string]
    cluster.network.setLink({ minDelayMs: 20, maxDelayMs: 20 })
    const chunks = watchChunks(cluster)
    await cluster.start(follower)
    await cluster.waitFor('the middle', () => chunks.length >= 40)
    cluster.network.partition(
      [follower],
      [...cluster.lives.keys()].filter((id) => id !== follower),
    )
    // Longer than the leader keeps on asking.
    await cluster.advance(15_000)
    expect(installs(cluster, follower)).toBe(0)
    const before = chunks.map(({ chunk }) => chunk.offset)
    chunks.length = 0
    cluster.network.heal()
    await cluster.waitFor('the snapshot', () => installs(cluster, follower) > 0)
    // The first asks where the follower stands; those that were on their way are a window.
    const resent = chunks.filter(({ chunk }) => chunk.offset > 0 && chunk.offset < Number(before[40 - 17]))
    expect(resent).toEqual([])
    await expectSame(cluster)
    expect(cluster.node(leader).status().lastIndex).toBeGreaterThan(0)
  })

  test('goes on where it was under a new leader that has the same snapshot', async () => {
    const { cluster, leader, away } = await leftBehind({ size: 3 })
    await using _ = cluster
    const [follower] = away as [string]
    const other = cluster.followers()[0] as string
    expect(cluster.node(other).status().snapshotIndex).toBe(cluster.node(leader).status().snapshotIndex)
    cluster.network.setLink({ minDelayMs: 20, maxDelayMs: 20 })
    const chunks = watchChunks(cluster)
    await cluster.start(follower)
    await cluster.waitFor('the middle', () => chunks.length >= 40)
    const before = chunks.map(({ chunk }) => chunk.offset)
    chunks.length = 0
    cluster.crash(leader)
    await cluster.waitFor('the snapshot', () => installs(cluster, follower) > 0)
    expect(new Set(chunks.map(({ from }) => from))).toEqual(new Set([other]))
    const resent = chunks.filter(({ chunk }) => chunk.offset > 0 && chunk.offset < Number(before[40 - 17]))
    expect(resent).toEqual([])
    await cluster.elected()
    await expectSame(cluster)
  })

  test('begins anew at a follower that has crashed, at any chunk (P-34)', async () => {
    for (const at of [1, 30, 55]) {
      const { cluster, away } = await leftBehind({ seed: at })
      await using _ = cluster
      const [follower] = away as [string]
      const chunks = watchChunks(cluster)
      cluster.network.setLink({ minDelayMs: 5, maxDelayMs: 5 })
      await cluster.start(follower)
      await cluster.waitFor('the chunk', () => chunks.length >= at)
      cluster.crash(follower)
      await cluster.advance(30)
      await cluster.run(cluster.start(follower))
      await cluster.waitFor('the snapshot', () => installs(cluster, follower) > 0)
      await expectSame(cluster)
    }
  })

  test('is given up when either node stops, which waits for nothing', async () => {
    const { cluster, away } = await leftBehind()
    await using _ = cluster
    const [follower] = away as [string]
    const chunks = watchChunks(cluster)
    cluster.network.setLink({ minDelayMs: 20, maxDelayMs: 20 })
    await cluster.start(follower)
    await cluster.waitFor('the middle', () => chunks.length >= 40)
    const begunMs = cluster.clock.monotonicMs()
    await cluster.stop(follower)
    expect(cluster.clock.monotonicMs() - begunMs).toBeLessThan(500)
    await cluster.run(cluster.start(follower))
    await cluster.waitFor('the snapshot', () => installs(cluster, follower) > 0)
    await expectSame(cluster)
    expect(cluster.logged.filter(({ level }) => level === 'error')).toEqual([])
  })
})

describe('a snapshot that is damaged on its way', () => {
  /** Damages the `number`th chunk; with `forged` so that the chunk by itself looks whole. */
  function damage(cluster: BlobCluster, number: number, forged: boolean): () => number {
    let chunks = 0
    cluster.filter = (_from, _to, message) => {
      if (message.type === 'snapshot-chunk' && ++chunks === number) {
        message.data[7] = (message.data[7] as number) ^ 4
        if (forged) Object.assign(message.checksums ?? {}, { chunk: crc32(message.data) })
      }
      return true
    }
    return () => chunks
  }

  test('in one chunk is asked for that chunk again', async () => {
    const { cluster, away } = await leftBehind()
    await using _ = cluster
    const [follower] = away as [string]
    const sent = damage(cluster, 6, false)
    const begunMs = cluster.clock.monotonicMs()
    await cluster.start(follower)
    await cluster.waitFor('the snapshot', () => installs(cluster, follower) > 0)
    // At once, and not after a timeout.
    expect(cluster.clock.monotonicMs() - begunMs).toBeLessThan(500)
    expect(sent()).toBeLessThan(90)
    await expectSame(cluster)
    expect(cluster.logged.filter(({ message }) => message.includes('dropped'))).toEqual([])
  })

  test('unseen is found in the whole, dropped with a warning, and sent anew', async () => {
    const { cluster, away } = await leftBehind()
    await using _ = cluster
    const [follower] = away as [string]
    damage(cluster, 6, true)
    await cluster.start(follower)
    await cluster.waitFor('the snapshot', () => installs(cluster, follower) > 0)
    await expectSame(cluster)
    expect(cluster.logged.filter(({ message }) => message.includes('cannot be read'))).toMatchObject([
      { level: 'warn', fields: { node: follower } },
    ])
  })
})
