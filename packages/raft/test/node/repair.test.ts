import { recover } from '@dsys/raft'
import { systemRuntime } from '@dsys/runtime'
import { describe, expect, test } from 'vitest'
import { Cluster, type ClusterOptions } from './support/cluster.ts'
import { LogFiles } from './support/log-files.ts'
import { type Add, type CounterState, counter } from './support/machines.ts'

type Counters = Cluster<CounterState, Add, number>

/** As long as it takes an idle log to say that all before is durable. */
const REST_MS = 300

async function start(options: ClusterOptions = {}): Promise<{ files: LogFiles; cluster: Counters }> {
  const files = new LogFiles()
  return { files, cluster: await Cluster.start(counter, { ...options, storage: files }) }
}

/** One command after the other, so that each is a write of its own. */
async function write(cluster: Counters, names: readonly string[]): Promise<void> {
  for (const id of names) await cluster.run(cluster.node(cluster.leader() as string).propose({ id, by: 1 }))
}

const names = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${prefix}-${i}-`)

const kinds = (cluster: Counters, id: string): string[] => cluster.life(id).events.map(({ type }) => type)

/** The log of a follower is damaged at the fourth command while it does not run. Gives its id. */
async function damagedFollower(cluster: Counters, files: LogFiles): Promise<string> {
  await cluster.elected()
  await write(cluster, names('a', 12))
  await cluster.converged()
  await cluster.advance(REST_MS)
  const id = cluster.followers()[0] as string
  cluster.crash(id)
  files.damage(id, 'a-4-')
  return id
}

describe('a node whose log is damaged in the middle gets the entries from its peers (P-40)', () => {
  test('it says so, abstains, has all of it again, and votes', async () => {
    const { cluster, files } = await start()
    await using _ = cluster
    const id = await damagedFollower(cluster, files)
    cluster.network.partition(
      [id],
      cluster.ids.filter((each) => each !== id),
    )
    await cluster.start(id)
    await cluster.advance(5_000)
    expect(cluster.node(id).status()).toMatchObject({ role: 'follower', repair: { throughIndex: 15 } })
    const said = cluster.logged.find(({ message }) => message.startsWith('the log is damaged; '))
    expect(said).toMatchObject({ level: 'warn', fields: { file: 'n/wal/0000000000000001.wal', throughIndex: 15 } })
    cluster.network.heal()
    await cluster.converged()
    await cluster.waitFor('the end of the abstention', () => cluster.node(id).status().repair === undefined)
    expect(kinds(cluster, id)).toEqual(expect.arrayContaining(['LogDamaged', 'LogRepaired']))
    // Now its vote is needed, and its log good enough.
    const leader = cluster.leader() as string
    cluster.crash(leader)
    await cluster.elected()
    await write(cluster, ['after'])
    await cluster.converged()
    expect((await cluster.state(id)).applied).toEqual([...names('a', 12), 'after'])
  })

  test.each([false, true])(
    'what it alone had beside a leader that dies is not lost (restarted meanwhile: %s)',
    async (restarted) => {
      const { cluster, files } = await start()
      await using _ = cluster
      const leader = await cluster.elected()
      const [damaged, behind] = cluster.followers() as [string, string]
      await write(cluster, names('a', 3))
      await cluster.converged()
      cluster.network.partition([behind], [leader, damaged])
      await write(cluster, names('b', 4))
      await cluster.advance(REST_MS)
      cluster.crash(damaged)
      cluster.crash(leader)
      cluster.network.heal()
      files.damage(damaged, 'b-1-')
      await cluster.start(damaged)
      if (restarted) {
        await cluster.advance(REST_MS)
        cluster.crash(damaged)
        await cluster.start(damaged)
        expect(kinds(cluster, damaged)).not.toContain('LogDamaged')
      }
      // These two are a majority. But one of them does not know what it has acknowledged, and the other never had it.
      await cluster.advance(20_000)
      expect(cluster.leader()).toBeUndefined()
      expect(cluster.node(damaged).status().repair).toBeDefined()
      await cluster.start(leader)
      await cluster.elected()
      await cluster.converged()
      for (const id of cluster.ids) {
        expect((await cluster.state(id)).applied).toEqual([...names('a', 3), ...names('b', 4)])
      }
      await cluster.waitFor('the end of the abstention', () => cluster.node(damaged).status().repair === undefined)
    },
  )

  test('a snapshot that is damaged too', async () => {
    const { cluster, files } = await start({ raft: { snapshotEveryBytes: 400, keepEntries: 1 } })
    await using _ = cluster
    await cluster.elected()
    await write(cluster, names('a', 30))
    await cluster.converged()
    await cluster.advance(REST_MS)
    const id = cluster.followers()[0] as string
    cluster.crash(id)
    const disk = files.disk(id)
    const snapshot = disk.files().findLast(({ path }) => path.endsWith('.snap'))
    disk.flip({ path: snapshot?.path as string, position: (snapshot?.sizeBytes as number) - 9, bit: 3 })
    await cluster.start(id)
    expect(cluster.node(id).status()).toMatchObject({ lastApplied: 0, lastIndex: 0 })
    await cluster.converged()
    await cluster.waitFor('the end of the abstention', () => cluster.node(id).status().repair === undefined)
    expect((await cluster.state(id)).applied).toEqual(names('a', 30))
    expect(kinds(cluster, id)).toContain('SnapshotInstalled')
  })

  test('while it is repaired it keeps what it is given: another crash at any time costs nothing', async () => {
    for (let round = 0; round < 6; round++) {
      const { cluster, files } = await start()
      await using _ = cluster
      const id = await damagedFollower(cluster, files)
      await cluster.start(id)
      await cluster.advance(13 * round)
      cluster.crash(id)
      await cluster.start(id)
      await cluster.converged()
      await cluster.waitFor('the end of the abstention', () => cluster.node(id).status().repair === undefined)
      expect((await cluster.state(id)).applied).toEqual(names('a', 12))
    }
  })
})

describe('damage is refused', () => {
  const corrupt = { code: 'DSYS_STORAGE_CORRUPT', file: 'n/wal/0000000000000001.wal' }

  test('by a node that knows of no other voter: nobody can give it the entries, and nothing is changed (P-40)', async () => {
    const { cluster, files } = await start({ size: 1 })
    await using _ = cluster
    await cluster.elected()
    await write(cluster, names('a', 6))
    await cluster.advance(REST_MS)
    cluster.crash('n1')
    files.damage('n1', 'a-2-')
    for (let round = 0; round < 2; round++) {
      await expect(cluster.start('n1')).rejects.toMatchObject({ ...corrupt, hint: /No other voter is known/ })
      cluster.crash('n1')
    }
  })

  test('and recover goes on with what is left, where that is accepted', async () => {
    const { cluster, files } = await start({ size: 1, initial: [] })
    await using _ = cluster
    await cluster.run(cluster.node('n1').bootstrap({ voters: ['n1'] }))
    await cluster.elected()
    await write(cluster, names('a', 6))
    await cluster.advance(REST_MS)
    cluster.crash('n1')
    files.damage('n1', 'a-2-')
    const options = { id: 'n1', group: 'test', voters: ['n1'] }
    for (const acceptDataLoss of [false, true]) {
      await using log = files.open('n1', systemRuntime({ clock: cluster.clock }))
      await log.start()
      const recovery = recover({ log }, { ...options, acceptDataLoss })
      if (acceptDataLoss) await recovery
      else await expect(recovery).rejects.toMatchObject({ code: 'DSYS_RAFT_DATA_LOSS_NOT_ACCEPTED' })
    }
    await cluster.start('n1')
    await cluster.elected()
    await write(cluster, ['after'])
    expect((await cluster.state('n1')).applied).toEqual(['a-0-', 'a-1-', 'after'])
    expect(cluster.node('n1').status().repair).toBeUndefined()
  })

  test('by one that was told not to repair', async () => {
    const { cluster, files } = await start({ raft: { repairFromPeers: false } })
    await using _ = cluster
    const id = await damagedFollower(cluster, files)
    await expect(cluster.start(id)).rejects.toMatchObject(corrupt)
  })
})

test('a group of which a majority abstains goes on by recover of one that is whole, and brings the others what they lack', async () => {
  const { cluster, files } = await start({})
  await using _ = cluster
  await cluster.elected()
  await write(cluster, names('a', 6))
  await cluster.converged()
  await cluster.advance(REST_MS)
  for (const id of cluster.ids) cluster.crash(id)
  for (const id of ['n1', 'n2']) files.damage(id, 'a-2-')
  for (const id of cluster.ids) await cluster.start(id)
  await cluster.advance(20_000)
  expect(cluster.leader()).toBeUndefined()
  for (const id of ['n1', 'n2']) expect(cluster.node(id).status().repair).toBeDefined()
  const findings = cluster
    .node('n3')
    .explain()
    .findings.filter(({ code }) => code === 'vote-refused')
  expect(findings.map(({ hint }) => hint)).toContainEqual(expect.stringContaining('see recover()'))
  for (const id of cluster.ids) cluster.crash(id)
  {
    await using log = files.open('n3', systemRuntime({ clock: cluster.clock }))
    await log.start()
    await recover({ log }, { id: 'n3', group: 'test', voters: ['n3'], acceptDataLoss: true })
  }
  for (const id of cluster.ids) await cluster.start(id)
  await cluster.waitFor('the recovered one', () => cluster.leader() === 'n3')
  await write(cluster, ['after'])
  await cluster.run(cluster.node('n3').reconfigure({ voters: ['n1', 'n2', 'n3'] }))
  await cluster.converged()
  for (const id of cluster.ids) {
    expect(cluster.node(id).status().repair).toBeUndefined()
    expect((await cluster.state(id)).applied).toEqual([...names('a', 6), 'after'])
  }
})
