import { type ReadOptions, ReadTimeoutError } from '@dsys/raft'
import { describe, expect, test } from 'vitest'
import { Cluster } from './support/cluster.ts'
import { type Add, type CounterState, counter } from './support/machines.ts'

type Counters = Cluster<CounterState, Add, number>

const total = (state: CounterState): number => state.total

async function add(cluster: Counters, id: string, name: string): Promise<number> {
  return cluster.run(cluster.node(id).propose({ id: name, by: 1 }))
}

describe('a linearizable read', () => {
  test('is never answered by a deposed leader that does not know it', async () => {
    await using cluster = await Cluster.start(counter)
    const old = await cluster.elected()
    await add(cluster, old, 'before')
    await cluster.converged()
    const others = cluster.followers()
    cluster.network.partition([old], others)
    // Still within the time in which the old one believes in itself.
    const read = cluster.node(old).read(total, { timeoutMs: 400 })
    await expect(cluster.run(read)).rejects.toBeInstanceOf(ReadTimeoutError)
    const patient = cluster.node(old).read(total, { timeoutMs: 60_000 })
    await cluster.waitFor('a new leader', () => others.includes(cluster.leader() as string))
    await add(cluster, cluster.leader() as string, 'after')
    cluster.network.heal()
    expect(await cluster.run(patient)).toBe(2)
  })

  test('sees the writes that this node was told of, at a follower too', async () => {
    await using cluster = await Cluster.start(counter, {
      seed: 3,
      network: { link: { minDelayMs: 1, maxDelayMs: 40, reorderRate: 0.2 } },
    })
    const leader = await cluster.elected()
    for (let i = 0; i < 10; i++) {
      const writer = i % 2 === 0 ? leader : (cluster.followers()[0] as string)
      const written = await add(cluster, writer, `w${i}`)
      for (const id of cluster.ids)
        expect(await cluster.run(cluster.node(id).read(total))).toBeGreaterThanOrEqual(written)
    }
  })

  test('is what a follower read is, under both of its names: no follower answers from what it has alone', async () => {
    await using cluster = await Cluster.start(counter)
    const leader = await cluster.elected()
    await add(cluster, leader, 'first')
    await cluster.converged()
    const [reader = '', writer = ''] = cluster.followers()
    cluster.network.partition([reader], [leader, writer])
    await add(cluster, writer, 'second')
    for (const consistency of ['linearizable', 'follower'] as const) {
      const read = cluster.node(reader).read(total, { consistency, timeoutMs: 300 })
      await expect(cluster.run(read)).rejects.toBeInstanceOf(ReadTimeoutError)
      const patient = cluster.node(reader).read(total, { consistency, timeoutMs: 60_000 })
      cluster.network.heal()
      expect(await cluster.run(patient)).toBe(2)
      cluster.network.partition([reader], [leader, writer])
    }
  })

  test('goes on while leaders change, and never goes back', async () => {
    await using cluster = await Cluster.start(counter, { size: 5, seed: 4 })
    await cluster.elected()
    let acknowledged = 0
    for (let round = 0; round < 4; round++) {
      const leader = await cluster.elected()
      acknowledged = await add(cluster, leader, `r${round}`)
      const reader = cluster.followers()[round % 4] as string
      const reads = Array.from({ length: 5 }, () => cluster.node(reader).read(total, { timeoutMs: 20_000 }))
      cluster.crash(leader)
      for (const seen of await cluster.run(Promise.all(reads))) expect(seen).toBeGreaterThanOrEqual(acknowledged)
      await cluster.start(leader)
    }
  })

  test('waits for the first commit of a new term: what the old leader acknowledged is seen', async () => {
    await using cluster = await Cluster.start(counter)
    const old = await cluster.elected()
    await add(cluster, old, 'warm')
    await cluster.converged()
    // The followers get the entry, but never learn that it is committed.
    cluster.filter = (from, _to, message) =>
      from !== old || (message.type !== 'commit-notice' && message.type !== 'heartbeat-request')
    await add(cluster, old, 'acknowledged')
    cluster.crash(old)
    cluster.filter = undefined
    const successor = await cluster.elected()
    expect(await cluster.run(cluster.node(successor).read(total))).toBe(2)
  })

  test('is not answered by a confirmation that was meant for an earlier life of the node', async () => {
    await using cluster = await Cluster.start(counter)
    const leader = await cluster.elected()
    const reader = cluster.followers()[0] as string
    await add(cluster, leader, 'first')
    await cluster.converged()
    // The answer to the reader's question is under way for long...
    cluster.filter = (from, to, message) => {
      if (from === leader && to === reader && message.type === 'read-index-response')
        cluster.network.setLink({ minDelayMs: 3_000 })
      return true
    }
    const askedMs = cluster.clock.monotonicMs()
    void cluster.node(reader).read(total, { timeoutMs: 1_000 })
    await cluster.advance(1)
    cluster.filter = undefined
    cluster.network.setLink(undefined)
    // ... while the reader is born anew, and others write.
    cluster.crash(reader)
    await cluster.start(reader)
    await add(cluster, leader, 'second')
    await cluster.converged()
    await cluster.advance(2_600 - cluster.clock.monotonicMs() + askedMs)
    cluster.filter = (_from, _to, message) => !message.type.startsWith('read-index')
    let served = false
    const read = cluster.node(reader).read(total, { timeoutMs: 10_000 })
    void read.then(() => {
      served = true
    })
    // The old answer arrives while the new question is open, and must not be taken for its answer.
    await cluster.advance(800)
    expect(served).toBe(false)
    cluster.filter = undefined
    expect(await cluster.run(read)).toBe(2)
  })

  test('many share a round', async () => {
    await using cluster = await Cluster.start(counter)
    const leader = await cluster.elected()
    await add(cluster, leader, 'x')
    let questions = 0
    let heartbeats = 0
    cluster.filter = (_from, _to, message) => {
      if (message.type === 'read-index-request') questions++
      if (message.type === 'heartbeat-request') heartbeats++
      return true
    }
    const reader = cluster.followers()[0] as string
    const begunMs = cluster.clock.monotonicMs()
    await cluster.run(Promise.all(Array.from({ length: 1_000 }, () => cluster.node(reader).read(total))))
    expect(cluster.clock.monotonicMs() - begunMs).toBeLessThan(50)
    expect(questions).toBe(1)
    expect(heartbeats).toBeLessThanOrEqual(4)
  })
})

test('a read on a follower waits until the follower has applied what was committed when it came', async () => {
  await using cluster = await Cluster.start(counter)
  const leader = await cluster.elected()
  const follower = cluster.followers()[0] as string
  await cluster.run(cluster.node(follower).propose({ id: 'old', by: 1 }))
  cluster.filter = (_from, to, { type }) => to !== follower || type !== 'append-request'
  await cluster.run(cluster.node(leader).propose({ id: 'new', by: 1 }))
  let seen: number | undefined
  const read = cluster
    .node(follower)
    .read((state) => state.total, { timeoutMs: 60_000 })
    .then((total) => {
      seen = total
    })
  await cluster.advance(100)
  expect(seen).toBeUndefined()
  cluster.filter = undefined
  await cluster.run(read)
  expect(seen).toBe(2)
})

describe('a read by the lease of the leader', () => {
  const leases = { leaseClockDrift: 0.01 }

  /** A leader whose lease has just been renewed, and what it would take to renew it again is kept back. */
  async function cutOff(raft: { readonly leaseClockDrift?: number }): Promise<{ cluster: Counters; leader: string }> {
    const cluster = await Cluster.start(counter, { raft })
    const leader = await cluster.elected()
    await add(cluster, leader, 'before')
    await cluster.advance(500)
    cluster.network.partition([leader], cluster.followers())
    return { cluster, leader }
  }

  test('asks nobody while the lease lasts, and a quorum after', async () => {
    const { cluster: started, leader } = await cutOff(leases)
    await using cluster = started
    const node = cluster.node(leader)
    const cutMs = cluster.clock.monotonicMs()
    expect(await cluster.run(node.read(total, { consistency: 'lease' }))).toBe(1)
    await cluster.advance(700)
    expect(await cluster.run(node.read(total, { consistency: 'lease', timeoutMs: 100 }))).toBe(1)
    await expect(cluster.run(node.read(total, { timeoutMs: 100 }))).rejects.toBeInstanceOf(ReadTimeoutError)
    // The last round that was answered left before the cut: the lease ends an election timeout after it at the latest.
    await cluster.advance(1_000 - (cluster.clock.monotonicMs() - cutMs))
    const late = node.read(total, { consistency: 'lease', timeoutMs: 60_000 })
    await cluster.waitFor('a new leader', () => cluster.leader() !== leader && cluster.leader() !== undefined)
    await add(cluster, cluster.leader() as string, 'after')
    cluster.network.heal()
    expect(await cluster.run(late)).toBe(2)
  })

  test('does not wait behind linearizable ones, however many come', async () => {
    const link = { minDelayMs: 10, maxDelayMs: 10 }
    await using cluster = await Cluster.start(counter, { raft: leases, network: { link } })
    const node = cluster.node(await cluster.elected())
    await add(cluster, node.status().id, 'before')
    const others: Promise<number>[] = []
    const answers: number[] = []
    for (let i = 0; i < 200; i++) {
      others.push(node.read(total))
      if (i === 100) void node.read(total, { consistency: 'lease' }).then((value) => answers.push(value))
      await cluster.advance(1)
    }
    expect(answers).toEqual([1])
    await cluster.run(Promise.all(others))
  })

  test('is a linearizable one where there are no leases', async () => {
    const { cluster: started, leader } = await cutOff({})
    await using cluster = started
    const read = cluster.node(leader).read(total, { consistency: 'lease', timeoutMs: 100 })
    await expect(cluster.run(read)).rejects.toBeInstanceOf(ReadTimeoutError)
    cluster.network.heal()
    expect(await cluster.run(cluster.node(leader).read(total, { consistency: 'lease' }))).toBe(1)
  })

  test('at a follower costs a question to the leader, and no round', async () => {
    await using cluster = await Cluster.start(counter, { raft: leases })
    const leader = await cluster.elected()
    await add(cluster, leader, 'before')
    await cluster.advance(500)
    const reader = cluster.followers()[0] as string
    // The next heartbeats of the leader are kept back, so no round can be confirmed.
    const sent: string[] = []
    cluster.filter = (_from, _to, { type }) => {
      sent.push(type)
      return type !== 'heartbeat-request'
    }
    expect(await cluster.run(cluster.node(reader).read(total, { consistency: 'lease' }))).toBe(1)
    expect(sent.filter((type) => type === 'read-lease-request')).toHaveLength(1)
    await expect(cluster.run(cluster.node(reader).read(total, { timeoutMs: 50 }))).rejects.toBeInstanceOf(
      ReadTimeoutError,
    )
  })
})

describe('a bounded read', () => {
  test('is served at once from what was confirmed within the bound, and asks the leader otherwise', async () => {
    await using cluster = await Cluster.start(counter)
    const leader = await cluster.elected()
    await add(cluster, leader, 'before')
    await cluster.converged()
    const reader = cluster.followers()[0] as string
    const bounded = (maxStalenessMs: number): Promise<number> =>
      cluster.node(reader).read(total, { consistency: 'bounded', maxStalenessMs, timeoutMs: 100 })
    let asked = 0
    cluster.filter = (_from, _to, { type }) => {
      if (type === 'read-index-request') asked++
      return true
    }
    expect(await cluster.run(bounded(500))).toBe(1)
    expect(asked).toBe(1)
    const askedMs = cluster.clock.monotonicMs()
    // From here on the reader hears of nothing.
    cluster.network.partition([reader], [leader, ...cluster.followers().filter((id) => id !== reader)])
    await add(cluster, leader, 'unseen')
    expect(await cluster.run(bounded(500))).toBe(1)
    await cluster.advance(400 - (cluster.clock.monotonicMs() - askedMs))
    expect(await cluster.run(bounded(500))).toBe(1)
    expect(asked).toBe(1)
    await expect(cluster.run(bounded(300))).rejects.toBeInstanceOf(ReadTimeoutError)
    await expect(cluster.run(bounded(0))).rejects.toBeInstanceOf(ReadTimeoutError)
    await cluster.advance(100)
    await expect(cluster.run(bounded(500))).rejects.toBeInstanceOf(ReadTimeoutError)
    cluster.network.heal()
    expect(await cluster.run(cluster.node(reader).read(total, { consistency: 'bounded', maxStalenessMs: 500 }))).toBe(2)
  })

  test('counts from the question, not from its answer', async () => {
    await using cluster = await Cluster.start(counter, { network: { link: { minDelayMs: 100, maxDelayMs: 100 } } })
    const leader = await cluster.elected()
    await add(cluster, leader, 'before')
    await cluster.converged()
    const reader = cluster.followers()[0] as string
    const calledMs = cluster.clock.monotonicMs()
    await cluster.run(cluster.node(reader).read(total))
    const tookMs = cluster.clock.monotonicMs() - calledMs
    expect(tookMs).toBeGreaterThanOrEqual(400)
    cluster.network.partition([reader], [leader])
    const bounded = (maxStalenessMs: number): Promise<number> =>
      cluster.node(reader).read(total, { consistency: 'bounded', maxStalenessMs, timeoutMs: 50 })
    await expect(cluster.run(bounded(tookMs - 100))).rejects.toBeInstanceOf(ReadTimeoutError)
    expect(await cluster.run(bounded(tookMs + 200))).toBe(1)
  })

  test('refuses a bound that is none', async () => {
    await using cluster = await Cluster.start(counter, { size: 1 })
    await cluster.elected()
    for (const maxStalenessMs of [-1, Number.NaN]) {
      const read = cluster.node('n1').read(total, { consistency: 'bounded', maxStalenessMs })
      await expect(read).rejects.toBeInstanceOf(RangeError)
    }
    // @ts-expect-error A bounded read without a bound is not one.
    const without: ReadOptions = { consistency: 'bounded' }
    await expect(cluster.node('n1').read(total, without)).rejects.toThrow('0 or more, got undefined')
    expect(await cluster.run(cluster.node('n1').read(total, { consistency: 'bounded', maxStalenessMs: 0 }))).toBe(0)
  })

  test('is the only one with a bound: a stale read would not keep it', async () => {
    await using cluster = await Cluster.start(counter, { size: 1 })
    await cluster.elected()
    // @ts-expect-error It is linearizable, which is the default.
    const unnamed: ReadOptions = { maxStalenessMs: 100 }
    // @ts-expect-error A stale read is old without bound.
    const stale: ReadOptions = { consistency: 'stale', maxStalenessMs: 100 }
    for (const options of [unnamed, stale])
      await expect(cluster.node('n1').read(total, options)).rejects.toThrow('a bounded read alone, got 100')
  })
})
