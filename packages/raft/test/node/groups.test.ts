import { GroupOpenError, RaftGroups, TooManyGroupsError } from '@dsys/raft'
import { SeededRandom, silentLogger, silentMeter, systemRuntime } from '@dsys/runtime'
import { FileLogStorage } from '@dsys/storage-file'
import { MemoryDisk } from '@dsys/storage-memory'
import { MemoryNetwork } from '@dsys/transport-memory'
import { describe, expect, test } from 'vitest'
import { CHANNEL } from '../../src/groups/host-channel.ts'
import { Hosts } from './support/hosts.ts'
import { type CounterState, counter } from './support/machines.ts'

const total = (state: CounterState): number => state.total
const ELECTION_TIMEOUT_MS = 1_000
const HEARTBEAT_INTERVAL_MS = 100

describe('many groups of one node', () => {
  test('are groups of their own, over one channel', async () => {
    await using hosts = await Hosts.start(counter, { groups: 5 })
    for (const [i, name] of hosts.names.entries()) {
      await hosts.run(hosts.node('n1', name).propose({ id: name, by: i + 1 }))
    }
    for (const [i, name] of hosts.names.entries()) {
      expect(await hosts.run(hosts.node('n3', name).read(total))).toBe(i + 1)
    }
    expect(hosts.groups('n1').list()).toEqual(hosts.names)
    expect(hosts.groups('n1').status()).toMatchObject({ id: 'n1', groups: 5, dropped: 0 })
  })

  test('are opened once each, up to a limit, and again after they were closed or have stopped', async () => {
    await using hosts = await Hosts.start(counter, { groups: 3, raft: { maxGroups: 5 } })
    const groups = hosts.groups('n1')
    await expect(hosts.open('n1', 'g1')).rejects.toBeInstanceOf(GroupOpenError)
    await hosts.run(hosts.open('n1', 'more'))
    await hosts.run(hosts.open('n1', 'one-more'))
    await expect(hosts.open('n1', 'too-many')).rejects.toBeInstanceOf(TooManyGroupsError)
    await hosts.run(groups.close('more'))
    await hosts.run(groups.close('more'))
    await hosts.run(groups.close('one-more'))
    const node = await hosts.run(hosts.open('n1', 'again'))
    await hosts.run(node.stop())
    await hosts.advance(0)
    expect(groups.list()).toEqual(hosts.names)
    await hosts.run(hosts.open('n1', 'again'))
    await expect(groups.open({ group: 'Not A Name', voters: ['n1'] }, counter)).rejects.toThrow(RangeError)
    expect(groups.list()).toEqual([...hosts.names, 'again'])
  })

  test('stop together, and hand over what they lead, asleep or not', async () => {
    await using hosts = await Hosts.start(counter)
    await hosts.asleep()
    // Longer than anybody has been heard.
    await hosts.advance(5 * ELECTION_TIMEOUT_MS)
    const led = hosts.names.filter((name) => hosts.leader(name) === 'n1')
    expect(led.length).toBeGreaterThan(0)
    const stopping = hosts.groups('n1').stop()
    // No election timeout passes, so they were not elected for want of a leader.
    await hosts.run(stopping, ELECTION_TIMEOUT_MS / 2)
    for (const name of led) expect(['n2', 'n3']).toContain(hosts.leader(name))
    await expect(hosts.open('n1', 'late')).rejects.toMatchObject({ code: 'DSYS_NOT_RUNNING' })
  })

  test('share their frames: what all send to a peer in one turn is one frame', async () => {
    await using hosts = await Hosts.start(counter, { groups: 30, raft: { sleepAfterMs: Number.POSITIVE_INFINITY } })
    await hosts.advance(5 * ELECTION_TIMEOUT_MS)
    hosts.frames = 0
    await hosts.advance(10 * HEARTBEAT_INTERVAL_MS)
    // The heartbeats and the answers of all groups, from each host to each of two others.
    expect(hosts.frames / 10).toBeLessThanOrEqual(2 * 6)
    expect(hosts.names.every((name) => hosts.leader(name) !== undefined)).toBe(true)
  })

  test('a frame that is meant for an earlier life of a host reaches nobody (P-22)', async () => {
    await using hosts = await Hosts.start(counter, { groups: 1 })
    await hosts.asleep()
    const leader = hosts.leader('g1') as string
    hosts.fail(leader, 'g1', 7)
    await hosts.advance(1)
    expect(hosts.errors).toEqual([])
    hosts.fail(leader, 'g1', 1)
    await hosts.advance(1)
    expect(hosts.errors).toHaveLength(1)
  })

  test('share their writes: one sync of the log for all that wait', async () => {
    let syncs = 0
    const count = { record: () => void syncs++ }
    const meter = {
      ...silentMeter,
      histogram: (name: string) => (name === 'dsys_storage_sync_ms' ? count : silentMeter.histogram(name)),
    }
    const ports = { ...systemRuntime(), logger: silentLogger, meter }
    const network = new MemoryNetwork()
    const transport = network.endpoint('n1')
    const log = new FileLogStorage(
      { ...ports, disk: new MemoryDisk(new SeededRandom(1)).mount() },
      { directory: 'raft' },
    )
    await Promise.all([transport.start(), log.start()])
    await using groups = new RaftGroups({ ...ports, transport, log }, { id: 'n1' })
    await groups.start()
    const nodes = await Promise.all(
      Array.from({ length: 50 }, (_, i) => groups.open({ group: `g${i}`, voters: ['n1'] }, counter)),
    )
    for (const node of nodes) await node.propose({ id: 'first', by: 1 })
    const before = syncs
    await Promise.all(nodes.map((node) => node.propose({ id: 'second', by: 1 })))
    expect(syncs - before).toBeGreaterThan(0)
    expect(syncs - before).toBeLessThanOrEqual(3)
    await groups.stop()
    await log.stop()
    await transport.stop()
  })

  test('drop and count what no group here can read, and go on', async () => {
    await using hosts = await Hosts.start(counter, { groups: 2 })
    await hosts.asleep()
    const stranger = hosts.network.endpoint('n9')
    await stranger.start()
    const hostile = [
      '',
      '00',
      '01',
      '0100',
      '010001ffffffff',
      '01000300000002',
      '0100050000000500000001',
      '01ff',
      'deadbeef',
    ]
    for (const hex of hostile) stranger.send({ id: 'n1' }, CHANNEL, Buffer.from(hex, 'hex'))
    await hosts.advance(10)
    const malformed = hosts.groups('n1').status().dropped
    expect(malformed).toBeGreaterThanOrEqual(6)
    await hosts.run(hosts.groups('n1').close('g1'))
    await hosts.run(hosts.node('n2', 'g1').propose({ id: 'x', by: 1 }))
    expect(hosts.groups('n1').status().dropped).toBeGreaterThan(malformed)
    expect(await hosts.run(hosts.node('n1', 'g2').propose({ id: 'y', by: 2 }))).toBe(2)
    expect(hosts.errors).toEqual([])
  })
})
