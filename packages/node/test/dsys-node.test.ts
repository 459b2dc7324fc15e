import { Kv, type KvCommand, type KvResult, type KvState } from '@dsys/kv'
import { createNode, DsysNode, type NodeParts } from '@dsys/node'
import { NoLeaderError, type Raft, RaftFailedError, type RaftStatus } from '@dsys/raft'
import { type Service, silentLogger, systemRuntime, utf8, VirtualClock } from '@dsys/runtime'
import { MemoryLogStorage } from '@dsys/storage-memory'
import type { ConnectionState } from '@dsys/transport'
import { MemoryNetwork } from '@dsys/transport-memory'
import { describe, expect, test } from 'vitest'

/** Parts that only say what is asked of them, and fail or wait on demand. */
class FakeParts {
  readonly calls: string[] = []
  readonly clock = new VirtualClock()
  connection: ConnectionState = 'connected'
  leader: string | undefined = 'n1'
  readError: Error | undefined
  failing: string | undefined
  reads = 0

  #service(name: string): Service {
    const call = async (what: string): Promise<void> => {
      this.calls.push(`${what} ${name}`)
      if (this.failing === `${what} ${name}`) throw new Error(`${name} cannot ${what}`)
    }
    return { start: () => call('start'), stop: () => call('stop'), [Symbol.asyncDispose]: () => call('stop') }
  }

  parts(): NodeParts {
    const fake = this
    const unused = (): never => {
      throw new Error('not part of this fake')
    }
    const status = (): RaftStatus => ({ leader: fake.leader, role: 'follower', lastApplied: 0 }) as RaftStatus
    const raft: Raft<KvState, KvCommand, KvResult> = {
      ...this.#service('raft'),
      status,
      propose: unused,
      explain: unused,
      openClient: unused,
      proposeAll: unused,
      events: unused,
      transferLeadership: unused,
      bootstrap: unused,
      reconfigure: unused,
      read: async (query) => {
        fake.reads += 1
        if (fake.readError !== undefined) throw fake.readError
        return query({ keyspaces: new Map() })
      },
    }
    const transport = {
      ...this.#service('transport'),
      self: { id: 'n1', generation: 7 },
      capabilities: { broadcast: true, fastNegative: false, maxFrameBytes: 1 },
      get connection() {
        return fake.connection
      },
      send: unused,
      broadcast: unused,
      listen: unused,
      observe: unused,
    }
    return {
      clock: this.clock,
      logger: silentLogger,
      transport,
      log: { ...this.#service('log'), openGroup: unused },
      membership: { ...this.#service('membership'), members: () => [] },
      raft,
      kv: new Kv({ raft }),
    }
  }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('start and stop', () => {
  test('go in one order: the lock of the folder first, the hand-over of leadership first', async () => {
    const fake = new FakeParts()
    const node = new DsysNode(fake.parts())
    await node.start()
    await node.stop()
    await node[Symbol.asyncDispose]()
    expect(fake.calls).toEqual([
      'start log',
      'start transport',
      'start raft',
      'start membership',
      'stop raft',
      'stop membership',
      'stop transport',
      'stop log',
    ])
  })

  test('a part that cannot start stops all of them, and its error is thrown', async () => {
    const fake = new FakeParts()
    fake.failing = 'start raft'
    const node = new DsysNode(fake.parts())
    await expect(node.start()).rejects.toThrow('raft cannot start')
    expect(fake.calls).not.toContain('start membership')
    expect(fake.calls.filter((call) => call.startsWith('stop'))).toHaveLength(4)
    expect(node.readiness()).toEqual({ ready: false, reason: 'the node is stopped' })
  })

  test('a part that cannot stop does not keep the others, and its error is thrown', async () => {
    const fake = new FakeParts()
    fake.failing = 'stop raft'
    const node = new DsysNode(fake.parts())
    await node.start()
    await expect(node.stop()).rejects.toThrow('raft cannot stop')
    expect(fake.calls.slice(-3)).toEqual(['stop membership', 'stop transport', 'stop log'])
  })

  test('a cancelled start stops between two parts', async () => {
    const fake = new FakeParts()
    await expect(new DsysNode(fake.parts()).start({ signal: AbortSignal.abort(new Error('no more')) })).rejects.toThrow(
      'no more',
    )
    expect(fake.calls.filter((call) => call.startsWith('start'))).toEqual([])
  })
})

describe('readiness', () => {
  test('asks for a running node, a connection, a leader, and to have caught up once', async () => {
    const fake = new FakeParts()
    fake.readError = new NoLeaderError('main', 5)
    await using node = new DsysNode(fake.parts())
    expect(node.readiness()).toEqual({ ready: false, reason: 'the node is new' })
    await node.start()
    expect(node.readiness()).toEqual({ ready: false, reason: 'the node has not caught up with the leader yet' })
    fake.leader = undefined
    expect(node.readiness()).toEqual({ ready: false, reason: 'no leader is known (this node is follower)' })
    fake.connection = 'disconnected'
    expect(node.readiness()).toEqual({ ready: false, reason: 'the transport is disconnected' })
    fake.connection = 'connected'
    fake.leader = 'n2'
    fake.readError = undefined
    await settled()
    await fake.clock.advanceAsync(1_000)
    expect(node.readiness()).toEqual({ ready: true })
    fake.leader = undefined
    expect(node.readiness()).toMatchObject({ ready: false })
    fake.leader = 'n1'
    expect(node.readiness()).toEqual({ ready: true })
  })

  test('a group that has failed is told of, and not asked again and again', async () => {
    const fake = new FakeParts()
    fake.readError = new RaftFailedError('main', new Error('disk'))
    await using node = new DsysNode(fake.parts())
    await node.start()
    await settled()
    await fake.clock.advanceAsync(10_000)
    expect(fake.reads).toBe(1)
    expect(node.readiness()).toEqual({
      ready: false,
      reason: 'the node cannot catch up: the node of group "main" has stopped itself',
    })
    expect((await node.status()).keyspaces).toBeUndefined()
  })

  test('a stop ends the attempts to catch up', async () => {
    const fake = new FakeParts()
    fake.readError = new NoLeaderError('main', 5)
    const node = new DsysNode(fake.parts())
    await node.start()
    await settled()
    await node.stop()
    expect(fake.clock.pending).toBe(0)
  })
})

describe('status', () => {
  test('works in every state, and counts the time since the start', async () => {
    const fake = new FakeParts()
    const node = new DsysNode(fake.parts())
    expect(await node.status()).toMatchObject({
      id: 'n1',
      generation: 7,
      state: 'new',
      uptimeMs: 0,
      keyspaces: undefined,
    })
    await node.start()
    await fake.clock.advanceAsync(1_500)
    expect(await node.status()).toMatchObject({
      state: 'running',
      uptimeMs: 1_500,
      readiness: { ready: true },
      connection: 'connected',
      members: [],
      keyspaces: [{ name: 'default', entries: 0 }],
    })
    await node.stop()
    expect(await node.status()).toMatchObject({ state: 'stopped', keyspaces: undefined })
  })
})

test('a node of no voters waits until the group takes it, by whichever node is asked', async () => {
  const network = new MemoryNetwork()
  const make = (id: string, voters: readonly string[]) =>
    createNode(
      { ...systemRuntime(), transport: network.endpoint(id), log: new MemoryLogStorage() },
      {
        cluster: 'test',
        voters,
        raft: { electionTimeoutMs: 150, heartbeatIntervalMs: 30 },
        membership: { seeds: ['n1'] },
      },
    )
  const [first, later] = [make('n1', ['n1']), make('n2', [])]
  try {
    await Promise.all([first.node.start(), later.node.start()])
    await first.kv.linearizable('default', { codec: utf8 }).put('a', 'x')
    expect(later.node.readiness()).toMatchObject({ ready: false })
    expect(await later.node.groupMembers({ consistency: 'stale' })).toMatchObject({ voters: [] })
    const only = { voters: ['n1'], learners: [] }
    expect(await first.node.reconfigure({ voters: ['n1', 'n2'] }, { expected: only })).toMatchObject({
      voters: ['n1', 'n2'],
    })
    expect(await later.node.groupMembers()).toEqual({
      voters: ['n1', 'n2'],
      learners: [],
      witnesses: [],
      change: undefined,
    })
    expect((await later.kv.linearizable('default', { codec: utf8 }).get('a'))?.value).toBe('x')
    await expect.poll(() => later.node.readiness().ready).toBe(true)
    await expect(later.node.reconfigure({ voters: ['n2'] }, { expected: only })).rejects.toThrow(
      expect.objectContaining({ code: 'DSYS_RAFT_MEMBERSHIP_CONFLICT' }),
    )
  } finally {
    await Promise.all([first.node.stop(), later.node.stop()])
  }
})

test('a cluster in memory: any node writes, any node reads, and a leader that stops hands over', async () => {
  const network = new MemoryNetwork()
  const voters = ['n1', 'n2', 'n3']
  const raft = { electionTimeoutMs: 150, heartbeatIntervalMs: 30 }
  const cluster = voters.map((id) =>
    createNode(
      { ...systemRuntime(), transport: network.endpoint(id), log: new MemoryLogStorage() },
      { cluster: 'test', voters, raft },
    ),
  )
  try {
    await Promise.all(cluster.map(({ node }) => node.start()))
    await expect.poll(() => cluster.map(({ node }) => node.readiness().ready)).toEqual([true, true, true])
    const [one, two] = cluster.map(({ kv }) => kv.linearizable('default', { codec: utf8 }))
    await one?.put('a', 'x')
    expect((await two?.get('a'))?.value).toBe('x')
    const { raft: before, members } = (await cluster[0]?.node.status()) ?? {}
    expect(members?.map(({ id, state }) => `${id} ${state}`).sort()).toEqual(['n1 alive', 'n2 alive', 'n3 alive'])
    const leader = cluster.find((_, i) => voters[i] === before?.leader)
    await leader?.node.stop()
    const [left, right] = cluster.filter((created) => created !== leader)
    await expect.poll(async () => (await left?.node.status())?.raft.leader).not.toBe(before?.leader)
    expect((await right?.kv.linearizable('default', { codec: utf8 }).get('a'))?.value).toBe('x')
    const gone = (await left?.node.status())?.members.find(({ id }) => id === before?.leader)
    expect(gone?.state).toBe('left')
  } finally {
    await Promise.all(cluster.map(({ node }) => node.stop()))
  }
})
