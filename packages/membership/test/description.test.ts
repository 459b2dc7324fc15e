import { SeededRandom, silentMeter, VirtualClock } from '@dsys/runtime'
import { MemoryNetwork } from '@dsys/transport-memory'
import { describe, expect, test } from 'vitest'
import { describedAs, descriptionOf } from '../src/core/description.ts'
import type { Message } from '../src/core/message.ts'
import type { MemberRecord } from '../src/core/record.ts'
import { type Description, Membership, type MembershipEvent, type MembershipOptions } from '../src/index.ts'
import { MEMBERSHIP_DEFAULTS } from '../src/options.ts'
import { ManualTransport } from './manual-transport.ts'
import { Simulation } from './simulation.ts'

const nothing: Description = { metadata: {}, roles: [], capabilities: [], tags: {} }
const shop: Description = {
  metadata: { url: 'http://n1' },
  roles: ['worker', 'gateway'],
  capabilities: ['snapshots/2'],
  tags: { zone: 'a', rack: 'r1' },
}

interface Running {
  readonly membership: Membership
  readonly events: MembershipEvent[]
}

/** Members in virtual time, each with the events that it was told. */
async function startAll(described: Readonly<Record<string, Partial<MembershipOptions>>>): Promise<{
  clock: VirtualClock
  nodes: Record<string, Running>
}> {
  const clock = new VirtualClock()
  const random = new SeededRandom(1)
  const logger = { log: () => undefined, child: () => logger }
  const network = new MemoryNetwork(
    { clock, random: random.stream('network') },
    { link: { minDelayMs: 1, maxDelayMs: 3 } },
  )
  const nodes: Record<string, Running> = {}
  for (const [id, options] of Object.entries(described)) {
    const transport = network.endpoint(id)
    await transport.start()
    const ports = { clock, random: random.stream(id), logger, meter: silentMeter, transport }
    const membership = new Membership(ports, { cluster: 'shop', ...options })
    const events: MembershipEvent[] = []
    const started = membership.start()
    await clock.advanceAsync(1_100)
    await started
    const stream = membership.events()
    void (async () => {
      for await (const event of stream) events.push(event)
    })()
    nodes[id] = { membership, events }
  }
  await clock.advanceAsync(100)
  return { clock, nodes }
}

describe('what a node says of itself', () => {
  test('travels as it is meant: names in order and once, tags by name', () => {
    const record = { ...describedAs({ ...shop, roles: ['worker', 'gateway', 'worker'] }) }
    expect(descriptionOf(record)).toEqual({ ...shop, roles: ['gateway', 'worker'] })
    expect(descriptionOf(describedAs(nothing))).toEqual(nothing)
    expect(describedAs(nothing)).toEqual({ metadata: [] })
    const otherOrder = { ...shop, roles: ['gateway', 'worker'], tags: { rack: 'r1', zone: 'a' } }
    expect(describedAs(otherOrder)).toEqual(describedAs(shop))
  })

  test('members are found by role, capability, tags and state, by what all of them hold', async () => {
    const { nodes } = await startAll({
      n1: shop,
      n2: { roles: ['worker'], tags: { zone: 'b' } },
      n3: { roles: ['gateway'], tags: { zone: 'a' } },
      n4: {},
    })
    const ids = (filter: Parameters<Membership['members']>[0]): string[] =>
      nodes['n4']?.membership.members(filter).map(({ id }) => id) ?? []
    expect(ids({})).toEqual(['n1', 'n2', 'n3', 'n4'])
    expect(ids({ role: 'worker' })).toEqual(['n1', 'n2'])
    expect(ids({ role: 'work' })).toEqual([])
    expect(ids({ capability: 'snapshots/2' })).toEqual(['n1'])
    expect(ids({ tags: { zone: 'a' } })).toEqual(['n1', 'n3'])
    expect(ids({ tags: { zone: 'a', rack: 'r1' } })).toEqual(['n1'])
    expect(ids({ tags: { toString: 'x' } })).toEqual([])
    expect(ids({ role: 'worker', tags: { zone: 'b' } })).toEqual(['n2'])
    expect(ids({ state: 'dead' })).toEqual([])
    expect(ids({ state: ['alive', 'suspect'], role: 'gateway' })).toEqual(['n1', 'n3'])
    expect(nodes['n4']?.membership.alive({ role: 'gateway' }).map(({ id }) => id)).toEqual(['n1', 'n3'])
    expect(nodes['n4']?.membership.member('n1')).toMatchObject({ ...shop, roles: ['gateway', 'worker'] })
  })

  test('an update replaces what it gives and keeps the rest, and is told with what has changed', async () => {
    const { clock, nodes } = await startAll({ n1: shop, n2: {} })
    const [n1, n2] = [nodes['n1'] as Running, nodes['n2'] as Running]
    n1.membership.update({ roles: ['worker'], tags: { zone: 'b' } })
    await clock.advanceAsync(100)
    expect(n2.membership.member('n1')).toMatchObject({ ...shop, roles: ['worker'], tags: { zone: 'b' } })
    for (const { events } of [n1, n2]) {
      expect(events.at(-1)).toMatchObject({
        type: 'MemberUpdated',
        why: 'its roles and tags changed',
        evidence: { kind: 'changed', parts: ['roles', 'tags'] },
      })
    }
    n1.membership.update({ metadata: {}, capabilities: undefined as never })
    await clock.advanceAsync(100)
    const rest = { roles: ['worker'], capabilities: shop.capabilities, tags: { zone: 'b' } }
    expect(n2.membership.member('n1')).toMatchObject({ ...rest, metadata: {} })
    n1.membership.update({ capabilities: [], roles: [], tags: {} })
    await clock.advanceAsync(100)
    expect(n2.membership.member('n1')).toMatchObject(nothing)
    expect(n2.events.at(-1)).toMatchObject({
      evidence: { kind: 'changed', parts: ['roles', 'capabilities', 'tags'] },
    })
  })

  test('an update that changes nothing says nothing', async () => {
    const { clock, nodes } = await startAll({ n1: shop, n2: {} })
    const { membership, events } = nodes['n1'] as Running
    const told = events.length
    membership.update({ roles: ['worker', 'gateway', 'gateway'] })
    await clock.advanceAsync(100)
    expect(membership.member('n1')?.incarnation).toBe(0)
    expect(events).toHaveLength(told)
  })

  test('M-33: one limit holds for all of it together, and what is over it changes nothing', async () => {
    const { nodes } = await startAll({ n1: { roles: ['worker'] } })
    const { membership } = nodes['n1'] as Running
    const parts: Partial<Description>[] = [
      { roles: ['x'.repeat(1_100)] },
      { capabilities: Array.from({ length: 400 }, (_, i) => `c${i}`) },
      { tags: { note: 'x'.repeat(1_100) } },
      { metadata: { note: 'x'.repeat(600) }, tags: { note: 'x'.repeat(600) } },
    ]
    for (const part of parts) {
      expect(() => membership.update(part)).toThrow(
        expect.objectContaining({ code: 'DSYS_MEMBERSHIP_METADATA_TOO_LARGE', maxMetadataBytes: 1_024 }),
      )
    }
    expect(membership.member('n1')).toMatchObject({ roles: ['worker'], tags: {}, incarnation: 0 })
    membership.update({ metadata: { note: 'x'.repeat(450) }, tags: { note: 'x'.repeat(450) } })
  })

  test.each<[string, Partial<Description>]>([
    ['a role that is no text', { roles: [1 as unknown as string] }],
    ['a text for a list of roles', { roles: 'worker' as unknown as string[] }],
    ['an empty capability', { capabilities: [''] }],
    ['a tag without a name', { tags: { '': 'a' } }],
    ['a tag that is no text', { tags: { zone: 1 as unknown as string } }],
    ['half of a surrogate pair in a role', { roles: ['\ud800'] }],
    ['half of a surrogate pair in metadata', { metadata: { note: '\ud800' } }],
  ])('%s is a TypeError', (_, wrong) => {
    const { clock, random } = { clock: new VirtualClock(), random: new SeededRandom(1) }
    const logger = { log: () => undefined, child: () => logger }
    const ports = { clock, random, logger, meter: silentMeter, transport: new ManualTransport() }
    expect(() => new Membership(ports, { cluster: 'c', ...wrong })).toThrow(TypeError)
  })
})

test('whoever refutes what is said of it, or returns, keeps its roles and tags', () => {
  const simulation = new Simulation({ seed: 1 })
  const { core } = simulation.start('n1', 1, { roles: ['worker'], tags: { zone: 'a' } })
  const record: MemberRecord = { id: 'n1', generation: 1, incarnation: 5, state: 'dead', metadata: [] }
  simulation.input('n1', (one, nowMs) =>
    one.receive({ kind: 'gossip', rumors: [{ record, ageMs: 0 }] }, { id: 'n2', generation: 1 }, nowMs),
  )
  simulation.connect('n1', false)
  simulation.connect('n1', true)
  expect(core.member('n1')).toMatchObject({ state: 'alive', roles: ['worker'], tags: { zone: 'a' } })
  expect(core.member('n1')?.incarnation).toBeGreaterThan(0)
})

describe('among nodes that know no roles and tags', () => {
  const fields = ({ facts = [], unknown = [], ...rest }: MemberRecord): MemberRecord => {
    const all = [...facts, ...unknown]
    return all.length === 0 ? rest : { ...rest, unknown: all }
  }
  /** As the version before read it: what it does not know, it keeps as it is. */
  const asBefore = (message: Message): Message => ({
    ...message,
    rumors: message.rumors.map((rumor) => ({ ...rumor, record: fields(rumor.record) })),
  })

  test('M-28: they pass on what they cannot read, and all views come to the same', () => {
    const simulation = new Simulation({ seed: 4, options: { syncIntervalMs: 1_000 } })
    const before = simulation.start('n1')
    before.reads = asBefore
    simulation.start('n2', 1, { roles: ['worker'], tags: { zone: 'a' } })
    simulation.start('n3', 1, { roles: ['gateway'] })
    // They hear of each other only through the node that cannot read it.
    simulation.cut('n2', 'n3')
    simulation.cut('n3', 'n2')
    simulation.run(2_000)
    const seen = (by: string, id: string): unknown => simulation.node(by).core.member(id)?.roles
    expect([seen('n3', 'n2'), seen('n2', 'n3'), seen('n1', 'n2')]).toEqual([['worker'], ['gateway'], []])
    simulation.input('n2', (core, nowMs) => core.update({ ...nothing, roles: ['boss'] }, nowMs))
    simulation.run(2_000)
    expect(simulation.node('n3').core.member('n2')).toMatchObject({ roles: ['boss'], tags: {} })
  })

  test('M-28: of two statements that should not both be, all hold the same one', () => {
    const record: MemberRecord = { id: 'n9', generation: 1, incarnation: 0, state: 'alive', metadata: [] }
    const both = [['a'], ['b'], ['a', 'b'], []].map((roles) => ({ ...record, ...describedAs({ ...nothing, roles }) }))
    const states = ['n1', 'n2'].map((id, i) => {
      const simulation = new Simulation({ seed: 1 })
      const node = simulation.start(id)
      if (i === 0) node.reads = asBefore
      for (const one of i === 0 ? both : both.toReversed()) {
        const message = node.reads({ kind: 'gossip', rumors: [{ record: one, ageMs: 0 }] })
        simulation.input(id, (core, nowMs) => core.receive(message, { id: 'n9', generation: 1 }, nowMs))
      }
      const told: Message[] = []
      simulation.input(id, (core, nowMs) => {
        const effects = core.receive(
          { kind: 'hello', answers: 0, joined: false, rumors: [] },
          { id: 'n8', generation: 1 },
          nowMs,
        )
        for (const effect of effects) if (effect.type === 'send') told.push(effect.message)
        return effects
      })
      return told.flatMap(({ rumors }) => rumors).flatMap((rumor) => (rumor.record.id === 'n9' ? [rumor.record] : []))
    })
    expect(states[0]).toEqual(states[1]?.map(fields))
    expect(states[0]).toHaveLength(1)
  })

  test('by default a node says nothing of itself', () => {
    expect(descriptionOf(describedAs(MEMBERSHIP_DEFAULTS))).toEqual(nothing)
  })
})
