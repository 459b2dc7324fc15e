import { NodeScope, token } from '@dsys/di'
import { SeededRandom, systemRuntime, VirtualClock } from '@dsys/runtime'
import { runtime } from '@dsys/runtime/di'
import { TRANSPORT } from '@dsys/transport/di'
import { describe, expect, test } from 'vitest'
import { plainContainer } from '../../../tooling/fixtures/plain-container.ts'
import { decodeMessage, encodeMessage } from '../src/core/codec.ts'
import { decodeKnownPeers, encodeKnownPeers, MAX_KNOWN_PEERS } from '../src/core/known-peers.ts'
import type { MemberRecord } from '../src/core/record.ts'
import { membership } from '../src/di.ts'
import { Membership, type MembershipOptions, type PeerStorage } from '../src/index.ts'
import { ManualTransport } from './manual-transport.ts'
import { Simulation } from './simulation.ts'

const of = (id: string, more: Partial<MemberRecord> = {}): MemberRecord => {
  return { id, generation: 1, incarnation: 0, state: 'alive', metadata: [], ...more }
}

class TestStorage implements PeerStorage {
  readonly values = new Map<string, Uint8Array>()
  reads = 0
  writes = 0
  fails = false
  hangs = false

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    this.reads += 1
    if (this.hangs) await new Promise(() => undefined)
    if (this.fails) throw new Error('the disk is gone')
    return this.values.get(Buffer.from(key).toString())
  }

  async write(changes: readonly { readonly key: Uint8Array; readonly value: Uint8Array }[]): Promise<void> {
    this.writes += 1
    if (this.hangs) await new Promise(() => undefined)
    if (this.fails) throw new Error('the disk is full')
    for (const { key, value } of changes) this.values.set(Buffer.from(key).toString(), value)
  }

  get kept(): string[] {
    return [...this.values.values()].flatMap((value) => decodeKnownPeers(value).map(({ id }) => id)).sort()
  }
}

interface Run {
  readonly clock: VirtualClock
  readonly transport: ManualTransport
  readonly membership: Membership
  readonly warnings: string[]
  hear(...records: MemberRecord[]): void
  during<T>(promise: Promise<T>): Promise<T>
  /** To whom hellos were sent. */
  greeted(): string[]
}

function run(peers: PeerStorage | undefined, options: Partial<MembershipOptions> = {}): Run {
  const clock = new VirtualClock()
  const transport = new ManualTransport()
  const warnings: string[] = []
  const logger = {
    log: (level: string, message: string) => void (level === 'warn' && warnings.push(message)),
    child: () => logger,
  }
  const ports = { ...systemRuntime({ clock, logger, random: new SeededRandom(1) }), transport }
  const membership = new Membership(peers === undefined ? ports : { ...ports, peers }, {
    cluster: 'shop',
    joinTimeoutMs: 100,
    ...options,
  })
  return {
    clock,
    transport,
    membership,
    warnings,
    hear: (...records) => {
      const rumors = records.map((record) => ({ record, ageMs: 0 }))
      transport.deliver(encodeMessage({ kind: 'sync-reply', last: true, rumors }, 'shop'), { id: 'n2', generation: 1 })
    },
    during: async (promise) => {
      let settled = false
      promise.then(
        () => (settled = true),
        () => (settled = true),
      )
      for (let i = 0; i < 2_000 && !settled; i++) await clock.advanceAsync(10)
      return await promise
    },
    greeted: () =>
      transport.sent.flatMap(({ to, frame }) => {
        const decoded = decodeMessage(frame, 'shop')
        return decoded.ok && decoded.message.kind === 'hello' ? [to] : []
      }),
  }
}

describe('what is kept of peers', () => {
  test('comes back as it was, with what a later version has said in it', () => {
    const unknown = [{ tag: 50, bytes: Uint8Array.of(1, 2) }]
    const records = [of('n1', { nonce: 7, unknown, metadata: [['zone', 'a']] }), of('n2', { state: 'dead' })]
    expect(decodeKnownPeers(encodeKnownPeers(records))).toEqual(records)
    const later = Uint8Array.from([1, 3, 9, 9, 9, ...encodeKnownPeers(records).subarray(2)])
    expect(decodeKnownPeers(later)).toEqual(records)
    expect(() => decodeKnownPeers(Uint8Array.of(2, 0, 0))).toThrow('format 2')
  })
})

describe('the port for peers', () => {
  test('M-25: a process that is started again without seeds asks those that it knew', async () => {
    const storage = new TestStorage()
    const first = run(storage, { seeds: ['n2'] })
    await first.during(first.membership.start())
    const unknown = [{ tag: 50, bytes: Uint8Array.of(1, 2) }]
    first.hear(of('n2'), of('n3', { unknown }), of('n4', { state: 'left' }), of('n5', { state: 'dead' }))
    await first.clock.advanceAsync(10_000)
    // It ends without a farewell, as a kill would end it.
    expect(storage.kept).toEqual(['n2', 'n3', 'n5'])
    const second = run(storage)
    await second.during(second.membership.start())
    expect(new Set(second.greeted())).toEqual(new Set(['n2', 'n3', 'n5']))
    expect([...second.membership.knownPeers()].sort()).toEqual(['n2', 'n3', 'n5'])
    // They are asked, and not believed to be there.
    expect(second.membership.members().map(({ id }) => id)).toEqual(['n1'])
    second.hear(of('n2'), of('n6'))
    await second.during(second.membership.stop())
    expect(storage.kept).toEqual(['n2', 'n3', 'n5', 'n6'])
    // What was not heard of again is kept as it was.
    const kept = [...storage.values.values()].flatMap((value) => decodeKnownPeers(value))
    expect(kept.find(({ id }) => id === 'n3')?.unknown).toEqual(unknown)
  })

  test('it is written at most once in an interval, and only where something has changed', async () => {
    const storage = new TestStorage()
    const one = run(storage)
    await one.during(one.membership.start())
    expect(storage.writes).toBe(0)
    for (let i = 0; i < 100; i++) one.hear(of(`m${i}`))
    expect(storage.writes).toBe(0)
    await one.clock.advanceAsync(5_100)
    expect(storage.writes).toBe(1)
    expect(storage.kept).toHaveLength(100)
    for (let i = 100; i < 400; i++) one.hear(of(`m${i}`))
    await one.clock.advanceAsync(5_100)
    expect(storage.kept).toHaveLength(MAX_KNOWN_PEERS)
  })

  test('bytes that cannot be read, a storage that fails and one that hangs are in the log, and all goes on', async () => {
    const storage = new TestStorage()
    storage.values.set('dsys/membership/peers/shop', Uint8Array.of(1, 2, 3))
    const damaged = run(storage)
    await damaged.during(damaged.membership.start())
    expect(damaged.warnings).toEqual([expect.stringContaining('are not readable')])
    for (const how of ['fails', 'hangs'] as const) {
      const bad = new TestStorage()
      bad[how] = true
      const one = run(bad)
      await one.during(one.membership.start())
      expect(one.warnings).toEqual([expect.stringContaining('could not be read')])
      one.hear(of('n2'))
      expect(one.membership.member('n2')?.state).toBe('alive')
      await one.during(one.membership.stop())
      expect(one.warnings.at(-1)).toContain('could not be kept')
    }
  })

  test('a start that is given up while the storage hangs ends', async () => {
    const storage = new TestStorage()
    storage.hangs = true
    const one = run(storage)
    const signal = AbortSignal.abort(new Error('enough'))
    await expect(one.during(one.membership.start({ signal }))).rejects.toThrow('enough')
  })
})

test('a container gives the storage of the peers by its token', async () => {
  const storage = new TestStorage()
  const one = run(undefined)
  const STORAGE = token<PeerStorage>('test.PeerStorage')
  const scope = new NodeScope(plainContainer()).use(
    runtime({ clock: one.clock, random: new SeededRandom(1) }),
    (parts) => parts.register(STORAGE, () => storage),
    (parts) => parts.register(TRANSPORT, () => one.transport),
    membership({ cluster: 'shop', joinTimeoutMs: 100 }, { peers: STORAGE }),
  )
  await one.during(scope.start())
  expect(storage.reads).toBe(1)
  await one.during(scope[Symbol.asyncDispose]())
})

describe('known peers of an earlier run', () => {
  test('are asked a few at a time, more slowly, until somebody answers', () => {
    const simulation = new Simulation({ seed: 1 })
    const knownPeers = Array.from({ length: 100 }, (_, i) => `m${i}`)
    simulation.start('n9', 1, { seeds: [], knownPeers })
    expect(simulation.frames).toBe(8)
    simulation.run(60_000)
    expect(simulation.frames).toBeLessThan(8 * 25)
    simulation.start('m50', 1, { seeds: [] })
    simulation.run(120_000, () => simulation.agrees(['n9', 'm50']))
    expect(simulation.agrees(['n9', 'm50'])).toBe(true)
  })

  test('M-25: a process that was away for longer than anybody remembers finds the cluster without seeds', () => {
    const simulation = new Simulation({ seed: 4, options: { seeds: [], rememberDeadMs: 5_000, syncIntervalMs: 1_000 } })
    simulation.start('n1')
    simulation.start('n2', 1, { knownPeers: ['n1'] })
    simulation.start('n3', 1, { knownPeers: ['n1'] })
    simulation.run(20_000, () => simulation.agrees(['n1', 'n2', 'n3']))
    const known = simulation
      .node('n3')
      .core.knownPeers()
      .map(({ id }) => id)
    simulation.kill('n3')
    simulation.run(60_000)
    for (const id of ['n1', 'n2']) expect(simulation.node(id).core.member('n3')).toBeUndefined()
    simulation.start('n3', 2, { knownPeers: known })
    simulation.run(20_000, () => simulation.agrees(['n1', 'n2', 'n3']))
    expect(simulation.agrees(['n1', 'n2', 'n3'])).toBe(true)
  })

  test('M-25: two parts that have forgotten each other meet again without seeds', () => {
    const simulation = new Simulation({ seed: 5, options: { seeds: [], rememberDeadMs: 5_000, syncIntervalMs: 1_000 } })
    const all = ['n1', 'n2', 'n3', 'n4']
    for (const id of all) simulation.start(id, 1, { knownPeers: ['n1'] })
    simulation.run(20_000, () => simulation.agrees(all))
    simulation.partition(['n1', 'n2'], ['n3', 'n4'])
    simulation.run(120_000)
    expect(simulation.node('n1').core.member('n3')).toBeUndefined()
    expect(simulation.node('n3').core.member('n1')).toBeUndefined()
    simulation.heal()
    simulation.run(60_000, () => simulation.agrees(all))
    expect(simulation.agrees(all)).toBe(true)
  })
})
