import { describe, expect, test } from 'vitest'
import { CHANNEL } from '../../src/groups/host-channel.ts'
import { encodeHostFrame, type HostMessage } from '../../src/groups/host-wire.ts'
import { decodeFrame, encodeFrame } from '../../src/wire.ts'
import { Hosts } from './support/hosts.ts'
import { type Add, type CounterState, counter } from './support/machines.ts'

const ELECTION_TIMEOUT_MS = 1_000
const HEARTBEAT_INTERVAL_MS = 100
const total = (state: CounterState): number => state.total

type Counters = Hosts<CounterState, Add, number>

async function sleeping(groups = 6): Promise<Counters> {
  const hosts = await Hosts.start(counter, { groups })
  await hosts.asleep()
  return hosts
}

/** The groups that `id` leads. */
const ledBy = (hosts: Counters, id: string): string[] => hosts.names.filter((name) => hosts.leader(name) === id)

/** One of the hosts that leads something while others lead something too. */
function someLeader(hosts: Counters): string {
  const id = hosts.ids.find((each) => ledBy(hosts, each).length > 0 && ledBy(hosts, each).length < hosts.names.length)
  if (id === undefined) throw new Error('one host leads everything')
  return id
}

/** Whether `message` is a frame of `group` with a message of `type`. */
const carries = (message: HostMessage, group: string, type: string): boolean =>
  message.type === 'group-frame' &&
  message.group === group &&
  decodeFrame(message.frame).some((each) => each.type === type)

describe('a group in which nothing happens', () => {
  test('costs nothing but beats between hosts, however many groups there are', async () => {
    await using hosts = await sleeping(40)
    hosts.frames = 0
    await hosts.advance(100 * HEARTBEAT_INTERVAL_MS)
    // One from each of three hosts to each of two others.
    expect(hosts.frames).toBe(6 * 100)
    expect(hosts.allAsleep()).toBe(true)
    for (const id of hosts.ids) expect(hosts.groups(id).status()).toMatchObject({ asleep: 40, watchedPeers: 2 })
    // One timer for each host.
    expect(hosts.clock.pending).toBeLessThan(10)
  })

  test('serves whoever wants something at once, at any node, and sleeps again', async () => {
    await using hosts = await sleeping(3)
    for (const [i, id] of hosts.ids.entries()) {
      const begun = hosts.clock.monotonicMs()
      expect(await hosts.run(hosts.node(id, 'g1').propose({ id, by: 1 }))).toBe(i + 1)
      expect(hosts.clock.monotonicMs() - begun).toBeLessThan(HEARTBEAT_INTERVAL_MS)
      // Whoever was asked is awake, and the leader, wherever it is.
      for (const each of [id, hosts.leader('g1') as string]) {
        expect(hosts.node(each, 'g1').status().asleep).toBe(false)
      }
      expect(hosts.allAsleep('g2')).toBe(true)
      await hosts.asleep()
      expect(await hosts.run(hosts.node(id, 'g1').read(total))).toBe(i + 1)
      await hosts.asleep()
    }
    const leader = hosts.leader('g1') as string
    await hosts.run(hosts.node(leader, 'g1').transferLeadership())
    expect(hosts.leader('g1')).not.toBe(leader)
    await hosts.asleep()
    const voters = hosts.ids.slice(0, 2)
    await hosts.run(hosts.node('n3', 'g2').reconfigure({ voters, learners: ['n3'] }))
    await hosts.asleep()
    expect(hosts.members('g2').every(({ learners }) => learners.includes('n3'))).toBe(true)
  })

  test('does not sleep where that is not wanted', async () => {
    await using hosts = await Hosts.start(counter, { groups: 2, raft: { sleepAfterMs: Number.POSITIVE_INFINITY } })
    await hosts.advance(20_000)
    expect(hosts.groups('n1').status().asleep).toBe(0)
  })

  test('is not left asleep with a follower that lacks something', async () => {
    await using hosts = await Hosts.start(counter, { groups: 1 })
    await hosts.asleep()
    const away = hosts.followers('g1')[0] as string
    hosts.filter = (_from, to, message) => to !== away || !carries(message, 'g1', 'append-request')
    const leader = hosts.leader('g1') as string
    await hosts.run(hosts.node(leader, 'g1').propose({ id: 'x', by: 1 }))
    await hosts.advance(10_000)
    expect(hosts.node(leader, 'g1').status().asleep).toBe(false)
    hosts.filter = undefined
    await hosts.asleep()
    expect(hosts.members('g1').map(({ commitIndex }) => commitIndex)).toEqual(
      hosts.ids.map(() => hosts.node(leader, 'g1').status().lastIndex),
    )
  })
})

describe('the host of a leader', () => {
  for (const how of ['crashes', 'is cut off'] as const) {
    test(`${how}: its sleeping groups have another within two election timeouts and the time to notice`, async () => {
      await using hosts = await sleeping(12)
      const away = someLeader(hosts)
      const led = ledBy(hosts, away)
      if (how === 'crashes') hosts.crash(away)
      else hosts.isolate(away)
      await hosts.advance(2 * ELECTION_TIMEOUT_MS + 5 * HEARTBEAT_INTERVAL_MS)
      for (const name of led) {
        const leaders = hosts.members(name).filter(({ role }) => role === 'leader')
        expect(leaders.map(({ id }) => id)).not.toContain(away)
        expect(leaders).toHaveLength(1)
      }
    })
  }

  test('is cut off: the leader answers no read, and gives up after it was woken', async () => {
    await using hosts = await sleeping()
    const away = someLeader(hosts)
    const [name] = ledBy(hosts, away) as [string]
    hosts.isolate(away)
    const refused = hosts.node(away, name).read(total, { timeoutMs: 800 })
    await expect(hosts.run(refused)).rejects.toMatchObject({ code: 'DSYS_RAFT_READ_TIMEOUT' })
    await hosts.advance(2 * ELECTION_TIMEOUT_MS)
    expect(hosts.node(away, name).status().role).not.toBe('leader')
    hosts.network.heal()
    await hosts.asleep()
  })

  test('restarts so fast that nobody misses it: its groups have a leader again', async () => {
    await using hosts = await sleeping()
    const away = someLeader(hosts)
    const led = ledBy(hosts, away)
    hosts.crash(away)
    await hosts.start(away)
    await hosts.advance(3 * ELECTION_TIMEOUT_MS)
    for (const name of led) {
      expect(hosts.leader(name)).toBeDefined()
      expect(await hosts.run(hosts.node(away, name).propose({ id: `${name} x`, by: 1 }))).toBe(1)
    }
    await hosts.asleep()
  })
})

test('the host of a follower restarts: it finds its leaders, and no leader changes', async () => {
  await using hosts = await sleeping()
  const away = 'n3'
  const before = hosts.names.map((name) => hosts.leader(name))
  hosts.crash(away)
  await hosts.start(away)
  await hosts.advance(ELECTION_TIMEOUT_MS)
  for (const [i, name] of hosts.names.entries()) {
    if (before[i] !== away) expect(hosts.node(away, name).status().leader).toBe(before[i])
  }
  await hosts.asleep()
  for (const [i, name] of hosts.names.entries()) if (before[i] !== away) expect(hosts.leader(name)).toBe(before[i])
})

describe('while the hosts live', () => {
  test('a leader that fails alone is missed, although its host goes on to beat', async () => {
    await using hosts = await sleeping(12)
    const host = someLeader(hosts)
    const [name, other] = ledBy(hosts, host) as [string, string]
    expect(other).toBeDefined()
    hosts.fail(host, name)
    await hosts.advance(1)
    expect(hosts.errors).toHaveLength(1)
    await hosts.advance(2 * ELECTION_TIMEOUT_MS + 5 * HEARTBEAT_INTERVAL_MS)
    const leaders = hosts.members(name).filter(({ role }) => role === 'leader')
    expect(leaders.map(({ id }) => id)).not.toContain(host)
    expect(leaders).toHaveLength(1)
    // The others of that host sleep on.
    expect(hosts.allAsleep(other)).toBe(true)
  })

  test('a follower that fails alone wakes its leader, which goes on to look for it', async () => {
    await using hosts = await sleeping(12)
    const name = 'g1'
    const leader = hosts.leader(name) as string
    const host = hosts.followers(name)[0] as string
    // It must not be asked anything on the way: nothing but the difference may tell.
    const { term } = hosts.node(host, name).status()
    const frame = encodeFrame([
      {
        type: 'append-request',
        term,
        prevIndex: 0,
        prevTerm: 0,
        commitIndex: 0,
        round: 0,
        entries: [{ index: 1, term: term + 9, kind: 1, data: new Uint8Array(0) }],
      },
    ])
    const message: HostMessage = { type: 'group-frame', group: name, generation: undefined, frame }
    hosts.transport(leader).send({ id: host }, CHANNEL, encodeHostFrame([message]))
    await hosts.advance(10)
    expect(hosts.errors).toHaveLength(1)
    await hosts.advance(5 * HEARTBEAT_INTERVAL_MS)
    expect(hosts.node(leader, name).status()).toMatchObject({ role: 'leader', asleep: false })
  })

  test('a group that is closed at its leader without a word is led by another', async () => {
    await using hosts = await sleeping(12)
    const host = someLeader(hosts)
    const [name] = ledBy(hosts, host) as [string]
    hosts.filter = (from, _to, message) => from !== host || message.type !== 'group-frame' || message.group !== name
    await hosts.run(hosts.groups(host).close(name))
    await hosts.advance(2 * ELECTION_TIMEOUT_MS + 5 * HEARTBEAT_INTERVAL_MS)
    expect(hosts.followers(name).filter((id) => id !== host)).toHaveLength(1)
  })

  test('lost words about sleep leave no group without a leader, nor a follower behind', async () => {
    for (const lost of ['sleep-request', 'sleep-response'] as const) {
      await using hosts = await Hosts.start(counter, { groups: 4 })
      await hosts.advance(2 * ELECTION_TIMEOUT_MS)
      let dropped = 0
      hosts.filter = (_from, _to, message) =>
        !hosts.names.some((name) => carries(message, name, lost)) || ++dropped % 3 === 0
      await hosts.advance(20_000)
      expect(dropped).toBeGreaterThan(0)
      for (const name of hosts.names) {
        await hosts.run(hosts.node('n1', name).propose({ id: name, by: 1 }))
        await hosts.run(hosts.node('n3', name).read(total))
      }
    }
  })

  test('one that sleeps alone, since the others were woken and it was not told, is found by the beats', async () => {
    await using hosts = await sleeping(12)
    const name = hosts.names.find((each) => each !== 'g1' && hosts.leader(each) === hosts.leader('g1')) as string
    const leader = hosts.leader(name) as string
    const [deaf, other] = hosts.followers(name) as [string, string]
    // Nothing of this group reaches it any more, and the others go on to another term.
    hosts.filter = (_from, to, message) => to !== deaf || message.type !== 'group-frame' || message.group !== name
    await hosts.run(hosts.node(leader, name).transferLeadership({ to: other }))
    expect(hosts.node(deaf, name).status()).toMatchObject({ asleep: true, leader })
    await hosts.advance(5 * HEARTBEAT_INTERVAL_MS)
    expect(hosts.node(deaf, name).status().asleep).toBe(false)
    hosts.filter = undefined
    await hosts.asleep()
    expect(hosts.node(deaf, name).status().leader).toBe(hosts.leader(name))
  })

  test('beats that get lost now and then wake nobody', async () => {
    await using hosts = await sleeping()
    let beats = 0
    hosts.filter = (_from, _to, message) => message.type !== 'beat' || ++beats % 4 !== 0
    hosts.frames = 0
    await hosts.advance(20_000)
    expect(hosts.allAsleep()).toBe(true)
    expect(beats).toBe(hosts.frames)
  })
})
