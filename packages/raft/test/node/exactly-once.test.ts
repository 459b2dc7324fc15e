import { OutcomeUnknownError } from '@dsys/raft'
import { SeededRandom } from '@dsys/runtime'
import type { LinkConditions } from '@dsys/transport-memory'
import { describe, expect, test } from 'vitest'
import { MAX_SESSIONS } from '../../src/sessions.ts'
import { Cluster } from './support/cluster.ts'
import { type Add, type CounterState, counter } from './support/machines.ts'

type Counters = Cluster<CounterState, Add, number>

const ROUGH: LinkConditions = { lossRate: 0.08, duplicateRate: 0.3, reorderRate: 0.3, minDelayMs: 1, maxDelayMs: 40 }

/** Every command that was acknowledged is there once, with a result of its own; none is there twice. */
function expectExactlyOnce(state: CounterState, results: ReadonlyMap<string, number>): void {
  expect(new Set(state.applied).size).toBe(state.applied.length)
  expect(state.total).toBe(state.applied.length)
  // The result of a command is its place: so it is unique, and it is the right one.
  for (const [id, result] of results) expect(state.applied[result - 1]).toBe(id)
}

async function quiet(cluster: Counters): Promise<CounterState> {
  cluster.network.setLink(undefined)
  cluster.network.heal()
  for (const id of cluster.ids) if (!cluster.lives.has(id)) await cluster.start(id)
  await cluster.elected()
  await cluster.run(cluster.node('n1').propose({ id: 'the last', by: 1 }, { timeoutMs: 20_000 }))
  await cluster.converged()
  const states = await Promise.all(cluster.ids.map((id) => cluster.state(id)))
  for (const state of states) expect(state).toEqual(states[0])
  return states[0] as CounterState
}

describe('a proposal is applied at most once, and once when it is acknowledged', () => {
  test('over a network that loses, doubles, delays and reorders frames, while leaders change', async () => {
    for (let seed = 1; seed <= 4; seed++) {
      await using cluster = await Cluster.start(counter, { seed })
      const random = new SeededRandom(seed)
      await cluster.elected()
      cluster.network.setLink(ROUGH)
      const results = new Map<string, number>()
      let unknown = 0
      let open = 0
      for (let round = 0; round < 40; round++) {
        for (const id of cluster.ids) {
          const name = `${seed} ${round} ${id}`
          open++
          cluster
            .node(id)
            .propose({ id: name, by: 1 }, { timeoutMs: 15_000 })
            .then(
              (result) => results.set(name, result),
              () => unknown++,
            )
            .finally(() => open--)
        }
        if (round % 8 === 7) {
          const leader = cluster.leader()
          if (leader !== undefined)
            cluster.network.partition(
              [leader],
              cluster.ids.filter((id) => id !== leader),
            )
          await cluster.advance(2_500)
          cluster.network.heal()
        }
        await cluster.advance(random.integer(10, 200))
      }
      await cluster.waitFor('the end of all calls', () => open === 0, 60_000)
      expectExactlyOnce(await quiet(cluster), results)
      expect(results.size + unknown).toBe(120)
      // The faults are bad, but not so bad that nothing would be shown.
      expect(results.size).toBeGreaterThan(110)
    }
  })

  test('when it is lost on its way to a leader that stays: it is handed over again', async () => {
    await using cluster = await Cluster.start(counter)
    const leader = await cluster.elected()
    const proposer = cluster.followers()[0] as string
    await cluster.run(cluster.node(proposer).propose({ id: 'warm', by: 1 }))
    let lost = 0
    cluster.filter = (_from, _to, { type }) => type !== 'forward-request' || lost++ > 0
    const write = cluster.node(proposer).propose({ id: 'lost once', by: 1 }, { timeoutMs: 60_000 })
    expect(await cluster.run(write, 5_000)).toBe(2)
    expect(lost).toBe(2)
    expect(cluster.node(leader).status()).toMatchObject({ role: 'leader', term: 1 })
  })

  test('when only the answers are lost, through restarts of the leader and over snapshots', async () => {
    const raft = { snapshotEveryBytes: 2_048, keepEntries: 4 }
    await using cluster = await Cluster.start(counter, { seed: 6, raft })
    const proposer = 'n1'
    await cluster.elected()
    if (cluster.leader() === proposer) {
      await cluster.run(cluster.node(proposer).propose({ id: 'warm', by: 1 }))
      await cluster.run(cluster.node(proposer).transferLeadership())
      await cluster.waitFor('another leader', () => ![undefined, proposer].includes(cluster.leader()))
    }
    const results = new Map<string, number>()
    for (let round = 0; round < 12; round++) {
      const leader = await cluster.elected()
      // The proposer hears nothing, so what it hands over is committed without its knowledge, again and again.
      cluster.network.cut(leader, proposer)
      const names = Array.from({ length: 10 }, (_, i) => `${round} ${i} ${'x'.repeat(40)}`)
      const writes = names.map((name) =>
        cluster
          .node(proposer)
          .propose({ id: name, by: 1 }, { timeoutMs: 60_000 })
          .then((result) => results.set(name, result)),
      )
      await cluster.advance(round % 3 === 0 ? 3_000 : 900)
      if (leader !== proposer && round % 2 === 0) {
        cluster.crash(leader)
        cluster.network.heal()
        await cluster.advance(100)
        await cluster.start(leader)
      }
      cluster.network.heal()
      await cluster.run(Promise.all(writes), 60_000)
    }
    expect(results.size).toBe(120)
    const state = await quiet(cluster)
    expectExactlyOnce(state, results)
    expect(cluster.node(proposer).status().snapshotIndex).toBeGreaterThan(0)
  })

  test('also when the snapshot that a node installs holds the outcome of what it proposed', async () => {
    const raft = { snapshotEveryBytes: 1_024, keepEntries: 1 }
    await using cluster = await Cluster.start(counter, { raft })
    const leader = await cluster.elected()
    const proposer = cluster.followers()[0] as string
    await cluster.run(cluster.node(proposer).propose({ id: 'warm', by: 1 }))
    cluster.network.cut(leader, proposer)
    const write = cluster.node(proposer).propose({ id: 'committed unseen', by: 1 }, { timeoutMs: 60_000 })
    await cluster.advance(10)
    for (let i = 0; i < 150; i++)
      await cluster.run(cluster.node(leader).propose({ id: `${i} ${'x'.repeat(60)}`, by: 1 }))
    expect(cluster.node(leader).status().firstIndex).toBeGreaterThan(cluster.node(proposer).status().lastIndex + 2)
    cluster.network.heal()
    const { events } = cluster.life(proposer)
    await cluster.waitFor('the snapshot', () => events.some(({ type }) => type === 'SnapshotInstalled'))
    // It is told by the snapshot, and need not be proposed again.
    expect(await cluster.run(write, 10)).toBe(2)
  })

  test('a node that starts anew is not taken for its earlier life', async () => {
    await using cluster = await Cluster.start(counter)
    for (let life = 0; life < 3; life++) {
      for (let i = 0; i < 3; i++) {
        expect(await cluster.run(cluster.node('n1').propose({ id: `${life} ${i}`, by: 1 }))).toBe(life * 3 + i + 1)
      }
      cluster.crash('n1')
      await cluster.start('n1')
    }
  })
})

describe('a session that the group has forgotten', () => {
  /** Opens so many other sessions that those of before are forgotten. */
  async function forgetSessions(cluster: Counters, leader: string, other: string): Promise<void> {
    const items = Array.from({ length: MAX_SESSIONS }, (_, i) => ({
      type: 'forward-request' as const,
      items: [{ sequence: 0, kind: 2, data: Buffer.from(`nonce ${i}`) }],
    }))
    const { encodeFrame } = await import('../../src/wire.ts')
    for (let i = 0; i < items.length; i += 512)
      cluster.life(other).transport.send({ id: leader }, 'raft-test', encodeFrame(items.slice(i, i + 512)))
    await cluster.advance(10)
    await cluster.converged()
  }

  test('leaves the outcome of what was handed over unknown, and it is never applied twice', async () => {
    await using cluster = await Cluster.start(counter)
    const leader = await cluster.elected()
    const [proposer, other] = cluster.followers() as [string, string]
    await cluster.run(cluster.node(proposer).propose({ id: 'first', by: 1 }))
    // Committed, but the proposer does not hear of it before its session is forgotten.
    cluster.network.cut(leader, proposer)
    const write = cluster.node(proposer).propose({ id: 'handed over', by: 1 }, { timeoutMs: 60_000 })
    const outcome = write.catch((error: unknown) => error)
    await cluster.advance(10)
    const items = cluster.node(leader).status().lastIndex
    cluster.network.heal()
    cluster.filter = (from, to) => !(from === leader && to === proposer)
    const flood = forgetSessions(cluster, leader, other)
    await cluster.advance(500)
    expect(cluster.node(leader).status().lastIndex).toBeGreaterThan(items + MAX_SESSIONS - 1)
    cluster.filter = undefined
    await cluster.run(flood)
    const settled = await cluster.run(outcome)
    // The log tells the proposer that it was applied before the session went; had a snapshot told it, it could not know.
    expect([2, 'DSYS_RAFT_OUTCOME_UNKNOWN']).toContain(settled instanceof OutcomeUnknownError ? settled.code : settled)
    const next = cluster
      .node(proposer)
      .propose({ id: 'under a forgotten session', by: 1 })
      .catch((error: unknown) => error)
    expect(await cluster.run(next)).toMatchObject({ code: 'DSYS_RAFT_OUTCOME_UNKNOWN', outcome: 'unknown' })
    // From then on the node has a new session.
    expect(await cluster.run(cluster.node(proposer).propose({ id: 'last', by: 1 }))).toBe(3)
    expect((await cluster.state(proposer)).applied).toEqual(['first', 'handed over', 'last'])
  })
})
