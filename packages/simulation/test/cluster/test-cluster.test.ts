import { delay, utf8 } from '@dsys/runtime'
import { FAULTS, StartFailedError, type TestNode, type TestService, testCluster } from '@dsys/simulation'
import { describe, expect, test } from 'vitest'

describe('a cluster without a service of its own', () => {
  test('elects, writes, survives a crash of its leader, and converges', async () => {
    await using cluster = await testCluster({ nodes: 3, seed: 42 })
    const leader = await cluster.elected()
    const keyspace = cluster.service(leader).kv.linearizable('default')
    expect(await cluster.run(keyspace.put('a', Buffer.from('1')))).toEqual({ revision: 1 })
    cluster.crash(leader)
    await cluster.advance('5s')
    const next = await cluster.elected()
    expect(next).not.toBe(leader)
    const again = await cluster.restart(leader)
    await cluster.converged()
    expect((await cluster.run(again.kv.linearizable('default').get('a')))?.value.toString()).toBe('1')
  })

  test('is the same run for the same seed and calls, and another one for another seed', async () => {
    const hashOf = async (seed: number): Promise<string> => {
      await using cluster = await testCluster({ nodes: 3, seed, buggify: true })
      await cluster.elected()
      await cluster.chaos({ lasting: '5s' })
      await cluster.converged()
      return cluster.trace.hash
    }
    expect(await hashOf(3)).toBe(await hashOf(3))
    expect(await hashOf(3)).not.toBe(await hashOf(4))
  })

  test('a minority cannot write, and says so in virtual time', async () => {
    await using cluster = await testCluster({ nodes: 5, seed: 1 })
    const leader = await cluster.elected()
    const rest = cluster.ids.filter((id) => id !== leader)
    cluster.partition([leader, rest[0] as string], rest.slice(1))
    await cluster.advance('3s')
    const write = cluster.service(leader).kv.linearizable('default').put('a', Buffer.from('1'), { timeoutMs: 2_000 })
    await expect(cluster.run(write)).rejects.toMatchObject({ retryable: true })
    expect(rest.slice(1)).toContain(await cluster.elected())
    cluster.heal()
    await cluster.converged()
  })

  test('waits for another leader than the one that was just cut off', async () => {
    await using cluster = await testCluster({ nodes: 3, seed: 5 })
    const old = await cluster.elected()
    const rest = cluster.ids.filter((id) => id !== old)
    cluster.partition([old], rest)
    expect(await cluster.elected()).toBe(old)
    expect(rest).toContain(await cluster.elected({ not: old }))
    await expect(cluster.elected({ not: cluster.ids, within: '1s' })).rejects.toThrow(/a leader that is not n1, n2, n3/)
    await expect(cluster.elected({ not: 'n9' })).rejects.toThrow(RangeError)
  })

  test('converges only where the content is the same as well', async () => {
    await using cluster = await testCluster({ nodes: 3, seed: 5 })
    await cluster.run(
      cluster
        .service(await cluster.elected())
        .kv.linearizable('default')
        .put('a', Buffer.from('1')),
    )
    await cluster.converged()
    const [one, other] = ['n1', 'n2'].map((id) => cluster.service(id).converged())
    expect(one).toBe(other)
    // As a bug would: one replica changes behind the back of the log.
    await cluster.service('n2').raft.read(
      ({ keyspaces }) => {
        const entry = keyspaces.get('default')?.entries.get('a')
        if (entry !== undefined) entry.value[0] = 0x32
      },
      { consistency: 'stale' },
    )
    const leader = cluster.service(await cluster.elected())
    await cluster.run(leader.kv.linearizable('default').put('b', Buffer.from('1')))
    await expect(cluster.converged({ within: '5s' })).rejects.toMatchObject({ code: 'DSYS_SIMULATION_DEADLINE' })
  })

  test('says at once that there is nobody to compare', async () => {
    await using cluster = await testCluster({ nodes: 2, seed: 5 })
    for (const id of cluster.ids) cluster.crash(id)
    const { nowMs } = cluster
    await expect(cluster.converged()).rejects.toMatchObject({
      code: 'DSYS_SIMULATION_NODE_DOWN',
      message: 'there is nobody to ask: of n1, n2 none runs',
    })
    expect(cluster.nowMs).toBe(nowMs)
  })

  test('a node that is stopped gracefully does not run any more, until it is restarted', async () => {
    await using cluster = await testCluster({ nodes: 3, seed: 5 })
    const old = await cluster.elected()
    await cluster.stop(old)
    expect(cluster.running).toEqual(cluster.ids.filter((id) => id !== old))
    expect(cluster.counts.get('disk.write-lost') ?? 0).toBe(0)
    await cluster.stop(old)
    await cluster.elected({ not: old })
    await cluster.restart(old)
    await cluster.converged()
    await expect(cluster.stop('n9')).rejects.toThrow(RangeError)
  })

  test('every disk that is lost by hand is known to chaos', async () => {
    await using cluster = await testCluster({ nodes: 5, seed: 5 })
    for (const id of ['n1', 'n2', 'n3']) cluster.crash(id, { disk: 'lost' })
    await expect(cluster.chaos({ kinds: ['disk-lost'] })).rejects.toThrow(/lost already: n1, n2, n3/)
  })

  test('a paused leader is replaced, and knows when it goes on', async () => {
    await using cluster = await testCluster({ nodes: 3, seed: 5 })
    const leader = await cluster.elected()
    cluster.pause(leader)
    await cluster.waitFor('another leader', () => ![undefined, leader].includes(cluster.leader()))
    expect(cluster.service(leader).status().role).toBe('leader')
    cluster.resume(leader)
    await cluster.converged()
    expect(cluster.service(leader).status().role).toBe('follower')
  })

  test('a pause is of the process that runs then, and there must be one', async () => {
    await using cluster = await testCluster({ nodes: 3, seed: 5 })
    const paused = () => cluster.node('n1').life?.process.paused
    cluster.pause('n1')
    cluster.node('n1').crash({ unsynced: 'lost', disk: 'kept' })
    expect(() => cluster.pause('n1')).toThrow(expect.objectContaining({ code: 'DSYS_SIMULATION_NODE_DOWN' }))
    await cluster.restart('n1')
    expect(paused()).toBe(false)
    cluster.pause('n1')
    cluster.pause('n1')
    expect(paused()).toBe(true)
    cluster.resume('n1')
    expect(paused()).toBe(false)
  })

  test('a node whose disk is lost, also while it was down, says why it does not start', async () => {
    await using cluster = await testCluster({ nodes: 3, seed: 5 })
    cluster.crash('n1')
    cluster.crash('n1', { disk: 'lost' })
    expect(cluster.counts.get('disk.wiped')).toBe(1)
    await expect(cluster.restart('n1')).rejects.toMatchObject({
      code: 'DSYS_SIMULATION_NODE_DOWN',
      message: expect.stringContaining('its disk is lost'),
      hint: expect.stringContaining("disk: 'lost'"),
    })
  })

  test('P-30: a voter whose disk is lost ends itself until its group has removed it, and counts once it is added', async () => {
    await using cluster = await testCluster({ nodes: 3, seed: 5 })
    await cluster.elected()
    const values = (id: string) => cluster.service(id).kv.linearizable('default', { codec: utf8 })
    await cluster.run(values('n2').put('a', 'x'))
    await cluster.restart('n1', { disk: 'lost' })
    await cluster.waitFor('its end', () => !cluster.running.includes('n1'))
    const failed = cluster.logs.filter(({ node, level }) => node === 'n1' && level === 'error')
    expect(failed.map(({ fields }) => fields?.['error'])).toMatchObject([{ code: 'DSYS_RAFT_IDENTITY_LOST' }])
    await expect(cluster.chaos({ kinds: ['disk-lost'] })).rejects.toThrow(/lost already: n1/)
    await cluster.run(values('n2').put('a', 'y'))

    const { raft } = cluster.service('n2')
    await cluster.run(raft.reconfigure({ voters: ['n2', 'n3'] }))
    await cluster.restart('n1')
    await cluster.run(raft.reconfigure({ voters: ['n1', 'n2', 'n3'] }))
    await cluster.converged()
    cluster.crash('n3')
    await cluster.run(values('n1').put('b', 'z'))
    expect((await cluster.run(values('n1').get('a')))?.value).toBe('y')
  })

  test('goes on after chaos without the node whose disk that has taken', async () => {
    await using cluster = await testCluster({ nodes: 3, seed: 5 })
    await cluster.chaos({ kinds: ['disk-lost'], lasting: '5s' })
    expect(cluster.running.length).toBe(2)
    const lost = cluster.ids.find((id) => !cluster.running.includes(id)) as string
    await expect(cluster.restart(lost)).rejects.toMatchObject({ code: 'DSYS_SIMULATION_NODE_DOWN' })
    await cluster.converged()
  })

  test('a second process with the id of a node is started, gets frames, and finds the disk locked', async () => {
    await using cluster = await testCluster({ nodes: 3, seed: 5 })
    await cluster.elected()
    await cluster.chaos({ kinds: ['impostor'], lasting: '5s' })
    expect(cluster.counts.get('fault.impostor')).toBeGreaterThan(1)
    const refused = cluster.logs.filter(({ message }) => message.startsWith('a second process'))
    expect(refused.length).toBeGreaterThan(1)
    for (const { fields } of refused) expect(fields['error']).toMatchObject({ code: 'DSYS_STORAGE_LOCKED' })
    expect(cluster.running).toEqual(cluster.ids)
    await cluster.converged()
  })

  test('refuses by name each kind of fault that cannot happen in it', async () => {
    await using two = await testCluster({ nodes: 2, seed: 5 })
    for (const kind of ['partition-bridge', 'partition-ring', 'partly-seen', 'disk-lost', 'bit-flip']) {
      await expect(two.chaos({ kinds: ['crash', kind], lasting: '1ms' })).rejects.toMatchObject({
        code: 'DSYS_SIMULATION_FAULT_IMPOSSIBLE',
        kind,
        message: expect.stringContaining(kind),
        hint: expect.stringContaining('nodes'),
      })
    }
    expect(two.nowMs).toBeLessThan(1_000)
    await expect(two.chaos({ kinds: [] })).rejects.toThrow(RangeError)
    const start = async (): Promise<TestService> => ({})
    for (const kinds of [Object.keys(FAULTS).filter((kind) => kind !== 'bit-flip'), ['bit-flip']]) {
      await using four = await testCluster({ nodes: 4, seed: 5, start })
      for (const kind of kinds) {
        await four.chaos({ kinds: [kind], lasting: '4s', every: '500ms' })
        expect(four.counts.get(`fault.${kind}`) ?? 0, kind).toBeGreaterThan(0)
      }
      const again = four.chaos({ kinds: ['disk-lost'] })
      await expect(again).rejects.toMatchObject({ code: 'DSYS_SIMULATION_FAULT_IMPOSSIBLE' })
    }
  })

  test('a slow process fires its timers before the frames, and the ends of writes, that wait; and starts all the same', async () => {
    const seen: string[] = []
    const start = ({ clock, transport, disk }: TestNode) => {
      const note = (what: string) => (): void =>
        void seen.push(`${what} at ${Math.floor(clock.monotonicMs() / 10)}x ms`)
      transport.listen('talk', note('frame'))
      const work = (): void => {
        clock.setTimer(20, note('timer'))
        void disk.createDirectory('a').then(note('disk'))
      }
      const talk = (): boolean => transport.send({ id: 'n2' }, 'talk', Buffer.from('x'))
      return { work, talk, stop: async () => undefined }
    }
    await using cluster = await testCluster({ nodes: 2, seed: 5, start })
    const restore = cluster.node('n2').slow(50)
    await cluster.advance({ ms: 100 - cluster.nowMs })
    cluster.service('n1').talk()
    cluster.service('n2').work()
    await cluster.advance('100ms')
    expect(seen).toEqual(['timer at 12x ms', 'disk at 15x ms', 'frame at 15x ms'])
    cluster.crash('n2')
    expect(await cluster.restart('n2')).toBe(cluster.service('n2'))
    restore()
  })

  test('refuses a partition that would cut nothing, or a node from itself', async () => {
    await using cluster = await testCluster({ nodes: 3, seed: 5 })
    expect(() => cluster.partition(['n1'])).toThrow(RangeError)
    expect(() => cluster.partition(['n1'], [])).toThrow(RangeError)
    expect(() => cluster.partition(['n1', 'n2'], ['n2', 'n3'])).toThrow(/n2 is in two groups/)
    expect(cluster.network.faults).toEqual([])
    await expect(cluster.chaos({ kinds: ['crash', 'krash'], lasting: '1ms' })).rejects.toThrow(/krash/)
  })

  test('a status that cannot be told does not hide what did not happen', async () => {
    const statuses: (() => unknown)[] = [
      () => ({ size: 7n }),
      () => {
        throw new Error('no idea')
      },
    ]
    await using cluster = await testCluster({
      nodes: 2,
      start: async ({ id }: TestNode) => ({ status: statuses[id === 'n1' ? 0 : 1] as () => unknown }),
    })
    const waiting = cluster.waitFor('the impossible', () => false, { within: '1s' })
    await expect(waiting).rejects.toThrow(/the impossible[\s\S]*"size":"7"[\s\S]*no idea/)
  })

  test('a deadline says what was waited for, how each node stands, and the seed', async () => {
    await using cluster = await testCluster({ nodes: 3, seed: 77 })
    cluster.crash('n1')
    cluster.crash('n2')
    const waiting = cluster.waitFor('the impossible', () => false, { within: '2s' })
    await expect(waiting).rejects.toMatchObject({ code: 'DSYS_SIMULATION_DEADLINE', waitedFor: 'the impossible' })
    await expect(waiting).rejects.toThrow(/n1: .*\n.*n2: .*\n.*n3: [\s\S]*seed 77/)
    expect(() => cluster.service('n1')).toThrow(expect.objectContaining({ code: 'DSYS_SIMULATION_NODE_DOWN' }))
  })

  test('explains what has happened, and is not used after its end', async () => {
    const cluster = await testCluster({ nodes: 3, seed: 2 })
    await cluster.elected()
    cluster.crash('n2')
    expect(cluster.explain()).toContain('crash')
    await cluster[Symbol.asyncDispose]()
    await expect(cluster.advance('1s')).rejects.toMatchObject({ code: 'DSYS_SIMULATION_ENDED' })
    expect(() => cluster.crash('n1')).toThrow(expect.objectContaining({ code: 'DSYS_SIMULATION_ENDED' }))
  })

  test('refuses what is no cluster and no duration', async () => {
    await expect(testCluster({ nodes: 0 })).rejects.toThrow(RangeError)
    await expect(testCluster({ nodes: ['a', 'a'] })).rejects.toThrow(RangeError)
    await using cluster = await testCluster({ nodes: ['left', 'right'] })
    await expect(cluster.advance('10 s' as '10s')).rejects.toThrow(RangeError)
    await expect(cluster.advance({ ms: -1 })).rejects.toThrow(RangeError)
    const before = cluster.nowMs
    await cluster.advance('1m')
    await cluster.advance({ ms: 500 })
    expect(cluster.nowMs - before).toBe(60_500)
  })
})

/** Counts the hellos of others; keeps how many lives it has had on its disk. */
class Greeter implements TestService {
  heard = 0
  lives = 0
  readonly #node: TestNode
  #over = false

  constructor(node: TestNode) {
    this.#node = node
  }

  static async start(node: TestNode): Promise<Greeter> {
    const greeter = new Greeter(node)
    const key = Buffer.from('lives')
    greeter.lives = ((await node.state.get(key))?.[0] ?? 0) + 1
    await node.state.write([{ type: 'put', key, value: Uint8Array.of(greeter.lives) }])
    node.transport.listen('hello', () => void greeter.heard++)
    greeter.#greet()
    return greeter
  }

  #greet(): void {
    if (this.#over) return
    for (const id of this.#node.ids)
      if (id !== this.#node.id) this.#node.transport.send({ id }, 'hello', Uint8Array.of(1))
    this.#node.clock.setTimer(100, () => this.#greet())
  }

  converged(): number {
    return this.lives
  }

  async stop(): Promise<void> {
    this.#over = true
  }
}

describe('a cluster of a service of ones own', () => {
  test('hears the others in virtual time, and nobody through a cut', async () => {
    await using cluster = await testCluster({ nodes: 3, seed: 9, start: Greeter.start })
    await cluster.advance('10s')
    const before = cluster.service('n1').heard
    expect(before).toBeGreaterThan(190)
    expect(before).toBeLessThan(205)
    cluster.partition(['n1'], ['n2', 'n3'])
    await cluster.advance('10s')
    expect(cluster.service('n1').heard - before).toBeLessThanOrEqual(2)
    cluster.heal()
    await cluster.advance('1s')
    expect(cluster.service('n1').heard - before).toBeGreaterThan(15)
  })

  test('keeps over a crash what its disk has, and nothing else', async () => {
    await using cluster = await testCluster({ nodes: 2, seed: 9, start: Greeter.start })
    for (const id of cluster.ids) cluster.crash(id)
    await cluster.restartAll()
    expect(cluster.ids.map((id) => cluster.service(id).lives)).toEqual([2, 2])
    await cluster.converged()
    await cluster.stop()
    expect(cluster.running).toEqual([])
  })

  test('is started again on an empty disk where that is wanted, and told so', async () => {
    const told: string[] = []
    const start = (node: TestNode): Promise<Greeter> => {
      told.push(`${node.id} ${node.generation} ${node.diskLost}`)
      return Greeter.start(node)
    }
    await using cluster = await testCluster({ nodes: ['a', 'b'], seed: 9, start })
    cluster.crash('a', { disk: 'lost' })
    expect((await cluster.restart('a', { disk: 'lost' })).lives).toBe(1)
    // Also one that runs: it crashes over it.
    expect((await cluster.restart('b', { disk: 'lost' })).lives).toBe(1)
    cluster.crash('b')
    expect((await cluster.restart('b')).lives).toBe(2)
    expect(cluster.counts.get('disk.wiped')).toBe(2)
    // Both started at once, and the faster disk came first.
    expect(told.slice(0, 2).sort()).toEqual(['a 1 false', 'b 1 false'])
    expect(told.slice(2)).toEqual(['a 2 true', 'b 2 true', 'b 3 true'])
  })

  test('whose start fails is told by its node and cause', async () => {
    const start = async (node: TestNode): Promise<Greeter> => {
      if (node.id === 'n2') throw new Error('no configuration')
      return await Greeter.start(node)
    }
    const error = await testCluster({ nodes: 2, start }).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(StartFailedError)
    expect(error).toMatchObject({ node: 'n2', cause: new Error('no configuration') })
  })

  test('whose start gives no service is told so, and not by a deadline', async () => {
    for (const nothing of [undefined, null, 7]) {
      const error = await testCluster({ nodes: 2, start: (async () => nothing) as never }).catch(
        (thrown: unknown) => thrown,
      )
      expect(error).toBeInstanceOf(StartFailedError)
      expect(error).toMatchObject({ message: expect.stringContaining(`it returned ${nothing}`) })
    }
  })

  test('that waits for the real world is found out at the deadline', async () => {
    await using cluster = await testCluster({ nodes: 1, start: Greeter.start })
    // More than the timers of the test runner, which come and go: what it had when the cluster was made is not counted.
    const timers: NodeJS.Timeout[] = []
    const work = new Promise((resolve) => {
      while (timers.length < 100) timers.push(setTimeout(resolve, 60_000))
    })
    try {
      await expect(cluster.run(work, { within: '5s' })).rejects.toMatchObject({
        hint: expect.stringMatching(/real world \((9\d|10\d) Timeout\)/),
      })
    } finally {
      for (const timer of timers) clearTimeout(timer)
    }
  })

  test('can be waited for inside of run by the clock of the cluster', async () => {
    await using cluster = await testCluster({ nodes: 2, start: Greeter.start })
    const startMs = cluster.nowMs
    const passed = await cluster.run(async () => {
      await delay(cluster.clock, 1_500)
      return cluster.nowMs - startMs
    })
    expect(passed).toBe(1_500)
  })
})
