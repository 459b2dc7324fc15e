import { ClientForgottenError, NoLeaderError, OutcomeUnknownError, ResultForgottenError } from '@dsys/raft'
import { SeededRandom } from '@dsys/runtime'
import { describe, expect, test } from 'vitest'
import { MAX_CLIENT_RESULTS, MAX_CLIENTS } from '../../src/client-table.ts'
import { Cluster } from './support/cluster.ts'
import { type Add, type CounterState, counter } from './support/machines.ts'
import { failsOnlyWith } from './support/open-outcomes.ts'

type Counters = Cluster<CounterState, Add, number>

/** `RAFT_CLIENT_SEEDS=500` runs so many. */
const SEEDS = Number(process.env.RAFT_CLIENT_SEEDS ?? 3)
const PATIENT = { timeoutMs: 20_000 }

function send(cluster: Counters, id: string, client: string, sequence: number, seenThrough = 0): Promise<number> {
  const command = { id: `${client} ${sequence}`, by: 1 }
  return cluster.node(id).propose(command, { ...PATIENT, client: { id: client, sequence, seenThrough } })
}

async function openedAt(cluster: Counters, id: string): Promise<string> {
  return cluster.run(cluster.node(id).openClient(PATIENT))
}

async function applied(cluster: Counters): Promise<readonly string[]> {
  await cluster.converged()
  const states = await Promise.all(cluster.ids.map((id) => cluster.state(id)))
  for (const state of states) expect(state).toEqual(states[0])
  return states[0]?.applied ?? []
}

describe('a command of a client', () => {
  test('that comes again by way of any node has its first result, and is applied once', async () => {
    await using cluster = await Cluster.start(counter)
    await cluster.elected()
    const client = await openedAt(cluster, 'n2')
    for (const id of cluster.ids) expect(await cluster.run(send(cluster, id, client, 1))).toBe(1)
    // Two callers of one node, and others of another, at the same time.
    const together = cluster.run(Promise.all(['n1', 'n1', 'n3'].map((id) => send(cluster, id, client, 2))))
    expect(await together).toEqual([2, 2, 2])
    expect(await applied(cluster)).toEqual([`${client} 1`, `${client} 2`])
  })

  test('whose caller was told nothing, as its node died with it, is tried again elsewhere', async () => {
    await using cluster = await Cluster.start(counter)
    const leader = await cluster.elected()
    const [home = '', other = ''] = cluster.followers()
    const client = await openedAt(cluster, home)
    // The entry goes out, and no word of what became of it comes back.
    cluster.filter = (from, to) => from !== leader || to !== home
    const lost = cluster
      .node(home)
      .propose({ id: `${client} 1`, by: 1 }, { client: { id: client, sequence: 1 }, timeoutMs: 700 })
    await expect(cluster.run(lost)).rejects.toBeInstanceOf(OutcomeUnknownError)
    cluster.crash(home)
    cluster.filter = undefined
    expect(await cluster.run(send(cluster, other, client, 1))).toBe(1)
    await cluster.start(home)
    expect(await applied(cluster)).toEqual([`${client} 1`])
  })

  test('is answered from a snapshot too, after every node was restarted, and under another leader', async () => {
    await using cluster = await Cluster.start(counter, { raft: { snapshotEveryBytes: 4_096, keepEntries: 1 } })
    const old = await cluster.elected()
    const client = await openedAt(cluster, 'n1')
    expect(await cluster.run(send(cluster, 'n1', client, 1))).toBe(1)
    for (let i = 0; i < 200; i++) await cluster.run(cluster.node('n1').propose({ id: `filler ${i}`, by: 1 }))
    await cluster.converged()
    for (const id of cluster.ids) expect(cluster.node(id).status().firstIndex).toBeGreaterThan(10)
    for (const id of cluster.ids) cluster.crash(id)
    for (const id of cluster.ids) if (id !== old) await cluster.start(id)
    expect(await cluster.elected()).not.toBe(old)
    await cluster.start(old)
    for (const id of cluster.ids) expect(await cluster.run(send(cluster, id, client, 1))).toBe(1)
    expect((await applied(cluster)).filter((name) => name === `${client} 1`)).toHaveLength(1)
  })

  test('that waits at a node which is brought up to date by a snapshot has its result from there', async () => {
    await using cluster = await Cluster.start(counter, { raft: { snapshotEveryBytes: 2_048, keepEntries: 1 } })
    const leader = await cluster.elected()
    const [home = '', other = ''] = cluster.followers()
    const client = await openedAt(cluster, home)
    await cluster.converged()
    const { lastApplied } = cluster.node(leader).status()
    cluster.filter = (from, to) => to !== home && (from !== home || to === leader)
    const waiting = send(cluster, home, client, 1)
    await cluster.waitFor('it to be applied', () => cluster.node(leader).status().lastApplied > lastApplied)
    for (let i = 0; i < 200; i++) await cluster.run(cluster.node(other).propose({ id: `filler ${i}`, by: 1 }, PATIENT))
    // It hears again, and says nothing but that it does: no second copy of the command leaves it.
    cluster.filter = (from, _to, message) => from !== home || message.type !== 'forward-request'
    expect(await cluster.run(waiting)).toBe(1)
    expect(cluster.life(home).events.map(({ type }) => type)).toContain('SnapshotInstalled')
  })

  test('is not refused by a node whose state is of a snapshot from before the client was opened', async () => {
    await using cluster = await Cluster.start(counter, { raft: { snapshotEveryBytes: 2_048, keepEntries: 1 } })
    const leader = await cluster.elected()
    const [home = '', other = ''] = cluster.followers()
    cluster.filter = (_from, to) => to !== home
    for (let i = 0; i < 200; i++) await cluster.run(cluster.node(other).propose({ id: `filler ${i}`, by: 1 }, PATIENT))
    const { snapshotIndex } = cluster.node(leader).status()
    const client = await openedAt(cluster, other)
    expect(cluster.node(leader).status()).toMatchObject({ snapshotIndex })
    // It gets the snapshot, and nothing of what comes behind it.
    cluster.filter = (_from, to, message) =>
      to !== home || message.type !== 'append-request' || message.entries.length === 0
    const sent = send(cluster, home, client, 1)
    await cluster.waitFor('the snapshot', () => cluster.node(home).status().snapshotIndex === snapshotIndex)
    cluster.filter = undefined
    expect(await cluster.run(sent)).toBe(201)
    expect((await applied(cluster)).filter((name) => name === `${client} 1`)).toHaveLength(1)
  })

  test('is refused, and not applied, where nobody knows any more whether it was', async () => {
    await using cluster = await Cluster.start(counter, { size: 1 })
    await cluster.elected()
    const client = await openedAt(cluster, 'n1')
    await cluster.run(send(cluster, 'n1', client, 1))
    await cluster.run(send(cluster, 'n1', client, 5, 3))
    const seen = await cluster.run(send(cluster, 'n1', client, 3)).catch((error: unknown) => error)
    expect(seen).toBeInstanceOf(ResultForgottenError)
    expect(seen).toMatchObject({ outcome: 'unknown', retryable: false, client, sequence: 3 })
    for (let i = 6; i <= MAX_CLIENT_RESULTS + 5; i++) await cluster.run(send(cluster, 'n1', client, i))
    await expect(cluster.run(send(cluster, 'n1', client, 4))).rejects.toBeInstanceOf(ResultForgottenError)
    expect(await cluster.run(send(cluster, 'n1', client, 6))).toBe(3)
    await cluster.run(Promise.all(Array.from({ length: MAX_CLIENTS }, () => cluster.node('n1').openClient(PATIENT))))
    const forgotten = await cluster.run(send(cluster, 'n1', client, 7)).catch((error: unknown) => error)
    expect(forgotten).toBeInstanceOf(ClientForgottenError)
    expect(forgotten).toMatchObject({ outcome: 'unknown', client })
    expect((await cluster.state('n1')).applied).toHaveLength(MAX_CLIENT_RESULTS + 2)
  })

  test('is refused at once when it is none', async () => {
    await using cluster = await Cluster.start(counter, { size: 1 })
    const refusals: readonly (readonly [object, string])[] = [
      [{ id: 'checkout', sequence: 1 }, 'client.id must be what openClient() returned, got checkout'],
      [{ id: '1.2', sequence: 0 }, 'client.sequence must be 1 or more, got 0'],
      [{ id: '1.2', sequence: 1.5 }, 'client.sequence must be 1 or more, got 1.5'],
      [
        { id: '1.2', sequence: 4, seenThrough: 4 },
        'client.seenThrough must be from 0 to below client.sequence (4), got 4',
      ],
    ]
    for (const [client, message] of refusals) {
      const call = cluster
        .node('n1')
        .propose({ id: 'x', by: 1 }, { client: client as { id: string; sequence: number } })
      await expect(call).rejects.toThrow(new RangeError(message))
    }
  })

  test('and an opening have the outcomes of every proposal', async () => {
    await using cluster = await Cluster.start(counter)
    cluster.network.partition(['n1'], ['n2', 'n3'])
    const opening = cluster.node('n1').openClient({ timeoutMs: 100 })
    await expect(cluster.run(opening)).rejects.toBeInstanceOf(NoLeaderError)
    expect(cluster.node('n1').status().lastApplied).toBe(0)
  })
})

test('clients that try everything again, everywhere, have one result for each command, over crashes, cuts and snapshots', async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    await using cluster = await Cluster.start(counter, {
      seed,
      raft: { snapshotEveryBytes: 1_024, keepEntries: 4 },
      network: { link: { lossRate: 0.05, duplicateRate: 0.2, reorderRate: 0.2, minDelayMs: 1, maxDelayMs: 30 } },
    })
    const random = new SeededRandom(seed)
    await cluster.elected()
    const clients = [await openedAt(cluster, 'n1'), await openedAt(cluster, 'n2')]
    const told = new Map<string, Set<number>>()
    const calls: Promise<void>[] = []
    for (let round = 1; round <= 60; round++) {
      for (const client of clients) {
        const sequence = Math.max(1, round - random.integer(0, 8))
        const id = cluster.ids[random.integer(0, 3)] as string
        const key = `${client} ${sequence}`
        const call = cluster
          .node(id)
          .propose({ id: key, by: 1 }, { client: { id: client, sequence }, timeoutMs: 3_000 })
          .then((result) => void told.set(key, (told.get(key) ?? new Set()).add(result)))
          .catch(failsOnlyWith('DSYS_RAFT_OUTCOME_UNKNOWN', 'DSYS_RAFT_NO_LEADER'))
        calls.push(call)
      }
      await cluster.advance(random.integer(0, 60))
      if (round % 12 === 6) {
        const cut = cluster.ids[random.integer(0, 3)] as string
        cluster.network.partition(
          [cut],
          cluster.ids.filter((id) => id !== cut),
        )
      } else if (round % 12 === 9) cluster.network.heal()
      if (round % 12 === 0) {
        const victim = cluster.ids[random.integer(0, 3)] as string
        cluster.crash(victim)
        await cluster.advance(1_500)
        await cluster.start(victim)
      }
    }
    cluster.network.heal()
    await cluster.advance(4_000)
    await cluster.elected()
    const order = await applied(cluster)
    expect(new Set(order).size).toBe(order.length)
    expect(told.size).toBeGreaterThan(20)
    for (const [key, results] of told) expect([...results], `${key}, seed ${seed}`).toEqual([order.indexOf(key) + 1])
    expect(cluster.ids.some((id) => cluster.node(id).status().snapshotIndex > 0)).toBe(true)
  }
})
