import { type RaftOptions, recover, WitnessError, WitnessMismatchError, WitnessRoleError } from '@dsys/raft'
import { MemoryLogStorage } from '@dsys/storage-memory'
import { describe, expect, test } from 'vitest'
import { CONFIGURATION_KIND } from '../../src/core/configuration.ts'
import { STRIPPED_KIND } from '../../src/core/witness.ts'
import { Cluster } from './support/cluster.ts'
import { type Add, type CounterState, counter } from './support/machines.ts'

type Counters = Cluster<CounterState, Add, number>

const MEMBERS = { voters: ['n1', 'n2', 'w'], witnesses: ['w'] }

/** n1 and n2 hold data, w is a witness; x is a spare node that does not run. */
async function withWitness(raft: Partial<RaftOptions> = {}): Promise<Counters> {
  const cluster = new Cluster(counter, { ids: ['n1', 'n2', 'w', 'x'], initial: ['n1', 'n2'], raft })
  for (const id of ['n1', 'n2']) await cluster.start(id)
  await cluster.start('w', undefined, { witness: true })
  await cluster.waitFor('a leader', () => cluster.leader() !== undefined)
  expect(await cluster.run(cluster.node('n1').reconfigure(MEMBERS))).toEqual({ ...MEMBERS, learners: [] })
  return cluster
}

const add = (cluster: Counters, at: string, id: string): Promise<number> =>
  cluster.run(cluster.node(at).propose({ id, by: 1 }, { timeoutMs: 20_000 }))

const caught = (promise: Promise<unknown>): Promise<unknown> => promise.catch((error: unknown) => error)

describe('a witness', () => {
  test('keeps a group of two going that has lost one, under load and over restarts, and holds no data', async () => {
    await using cluster = await withWitness({ snapshotEveryBytes: 2_000, keepEntries: 4 })
    for (let i = 0; i < 20; i++) await add(cluster, 'n1', `both ${i}`)
    await cluster.converged()
    await expect(cluster.node('n1').transferLeadership({ to: 'w' })).rejects.toThrow(
      'w is no other voter, or holds no data',
    )
    cluster.crash('n2')
    for (let i = 0; i < 40; i++) await add(cluster, 'n1', `alone ${i}`)
    const { snapshot, entries } = cluster.disk('w').read('test')
    // One byte says that it is that of a witness.
    expect(snapshot?.content).toEqual(Uint8Array.of(255))
    expect(entries.length).toBeGreaterThan(0)
    for (const { kind, data } of entries) {
      if (kind !== CONFIGURATION_KIND) expect({ kind, bytes: data.length }).toEqual({ kind: STRIPPED_KIND, bytes: 0 })
    }
    cluster.crash('w')
    await cluster.start('w', undefined, { witness: true })
    await cluster.start('n2')
    await cluster.converged()
    expect((await cluster.state('n2')).total).toBe(60)
    cluster.crash('n1')
    expect(await add(cluster, 'n2', 'after')).toBe(61)
    expect(cluster.node('n2').status()).toMatchObject({ role: 'leader', ...MEMBERS, change: undefined })
  })

  test('keeps a log that does not grow with what the group writes', async () => {
    await using cluster = await withWitness()
    for (let round = 0; round < 12; round++) {
      const batch = Array.from({ length: 500 }, (_, i) => ({ id: `${round} ${i}`, by: 1 }))
      await cluster.run(Promise.all(batch.map((each) => cluster.node('n1').propose(each))))
    }
    await cluster.converged()
    expect(cluster.node('n1').status().firstIndex).toBe(1)
    expect(cluster.disk('w').read('test').entries.length).toBeLessThan(5_200)
    expect(cluster.node('w').status()).toMatchObject({ lastApplied: cluster.node('n1').status().lastIndex })
    expect(cluster.node('w').status().firstIndex).toBeGreaterThan(800)
  })

  test('gets a snapshot without content when it comes late', async () => {
    await using cluster = await withWitness({ snapshotEveryBytes: 1_000, keepEntries: 1 })
    cluster.crash('w')
    // What one that was heard lately still needs stays in the log.
    await cluster.advance(2_000)
    for (let i = 0; i < 60; i++) await add(cluster, 'n1', `entry ${i}`)
    const sizes: number[] = []
    cluster.filter = (_from, to, message) => {
      if (to === 'w' && message.type === 'snapshot-chunk') sizes.push(message.data.length, message.totalBytes)
      return true
    }
    await cluster.start('w', undefined, { witness: true })
    await cluster.converged()
    expect(new Set(sizes)).toEqual(new Set([1]))
    expect(cluster.life('w').events.map(({ type }) => type)).toContain('SnapshotInstalled')
    cluster.crash('n2')
    expect(await add(cluster, 'n1', 'after')).toBe(61)
  })

  test('takes no proposals and no reads, begins no group, and is handed no lead', async () => {
    await using cluster = await withWitness()
    const node = cluster.node('w')
    const calls = [
      node.propose({ id: 'x', by: 1 }),
      node.openClient(),
      node.read(({ total }) => total, { consistency: 'stale' }),
      node.read(({ total }) => total),
      node.bootstrap({ voters: ['w'] }),
    ]
    for (const call of calls) {
      const error = await caught(call)
      expect(error).toBeInstanceOf(WitnessError)
      expect(error).toMatchObject({ code: 'DSYS_RAFT_WITNESS', outcome: 'not-applied' })
    }
    const leader = cluster.leader() as string
    const other = leader === 'n1' ? 'n2' : 'n1'
    await expect(cluster.node(leader).transferLeadership({ to: 'w' })).rejects.toMatchObject({
      code: 'DSYS_RAFT_TRANSFER_FAILED',
    })
    await cluster.run(cluster.node(leader).transferLeadership())
    expect(cluster.leader()).toBe(other)
    // Asking for other members needs no data.
    await cluster.run(node.reconfigure({ voters: ['n1', 'n2'] }))
  })

  test('cannot become a member with data, nor the other way round, and somebody must hold data', async () => {
    await using cluster = await withWitness()
    const at = (id: string, voters: string[], witnesses: string[]): Promise<unknown> =>
      cluster.run(caught(cluster.node(id).reconfigure({ voters, witnesses })))
    expect(await at('n1', ['n1', 'n2', 'w'], [])).toBeInstanceOf(WitnessRoleError)
    expect(await at('n2', ['n1', 'n2', 'w'], ['n2', 'w'])).toMatchObject({ code: 'DSYS_RAFT_WITNESS_ROLE' })
    const learner = cluster.node('w').reconfigure({ voters: ['n1', 'n2'], learners: ['w'] })
    expect(await cluster.run(caught(learner))).toBeInstanceOf(WitnessRoleError)
    expect(await at('n1', ['w'], ['w'])).toBeInstanceOf(RangeError)
    expect(await at('n1', ['n1', 'w'], ['n2'])).toBeInstanceOf(RangeError)
    expect(await at('n1', ['n1', 'w'], ['w', 'w'])).toBeInstanceOf(RangeError)
    expect(cluster.node('n1').status()).toMatchObject({ ...MEMBERS, change: undefined })
  })

  test('is nothing to recover a group from, and stays one in a group that is recovered', async () => {
    await using cluster = await withWitness()
    await add(cluster, 'n1', 'first')
    await cluster.converged()
    for (const id of ['n1', 'n2', 'w']) cluster.crash(id)
    const run = async (id: string): Promise<unknown> => {
      await using log = new MemoryLogStorage({ disk: cluster.disk(id) })
      await log.start()
      return await caught(
        recover({ log }, { id, group: 'test', voters: [id, 'w'].slice(id === 'w' ? 1 : 0), acceptDataLoss: true }),
      )
    }
    expect(await run('w')).toBeInstanceOf(WitnessError)
    expect(await run('n1')).toMatchObject({ previousMembers: ['n1', 'n2', 'w'] })
    await cluster.start('n1')
    await cluster.start('w', undefined, { witness: true })
    expect(await add(cluster, 'n1', 'second')).toBe(2)
    expect(cluster.node('n1').status()).toMatchObject({ voters: ['n1', 'w'], witnesses: ['w'] })
  })
})

describe('a node that is made as what its group does not take it for stops itself', () => {
  const failureOf = async (cluster: Counters, id: string): Promise<unknown> => {
    await cluster.waitFor(`the failure of ${id}`, () => cluster.life(id).events.some(({ type }) => type === 'Failed'))
    const event = cluster.life(id).events.find(({ type }) => type === 'Failed')
    return event?.type === 'Failed' ? event.error.cause : undefined
  }

  test('as a witness, where it is added to hold data, and the other way round', async () => {
    await using cluster = await withWitness()
    await cluster.start('x', undefined, { witness: true })
    const asData = cluster
      .node('n1')
      .reconfigure({ ...MEMBERS, voters: [...MEMBERS.voters, 'x'] }, { timeoutMs: 5_000 })
    asData.catch(() => undefined)
    expect(await failureOf(cluster, 'x')).toBeInstanceOf(WitnessMismatchError)
    cluster.crash('x')
    // It is a learner as yet, and can be given up.
    await cluster.run(cluster.node('n1').reconfigure(MEMBERS))
    await cluster.start('x')
    const asWitness = { voters: [...MEMBERS.voters, 'x'], witnesses: ['w', 'x'] }
    void cluster.node('n1').reconfigure(asWitness, { timeoutMs: 5_000 })
    expect(await failureOf(cluster, 'x')).toBeInstanceOf(WitnessMismatchError)
    expect(await add(cluster, 'n1', 'unharmed')).toBe(1)
  })

  test('and does not start on the disk of the other', async () => {
    await using cluster = await withWitness({ snapshotEveryBytes: 1_000, keepEntries: 1 })
    for (let i = 0; i < 60; i++) await add(cluster, 'n1', `entry ${i}`)
    for (const id of ['n2', 'w']) cluster.crash(id)
    await expect(cluster.start('w')).rejects.toMatchObject({ code: 'DSYS_RAFT_WITNESS_MISMATCH' })
    await expect(cluster.start('n2', undefined, { witness: true, voters: [] })).rejects.toMatchObject({
      code: 'DSYS_RAFT_WITNESS_MISMATCH',
    })
  })
})
