import { ResultForgottenError } from '@dsys/raft'
import { describe, expect, test } from 'vitest'
import { Cluster } from './support/cluster.ts'
import { type Add, type CounterState, counter } from './support/machines.ts'

type Counters = Cluster<CounterState, Add, number>

const PATIENT = { timeoutMs: 20_000 }
const SNAPSHOTS = { raft: { snapshotEveryBytes: 2_048, keepEntries: 1 } }

/** Three commands of a client, under one sequence. */
function send(cluster: Counters, id: string, client: string, sequence: number): Promise<number[]> {
  const commands = [1, 2, 3].map((i) => ({ id: `${client} ${sequence} ${i}`, by: 1 }))
  return cluster.node(id).proposeAll(commands, { ...PATIENT, client: { id: client, sequence } })
}

async function opened(cluster: Counters): Promise<string> {
  return cluster.run(cluster.node('n1').openClient(PATIENT))
}

async function fill(cluster: Counters, id: string, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await cluster.run(cluster.node(id).propose({ id: `filler ${i}`, by: 1 }, PATIENT))
}

async function applied(cluster: Counters, client: string): Promise<readonly string[]> {
  await cluster.converged()
  const states = await Promise.all(cluster.ids.map((id) => cluster.state(id)))
  for (const state of states) expect(state).toEqual(states[0])
  return states[0]?.applied.filter((name) => name.startsWith(`${client} `)) ?? []
}

describe('a batch of a client', () => {
  test('that comes again by way of any node has its first results, and is applied once', async () => {
    await using cluster = await Cluster.start(counter)
    await cluster.elected()
    const client = await opened(cluster)
    for (const id of cluster.ids) expect(await cluster.run(send(cluster, id, client, 1))).toEqual([1, 2, 3])
    const together = cluster.run(Promise.all(['n1', 'n1', 'n3'].map((id) => send(cluster, id, client, 2))))
    expect(await together).toEqual(Array(3).fill([4, 5, 6]))
    expect(await applied(cluster, client)).toEqual([1, 2].flatMap((n) => [1, 2, 3].map((i) => `${client} ${n} ${i}`)))
  })

  test('has them behind snapshots, restarts and another leader too, beside single commands of the client', async () => {
    await using cluster = await Cluster.start(counter, SNAPSHOTS)
    const old = await cluster.elected()
    const client = await opened(cluster)
    const single = { ...PATIENT, client: { id: client, sequence: 2 } }
    expect(await cluster.run(send(cluster, 'n1', client, 1))).toEqual([1, 2, 3])
    expect(await cluster.run(cluster.node('n1').propose({ id: `${client} 2`, by: 1 }, single))).toBe(4)
    await fill(cluster, 'n1', 120)
    await cluster.converged()
    for (const id of cluster.ids) expect(cluster.node(id).status().firstIndex).toBeGreaterThan(10)
    for (const id of cluster.ids) cluster.crash(id)
    for (const id of cluster.ids) if (id !== old) await cluster.start(id)
    await cluster.elected()
    await cluster.start(old)
    for (const id of cluster.ids) {
      expect(await cluster.run(send(cluster, id, client, 1))).toEqual([1, 2, 3])
      expect(await cluster.run(cluster.node(id).propose({ id: `${client} 2`, by: 1 }, single))).toBe(4)
    }
    expect(await applied(cluster, client)).toHaveLength(4)
  })

  test('that waits at a node which is brought up to date by a snapshot has its results from there', async () => {
    await using cluster = await Cluster.start(counter, SNAPSHOTS)
    const leader = await cluster.elected()
    const [home = '', other = ''] = cluster.followers()
    const client = await opened(cluster)
    await cluster.converged()
    const { lastApplied } = cluster.node(leader).status()
    cluster.filter = (from, to) => to !== home && (from !== home || to === leader)
    const waiting = send(cluster, home, client, 1)
    await cluster.waitFor('it to be applied', () => cluster.node(leader).status().lastApplied > lastApplied)
    await fill(cluster, other, 200)
    cluster.filter = (from, _to, message) => from !== home || message.type !== 'forward-request'
    expect(await cluster.run(waiting)).toEqual([1, 2, 3])
    expect(cluster.life(home).events.map(({ type }) => type)).toContain('SnapshotInstalled')
  })

  test('is refused under a sequence that is seen, and that of a single command is no batch', async () => {
    await using cluster = await Cluster.start(counter, { size: 1 })
    await cluster.elected()
    const client = await opened(cluster)
    const node = cluster.node('n1')
    const single = (sequence: number, seenThrough = 0): Promise<number> =>
      node.propose({ id: `${client} ${sequence}`, by: 1 }, { client: { id: client, sequence, seenThrough } })
    await cluster.run(single(2, 1))
    await expect(cluster.run(send(cluster, 'n1', client, 1))).rejects.toBeInstanceOf(ResultForgottenError)
    const twice = new RangeError('client.sequence 2 was used for another command before')
    await expect(cluster.run(send(cluster, 'n1', client, 2))).rejects.toThrow(twice)
    await cluster.run(send(cluster, 'n1', client, 3))
    await expect(cluster.run(single(3))).rejects.toThrow('client.sequence 3 was used for another command before')
    expect(await applied(cluster, client)).toHaveLength(4)
  })

  test('is refused at once where the client cannot be one', async () => {
    await using cluster = await Cluster.start(counter, { size: 1 })
    await expect(send(cluster, 'n1', 'nobody', 1)).rejects.toThrow('client.id must be what openClient() returned')
  })
})

test('a state machine can tell the commands of one entry apart, the same on every node and when they come again', async () => {
  interface Place {
    readonly name: string
    readonly at: string
  }
  const places = {
    initial: (): Place[] => [],
    apply: (
      state: Place[],
      name: string,
      { index, term, position }: { index: number; term: number; position: number },
    ) => {
      state.push({ name, at: `${term}.${index}.${position}` })
      return { state, result: position }
    },
  }
  await using cluster = await Cluster.start(places)
  await cluster.elected()
  const client = await cluster.run(cluster.node('n1').openClient(PATIENT))
  expect(await cluster.run(cluster.node('n2').propose('alone', PATIENT))).toBe(0)
  expect(await cluster.run(cluster.node('n2').proposeAll(['a', 'b', 'c'], PATIENT))).toEqual([0, 1, 2])
  for (const id of cluster.ids) {
    const call = cluster.node(id).proposeAll(['d', 'e'], { ...PATIENT, client: { id: client, sequence: 1 } })
    expect(await cluster.run(call)).toEqual([0, 1])
  }
  await cluster.converged()
  const states = await Promise.all(cluster.ids.map((id) => cluster.state(id)))
  for (const state of states) expect(state).toEqual(states[0])
  const [first] = states as [Place[]]
  expect(first.map(({ name }) => name)).toEqual(['alone', 'a', 'b', 'c', 'd', 'e'])
  expect(new Set(first.map(({ at }) => at)).size).toBe(6)
})
