import { RaftFailedError, type RaftNode, type StateMachine, TransferFailedError } from '@dsys/raft'
import { NotRunningError } from '@dsys/runtime'
import { StorageFailedError } from '@dsys/storage'
import { describe, expect, test } from 'vitest'
import { Cluster } from './support/cluster.ts'
import { type Add, type CounterState, counter } from './support/machines.ts'

const total = (state: CounterState): number => state.total
const caught = (promise: Promise<unknown>): Promise<unknown> => promise.catch((error: unknown) => error)

async function warm(cluster: Cluster<CounterState, Add, number>): Promise<string> {
  const leader = await cluster.elected()
  for (const id of cluster.ids) await cluster.run(cluster.node(id).propose({ id: `warm ${id}`, by: 1 }))
  await cluster.converged()
  return leader
}

describe('transferLeadership', () => {
  test('goes to the given target, and to one that has the whole log by default', async () => {
    await using cluster = await Cluster.start(counter)
    const first = await warm(cluster)
    const target = cluster.followers()[1] as string
    await cluster.run(cluster.node(first).transferLeadership({ to: target }))
    expect(cluster.node(first).status().leader).toBe(target)
    expect(cluster.leader()).toBe(target)
    // The one that is cut off cannot be chosen.
    const [away, present] = cluster.followers() as [string, string]
    cluster.network.partition([away], [target, present])
    await cluster.advance(1_500)
    await cluster.run(cluster.node(target).propose({ id: 'x', by: 1 }))
    await cluster.run(cluster.node(target).transferLeadership())
    expect(cluster.leader()).toBe(present)
  })

  test('loses no proposal and no read that is made meanwhile', async () => {
    await using cluster = await Cluster.start(counter, { network: { link: { minDelayMs: 2 } } })
    await warm(cluster)
    const writes: Promise<number>[] = []
    for (let round = 0; round < 6; round++) {
      const leader = cluster.leader() as string
      const moved = cluster.node(leader).transferLeadership()
      for (const id of cluster.ids) {
        writes.push(cluster.node(id).propose({ id: `${round} ${id}`, by: 1 }))
        void cluster
          .node(id)
          .read(total)
          .then((now) => expect(now).toBeGreaterThanOrEqual(3))
      }
      await cluster.run(moved)
      await cluster.waitFor('another leader', () => ![undefined, leader].includes(cluster.leader()))
    }
    const totals = await cluster.run(Promise.all(writes))
    expect([...totals].sort((a, b) => a - b)).toEqual(Array.from({ length: 18 }, (_, i) => 4 + i))
  })

  test('a target that cannot be reached fails it, and proposals go on under the old leader', async () => {
    await using cluster = await Cluster.start(counter)
    const leader = await warm(cluster)
    const away = cluster.followers()[0] as string
    cluster.network.partition(
      [away],
      cluster.ids.filter((id) => id !== away),
    )
    const moved = caught(cluster.run(cluster.node(leader).transferLeadership({ to: away })))
    const write = cluster.node(leader).propose({ id: 'meanwhile', by: 1 })
    const error = await moved
    expect(error).toBeInstanceOf(TransferFailedError)
    expect(error).toMatchObject({ code: 'DSYS_RAFT_TRANSFER_FAILED', retryable: true })
    expect(await cluster.run(write)).toBe(4)
    expect(cluster.leader()).toBe(leader)
  })

  test('is refused at once where it makes no sense', async () => {
    await using cluster = await Cluster.start(counter)
    const leader = await warm(cluster)
    const follower = cluster.followers()[0] as string
    await expect(cluster.node(follower).transferLeadership({ to: leader })).rejects.toBeInstanceOf(TransferFailedError)
    await expect(cluster.node(leader).transferLeadership({ to: leader })).rejects.toBeInstanceOf(TransferFailedError)
    await expect(cluster.node(leader).transferLeadership({ to: 'n9' })).rejects.toBeInstanceOf(TransferFailedError)
    await expect(
      cluster.node(leader).transferLeadership({ signal: AbortSignal.abort(new Error('no')) }),
    ).rejects.toThrow('no')
    expect(await cluster.run(cluster.node(leader).propose({ id: 'x', by: 1 }))).toBe(4)
    expect(cluster.leader()).toBe(leader)
  })
})

describe('a transport that was stopped before the node', () => {
  test('loses frames and fails nothing: the node steps down, and stops as usual', async () => {
    await using cluster = await Cluster.start(counter)
    const leader = await warm(cluster)
    const { transport } = cluster.life(leader)
    await cluster.run(transport.stop())
    const lost = caught(cluster.node(leader).propose({ id: 'lost', by: 1 }, { timeoutMs: 3_000 }))
    await cluster.advance(4_000)
    expect(await lost).toMatchObject({ code: 'DSYS_RAFT_OUTCOME_UNKNOWN' })
    expect(cluster.node(leader).status().role).not.toBe('leader')
    await cluster.run(cluster.node(leader).stop())
  })
})

describe('stop', () => {
  test('of a leader hands over first, and no call under way fails', async () => {
    await using cluster = await Cluster.start(counter, { network: { link: { minDelayMs: 2 } } })
    const leader = await warm(cluster)
    const calls = Array.from({ length: 20 }, (_, i) => cluster.node(leader).propose({ id: `${i}`, by: 1 }))
    const others = cluster.followers().map((id) => cluster.node(id).propose({ id, by: 1 }))
    const reads = cluster.ids.map((id) => cluster.node(id).read(total))
    const begunMs = cluster.clock.monotonicMs()
    await cluster.run(cluster.node(leader).stop())
    expect(cluster.clock.monotonicMs() - begunMs).toBeLessThan(300)
    await cluster.run(Promise.all([...calls, ...others, ...reads]))
    const next = cluster.leader()
    expect(next).not.toBe(leader)
    expect(cluster.node(leader).status()).toMatchObject({ role: 'follower', leader: next })
  })

  test('tells those that cannot be finished what became of them, and ends in bounded time', async () => {
    await using cluster = await Cluster.start(counter)
    const leader = await warm(cluster)
    for (const id of cluster.followers()) cluster.crash(id)
    const handed = caught(cluster.node(leader).propose({ id: 'handed', by: 1 }, { timeoutMs: 60_000 }))
    await cluster.advance(10)
    const read = caught(cluster.node(leader).read(total, { timeoutMs: 60_000 }))
    const stopped = cluster.node(leader).stop()
    const late = caught(cluster.node(leader).propose({ id: 'late', by: 1 }))
    expect(await late).toBeInstanceOf(NotRunningError)
    await cluster.run(stopped, 4_000)
    expect(await handed).toMatchObject({ code: 'DSYS_RAFT_OUTCOME_UNKNOWN' })
    expect(await read).toMatchObject({ code: 'DSYS_NOT_RUNNING', outcome: 'not-applied' })
  })

  test('waits for a change of the members that its caller waits for, and says what is not known of one that cannot be done', async () => {
    const ids = ['n1', 'n2', 'n3', 'n4']
    await using cluster = new Cluster(counter, {
      ids,
      initial: ids.slice(0, 3),
      network: { link: { minDelayMs: 2, maxDelayMs: 2 } },
    })
    for (const id of ids) await cluster.start(id)
    await cluster.waitFor('a leader', () => cluster.leader() !== undefined)
    await cluster.run(cluster.node('n1').propose({ id: 'first', by: 1 }))
    const [first, second] = cluster.followers().filter((id) => id !== 'n4') as [string, string]
    const members = { voters: ids.slice(0, 3), learners: ['n4'] }
    const done = cluster.node(first).reconfigure(members)
    await Promise.all([cluster.stop(first), expect(done).resolves.toEqual(members)])
    // n9 never comes.
    const never = caught(cluster.node(second).reconfigure({ voters: [...members.voters, 'n9'] }))
    await cluster.waitFor('its beginning', () => cluster.node(second).status().change !== undefined)
    await cluster.stop(second)
    expect(await never).toMatchObject({ code: 'DSYS_RAFT_OUTCOME_UNKNOWN' })
  })

  test('ends a transfer that is under way', async () => {
    await using cluster = await Cluster.start(counter)
    const leader = await warm(cluster)
    for (const id of cluster.followers()) cluster.crash(id)
    const moved = caught(
      cluster
        .node(leader)
        .transferLeadership({ to: cluster.ids.find((id) => id !== leader) as string, timeoutMs: 3_600_000 }),
    )
    await cluster.run(cluster.node(leader).stop())
    expect(await cluster.run(moved, 100)).toBeInstanceOf(Error)
    // Nothing of the node is left on the clock.
    expect(cluster.clock.pending).toBe(0)
  })

  test('is joined by a second stop and by dispose, and is legal in every state', async () => {
    await using cluster = new Cluster(counter)
    const { raft: unused } = await cluster.prepare('n1')
    await unused.stop()
    await unused[Symbol.asyncDispose]()
    await expect(unused.start()).rejects.toBeInstanceOf(NotRunningError)

    const { raft: starting } = await cluster.prepare('n2')
    const started = caught(starting.start())
    await starting.stop()
    expect(await started).toBeInstanceOf(NotRunningError)

    const running = await cluster.start('n3')
    const stops = [running.stop(), running.stop(), running[Symbol.asyncDispose]()]
    await cluster.run(Promise.all(stops))
    await running.stop()
  })

  test('leaves no timer behind, and the group can be opened again on the same storage', async () => {
    await using cluster = await Cluster.start(counter, { size: 1 })
    const { raft, storage } = cluster.life('n1')
    await cluster.run(raft.propose({ id: 'x', by: 1 }))
    await cluster.run(raft.stop())
    expect(cluster.clock.pending).toBe(0)
    const log = await storage.openGroup('test')
    expect(log.recovered.entries.length).toBeGreaterThan(0)
    await log[Symbol.asyncDispose]()
  })
})

describe('start', () => {
  test('is cancelled by its signal, and gives the log back', async () => {
    await using cluster = new Cluster(counter)
    const { raft, storage } = await cluster.prepare('n1')
    await expect(raft.start({ signal: AbortSignal.abort(new Error('never mind')) })).rejects.toThrow('never mind')
    const { raft: second, storage: other } = await cluster.prepare('n2')
    const controller = new AbortController()
    const started = second.start({ signal: controller.signal })
    controller.abort(new Error('too late'))
    await expect(started).rejects.toThrow('too late')
    for (const each of [storage, other]) await (await each.openGroup('test'))[Symbol.asyncDispose]()
    expect(cluster.clock.pending).toBe(0)
  })

  test('twice joins the first; the signal of a start that succeeded is forgotten', async () => {
    await using cluster = new Cluster(counter, { size: 1 })
    const { raft } = await cluster.prepare('n1')
    const controller = new AbortController()
    await Promise.all([raft.start({ signal: controller.signal }), raft.start()])
    controller.abort()
    expect(await cluster.run(raft.propose({ id: 'x', by: 1 }))).toBe(1)
  })

  test('refuses an id that is not that of the transport', async () => {
    await using cluster = new Cluster(counter, { raft: { id: 'n2' } })
    await expect(cluster.prepare('n1')).rejects.toThrow(RangeError)
  })
})

describe('a node that cannot go on safely', () => {
  async function expectFailed(cluster: Cluster<CounterState, Add, number>, id: string, cause: unknown): Promise<void> {
    const { raft, events } = cluster.life(id)
    await cluster.waitFor('the failure', () => events.at(-1)?.type === 'Failed')
    for (const call of [
      raft.propose({ id: 'after', by: 1 }),
      raft.read(total),
      raft.read(total, { consistency: 'stale' }),
      raft.transferLeadership(),
    ]) {
      const error = await caught(call)
      expect(error).toBeInstanceOf(RaftFailedError)
      expect((error as RaftFailedError).cause).toEqual(cause)
    }
    const failures = cluster.logged.filter(({ level, fields }) => level === 'error' && fields.node === id)
    expect(failures).toHaveLength(1)
    expect(raft.status()).toMatchObject({ role: 'follower', leader: undefined })
  }

  test('stops itself when its storage fails: every caller learns of it, and nothing is acknowledged any more', async () => {
    const broken = new Set<string>()
    const sync = async (id: string): Promise<void> => {
      if (broken.has(id)) throw new Error('the disk is gone')
    }
    await using cluster = await Cluster.start(counter, { sync })
    const leader = await warm(cluster)
    broken.add(leader)
    const writes = [1, 2, 3].map((i) => caught(cluster.node(leader).propose({ id: `w${i}`, by: 1 })))
    const read = caught(cluster.node(leader).read(total))
    for (const error of await cluster.run(Promise.all([...writes, read])))
      expect(error).toMatchObject({ code: 'DSYS_RAFT_FAILED', outcome: 'unknown' })
    await expectFailed(cluster, leader, expect.any(StorageFailedError))
    // The others go on without it.
    await cluster.run(
      cluster.node(cluster.followers().find((id) => id !== leader) as string).propose({ id: 'on', by: 1 }),
    )
    await cluster.run(cluster.node(leader).stop())
  })

  test('a follower with a broken disk acknowledges nothing to its leader', async () => {
    const broken = new Set<string>()
    const sync = async (id: string): Promise<void> => {
      if (broken.has(id)) throw new Error('the disk is gone')
    }
    await using cluster = await Cluster.start(counter, { sync })
    const leader = await warm(cluster)
    const [bad, away] = cluster.followers() as [string, string]
    broken.add(bad)
    cluster.crash(away)
    const write = caught(cluster.run(cluster.node(leader).propose({ id: 'w', by: 1 }, { timeoutMs: 2_000 })))
    expect(await write).toMatchObject({ code: 'DSYS_RAFT_OUTCOME_UNKNOWN' })
    await expectFailed(cluster, bad, expect.any(StorageFailedError))
  })

  test('tells a transfer and a stop that wait, at once', async () => {
    let slow = false
    let breakDisk = (): void => undefined
    const sync = async (): Promise<void> => {
      if (slow) await new Promise<void>((_, reject) => (breakDisk = () => reject(new Error('the disk is gone'))))
    }
    await using cluster = await Cluster.start(counter, { sync })
    const leader = await warm(cluster)
    for (const id of cluster.followers()) cluster.crash(id)
    const target = cluster.ids.find((id) => id !== leader) as string
    slow = true
    void caught(cluster.node(leader).propose({ id: 'w', by: 1 }))
    await cluster.advance(1)
    const moved = caught(cluster.node(leader).transferLeadership({ to: target, timeoutMs: 60_000 }))
    const stopped = cluster.node(leader).stop()
    await cluster.advance(1)
    breakDisk()
    expect(await cluster.run(moved, 100)).toBeInstanceOf(RaftFailedError)
    await cluster.run(stopped, 100)
  })

  test('tells those who begin to listen when it has failed already', async () => {
    const broken = new Set<string>()
    const sync = async (id: string): Promise<void> => {
      if (broken.has(id)) throw new Error('the disk is gone')
    }
    await using cluster = new Cluster(counter, { size: 1, sync })
    const { raft } = await cluster.prepare('n1')
    broken.add('n1')
    await raft.start()
    await cluster.advance(1_000)
    const stream = raft.events()
    await cluster.run(raft.stop())
    const types: string[] = []
    for await (const event of stream) types.push(event.type)
    expect(types).toEqual(['RoleChanged', 'LeaderChanged', 'Failed'])
  })

  test('stops itself when the state machine throws, on every node that applies the command', async () => {
    const poisoned: StateMachine<CounterState, Add, number> = {
      ...counter,
      apply: (state, command, context) => {
        if (command.id === 'poison') throw new Error('from the machine')
        return counter.apply(state, command, context)
      },
    }
    await using cluster = await Cluster.start(poisoned)
    const leader = await warm(cluster)
    const write = caught(cluster.run(cluster.node(leader).propose({ id: 'poison', by: 1 })))
    expect(await write).toMatchObject({ code: 'DSYS_RAFT_FAILED', outcome: 'unknown' })
    await expectFailed(cluster, leader, expect.objectContaining({ message: 'from the machine' }))
    const raft = cluster.node(leader) as RaftNode<CounterState, Add, number>
    await cluster.run(raft.stop(), 100)
  })
})
