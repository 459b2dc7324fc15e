import { ReadTimeoutError } from '@dsys/raft'
import { describe, expect, test } from 'vitest'
import { Cluster } from './support/cluster.ts'
import { type Add, type CounterState, counter } from './support/machines.ts'

const ELECTION_TIMEOUT_MS = 1_000

/** A group whose disks can be stalled, one by one. */
class Stalling {
  readonly #stalled = new Map<string, Promise<void>>()
  readonly #release = new Map<string, () => void>()
  readonly cluster: Promise<Cluster<CounterState, Add, number>>

  constructor(size: number) {
    this.cluster = Cluster.start(counter, {
      size,
      raft: { electionTimeoutMs: ELECTION_TIMEOUT_MS, heartbeatIntervalMs: 100 },
      network: { link: { minDelayMs: 1, maxDelayMs: 5 } },
      sync: (id) => this.#stalled.get(id) ?? Promise.resolve(),
    })
  }

  stall(id: string): void {
    this.#stalled.set(id, new Promise((resolve) => this.#release.set(id, resolve)))
  }

  release(id: string): void {
    this.#stalled.delete(id)
    this.#release.get(id)?.()
  }
}

describe('P-44: a leader whose own disk stalls', () => {
  for (const size of [3, 5]) {
    test(`has a successor of ${size} voters that serves writes within two election timeouts of its first write that stalls`, async () => {
      const disks = new Stalling(size)
      await using cluster = await disks.cluster
      const old = await cluster.elected()
      const [other = ''] = cluster.followers()
      expect(await cluster.run(cluster.node(other).propose({ id: 'before', by: 1 }))).toBe(1)
      disks.stall(old)
      const stalledMs = cluster.clock.monotonicMs()
      // The others hold a majority, so what comes meanwhile is committed under the old leader.
      expect(await cluster.run(cluster.node(other).propose({ id: 'meanwhile', by: 1 }))).toBe(2)
      expect(cluster.leader()).toBe(old)
      await cluster.waitFor('another leader', () => cluster.leader() !== old && cluster.leader() !== undefined)
      expect(await cluster.run(cluster.node(other).propose({ id: 'after', by: 1 }))).toBe(3)
      expect(cluster.clock.monotonicMs() - stalledMs).toBeLessThanOrEqual(2 * ELECTION_TIMEOUT_MS)
      expect(cluster.life(old).events).toContainEqual(
        expect.objectContaining({ type: 'RoleChanged', role: 'follower', why: 'the disk of this node stalls' }),
      )
    })
  }

  test('answers reads as long as it leads, and behind that none that is older than what was acknowledged', async () => {
    const disks = new Stalling(3)
    await using cluster = await disks.cluster
    const old = await cluster.elected()
    const [other = ''] = cluster.followers()
    await cluster.run(cluster.node(other).propose({ id: 'before', by: 1 }))
    disks.stall(old)
    const stalledMs = cluster.clock.monotonicMs()
    let acknowledged = 1
    let answered = 0
    while (cluster.clock.monotonicMs() - stalledMs < 4 * ELECTION_TIMEOUT_MS) {
      acknowledged = await cluster.run(cluster.node(other).propose({ id: `w${acknowledged}`, by: 1 }))
      const leads = cluster.leader() === old
      const seen = await cluster
        .run(cluster.node(old).read(({ total }) => total, { timeoutMs: 100 }))
        .catch((error: unknown) => error)
      // A leader is told by the disks of others what is committed. As a follower it cannot tell its own leader what it has.
      const stillFresh = seen instanceof ReadTimeoutError ? !leads : Number(seen) >= acknowledged
      expect(stillFresh, `${seen} behind ${acknowledged}`).toBe(true)
      if (leads) answered++
      expect(await cluster.run(cluster.node(other).read(({ total }) => total))).toBe(acknowledged)
      await cluster.advance(50)
    }
    expect(answered).toBeGreaterThan(10)
    // It wins nothing back before its disk works: a vote for itself would have to be durable.
    expect(cluster.node(old).status().role).toBe('follower')
    disks.release(old)
    await cluster.converged()
    expect(await cluster.run(cluster.node(old).read(({ total }) => total))).toBe(acknowledged)
  })

  test('keeps the lead over stalls that are shorter than an election timeout, however many', async () => {
    const disks = new Stalling(3)
    await using cluster = await disks.cluster
    const leader = await cluster.elected()
    const { term } = cluster.node(leader).status()
    const [other = ''] = cluster.followers()
    for (let i = 0; i < 10; i++) {
      disks.stall(leader)
      await cluster.run(cluster.node(other).propose({ id: `w${i}`, by: 1 }))
      await cluster.advance(0.95 * ELECTION_TIMEOUT_MS)
      disks.release(leader)
      await cluster.advance(20)
    }
    expect(cluster.leader()).toBe(leader)
    expect(cluster.node(leader).status().term).toBe(term)
  })

  test('that is the only voter leads again once its disk works', async () => {
    const disks = new Stalling(1)
    await using cluster = await disks.cluster
    await cluster.elected()
    disks.stall('n1')
    const waiting = cluster.node('n1').propose({ id: 'waits', by: 1 }, { timeoutMs: 20_000 })
    await cluster.waitFor('no leader', () => cluster.leader() === undefined)
    disks.release('n1')
    expect(await cluster.run(waiting)).toBe(1)
  })
})
