import {
  CommandTooLargeError,
  NoLeaderError,
  OutcomeUnknownError,
  OverloadedError,
  RaftNode,
  ReadTimeoutError,
} from '@dsys/raft'
import { NotRunningError } from '@dsys/runtime'
import { describe, expect, test } from 'vitest'
import { Cluster } from './support/cluster.ts'
import { type Add, type CounterState, counter } from './support/machines.ts'
import { failsOnlyWith } from './support/open-outcomes.ts'

type Counters = Cluster<CounterState, Add, number>

const total = (state: CounterState): number => state.total

/** A cluster whose leader is known everywhere and whose nodes have opened their sessions. */
async function warm(cluster: Counters): Promise<string> {
  const leader = await cluster.elected()
  for (const id of cluster.ids) await cluster.run(cluster.node(id).propose({ id: `warm ${id}`, by: 1 }))
  await cluster.converged()
  return leader
}

describe('a call that succeeds', () => {
  test('the first write of a fresh group is taken before there is a leader, and every node serves it', async () => {
    await using cluster = await Cluster.start(counter)
    expect(cluster.leader()).toBeUndefined()
    expect(await cluster.run(cluster.node('n1').propose({ id: 'a', by: 5 }))).toBe(5)
    for (const id of cluster.ids) expect(await cluster.run(cluster.node(id).read(total))).toBe(5)
  })

  test('a write through each node is read at once through the others', async () => {
    await using cluster = await Cluster.start(counter, { size: 5, seed: 2 })
    let expected = 0
    for (const writer of cluster.ids) {
      expected += 1
      expect(await cluster.run(cluster.node(writer).propose({ id: writer, by: 1 }))).toBe(expected)
      for (const id of cluster.ids) expect(await cluster.run(cluster.node(id).read(total))).toBe(expected)
    }
  })

  test('a group of one commits by itself, without waiting for an election timeout', async () => {
    await using cluster = await Cluster.start(counter, { size: 1 })
    expect(await cluster.run(cluster.node('n1').propose({ id: 'a', by: 2 }))).toBe(2)
    expect(await cluster.run(cluster.node('n1').read(total))).toBe(2)
    expect(cluster.clock.monotonicMs()).toBeLessThan(100)
    cluster.crash('n1')
    await cluster.start('n1')
    expect(await cluster.run(cluster.node('n1').read(total))).toBe(2)
  })

  test('a write at a follower is answered within the rounds it takes, not at the next heartbeat', async () => {
    const raft = { heartbeatIntervalMs: 300 }
    await using cluster = await Cluster.start(counter, { raft, network: { link: { minDelayMs: 1 } } })
    await warm(cluster)
    const follower = cluster.followers()[0] as string
    const begunMs = cluster.clock.monotonicMs()
    await cluster.run(cluster.node(follower).propose({ id: 'a', by: 1 }))
    // There and back twice: follower to leader, leader to followers and back, and the notice of the commit.
    expect(cluster.clock.monotonicMs() - begunMs).toBeLessThanOrEqual(10)
    const readMs = cluster.clock.monotonicMs()
    await cluster.run(cluster.node(follower).read(total))
    expect(cluster.clock.monotonicMs() - readMs).toBeLessThanOrEqual(10)
  })

  test('a stale read answers at once with what is applied here, also without a leader', async () => {
    await using cluster = await Cluster.start(counter)
    await warm(cluster)
    cluster.network.partition(['n1'], ['n2', 'n3'])
    await cluster.advance(5_000)
    expect(await cluster.node('n1').read(total, { consistency: 'stale' })).toBe(3)
  })

  test('a query that throws rejects its own read and harms nothing', async () => {
    await using cluster = await Cluster.start(counter)
    await warm(cluster)
    const good = cluster.node('n1').read(total)
    const bad = cluster.node('n1').read(() => {
      throw new Error('from the query')
    })
    bad.catch(() => undefined)
    expect(await cluster.run(good)).toBe(3)
    await expect(bad).rejects.toThrow('from the query')
    await expect(
      cluster.node('n1').read(
        () => {
          throw new Error('stale too')
        },
        { consistency: 'stale' },
      ),
    ).rejects.toThrow('stale too')
  })
})

describe('a call that fails says what became of it', () => {
  test('no leader before the deadline: not applied, and never later', async () => {
    await using cluster = new Cluster(counter)
    const alone = await cluster.start('n1')
    const write = cluster.run(alone.propose({ id: 'lost', by: 1 }, { timeoutMs: 700 }))
    await expect(write).rejects.toBeInstanceOf(NoLeaderError)
    await expect(write).rejects.toMatchObject({ code: 'DSYS_RAFT_NO_LEADER', outcome: 'not-applied', retryable: true })
    await expect(cluster.run(alone.read(total, { timeoutMs: 700 }))).rejects.toBeInstanceOf(NoLeaderError)
    await cluster.start('n2')
    await cluster.start('n3')
    await cluster.run(alone.propose({ id: 'kept', by: 1 }))
    expect(await cluster.run(alone.read((state) => [...state.applied]))).toEqual(['kept'])
  })

  test('no leader is named as the reason also by a node that once had one', async () => {
    await using cluster = await Cluster.start(counter)
    await warm(cluster)
    await cluster.run(cluster.node('n1').read(total))
    cluster.crash('n2')
    cluster.crash('n3')
    await cluster.waitFor('the loss of the leader', () => cluster.node('n1').status().leader === undefined)
    const read = cluster.run(cluster.node('n1').read(total, { timeoutMs: 300 }))
    await expect(read).rejects.toBeInstanceOf(NoLeaderError)
    const write = cluster.run(cluster.node('n1').propose({ id: 'x', by: 1 }, { timeoutMs: 300 }))
    await expect(write).rejects.toBeInstanceOf(NoLeaderError)
  })

  test('the deadline passes after the hand-over: unknown, and a read: not confirmed (P-47)', async () => {
    await using cluster = await Cluster.start(counter)
    const leader = await warm(cluster)
    cluster.filter = (from, _to, message) => from !== leader || message.type !== 'append-request'
    const write = cluster.run(cluster.node(leader).propose({ id: 'slow', by: 1 }, { timeoutMs: 200 }))
    await expect(write).rejects.toBeInstanceOf(OutcomeUnknownError)
    await expect(write).rejects.toMatchObject({
      code: 'DSYS_RAFT_OUTCOME_UNKNOWN',
      outcome: 'unknown',
      retryable: false,
    })
    cluster.filter = undefined
    await cluster.converged()
    // It was on its way after all.
    expect((await cluster.state(leader)).applied).toContain('slow')

    cluster.network.partition([leader], cluster.followers())
    const read = cluster.run(cluster.node(leader).read(total, { timeoutMs: 300 }))
    await expect(read).rejects.toBeInstanceOf(ReadTimeoutError)
    await expect(read).rejects.toMatchObject({ code: 'DSYS_RAFT_READ_TIMEOUT', outcome: 'not-applied' })
  })

  test('an aborted signal rejects with its reason, at once', async () => {
    await using cluster = await Cluster.start(counter)
    const aborted = AbortSignal.abort(new Error('before'))
    await expect(cluster.node('n1').propose({ id: 'x', by: 1 }, { signal: aborted })).rejects.toThrow('before')
    await expect(cluster.node('n1').read(total, { signal: aborted })).rejects.toThrow('before')
    const controller = new AbortController()
    const write = cluster.node('n1').propose({ id: 'y', by: 1 }, { signal: controller.signal })
    const read = cluster.node('n1').read(total, { signal: controller.signal })
    controller.abort(new Error('meanwhile'))
    await expect(write).rejects.toThrow('meanwhile')
    await expect(read).rejects.toThrow('meanwhile')
    await warm(cluster)
    // Neither had been handed to anybody, so neither is applied.
    expect((await cluster.state('n1')).applied).toEqual(cluster.ids.map((id) => `warm ${id}`))
  })

  test('more than may wait is refused, and room comes back with the deadlines, whoever waits longer', async () => {
    await using cluster = new Cluster(counter, { raft: { maxPending: 4 } })
    const node = await cluster.start('n1')
    const refused: unknown[] = []
    const propose = (id: string, timeoutMs: number): Promise<unknown> =>
      node.propose({ id, by: 1 }, { timeoutMs }).catch((error: unknown) => refused.push(error))
    void propose('patient', 3_600_000)
    for (let i = 0; i < 3; i++) void propose(`short ${i}`, 500)
    await expect(node.propose({ id: 'one too many', by: 1 })).rejects.toBeInstanceOf(OverloadedError)
    const reads = Array.from({ length: 4 }, () =>
      node.read(total, { timeoutMs: 500 }).catch(failsOnlyWith('DSYS_RAFT_NO_LEADER')),
    )
    await expect(node.read(total)).rejects.toMatchObject({ code: 'DSYS_RAFT_OVERLOADED', outcome: 'not-applied' })
    await cluster.advance(2_000)
    await Promise.all(reads)
    expect(refused).toHaveLength(3)
    // The patient one still waits; those that gave up take no room.
    for (let i = 0; i < 3; i++) void propose(`later ${i}`, 500)
    await expect(node.propose({ id: 'again too many', by: 1 })).rejects.toBeInstanceOf(OverloadedError)
    await cluster.advance(2_000)
    expect(refused).toHaveLength(6)
    expect(refused.every((error) => error instanceof NoLeaderError)).toBe(true)
    await expect(cluster.run(node.read(total, { timeoutMs: 100 }))).rejects.toBeInstanceOf(NoLeaderError)
  })

  test('more bytes than may wait are refused, in one command or many, and room comes back with results and deadlines', async () => {
    const raft = { maxCommandBytes: 400, maxPendingBytes: 1_000 }
    await using cluster = await Cluster.start(counter, { raft })
    const leader = await warm(cluster)
    const node = cluster.node(leader)
    const client = await cluster.run(node.openClient())
    const sized = (bytes: number): Add => ({ id: 'x'.repeat(bytes - JSON.stringify({ id: '', by: 1 }).length), by: 1 })
    let sequence = 0
    const three = (timeoutMs: number): Promise<unknown>[] => [
      node.propose(sized(400), { timeoutMs }),
      node.propose(sized(300), { timeoutMs, client: { id: client, sequence: ++sequence } }),
      node.proposeAll([sized(92), sized(200)], { timeoutMs }),
    ]
    const refused = async (call: Promise<unknown>): Promise<void> => {
      await expect(call).rejects.toMatchObject({
        code: 'DSYS_RAFT_OVERLOADED',
        outcome: 'not-applied',
        retryable: true,
      })
      await expect(call).rejects.toThrow('proposals of 1000 bytes, of 1000 at the most, waiting')
    }
    for (let round = 0; round < 3; round++) {
      const taken = three(5_000)
      await refused(node.propose(sized(20)))
      await refused(node.proposeAll([sized(20)]))
      expect(node.explain().findings.map(({ code }) => code)).toContain('proposals-full')
      await cluster.run(Promise.all(taken))
    }
    cluster.network.partition([leader], cluster.followers())
    const given = three(300).map((call) => call.catch(({ code }: { code: string }) => code))
    await refused(node.propose(sized(20)))
    expect(await cluster.run(Promise.all(given))).toEqual(Array(3).fill('DSYS_RAFT_OUTCOME_UNKNOWN'))
    await cluster.advance(2_000)
    cluster.network.heal()
    await cluster.run(Promise.all(three(20_000)))
    expect(node.explain().findings).toEqual([])
  })

  test('a leader takes no more at once than it may hold uncommitted, and refuses the rest', async () => {
    await using cluster = await Cluster.start(counter, { size: 1, raft: { maxPendingBytes: 256 * 1_024 * 1_024 } })
    await warm(cluster)
    const raft = cluster.node('n1')
    const command = 'x'.repeat(500 * 1_024)
    const calls = Array.from({ length: 180 }, () =>
      raft.propose({ id: command, by: 1 }).catch((error: unknown) => error),
    )
    const answers = await cluster.run(Promise.all(calls))
    const refused = answers.filter((answer) => typeof answer !== 'number')
    expect(answers.length - refused.length).toBeLessThanOrEqual(64 * 2 + 8)
    expect(refused.length).toBeGreaterThan(0)
    for (const error of refused) expect(error).toMatchObject({ code: 'DSYS_RAFT_OVERLOADED', outcome: 'not-applied' })
    expect((await cluster.state('n1')).total).toBe(1 + answers.length - refused.length)
  })

  test('a command over the limit is refused before anything is done', async () => {
    await using cluster = await Cluster.start(counter, { raft: { maxCommandBytes: 100 } })
    const error = await cluster
      .node('n1')
      .propose({ id: 'x'.repeat(100), by: 1 })
      .catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(CommandTooLargeError)
    expect(error).toMatchObject({
      code: 'DSYS_RAFT_COMMAND_TOO_LARGE',
      outcome: 'not-applied',
      commandBytes: 116,
      maxCommandBytes: 100,
    })
    expect(await cluster.run(cluster.node('n1').propose({ id: 'x'.repeat(80), by: 1 }))).toBe(1)
  })

  test('a command of the largest size fits the frames of the transport, forwarded or not', async () => {
    await using cluster = await Cluster.start(counter, { network: { maxFrameBytes: 2_048 } })
    await warm(cluster)
    const tooLarge = await cluster
      .node('n1')
      .propose({ id: 'x'.repeat(3_000), by: 1 })
      .catch((caught: unknown) => caught)
    const { maxCommandBytes } = tooLarge as CommandTooLargeError
    const longest = 'x'.repeat(maxCommandBytes - JSON.stringify({ id: '', by: 1 }).length)
    for (const id of cluster.ids) await cluster.run(cluster.node(id).propose({ id: longest, by: 1 }))
    await cluster.converged()
    expect((await cluster.state('n3')).applied.filter((name) => name === longest)).toHaveLength(3)
  })

  test('misuse is a RangeError', async () => {
    await using cluster = await Cluster.start(counter, { size: 1 })
    const { raft } = cluster.life('n1')
    await expect(raft.propose({ id: 'x', by: 1 }, { timeoutMs: -1 })).rejects.toBeInstanceOf(RangeError)
    await expect(raft.read(total, { timeoutMs: Number.NaN })).rejects.toBeInstanceOf(RangeError)
    expect(await cluster.run(raft.propose({ id: 'y', by: 1 }))).toBe(1)
    expect(await cluster.run(raft.read(total))).toBe(1)
  })

  test('before start and after stop nothing is taken', async () => {
    await using cluster = new Cluster(counter, { size: 1 })
    const { raft } = await cluster.prepare('n1')
    expect(raft).toBeInstanceOf(RaftNode)
    await expect(raft.propose({ id: 'x', by: 1 })).rejects.toBeInstanceOf(NotRunningError)
    await expect(raft.read(total)).rejects.toBeInstanceOf(NotRunningError)
    await expect(raft.transferLeadership()).rejects.toBeInstanceOf(NotRunningError)
    expect(() => raft.status()).toThrow(NotRunningError)
    await raft.start()
    await cluster.run(raft.propose({ id: 'x', by: 1 }))
    await cluster.run(raft.stop())
    await expect(raft.propose({ id: 'x', by: 1 })).rejects.toBeInstanceOf(NotRunningError)
    await expect(raft.read(total, { consistency: 'stale' })).rejects.toBeInstanceOf(NotRunningError)
    expect(raft.status()).toMatchObject({ lastApplied: 4, role: 'leader', snapshotIndex: 0 })
    await expect(raft.start()).rejects.toBeInstanceOf(NotRunningError)
  })
})
