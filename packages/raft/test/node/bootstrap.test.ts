import {
  AlreadyBootstrappedError,
  DataLossNotAcceptedError,
  NothingToRecoverError,
  type RaftNode,
  type RecoverOptions,
  type Recovery,
  recover,
} from '@dsys/raft'
import { NotRunningError } from '@dsys/runtime'
import { MemoryLogStorage } from '@dsys/storage-memory'
import { describe, expect, test } from 'vitest'
import { Cluster, type ClusterOptions } from './support/cluster.ts'
import { type Add, type CounterState, counter } from './support/machines.ts'

type Counters = Cluster<CounterState, Add, number>

const THREE = ['n1', 'n2', 'n3']
const FIVE = [...THREE, 'n4', 'n5']

/** Nodes that know of no voters. */
async function waiting(ids: readonly string[], options: ClusterOptions = {}): Promise<Counters> {
  const cluster = new Cluster(counter, { ids, initial: [], ...options })
  for (const id of ids) await cluster.start(id)
  return cluster
}

const add = (cluster: Counters, at: string, id: string): Promise<number> =>
  cluster.run(cluster.node(at).propose({ id, by: 1 }, { timeoutMs: 20_000 }))

const caught = (promise: Promise<unknown>): Promise<unknown> => promise.catch((error: unknown) => error)

describe('bootstrap', () => {
  test('begins a group on one node; the others learn it from that, and a restart needs nothing', async () => {
    await using cluster = await waiting(THREE)
    await cluster.advance(20_000)
    for (const id of THREE) expect(cluster.node(id).status()).toMatchObject({ term: 0, role: 'follower', voters: [] })
    await cluster.run(cluster.node('n2').bootstrap({ voters: ['n3', 'n2', 'n1'] }))
    expect(cluster.node('n2').status()).toMatchObject({ voters: THREE })
    await cluster.elected()
    expect(await add(cluster, 'n3', 'first')).toBe(1)
    await cluster.converged()
    for (const id of THREE) expect(cluster.node(id).status()).toMatchObject({ voters: THREE, change: undefined })
    for (const id of THREE) cluster.crash(id)
    for (const id of THREE) await cluster.start(id)
    expect(await add(cluster, 'n1', 'second')).toBe(2)
  })

  test('is durable when it resolves: the group is there after a crash at that very moment', async () => {
    const sync = (_id: string, clock: Counters['clock']): Promise<void> =>
      new Promise((resolve) => void clock.setTimer(50, resolve))
    await using cluster = await waiting(THREE, { sync })
    const begun = cluster.node('n1').bootstrap({ voters: THREE })
    await cluster.advance(20)
    expect(cluster.disk('n1').read('test').entries).toEqual([])
    await cluster.run(begun)
    cluster.crash('n1', { keep: 0 })
    await cluster.start('n1')
    expect(cluster.node('n1').status()).toMatchObject({ voters: THREE, lastIndex: 1 })
    expect(await add(cluster, 'n2', 'first')).toBe(1)
  })

  test('is refused where a group is there already, and says what the log has', async () => {
    await using cluster = await waiting(THREE)
    await cluster.run(cluster.node('n1').bootstrap({ voters: ['n1', 'n2'] }))
    await add(cluster, 'n1', 'first')
    const again = await caught(cluster.node('n1').bootstrap({ voters: THREE }))
    expect(again).toBeInstanceOf(AlreadyBootstrappedError)
    expect(again).toMatchObject({
      code: 'DSYS_RAFT_ALREADY_BOOTSTRAPPED',
      outcome: 'not-applied',
      voters: ['n1', 'n2'],
      term: cluster.node('n1').status().term,
      lastIndex: cluster.node('n1').status().lastIndex,
    })
    // One that was never asked, but has learned it; and one of no group is free.
    await expect(cluster.node('n2').bootstrap({ voters: ['n2'] })).rejects.toBeInstanceOf(AlreadyBootstrappedError)
    expect(cluster.node('n2').status().voters).toEqual(['n1', 'n2'])
    await cluster.run(cluster.node('n3').bootstrap({ voters: ['n3'] }))
  })

  test('with two lists by mistake never makes entries that look the same and are not', async () => {
    const first = async (voters: readonly string[]): Promise<number | undefined> => {
      await using cluster = await waiting(THREE)
      await cluster.run(cluster.node('n1').bootstrap({ voters }))
      return cluster.disk('n1').read('test').entries[0]?.term
    }
    expect(await first(['n1', 'n2'])).not.toBe(await first(['n1', 'n3']))
    expect(await first(['n1', 'n2'])).toBe(await first(['n2', 'n1']))
  })

  test('is refused where the options name voters, and where the node has voted', async () => {
    await using cluster = new Cluster(counter, { ids: FIVE, initial: THREE })
    for (const id of ['n1', 'n4', 'n5']) await cluster.start(id)
    await expect(cluster.node('n1').bootstrap({ voters: THREE })).rejects.toMatchObject({ voters: THREE, lastIndex: 0 })
    // n5 has given its vote to n4, and has nothing of the log yet.
    cluster.filter = (_from, _to, { type }) => type !== 'append-request'
    await cluster.run(cluster.node('n4').bootstrap({ voters: ['n4', 'n5'] }))
    await cluster.waitFor('the vote of n5', () => cluster.node('n5').status().term > 0)
    const refused = await caught(cluster.node('n5').bootstrap({ voters: ['n5'] }))
    expect(refused).toMatchObject({ code: 'DSYS_RAFT_ALREADY_BOOTSTRAPPED', voters: [], lastIndex: 0 })
  })

  test('is refused with a RangeError where the group would be without this node, or is none', async () => {
    await using cluster = await waiting(['n1'])
    const node = cluster.node('n1')
    for (const voters of [[], ['n2'], ['n1', 'n1'], ['n1', '']])
      await expect(node.bootstrap({ voters })).rejects.toBeInstanceOf(RangeError)
    expect(node.status()).toMatchObject({ term: 0, lastIndex: 0 })
  })

  test('tells its caller when the node stops, and when the disk does not answer', async () => {
    const never = (): Promise<void> => new Promise(() => undefined)
    await using cluster = await waiting(THREE, { sync: never })
    const slow = cluster.node('n1').bootstrap({ voters: THREE }, { timeoutMs: 500 })
    await expect(cluster.run(slow)).rejects.toMatchObject({ code: 'DSYS_RAFT_OUTCOME_UNKNOWN' })
    const stopped = caught(cluster.node('n2').bootstrap({ voters: THREE }))
    void cluster.node('n2').stop()
    await cluster.advance(3_000)
    expect(await stopped).toBeInstanceOf(NotRunningError)
    await expect(cluster.node('n3').bootstrap({ voters: THREE }, { signal: AbortSignal.abort() })).rejects.toThrow()
    expect(cluster.node('n3').status().lastIndex).toBe(0)
  })
})

describe('recover', () => {
  async function recoverOn(cluster: Counters, options: Partial<RecoverOptions> & { id: string }): Promise<Recovery> {
    await using log = new MemoryLogStorage({ disk: cluster.disk(options.id) })
    await log.start()
    return await cluster.run(recover({ log }, { group: 'test', voters: [options.id], ...options }))
  }

  test('P-32: makes a group of two survivors of five, with all that the one has; the other follows', async () => {
    await using cluster = new Cluster(counter, {
      ids: [...FIVE, 'n6'],
      initial: FIVE,
      raft: { snapshotEveryBytes: 1_000, keepEntries: 2 },
    })
    for (const id of FIVE) await cluster.start(id)
    const leader = await cluster.elected()
    for (let i = 0; i < 30; i++) await add(cluster, leader, `entry ${i}`)
    await cluster.converged()
    const [first, second, ...lost] = FIVE as [string, string, ...string[]]
    for (const id of lost) cluster.crash(id)
    await cluster.advance(20_000)
    expect(cluster.leader()).toBeUndefined()
    for (const id of [first, second]) await cluster.stop(id)
    const last = cluster.disk(first).read('test').entries.at(-1)?.index as number
    const recovery = await recoverOn(cluster, { id: first, voters: [first, second], acceptDataLoss: true })
    const { snapshot, hardState } = cluster.disk(first).read('test')
    expect(recovery).toEqual({
      index: last + 1,
      term: hardState.term,
      previousMembers: FIVE,
      uncertainFromIndex: (snapshot?.meta.index as number) + 1,
    })
    for (const id of [first, second]) await cluster.start(id)
    await cluster.waitFor('a leader', () => cluster.leader() !== undefined)
    expect(await add(cluster, second, 'after')).toBe(31)
    await cluster.converged()
    for (const id of [first, second]) {
      expect(cluster.node(id).status()).toMatchObject({ voters: [first, second] })
      expect((await cluster.state(id)).total).toBe(31)
    }
    // A new node takes the place of the lost ones, and the group stands the loss of one again.
    await cluster.start('n6')
    await cluster.run(cluster.node(second).reconfigure({ voters: [first, second, 'n6'] }))
    cluster.crash(cluster.leader() as string)
    expect(await add(cluster, 'n6', 'after the loss of one')).toBe(32)
  })

  test('P-32: gives up what only another survivor has, which follows', async () => {
    await using cluster = await Cluster.start(counter, { ids: FIVE })
    const leader = await cluster.elected()
    await add(cluster, leader, 'first')
    await cluster.converged()
    cluster.filter = (from, _to, { type }) => from !== leader || type !== 'append-request'
    for (const id of ['lost', 'lost too']) void cluster.node(leader).propose({ id, by: 1 })
    await cluster.advance(50)
    cluster.filter = undefined
    for (const id of FIVE) cluster.crash(id)
    const shorter = FIVE.find((id) => id !== leader) as string
    await recoverOn(cluster, { id: shorter, voters: [shorter, leader], acceptDataLoss: true })
    for (const id of [shorter, leader]) await cluster.start(id)
    await cluster.waitFor('a leader', () => cluster.leader() !== undefined)
    expect(await add(cluster, leader, 'second')).toBe(2)
    await cluster.converged()
    for (const id of [shorter, leader]) expect((await cluster.state(id)).applied).toEqual(['first', 'second'])
  })

  test('P-32: is of a term of its own on each survivor: two that were both recovered never hold two logs for one', async () => {
    await using cluster = await Cluster.start(counter, { ids: FIVE })
    const leader = await cluster.elected()
    await add(cluster, leader, 'first')
    await cluster.converged()
    const others = FIVE.filter((id) => id !== leader)
    const [second = '', third = ''] = others
    // Each gets a last entry that the others lack: under the old leader, and under the next one that hears of none of it.
    cluster.filter = (_from, to, { type }) => type !== 'append-request' || to === second
    void cluster.node(leader).propose({ id: 'of the old leader', by: 1 })
    await cluster.waitFor('it', () => cluster.disk(second).read('test').entries.at(-1)?.index === lastOf(third) + 1)
    cluster.crash(leader)
    cluster.crash(second)
    cluster.filter = (_from, _to, { type }) => type !== 'append-request'
    await cluster.waitFor('the next leader', () => others.includes(cluster.leader() as string))
    const next = cluster.leader() as string
    await cluster.waitFor('its first entry', () => lastOf(next) === lastOf(second))
    for (const id of others) if (id !== second) cluster.crash(id)
    function lastOf(id: string): number {
      return cluster.disk(id).read('test').entries.at(-1)?.index as number
    }
    cluster.filter = undefined
    // The term of the second is behind: whoever was down has not heard of the election.
    const { term: later } = cluster.disk(next).read('test').hardState
    const storage = new MemoryLogStorage({ disk: cluster.disk(second) })
    await storage.start()
    await (await storage.openGroup('test')).persist({ hardState: { term: later, votedFor: undefined } })
    await storage.stop()
    const both = [second, next]
    for (const id of both) await recoverOn(cluster, { id, voters: both, acceptDataLoss: true })
    for (const id of both) await cluster.start(id)
    await cluster.waitFor('a leader', () => both.includes(cluster.leader() as string))
    await add(cluster, cluster.leader() as string, 'after')
    await cluster.converged()
    const [one, other] = await Promise.all(both.map((id) => cluster.state(id)))
    expect(one).toEqual(other)
  })

  test('P-32: gets a group of two out that has lost one, which no change of the members can', async () => {
    await using cluster = await Cluster.start(counter, { size: 2 })
    const leader = await cluster.elected()
    await add(cluster, leader, 'first')
    const [left, gone] = [leader, cluster.followers()[0] as string]
    cluster.crash(gone)
    const alone = cluster.node(left).reconfigure({ voters: [left] }, { timeoutMs: 5_000 })
    await expect(cluster.run(alone)).rejects.toThrow()
    cluster.crash(left)
    await recoverOn(cluster, { id: left, acceptDataLoss: true })
    await cluster.start(left)
    expect(await add(cluster, left, 'second')).toBe(2)
  })

  test('keeps a change of the members that was on its way from going on', async () => {
    await using cluster = new Cluster(counter, { ids: FIVE, initial: THREE })
    for (const id of THREE) await cluster.start(id)
    const leader = await cluster.elected()
    void cluster.node(leader).reconfigure({ voters: FIVE })
    await cluster.waitFor('its beginning', () => cluster.node(leader).status().change !== undefined)
    await cluster.advance(100)
    for (const id of THREE) cluster.crash(id)
    const { previousMembers } = await recoverOn(cluster, { id: leader, acceptDataLoss: true })
    expect([...previousMembers].sort()).toEqual(FIVE)
    await cluster.start(leader)
    expect(await add(cluster, leader, 'after')).toBe(1)
    expect(cluster.node(leader).status()).toMatchObject({ voters: [leader], learners: [], change: undefined })
  })

  test('changes nothing unless data loss is accepted, and says where the log ends', async () => {
    await using cluster = await Cluster.start(counter)
    const leader = await cluster.elected()
    await add(cluster, leader, 'first')
    await cluster.converged()
    for (const id of THREE) cluster.crash(id)
    const before = cluster.disk('n1').read('test')
    const { index: lastIndex, term: lastTerm } = before.entries.at(-1) as { index: number; term: number }
    const error = await caught(recoverOn(cluster, { id: 'n1' }))
    expect(error).toBeInstanceOf(DataLossNotAcceptedError)
    expect(error).toMatchObject({ code: 'DSYS_RAFT_DATA_LOSS_NOT_ACCEPTED', voters: THREE, lastIndex, lastTerm })
    expect(cluster.disk('n1').read('test')).toEqual(before)
  })

  test('is refused without a log, and without this node among the voters', async () => {
    await using cluster = new Cluster<CounterState, Add, number>(counter)
    const empty = recoverOn(cluster, { id: 'n1', acceptDataLoss: true })
    await expect(empty).rejects.toBeInstanceOf(NothingToRecoverError)
    const elsewhere = recoverOn(cluster, { id: 'n1', voters: ['n2'], acceptDataLoss: true })
    await expect(elsewhere).rejects.toBeInstanceOf(RangeError)
    expect(cluster.disk('n1').read('test').hardState.term).toBe(0)
  })
})

test('a call of a node that is of no group ends with the error that no leader is there', async () => {
  await using cluster = await waiting(['n1'])
  const node: RaftNode<CounterState, Add, number> = cluster.node('n1')
  const call = node.propose({ id: 'x', by: 1 }, { timeoutMs: 500 })
  await expect(cluster.run(call)).rejects.toMatchObject({ code: 'DSYS_RAFT_NO_LEADER' })
  expect(cluster.logged.map(({ message }) => message).join()).toContain('waits to be added')
})
