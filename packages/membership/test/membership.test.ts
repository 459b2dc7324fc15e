import { NodeScope } from '@dsys/di'
import {
  type LogFields,
  type Logger,
  type LogLevel,
  SeededRandom,
  silentMeter,
  systemRuntime,
  VirtualClock,
} from '@dsys/runtime'
import { runtime } from '@dsys/runtime/di'
import { MemoryNetwork, type MemoryTransport } from '@dsys/transport-memory'
import { memoryTransport } from '@dsys/transport-memory/di'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { plainContainer } from '../../../tooling/fixtures/plain-container.ts'
import { MEMBERSHIP, membership } from '../src/di.ts'
import {
  Membership,
  type MembershipEvent,
  type MembershipOptions,
  MetadataTooLargeError,
  TransportFrameTooSmallError,
} from '../src/index.ts'
import { ManualTransport } from './manual-transport.ts'

class TestLogger implements Logger {
  readonly lines: { level: LogLevel; message: string; fields: LogFields | undefined }[] = []
  log(level: LogLevel, message: string, fields?: LogFields): void {
    this.lines.push({ level, message, fields })
  }
  child(): Logger {
    return this
  }
}

interface Node {
  readonly membership: Membership
  readonly transport: MemoryTransport
}

/** Members over a MemoryNetwork in virtual time. */
class Cluster {
  readonly clock = new VirtualClock()
  readonly random: SeededRandom
  readonly network: MemoryNetwork
  readonly logger = new TestLogger()

  constructor(seed = 1, maxFrameBytes = 2 ** 20) {
    this.random = new SeededRandom(seed)
    this.network = new MemoryNetwork(
      { clock: this.clock, random: this.random.stream('network') },
      { link: { minDelayMs: 1, maxDelayMs: 3 }, maxFrameBytes },
    )
  }

  node(id: string, options: Partial<MembershipOptions> = {}): Node {
    const transport = this.network.endpoint(id)
    const { clock, logger } = this
    const random = this.random.stream(`${id}-${transport.self.generation}`)
    const ports = { clock, random, logger, meter: silentMeter, transport }
    return { transport, membership: new Membership(ports, { cluster: 'shop', ...options }) }
  }

  async start(node: Node): Promise<void> {
    await node.transport.start()
    await this.during(node.membership.start())
  }

  /** Lets virtual time go on until `promise` is settled. */
  async during<T>(promise: Promise<T>): Promise<T> {
    let settled = false
    const mark = (): void => {
      settled = true
    }
    promise.then(mark, mark)
    for (let i = 0; i < 500 && !settled; i++) await this.clock.advanceAsync(10)
    expect(settled).toBe(true)
    return await promise
  }

  /** What `kill -9` does: the process is gone, its frames and timers with it. */
  kill({ transport }: Node, others: readonly Node[]): void {
    for (const other of others) {
      this.network.cut(transport.self.id, other.transport.self.id)
      this.network.cut(other.transport.self.id, transport.self.id)
    }
  }
}

/** Collects what a stream gives, without waiting for it. */
function collect(stream: AsyncIterable<MembershipEvent>): { events: MembershipEvent[]; done: Promise<void> } {
  const events: MembershipEvent[] = []
  const run = async (): Promise<void> => {
    for await (const event of stream) events.push(event)
  }
  return { events, done: run() }
}

const describeEvent = (event: MembershipEvent): string =>
  event.type === 'Synced' ? event.type : `${event.type} ${event.member.id}/${event.member.generation}`
const statesOf = ({ membership: one }: Node): Record<string, string> =>
  Object.fromEntries(one.members().map(({ id, state }) => [id, state]))

async function startFive(seed: number): Promise<{ cluster: Cluster; nodes: Node[] }> {
  const cluster = new Cluster(seed)
  const nodes = ['n1', 'n2', 'n3', 'n4', 'n5'].map((id) => cluster.node(id, { metadata: { host: id } }))
  await Promise.all(nodes.map((node) => cluster.start(node)))
  await cluster.clock.advanceAsync(500)
  return { cluster, nodes }
}

describe('a cluster over a transport', () => {
  test('joins without seeds, tells what it knows, follows metadata, notices a kill, a leave and a restart', async () => {
    const { cluster, nodes } = await startFive(3)
    const [n1, n2, n3, n4] = nodes as [Node, Node, Node, Node]
    for (const node of nodes)
      expect(node.membership.alive().map(({ id }) => id)).toEqual(['n1', 'n2', 'n3', 'n4', 'n5'])
    expect(n1.membership.alive().map(({ metadata }) => metadata['host'])).toEqual(['n1', 'n2', 'n3', 'n4', 'n5'])

    const signal = new AbortController()
    const seen = collect(n1.membership.events({ signal: signal.signal }))
    await cluster.clock.advanceAsync(1)
    const up = ['n1', 'n2', 'n3', 'n4', 'n5'].map((id) => `MemberUp ${id}/1`)
    expect(seen.events.map(describeEvent)).toEqual([...up, 'Synced'])

    n2.membership.update({ metadata: { host: 'n2', role: 'edge' } })
    await cluster.clock.advanceAsync(100)
    expect(n4.membership.members().find(({ id }) => id === 'n2')?.metadata).toEqual({ host: 'n2', role: 'edge' })

    const killedMs = cluster.clock.monotonicMs()
    cluster.kill(n3, nodes)
    const others = nodes.filter((node) => node !== n3)
    while (!others.every((node) => statesOf(node)['n3'] === 'dead')) await cluster.clock.advanceAsync(10)
    expect(cluster.clock.monotonicMs() - killedMs).toBeLessThan(3_000)

    await cluster.during(n4.membership.stop())
    await cluster.clock.advanceAsync(50)
    expect(statesOf(n1)).toEqual({ n1: 'alive', n2: 'alive', n3: 'dead', n4: 'left', n5: 'alive' })

    cluster.network.heal()
    await n3.transport.stop()
    const again = cluster.node('n3')
    await cluster.start(again)
    await cluster.clock.advanceAsync(500)
    expect(n1.membership.members().find(({ id }) => id === 'n3')).toMatchObject({ generation: 2, state: 'alive' })

    signal.abort()
    await seen.done
    expect(seen.events.slice(6).map(describeEvent)).toEqual([
      'MemberUpdated n2/1',
      'MemberSuspected n3/1',
      'MemberDown n3/1',
      'MemberLeft n4/1',
      'MemberUp n3/2',
    ])
    const { text, incidents } = n1.membership.explain('n3')
    expect(incidents.map(({ type }) => type)).toEqual(['MemberUp', 'MemberSuspected', 'MemberDown', 'MemberUp'])
    expect(text).toMatch(/^n3 \(generation 2\) is alive, and has been for /)
    expect(n1.membership.explain('nobody').findings).toMatchObject([{ code: 'not-known', evidence: { id: 'nobody' } }])
    const warnings = cluster.logger.lines.filter(({ level }) => level === 'error' || level === 'warn')
    // The process that was cut off ran on, and noticed.
    expect(warnings.map(({ message }) => message)).toEqual([
      'the view of the cluster is stale: nobody is declared dead',
    ])
  })

  test('being alone is fine, and somebody may come later', async () => {
    const cluster = new Cluster()
    const n1 = cluster.node('n1')
    const startedMs = cluster.clock.monotonicMs()
    await cluster.start(n1)
    expect(cluster.clock.monotonicMs() - startedMs).toBeLessThanOrEqual(1_010)
    const n2 = cluster.node('n2')
    const joiningMs = cluster.clock.monotonicMs()
    await cluster.start(n2)
    expect(cluster.clock.monotonicMs() - joiningMs).toBeLessThan(500)
    expect(statesOf(n1)).toEqual({ n1: 'alive', n2: 'alive' })
    await cluster.during(n2.membership.stop())
    await cluster.during(n1.membership.stop())
  })

  test('M-27: two clusters on one network do not merge, whatever the seeds say', async () => {
    const cluster = new Cluster()
    const shop = cluster.node('n1', { seeds: ['n2'] })
    const bank = cluster.node('n2', { cluster: 'bank', seeds: ['n1'] })
    await Promise.all([cluster.start(shop), cluster.start(bank)])
    await cluster.clock.advanceAsync(20_000)
    expect(statesOf(shop)).toEqual({ n1: 'alive' })
    expect(statesOf(bank)).toEqual({ n2: 'alive' })
  })

  test('M-35: a lost connection of all of them accuses nobody, and views agree within five seconds', async () => {
    const { cluster, nodes } = await startFive(5)
    const streams = nodes.map((node) => collect(node.membership.events()))
    for (const { transport } of nodes) cluster.network.disconnect(transport.self.id)
    await cluster.clock.advanceAsync(600_000)
    for (const { transport } of nodes) cluster.network.reconnect(transport.self.id)
    await cluster.clock.advanceAsync(5_000)
    for (const node of nodes) expect(node.membership.alive()).toHaveLength(5)
    for (const { events } of streams) {
      expect(events.filter(({ type }) => type === 'MemberSuspected' || type === 'MemberDown')).toEqual([])
    }
  })

  test('a node cut off alone accuses nobody; the others see it go and come back', async () => {
    const { cluster, nodes } = await startFive(6)
    const [n1, n2] = nodes as [Node, Node]
    cluster.network.disconnect('n1')
    await cluster.clock.advanceAsync(20_000)
    expect(Object.values(statesOf(n1))).toEqual(['alive', 'alive', 'alive', 'alive', 'alive'])
    expect(statesOf(n2)['n1']).toBe('dead')
    cluster.network.reconnect('n1')
    await cluster.clock.advanceAsync(2_000)
    for (const node of nodes) expect(node.membership.alive()).toHaveLength(5)
  })
})

describe('garbage', () => {
  test('random bytes never throw out of the handler and never change the view', async () => {
    const cluster = new Cluster()
    const n1 = cluster.node('n1')
    await cluster.start(n1)
    const stranger = cluster.network.endpoint('stranger')
    await stranger.start()
    const before = n1.membership.members()
    const header = new TextEncoder().encode('\u0001\u0004shop')
    const samples = fc.sample(fc.uint8Array({ maxLength: 100 }), { numRuns: 1_000, seed: 1 })
    for (const bytes of samples) {
      stranger.send({ id: 'n1' }, 'membership', bytes)
      stranger.send({ id: 'n1' }, 'membership', Uint8Array.from([...header, 4, ...bytes]))
    }
    await cluster.clock.advanceAsync(1_000)
    expect(n1.membership.members()).toEqual(before)
    expect(cluster.logger.lines.filter(({ level }) => level === 'error')).toEqual([])
    expect(cluster.logger.lines.filter(({ message }) => message === 'a frame was dropped').length).toBeGreaterThan(
      1_900,
    )
  })
})

describe('the driver', () => {
  test('a defect silences the member and is logged; start rejects with it', async () => {
    const clock = new VirtualClock()
    const logger = new TestLogger()
    const transport = new ManualTransport()
    transport.onSend = () => {
      throw new Error('planted')
    }
    const broken = new Membership({ ...systemRuntime({ clock, logger }), transport }, { cluster: 'c', seeds: ['n2'] })
    await expect(broken.start()).rejects.toThrow('planted')
    expect(logger.lines.map(({ level }) => level)).toContain('error')
    await broken.stop()
    expect(clock.pending).toBe(0)
  })

  test('leaves no timer, listener or stream behind', async () => {
    const cluster = new Cluster()
    const n1 = cluster.node('n1')
    const n2 = cluster.node('n2')
    await Promise.all([cluster.start(n1), cluster.start(n2)])
    const stream = collect(n1.membership.events())
    await cluster.during(
      Promise.all([n1.membership.stop(), n2.membership.stop(), n1.membership[Symbol.asyncDispose]()]),
    )
    await stream.done
    await cluster.clock.advanceAsync(100)
    expect(cluster.clock.pending).toBe(0)
    expect(() => n1.membership.update({})).toThrow(expect.objectContaining({ code: 'DSYS_NOT_RUNNING' }))
    await expect(n1.membership.start()).rejects.toMatchObject({ code: 'DSYS_NOT_RUNNING' })
    n1.transport.listen('membership', () => undefined)
  })

  test('a start can be cancelled, and what it held is given back', async () => {
    const cluster = new Cluster()
    const n1 = cluster.node('n1')
    await n1.transport.start()
    const abort = new AbortController()
    const starting = n1.membership.start({ signal: abort.signal })
    abort.abort(new Error('enough'))
    await expect(starting).rejects.toThrow('enough')
    await cluster.clock.advanceAsync(100)
    expect(cluster.clock.pending).toBe(0)
  })

  test('a start that fails on a taken channel leaves no timer, and nobody hears a farewell of a member that never joined', async () => {
    const cluster = new Cluster()
    const [a, b] = [cluster.node('a'), cluster.node('b')]
    await cluster.start(a)
    await cluster.start(b)
    const { clock, logger, random } = cluster
    const ports = { clock, logger, random, meter: silentMeter, transport: a.transport }
    const second = new Membership(ports, { cluster: 'shop' })
    const timers = clock.pending
    await expect(second.start()).rejects.toMatchObject({ code: 'DSYS_TRANSPORT_CHANNEL_TAKEN' })
    expect(clock.pending).toBe(timers)
    await clock.advanceAsync(10_000)
    expect(b.membership.explain('a').incidents.map(({ type }) => type)).toEqual(['MemberUp'])
    await cluster.during(Promise.all([a.membership.stop(), b.membership.stop()]))
  })

  test('can be disposed in every state', async () => {
    const cluster = new Cluster()
    const n1 = cluster.node('n1')
    expect(n1.membership.members()).toEqual([])
    await n1.membership[Symbol.asyncDispose]()
    await n1.membership.stop()
    await expect(n1.membership.start()).rejects.toMatchObject({ code: 'DSYS_NOT_RUNNING' })
  })

  test('M-34: a consumer that does not keep up loses its stream and holds up nobody', async () => {
    const cluster = new Cluster()
    const n1 = cluster.node('n1')
    const n2 = cluster.node('n2')
    await Promise.all([cluster.start(n1), cluster.start(n2)])
    const slow = n1.membership.events({ capacity: 5 })
    for (let i = 0; i < 20; i++) {
      n2.membership.update({ metadata: { i: String(i) } })
      await cluster.clock.advanceAsync(20)
    }
    await expect(slow.next()).rejects.toMatchObject({ code: 'DSYS_EVENTS_LAGGED' })
    expect(n1.membership.members()[1]?.metadata).toEqual({ i: '19' })
  })

  test('a stream that begins during a suspicion says so', async () => {
    const { cluster, nodes } = await startFive(8)
    const [n1, , n3] = nodes as [Node, Node, Node]
    cluster.kill(n3, nodes)
    while (statesOf(n1)['n3'] !== 'suspect') await cluster.clock.advanceAsync(10)
    const stream = collect(n1.membership.events())
    await cluster.clock.advanceAsync(1)
    expect(stream.events.map(describeEvent).slice(2, 4)).toEqual(['MemberUp n3/1', 'MemberSuspected n3/1'])
    expect(stream.events[3]).toMatchObject({ evidence: { kind: expect.stringMatching(/^(unreachable|accused)$/) } })
    expect(n1.membership.alive().map(({ id }) => id)).not.toContain('n3')
  })

  test('an earlier life that still runs falls silent, says so, and refuses updates', async () => {
    const cluster = new Cluster()
    const n1 = cluster.node('n1')
    const transport = new ManualTransport()
    const { clock, random, logger } = cluster
    const old = new Membership({ clock, random, logger, meter: silentMeter, transport }, { cluster: 'shop' })
    await cluster.during(old.start())
    const later = cluster.network.endpoint('n1', { generation: 7 })
    const listener = cluster.network.endpoint('n9')
    await Promise.all([later.start(), listener.start()])
    let hello: Uint8Array | undefined
    listener.listen('membership', (frame) => {
      hello ??= frame
    })
    await cluster.during(
      new Membership({ clock, random, logger, meter: silentMeter, transport: later }, { cluster: 'shop' }).start(),
    )
    transport.deliver(hello as Uint8Array, { id: 'n9', generation: 1 })
    expect(logger.lines.some(({ level, message }) => level === 'error' && message.includes('a later life'))).toBe(true)
    expect(() => old.update({})).toThrow('superseded by generation 7')
    await cluster.during(old.stop())
    expect(n1.membership.members()).toEqual([])
  })
})

describe('options', () => {
  const ports = { ...systemRuntime(), transport: new ManualTransport() }
  test.each([
    { cluster: '' },
    { cluster: 'x'.repeat(129) },
    { probeIntervalMs: 499 },
    { probeIntervalMs: 0.5 },
    { gossipIntervalMs: 0.5 },
    { probeTimeoutMs: Number.NaN },
    { suspicionTimeoutMs: Number.POSITIVE_INFINITY },
    { indirectProbes: -1 },
    { probesPerInterval: 0 },
    { gossipFanout: 1.5 },
    { maxMembers: 0 },
    { knownPeers: ['n1', ''] },
  ])('M-24: %j is a RangeError', (wrong) => {
    expect(() => new Membership(ports, { cluster: 'c', ...wrong })).toThrow(RangeError)
  })

  test('M-33: metadata over the limit is refused where it is given, and changes nothing', async () => {
    const metadata = { note: 'x'.repeat(1_100) }
    expect(() => new Membership(ports, { cluster: 'c', metadata })).toThrow(MetadataTooLargeError)
    expect(() => new Membership(ports, { cluster: 'c', metadata: { n: 1 as unknown as string } })).toThrow(TypeError)
    const cluster = new Cluster()
    const n1 = cluster.node('n1', { metadata: { zone: 'a' } })
    await cluster.start(n1)
    expect(() => n1.membership.update({ metadata })).toThrow(
      expect.objectContaining({ code: 'DSYS_MEMBERSHIP_METADATA_TOO_LARGE', outcome: 'not-applied' }),
    )
    expect(n1.membership.members()[0]).toMatchObject({ metadata: { zone: 'a' }, incarnation: 0 })
  })

  test('a transport that takes only small frames is refused at the start', async () => {
    const cluster = new Cluster(1, 1_024)
    const n1 = cluster.node('n1')
    await n1.transport.start()
    await expect(n1.membership.start()).rejects.toBeInstanceOf(TransportFrameTooSmallError)
  })
})

test('the module builds a membership out of the ports of its scope', async () => {
  const network = new MemoryNetwork()
  await using scope = new NodeScope(plainContainer()).use(
    runtime(),
    memoryTransport({ network, nodeId: 'n1' }),
    membership({ cluster: 'shop', joinTimeoutMs: 10, roles: ['worker'] }),
  )
  await scope.start()
  expect(
    scope
      .get(MEMBERSHIP)
      .alive({ role: 'worker' })
      .map(({ id }) => id),
  ).toEqual(['n1'])
})
