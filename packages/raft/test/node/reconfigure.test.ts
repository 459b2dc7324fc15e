import {
  MembershipConflictError,
  NoLeaderError,
  type RaftEvent,
  type RaftOptions,
  ReconfigurationPendingError,
} from '@dsys/raft'
import { describe, expect, test } from 'vitest'
import { encodeFrame, type WireMessage } from '../../src/wire.ts'
import { Cluster } from './support/cluster.ts'
import { type Add, type CounterState, counter } from './support/machines.ts'

type Counters = Cluster<CounterState, Add, number>

const THREE = ['n1', 'n2', 'n3']
const FIVE = [...THREE, 'n4', 'n5']

/** A group of n1, n2 and n3 that has written once; n4 and n5 do not run yet. */
async function ofThree(raft: Partial<RaftOptions> = {}): Promise<{ cluster: Counters; leader: string }> {
  const cluster = new Cluster(counter, { ids: FIVE, initial: THREE, raft })
  for (const id of THREE) await cluster.start(id)
  const leader = await cluster.elected()
  await add(cluster, leader, 'first')
  return { cluster, leader }
}

async function add(cluster: Counters, at: string, name: string): Promise<number> {
  return cluster.run(cluster.node(at).propose({ id: name, by: 1 }))
}

/** Waits until the nodes `ids` see these voters, with nothing on its way. */
async function haveVoters(cluster: Counters, ids: readonly string[], voters: readonly string[]): Promise<void> {
  await cluster.waitFor(`voters ${voters.join(', ')}`, () =>
    ids.every((id) => {
      const { voters: seen, change } = cluster.node(id).status()
      return change === undefined && [...seen].sort().join() === [...voters].sort().join()
    }),
  )
}

const membersChanged = (events: readonly RaftEvent[]): RaftEvent[] =>
  events.filter(({ type }) => type === 'MembersChanged')

test('a group grows from three to five voters and shrinks to two others, and loses nothing', async () => {
  const { cluster: started } = await ofThree()
  await using cluster = started
  for (const id of ['n4', 'n5']) await cluster.start(id)
  const grown = await cluster.run(cluster.node('n2').reconfigure({ voters: FIVE }))
  expect(grown).toEqual({ voters: FIVE, learners: [] })
  expect(await add(cluster, 'n5', 'b')).toBe(2)
  const shrunk = await cluster.run(cluster.node('n4').reconfigure({ voters: ['n4', 'n5'], learners: ['n1'] }))
  expect(shrunk).toEqual({ voters: ['n4', 'n5'], learners: ['n1'] })
  await cluster.waitFor('a leader among the new', () => ['n4', 'n5'].includes(cluster.leader() ?? ''))
  expect(await add(cluster, 'n4', 'c')).toBe(3)
  expect(cluster.node('n4').status()).toMatchObject({ voters: ['n4', 'n5'], learners: ['n1'], change: undefined })
})

describe('a change', () => {
  test('can be asked for at a follower that is removed by it: it is told, and disturbs nobody after', async () => {
    const { cluster: started, leader } = await ofThree()
    await using cluster = started
    const [removed, kept] = THREE.filter((id) => id !== leader) as [string, string]
    const voters = [leader, kept]
    expect(await cluster.run(cluster.node(removed).reconfigure({ voters }))).toEqual({ voters, learners: [] })
    const { term } = cluster.node(leader).status()
    await cluster.advance(20_000)
    expect(cluster.node(leader).status()).toMatchObject({ role: 'leader', term })
    expect(
      cluster
        .node(leader)
        .status()
        .followers.map(({ id }) => id),
    ).toEqual([kept])
    expect(cluster.node(removed).status()).toMatchObject({ role: 'follower', leader: undefined, voters })
  })

  test('can be asked for at the leader that is removed by it: it hands over, and the others go on at once', async () => {
    const { cluster: started, leader } = await ofThree()
    await using cluster = started
    const voters = THREE.filter((id) => id !== leader)
    expect(await cluster.run(cluster.node(leader).reconfigure({ voters }))).toEqual({ voters, learners: [] })
    const removedMs = cluster.clock.monotonicMs()
    await cluster.waitFor('a leader among the others', () => voters.includes(cluster.leader() ?? ''))
    // Without a hand-over an election timeout of a second would pass.
    expect(cluster.clock.monotonicMs() - removedMs).toBeLessThan(500)
    await cluster.stop(leader)
    expect(await add(cluster, voters[0] as string, 'after')).toBe(2)
  })

  test('is refused when the group is not what is expected, and whoever is overtaken learns that', async () => {
    const { cluster: started } = await ofThree()
    await using cluster = started
    const wrong = { voters: ['n1', 'n2'], learners: [] }
    const refused = cluster.node('n2').reconfigure({ voters: ['n1', 'n3'] }, { expected: wrong })
    await expect(cluster.run(refused)).rejects.toBeInstanceOf(MembershipConflictError)
    expect(cluster.node('n2').status()).toMatchObject({ voters: THREE, change: undefined })
    // n4 does not run, so this cannot be done before the next takes its place.
    const overtaken = cluster.node('n1').reconfigure({ voters: [...THREE, 'n4'] })
    overtaken.catch(() => undefined)
    await cluster.waitFor('its beginning', () => cluster.node('n1').status().change !== undefined)
    await cluster.run(cluster.node('n3').reconfigure({ voters: THREE, learners: ['n5'] }))
    await expect(cluster.run(overtaken)).rejects.toBeInstanceOf(MembershipConflictError)
    const expected = { voters: ['n3', 'n2', 'n1'], learners: ['n5'] }
    await cluster.run(cluster.node('n2').reconfigure({ voters: THREE }, { expected }))
  })

  test('P-31: waits for a new voter that does not run, takes nothing away meanwhile, and goes on once it does', async () => {
    const { cluster: started, leader } = await ofThree()
    await using cluster = started
    const four = { voters: [...THREE, 'n4'] }
    const pending = cluster.node(leader).reconfigure(four, { timeoutMs: 2_000 })
    await expect(cluster.run(pending)).rejects.toBeInstanceOf(ReconfigurationPendingError)
    expect(cluster.node(leader).status()).toMatchObject({
      voters: THREE,
      learners: ['n4'],
      change: { phase: 'catching-up', voters: four.voters },
    })
    // Two of three still do; of four voters two would not.
    const lost = cluster.followers()[0] as string
    cluster.crash(lost)
    expect(await add(cluster, leader, 'meanwhile')).toBe(2)
    await cluster.start(lost)
    await cluster.start('n4')
    await haveVoters(cluster, four.voters, four.voters)
    const { lastIndex } = cluster.node(leader).status()
    await cluster.run(cluster.node('n4').reconfigure(four))
    expect(cluster.node(leader).status().lastIndex).toBe(lastIndex)
    expect(await add(cluster, 'n4', 'after')).toBe(3)
  })

  test('was not begun when no leader was there to ask', async () => {
    const { cluster: started, leader } = await ofThree()
    await using cluster = started
    for (const id of THREE.filter((each) => each !== leader)) cluster.crash(id)
    await cluster.waitFor('no leader', () => cluster.node(leader).status().leader === undefined)
    const call = cluster.node(leader).reconfigure({ voters: ['n1'] }, { timeoutMs: 500 })
    await expect(cluster.run(call)).rejects.toBeInstanceOf(NoLeaderError)
  })

  test('goes on under another leader, and is asked for again by whoever waits for it', async () => {
    const { cluster: started, leader } = await ofThree()
    await using cluster = started
    const [caller] = THREE.filter((id) => id !== leader) as [string]
    // What the leader appends for it reaches nobody.
    cluster.filter = (from, _to, message) => from !== leader || message.type !== 'append-request'
    const change = cluster.node(caller).reconfigure({ voters: [...THREE, 'n4'] })
    await cluster.start('n4')
    await cluster.waitFor('its beginning', () => cluster.node(leader).status().change !== undefined)
    cluster.crash(leader)
    cluster.filter = undefined
    expect(await cluster.run(change)).toMatchObject({ voters: [...THREE, 'n4'] })
    await cluster.start(leader)
    await haveVoters(cluster, [...THREE, 'n4'], [...THREE, 'n4'])
  })

  test('is seen to be done under another leader, also where that has less of the log than the one that took it first', async () => {
    const { cluster: started, leader } = await ofThree()
    await using cluster = started
    const [caller] = THREE.filter((id) => id !== leader) as [string]
    await cluster.advance(500)
    cluster.filter = (from, _to, message) => from !== leader || message.type !== 'append-request'
    for (let i = 0; i < 20; i++) void cluster.node(leader).propose({ id: `lost ${i}`, by: 1 })
    const change = cluster.node(caller).reconfigure({ voters: THREE, learners: ['n4'] })
    await cluster.waitFor('its beginning', () => cluster.node(leader).status().change !== undefined)
    await cluster.advance(50)
    cluster.crash(leader)
    cluster.filter = undefined
    // One entry does it, at an index far below the one that the first leader named.
    expect(await cluster.run(change)).toEqual({ voters: THREE, learners: ['n4'] })
    expect(cluster.node(caller).status().lastIndex).toBeLessThan(20)
  })

  test('tells each step in the status, and its end in one event, on every member', async () => {
    const { cluster: started, leader } = await ofThree()
    await using cluster = started
    for (const id of ['n4', 'n5']) await cluster.start(id)
    const target = [leader, 'n4', 'n5']
    const phase = (): string | undefined => cluster.node(leader).status().change?.phase
    // Both new voters keep silent about what they have, in one step after the other.
    let silentIn: string | undefined = 'catching-up'
    cluster.filter = (from, _to, { type }) =>
      type !== 'append-accepted' || !['n4', 'n5'].includes(from) || phase() !== silentIn
    const change = cluster.run(cluster.node(leader).reconfigure({ voters: target, learners: [] }))
    await cluster.waitFor('the first step', () => phase() === 'catching-up')
    await cluster.advance(500)
    expect(cluster.node(leader).status()).toMatchObject({
      voters: THREE,
      learners: ['n4', 'n5'],
      change: { phase: 'catching-up', voters: target },
    })
    silentIn = 'joint'
    await cluster.waitFor('the second step', () => phase() === 'joint')
    await cluster.advance(500)
    const joint = cluster.node(leader).status()
    expect(joint.change).toEqual({ phase: 'joint', voters: target })
    expect([...joint.voters].sort()).toEqual(FIVE)
    silentIn = 'committing'
    await cluster.waitFor('the third step', () => phase() === 'committing')
    await cluster.advance(500)
    expect(cluster.node(leader).status()).toMatchObject({
      voters: target,
      learners: [],
      change: { phase: 'committing', voters: target },
    })
    expect(membersChanged(cluster.life(leader).events)).toEqual([])
    cluster.filter = undefined
    await change
    await haveVoters(cluster, FIVE, target)
    await cluster.advance(500)
    const changed = membersChanged(cluster.life(leader).events)
    expect(changed).toMatchObject([{ type: 'MembersChanged', voters: target, learners: [] }])
    for (const id of FIVE) expect(membersChanged(cluster.life(id).events)).toEqual(changed)
  })

  test('is refused with a RangeError when it names no group', async () => {
    const { cluster: started } = await ofThree()
    await using cluster = started
    const node = cluster.node('n1')
    for (const target of [
      { voters: [] },
      { voters: [], learners: ['n1'] },
      { voters: ['n1', 'n1'] },
      { voters: ['n1'], learners: ['n1'] },
      { voters: ['n1', ''] },
      { voters: ['n1', 'n\ud800', 'n\ud801'] },
      { voters: ['n1'], learners: ['n'.repeat(129)] },
      { voters: [7 as unknown as string] },
      { voters: 'n1' as unknown as string[] },
      { voters: Array.from({ length: 1_000 }, (_, i) => `${i}`.padStart(128, 'n')) },
    ])
      await expect(node.reconfigure(target)).rejects.toBeInstanceOf(RangeError)
    expect(node.status()).toMatchObject({ voters: THREE, change: undefined })
  })
})

describe('learners', () => {
  test('have everything, answer and pass on, and count for nothing until they are voters', async () => {
    const { cluster: started, leader } = await ofThree()
    await using cluster = started
    for (const id of ['n4', 'n5']) await cluster.start(id)
    const members = { voters: THREE, learners: ['n4', 'n5'] }
    expect(await cluster.run(cluster.node('n1').reconfigure(members))).toEqual(members)
    expect(await add(cluster, 'n4', 'by a learner')).toBe(2)
    expect(await cluster.run(cluster.node('n5').read(({ total }) => total))).toBe(2)
    expect(cluster.node('n5').status()).toMatchObject({ role: 'follower', leader, ...members })
    // Three of five run, but one of three voters.
    for (const id of THREE.filter((each) => each !== leader)) cluster.crash(id)
    const lost = cluster.node(leader).propose({ id: 'lost', by: 1 }, { timeoutMs: 5_000 })
    await expect(cluster.run(lost)).rejects.toThrow()
    expect(cluster.leader()).toBeUndefined()
    await cluster.advance(10_000)
    expect(['n4', 'n5'].map((id) => cluster.node(id).status().role)).toEqual(['follower', 'follower'])
    for (const id of THREE.filter((each) => each !== leader)) await cluster.start(id)
    await cluster.elected()
    await cluster.run(cluster.node('n4').reconfigure({ voters: FIVE }))
    for (const id of ['n1', 'n2']) cluster.crash(id)
    await cluster.run(cluster.node('n4').propose({ id: 'of three among five', by: 1 }, { timeoutMs: 20_000 }))
  })
})

describe('what the group consists of', () => {
  test('is in the log from the first leader on: a list that is edited later makes no second group', async () => {
    const { cluster: started } = await ofThree()
    await using cluster = started
    for (const id of THREE) cluster.crash(id)
    // Alone n1 would lead at once.
    await cluster.start('n1', undefined, { voters: ['n1'] })
    await cluster.advance(10_000)
    expect(cluster.node('n1').status()).toMatchObject({ voters: THREE, leader: undefined })
    for (const id of ['n2', 'n3']) await cluster.start(id, undefined, { voters: [] })
    const leader = await cluster.elected()
    expect(await add(cluster, leader, 'second')).toBe(2)
    for (const id of THREE) expect(membersChanged(cluster.life(id).events)).toEqual([])
  })

  const MEMBERS = ['n2', 'n3', 'n4']

  /** Brings the group to other voters, and stops n1, which is none any more. */
  async function changed(raft: Partial<RaftOptions>): Promise<Counters> {
    const { cluster } = await ofThree(raft)
    await cluster.start('n4')
    await cluster.run(cluster.node('n2').reconfigure({ voters: MEMBERS, learners: ['n5'] }))
    await haveVoters(cluster, MEMBERS, MEMBERS)
    cluster.crash('n1')
    return cluster
  }

  async function restart(cluster: Counters): Promise<void> {
    for (const id of MEMBERS) cluster.crash(id)
    for (const id of MEMBERS) await cluster.start(id)
    for (const id of MEMBERS)
      expect(cluster.node(id).status()).toMatchObject({ voters: MEMBERS, learners: ['n5'], change: undefined })
    await cluster.waitFor('a leader', () => cluster.leader() !== undefined)
  }

  test('is in the log: it outlives a restart of all nodes', async () => {
    await using cluster = await changed({})
    // What is committed is learned from a leader; the log alone says who belongs to the group.
    for (const id of MEMBERS) cluster.crash(id)
    for (const id of MEMBERS) await cluster.start(id)
    for (const id of MEMBERS)
      expect(cluster.node(id).status()).toMatchObject({ voters: MEMBERS, learners: ['n5'], commitIndex: 0 })
    await haveVoters(cluster, MEMBERS, MEMBERS)
    expect(await add(cluster, 'n4', 'after')).toBe(2)
  })

  test('is in the snapshot, too, when the log behind it is gone', async () => {
    await using cluster = await changed({ snapshotEveryBytes: 2_000, keepEntries: 1 })
    const { lastIndex } = cluster.node('n4').status()
    for (let i = 0; i < 60; i++) await add(cluster, 'n4', `entry ${i}`)
    await cluster.waitFor('snapshots', () =>
      MEMBERS.every((id) => cluster.node(id).status().firstIndex > lastIndex + 1),
    )
    await restart(cluster)
    expect(await add(cluster, 'n4', 'after')).toBe(62)
    // And one who gets nothing but the snapshot knows them.
    await cluster.start('n5')
    await cluster.waitFor('the snapshot', () => cluster.node('n5').status().snapshotIndex > 0)
    expect(cluster.node('n5').status()).toMatchObject({ voters: MEMBERS, learners: ['n5'] })
    expect(cluster.life('n5').events.map(({ type }) => type)).toContain('SnapshotInstalled')
    await cluster.converged()
    expect((await cluster.state('n5')).total).toBe(62)
  })

  test('P-28: is in a snapshot as it was at its index, without what was on its way', async () => {
    const { cluster: started, leader } = await ofThree({ snapshotEveryBytes: 2_000, keepEntries: 1 })
    await using cluster = started
    cluster.network.setLink({ minDelayMs: 50, maxDelayMs: 50 })
    const written = Promise.all(
      Array.from({ length: 60 }, (_, i) => cluster.node(leader).propose({ id: `entry ${i}`, by: 1 })),
    )
    await cluster.advance(10)
    // These entries are being acknowledged when the leader appends a change, which leaves it no more.
    cluster.filter = (from, _to, { type }) => from !== leader || type !== 'append-request'
    const change = cluster.node(leader).reconfigure({ voters: THREE, learners: ['n4'] })
    change.catch(() => undefined)
    await cluster.run(written)
    await cluster.waitFor('a snapshot', () => cluster.node(leader).status().snapshotIndex > 0)
    expect(cluster.node(leader).status()).toMatchObject({ learners: ['n4'], change: { phase: 'committing' } })
    cluster.crash(leader)
    await cluster.start(leader)
    expect(cluster.node(leader).status()).toMatchObject({ learners: ['n4'] })
    cluster.network.partition(
      [leader],
      THREE.filter((id) => id !== leader),
    )
    cluster.filter = undefined
    await cluster.waitFor('another leader', () => cluster.leader() !== undefined)
    // It cuts the change off, and what the snapshot says is in force again.
    cluster.network.heal()
    await haveVoters(cluster, [leader], THREE)
    await cluster.converged()
    expect(cluster.node(leader).status()).toMatchObject({ voters: THREE, learners: [], change: undefined })
    expect((await cluster.state(leader)).total).toBe(61)
  })

  test('can have a new voter that needs a snapshot first', async () => {
    const { cluster: started, leader } = await ofThree({ snapshotEveryBytes: 2_000, keepEntries: 1 })
    await using cluster = started
    for (let i = 0; i < 60; i++) await add(cluster, leader, `entry ${i}`)
    expect(cluster.node(leader).status().firstIndex).toBeGreaterThan(1)
    await cluster.start('n4')
    const early = cluster.node('n4').reconfigure({ voters: ['n4', leader] }, { timeoutMs: 1 })
    await expect(cluster.run(early)).rejects.toBeInstanceOf(NoLeaderError)
    await cluster.run(cluster.node(leader).reconfigure({ voters: ['n4', leader] }))
    expect(cluster.node('n4').status().snapshotIndex).toBeGreaterThan(0)
    expect(await add(cluster, 'n4', 'after')).toBe(62)
  })
})

describe('what a caller is told', () => {
  /** Cuts the leader off and waits for another one. Answers to the old one are under way for so long that it still hears some, and leads on. */
  async function superseded(): Promise<{ cluster: Counters; old: string; other: string; rest: string[] }> {
    const { cluster, leader: old } = await ofThree()
    const rest = THREE.filter((id) => id !== old)
    // Slower by less than an election timeout at a time, or it would miss them.
    for (let delayMs = 500; delayMs <= 8_000; delayMs += 500) {
      const slow = { minDelayMs: delayMs, maxDelayMs: delayMs }
      cluster.network.setLink((_from, to) => (to === old ? slow : {}))
      await cluster.advance(500)
    }
    cluster.filter = (from, to) => from !== old && to !== old
    const leads = (id: string): boolean => cluster.node(id).status().role === 'leader'
    await cluster.waitFor('another leader', () => rest.some(leads))
    return { cluster, old, other: rest.find(leads) as string, rest }
  }

  test('is not what a leader believes that is none any more: neither that it is done, nor that it is in conflict', async () => {
    const { cluster: started, old, other, rest } = await superseded()
    await using cluster = started
    await cluster.run(cluster.node(other).reconfigure({ voters: rest }))
    expect(cluster.node(old).status().role).toBe('leader')
    const asked = [
      cluster.node(old).reconfigure({ voters: THREE }, { timeoutMs: 3_000 }),
      cluster.node(old).reconfigure({ voters: [old] }, { expected: { voters: rest, learners: [] }, timeoutMs: 3_000 }),
    ]
    const results = Promise.allSettled(asked)
    expect(await cluster.run(results)).toMatchObject([
      { status: 'rejected', reason: { code: 'DSYS_RAFT_RECONFIGURATION_PENDING' } },
      { status: 'rejected', reason: { code: 'DSYS_RAFT_RECONFIGURATION_PENDING' } },
    ])
  })

  test('is that it is done at once where it is, also by a leader that knows it from a snapshot', async () => {
    const { cluster: started, leader } = await ofThree({ snapshotEveryBytes: 600, keepEntries: 1 })
    await using cluster = started
    await cluster.start('n4')
    const target = { voters: THREE, learners: ['n4'] }
    await cluster.run(cluster.node(leader).reconfigure(target))
    for (let i = 0; i < 40; i++) await add(cluster, leader, `entry ${i}`)
    await cluster.converged()
    const other = cluster.followers().find((id) => id !== 'n4') as string
    cluster.crash(other)
    await cluster.start(other)
    await cluster.converged()
    await cluster.run(cluster.node(leader).transferLeadership({ to: other }))
    const before = cluster.clock.monotonicMs()
    await cluster.run(cluster.node(leader).reconfigure(target))
    expect(cluster.clock.monotonicMs() - before).toBeLessThan(1_000)
    expect(membersChanged(cluster.life(other).events)).toEqual([])
  })

  test('holds: a request that comes a second time does not undo what was done after it', async () => {
    const { cluster: started, leader } = await ofThree()
    await using cluster = started
    await cluster.start('n4')
    const follower = THREE.find((id) => id !== leader) as string
    const frames: WireMessage[] = []
    cluster.filter = (from, _to, message) => {
      if (from === follower && message.type === 'reconfigure-request') frames.push(message)
      return true
    }
    await cluster.run(cluster.node(follower).reconfigure({ voters: THREE, learners: ['n4'] }))
    cluster.filter = undefined
    await cluster.run(cluster.node(leader).reconfigure({ voters: THREE }))
    expect(frames).toHaveLength(1)
    cluster.life(follower).transport.send({ id: leader }, 'raft-test', encodeFrame(frames))
    await cluster.advance(2_000)
    expect(cluster.node(leader).status()).toMatchObject({ voters: THREE, learners: [], change: undefined })
  })

  test('a request for members that cannot be changes nothing', async () => {
    const { cluster: started, leader } = await ofThree()
    await using cluster = started
    const follower = THREE.find((id) => id !== leader) as string
    for (const voters of [[], ['n1', 'n1'], ['']]) {
      const target = { voters, learners: [] }
      const request = { type: 'reconfigure-request', ticket: 1, target, expected: undefined, basis: 99 } as const
      cluster.life(follower).transport.send({ id: leader }, 'raft-test', encodeFrame([request]))
    }
    await cluster.advance(1_000)
    expect(cluster.node(leader).status()).toMatchObject({ voters: THREE, change: undefined })
    expect(await add(cluster, leader, 'second')).toBe(2)
  })
})
