import { describe, expect, test } from 'vitest'
import { Hosts } from './support/hosts.ts'
import { type Add, type CounterState, counter } from './support/machines.ts'

const ELECTION_TIMEOUT_MS = 1_000
const HEARTBEAT_INTERVAL_MS = 100
const total = (state: CounterState): number => state.total

type Counters = Hosts<CounterState, Add, number>

/** Hosts whose groups all sleep without the last of them, which leads none. */
async function without(away: 'crashed' | 'cut off', size = 3, groups = 2): Promise<Counters> {
  const hosts = await Hosts.start(counter, { size, groups })
  await hosts.asleep()
  const last = hosts.ids.at(-1) as string
  for (const name of hosts.names) {
    if (hosts.leader(name) === last) await hosts.run(hosts.node(last, name).transferLeadership({ to: 'n1' }))
  }
  await hosts.asleep()
  if (away === 'crashed') hosts.crash(last)
  else hosts.isolate(last)
  await hosts.advance(2 * ELECTION_TIMEOUT_MS)
  expect(restSleeps(hosts)).toBe(false)
  await hosts.waitFor('the others to sleep', () => restSleeps(hosts))
  return hosts
}

/** Whether all members sleep but those of the last host. */
const restSleeps = (hosts: Counters): boolean =>
  hosts.names.every((name) => hosts.members(name).every(({ id, asleep }) => asleep || id === hosts.ids.at(-1)))

describe('groups of which a member is down', () => {
  test('sleep, and cost beats alone, also to the host that does not answer', async () => {
    await using hosts = await without('crashed', 3, 8)
    hosts.frames = 0
    await hosts.advance(100 * HEARTBEAT_INTERVAL_MS)
    expect(restSleeps(hosts)).toBe(true)
    // Two that live beat to each other, and whoever leads beats to the one that is down.
    expect(hosts.frames).toBeLessThanOrEqual(4 * 100)
    const leader = hosts.leader('g1') as string
    const missing = hosts.node(leader, 'g1').explain().findings
    expect(missing).toMatchObject([{ code: 'member-silent', evidence: { id: 'n3' } }])
  })

  test('serve whoever wants something, and sleep again', async () => {
    await using hosts = await without('crashed')
    for (const [i, id] of ['n1', 'n2', 'n1'].entries()) {
      expect(await hosts.run(hosts.node(id, 'g1').propose({ id: `${i}`, by: 1 }))).toBe(i + 1)
      await hosts.waitFor('the others to sleep', () => restSleeps(hosts))
    }
  })

  for (const how of ['crashed', 'cut off'] as const) {
    for (const kind of ['voter', 'learner'] as const) {
      test(`wake when it is back (${kind}, ${how}), which has soon what it missed`, async () => {
        await using hosts = await without(how)
        if (kind === 'learner') {
          const change = { voters: ['n1', 'n2'], learners: ['n3'] }
          for (const name of hosts.names) await hosts.run(hosts.node('n1', name).reconfigure(change))
        }
        for (const name of hosts.names) await hosts.run(hosts.node('n2', name).propose({ id: name, by: 5 }))
        await hosts.waitFor('the others to sleep', () => restSleeps(hosts))
        const leaders = hosts.names.map((name) => hosts.leader(name))
        if (how === 'crashed') await hosts.start('n3')
        else hosts.network.heal()
        await hosts.advance(ELECTION_TIMEOUT_MS)
        for (const name of hosts.names) {
          expect(await hosts.node('n3', name).read(total, { consistency: 'stale' })).toBe(5)
        }
        await hosts.asleep()
        expect(hosts.names.map((name) => hosts.leader(name))).toEqual(leaders)
      })
    }
  }

  test('have another leader when the host of theirs goes too, as long as a majority is left', async () => {
    await using hosts = await without('crashed', 5)
    const away = hosts.leader('g1') as string
    const led = hosts.names.filter((name) => hosts.leader(name) === away)
    hosts.crash(away)
    await hosts.advance(2 * ELECTION_TIMEOUT_MS + 5 * HEARTBEAT_INTERVAL_MS)
    for (const name of led) {
      const leader = hosts.members(name).find(({ role }) => role === 'leader')?.id as string
      expect(await hosts.run(hosts.node(leader, name).propose({ id: `${name} x`, by: 1 }))).toBe(1)
    }
  })

  test('stand still where a majority is gone, awake, and go on when it is back', async () => {
    await using hosts = await without('crashed')
    hosts.crash('n2')
    await hosts.advance(5 * ELECTION_TIMEOUT_MS)
    for (const name of hosts.names)
      expect(hosts.node('n1', name).status()).toMatchObject({ asleep: false, leader: undefined })
    await hosts.start('n3')
    await hosts.advance(3 * ELECTION_TIMEOUT_MS)
    for (const name of hosts.names) expect(hosts.leader(name)).toBeDefined()
  })

  test('stay awake, in effect, where only a member is gone and its host lives: the host says so', async () => {
    await using hosts = await Hosts.start(counter, { groups: 2 })
    await hosts.asleep()
    const leader = hosts.leader('g1') as string
    const other = hosts.followers('g1')[0] as string
    await hosts.run(hosts.groups(other).close('g1'))
    let asleepFor = 0
    for (let i = 0; i < 200; i++) {
      await hosts.advance(HEARTBEAT_INTERVAL_MS)
      if (hosts.node(leader, 'g1').status().asleep) asleepFor++
    }
    expect(asleepFor).toBeLessThan(20)
    await hosts.open(other, 'g1')
    await hosts.asleep()
  })
})
