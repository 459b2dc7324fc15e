import { describe, expect, test } from 'vitest'
import { Cluster } from './support/cluster.ts'
import { type Add, counter } from './support/machines.ts'

const adds = (name: string, count: number): Add[] =>
  Array.from({ length: count }, (_, i) => ({ id: `${name} ${i}`, by: 1 }))
const upTo = (from: number, count: number): number[] => Array.from({ length: count }, (_, i) => from + i)

describe('proposeAll', () => {
  test('applies the commands in their order, with nothing in between, as one entry, at whichever node it is called', async () => {
    await using cluster = await Cluster.start(counter)
    const leader = await cluster.elected()
    for (const id of cluster.ids) await cluster.run(cluster.node(id).propose({ id: `warm ${id}`, by: 1 }))
    const { lastIndex } = cluster.node(leader).status()
    const singles = cluster.ids.flatMap((id) =>
      upTo(0, 5).map((i) => cluster.node(id).propose({ id: `${id} ${i}`, by: 1 })),
    )
    const batches = await cluster.run(Promise.all(cluster.ids.map((id) => cluster.node(id).proposeAll(adds(id, 10)))))
    await cluster.run(Promise.all(singles))
    for (const results of batches) expect(results).toEqual(upTo(results[0] as number, 10))
    await cluster.converged()
    expect(cluster.node(leader).status().lastIndex).toBe(lastIndex + 15 + 3)
    const { applied } = await cluster.state('n1')
    for (const [i, id] of cluster.ids.entries()) {
      const first = (batches[i]?.[0] as number) - 1
      expect(applied.slice(first, first + 10)).toEqual(adds(id, 10).map((add) => add.id))
    }
    for (const id of cluster.ids) expect(await cluster.state(id)).toEqual(await cluster.state('n1'))
  })

  test('of nothing is nothing', async () => {
    await using cluster = await Cluster.start(counter)
    await cluster.elected()
    const { lastIndex } = cluster.node('n1').status()
    expect(await cluster.node('n1').proposeAll([])).toEqual([])
    await cluster.advance(500)
    expect(cluster.node('n1').status().lastIndex).toBe(lastIndex)
  })

  test('is applied once when frames are lost and doubled, leaders change, and nodes restart from snapshots', async () => {
    const raft = { snapshotEveryBytes: 4_096, keepEntries: 2 }
    await using cluster = await Cluster.start(counter, { seed: 11, raft })
    await cluster.elected()
    cluster.network.setLink({ lossRate: 0.08, duplicateRate: 0.3, reorderRate: 0.3, minDelayMs: 1, maxDelayMs: 40 })
    const results = new Map<string, number[]>()
    let unknown = 0
    const calls: Promise<void>[] = []
    for (let round = 0; round < 16; round++) {
      for (const id of cluster.lives.keys()) {
        const name = `${round} of ${id}`
        const call = cluster.node(id).proposeAll(adds(name, 5), { timeoutMs: 20_000 })
        calls.push(
          call.then(
            (result) => void results.set(name, result),
            () => void unknown++,
          ),
        )
      }
      await cluster.advance(150)
      const victim = round % 5 === 3 ? cluster.leader() : undefined
      if (victim === undefined) continue
      cluster.crash(victim)
      await cluster.advance(2_500)
      await cluster.start(victim)
    }
    cluster.network.setLink(undefined)
    await cluster.elected()
    await cluster.run(cluster.node('n1').proposeAll(adds('the last', 2), { timeoutMs: 20_000 }))
    await cluster.advance(20_000)
    await cluster.converged()
    const states = await Promise.all(cluster.ids.map((id) => cluster.state(id)))
    for (const state of states) expect(state).toEqual(states[0])
    const { applied } = states[0] as (typeof states)[0]
    expect(new Set(applied).size).toBe(applied.length)
    for (const [name, result] of results) {
      expect(result.map((place) => applied[place - 1])).toEqual(adds(name, 5).map(({ id }) => id))
    }
    // All or nothing, also where nobody was told.
    const byBatch = new Map<string, number>()
    for (const id of applied.slice(0, -2)) {
      const name = id.slice(0, id.lastIndexOf(' '))
      byBatch.set(name, (byBatch.get(name) ?? 0) + 1)
    }
    for (const count of byBatch.values()) expect(count).toBe(5)
    expect(results.size).toBeGreaterThan(30)
    expect(cluster.node('n1').status().snapshotIndex).toBeGreaterThan(0)
    expect(unknown).toBeLessThan(10)
  })

  test('has its results from the snapshot that a node installs in the meantime', async () => {
    const raft = { snapshotEveryBytes: 1_024, keepEntries: 1 }
    await using cluster = await Cluster.start(counter, { raft })
    const leader = await cluster.elected()
    const proposer = cluster.followers()[0] as string
    await cluster.run(cluster.node(proposer).propose({ id: 'warm', by: 1 }))
    cluster.network.cut(leader, proposer)
    const write = cluster.node(proposer).proposeAll(adds('unseen', 3), { timeoutMs: 60_000 })
    await cluster.advance(10)
    for (let i = 0; i < 150; i++)
      await cluster.run(cluster.node(leader).propose({ id: `${i} ${'x'.repeat(60)}`, by: 1 }))
    expect(cluster.node(leader).status().firstIndex).toBeGreaterThan(cluster.node(proposer).status().lastIndex + 2)
    cluster.network.heal()
    const { events } = cluster.life(proposer)
    await cluster.waitFor('the snapshot', () => events.some(({ type }) => type === 'SnapshotInstalled'))
    expect(await cluster.run(write, 10)).toEqual([2, 3, 4])
  })

  test('that never left is not applied, and one that was handed over has an unknown outcome, for all of its commands', async () => {
    await using cluster = await Cluster.start(counter)
    const leader = await cluster.elected()
    await cluster.run(cluster.node(leader).proposeAll(adds('warm', 2)))
    cluster.network.partition([leader], cluster.followers())
    const handedOver = cluster.node(leader).proposeAll(adds('handed over', 2), { timeoutMs: 500 })
    const outcome = handedOver.catch((error: unknown) => error)
    expect(await cluster.run(outcome)).toMatchObject({ code: 'DSYS_RAFT_OUTCOME_UNKNOWN', outcome: 'unknown' })
    await cluster.waitFor('no leader', () => cluster.node(leader).status().leader === undefined)
    const stayed = cluster.node(leader).proposeAll(adds('stayed', 2), { timeoutMs: 500 })
    expect(await cluster.run(stayed.catch((error: unknown) => error))).toMatchObject({
      code: 'DSYS_RAFT_NO_LEADER',
      outcome: 'not-applied',
    })
  })

  test('is bounded by the limit of a command, all of its bytes together', async () => {
    await using cluster = await Cluster.start(counter, { raft: { maxCommandBytes: 200 } })
    await cluster.elected()
    const size = JSON.stringify(adds('x', 1)[0]).length + 4
    const fits = Math.floor(200 / size)
    expect(await cluster.run(cluster.node('n1').proposeAll(adds('x', fits)))).toHaveLength(fits)
    await expect(cluster.node('n1').proposeAll(adds('x', fits + 1))).rejects.toMatchObject({
      code: 'DSYS_RAFT_COMMAND_TOO_LARGE',
      outcome: 'not-applied',
      commandBytes: (fits + 1) * size,
      maxCommandBytes: 200,
    })
  })

  test('needs a node that runs', async () => {
    await using cluster = await Cluster.start(counter)
    const node = cluster.node('n1')
    await cluster.stop('n1')
    await expect(node.proposeAll(adds('x', 1))).rejects.toMatchObject({ code: 'DSYS_NOT_RUNNING' })
  })
})
