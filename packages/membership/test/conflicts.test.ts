import { type Logger, SeededRandom, systemRuntime, VirtualClock } from '@dsys/runtime'
import { describe, expect, test } from 'vitest'
import { encodeMessage } from '../src/core/codec.ts'
import type { Effect } from '../src/core/effects.ts'
import { MembershipCore } from '../src/core/membership-core.ts'
import type { FrameHeader, Message } from '../src/core/message.ts'
import { type MemberRecord, mergeRecords, type Rumor } from '../src/core/record.ts'
import { IdConflictError, Membership } from '../src/index.ts'
import { type MembershipOptions, resolveOptions } from '../src/options.ts'
import { ManualTransport } from './manual-transport.ts'
import { type SimulatedNode, Simulation } from './simulation.ts'

const n1 = { id: 'n1', generation: 1 }
const n2 = { id: 'n2', generation: 1 }
const NONCE = 50

function newCore(nonce = NONCE, options: Partial<MembershipOptions> = {}): MembershipCore {
  const resolved = resolveOptions({ cluster: 'test', ...options })
  const self = { id: 'me', generation: 5 }
  const core = new MembershipCore({ ...resolved, self, nonce, seed: 1, canBroadcast: false, maxFrameBytes: 65_536 })
  core.connection(true, 0)
  core.join(0)
  return core
}

const header = (nonce: number): FrameHeader => ({ version: 2, versions: { min: 2, max: 2 }, nonce, sequence: 0 })
const of = (id: string, nonce: number, more: Partial<MemberRecord> = {}): MemberRecord => {
  return { id, generation: 1, incarnation: 0, state: 'alive', metadata: [], nonce, ...more }
}
const me = (nonce: number, more: Partial<MemberRecord> = {}): MemberRecord =>
  of('me', nonce, { generation: 5, ...more })
const gossip = (...records: MemberRecord[]): Message => {
  return { kind: 'gossip', rumors: records.map((record): Rumor => ({ record, ageMs: 0 })) }
}
const conflicts = (effects: readonly Effect[]): string[] =>
  effects.flatMap((effect) =>
    effect.type === 'event' && effect.event.type === 'MemberConflict'
      ? [`${effect.event.conflict.kind} ${effect.event.member.id}`]
      : [],
  )
const types = (effects: readonly Effect[]): string[] =>
  effects.flatMap((effect) => (effect.type === 'event' ? [effect.event.type] : []))
const pings = (effects: readonly Effect[]): Message[] =>
  effects.flatMap((effect) => (effect.type === 'send' && effect.message.kind === 'ping' ? [effect.message] : []))

/** Under which nonce `core` speaks now. */
function nonceOf(core: MembershipCore): number | undefined {
  const told = core.receive({ kind: 'hello', answers: 0, joined: false, rumors: [] }, n2, 30)
  const rumors = told.flatMap((effect) => (effect.type === 'send' ? effect.message.rumors : []))
  return rumors.find(({ record }) => record.id === 'me')?.record.nonce
}

describe('two processes of one generation', () => {
  test('M-12: are noticed by a frame, by a rumor, and by the node itself; once for each life', () => {
    const core = newCore()
    core.receive(gossip(of('n1', 7), of('n2', 1)), n1, 10, header(7))
    expect(conflicts(core.receive(gossip(), n1, 20, header(8)))).toEqual(['same-generation n1'])
    expect(conflicts(core.receive(gossip(), n1, 30, header(8)))).toEqual([])
    expect(conflicts(core.receive(gossip(of('n2', 2)), n1, 40, header(7)))).toEqual(['same-generation n2'])
    expect(conflicts(core.receive(gossip(me(NONCE - 1)), n1, 50, header(7)))).toEqual(['same-generation me'])
    expect(core.conflicts(60).map(({ id, firstSeenMs, lastSeenMs }) => [id, firstSeenMs, lastSeenMs])).toEqual([
      ['me', 50, 50],
      ['n1', 20, 30],
      ['n2', 40, 40],
    ])
    const later = gossip(of('n1', 9, { generation: 2 }))
    expect(conflicts(core.receive(later, { id: 'n1', generation: 2 }, 70, header(9)))).toEqual([])
  })

  test('a conflict that is not seen any more is forgotten with the dead', () => {
    const core = newCore(NONCE, { rememberDeadMs: 1_000 })
    core.receive(gossip(me(NONCE - 1)), n1, 50, header(7))
    expect(core.conflicts(1_049)).toHaveLength(1)
    expect(core.conflicts(1_050)).toEqual([])
  })

  test('M-12: neither outbids the other: which one counts does not depend on incarnations', () => {
    const low = newCore(NONCE - 1)
    const high = newCore(NONCE + 1)
    for (const core of [low, high]) {
      core.receive(gossip(me(NONCE, { incarnation: 9, metadata: [['zone', 'b']] })), n1, 10)
      core.receive(gossip(me(NONCE, { incarnation: 12, state: 'suspect' })), n1, 20)
      expect(core.member('me')).toMatchObject({ state: 'alive', incarnation: 0, metadata: {} })
      expect(nonceOf(core)).toBe(core === low ? NONCE - 1 : NONCE + 1)
    }
    const third = newCore()
    third.receive(gossip(of('n1', 7, { incarnation: 4 })), n1, 10)
    third.receive(gossip(of('n1', 6, { incarnation: 40 })), n1, 20)
    expect(third.member('n1')).toMatchObject({ incarnation: 4 })
    expect(types(third.receive(gossip(of('n1', 8)), n1, 30))).toEqual(['MemberDown', 'MemberUp'])
    expect(third.member('n1')).toMatchObject({ incarnation: 0 })
  })

  test('M-12: an ack counts from the process that counts alone', () => {
    const core = newCore(NONCE, { syncIntervalMs: 600_000 })
    core.receive(gossip(of('n1', 7)), n1, 10)
    for (let dueMs = core.deadlineMs() ?? 0; dueMs < 5_000; dueMs = core.deadlineMs() ?? 5_000) {
      for (const ping of pings(core.tick(dueMs)))
        if (ping.kind === 'ping') core.receive({ kind: 'ack', seq: ping.seq, rumors: [] }, n1, dueMs, header(6))
    }
    expect(core.member('n1')?.state).toBe('dead')
  })

  test('M-12: when the one that counts is dead or gone the other one takes its place, and before that it does not', () => {
    for (const state of ['dead', 'left'] as const) {
      const core = newCore()
      core.receive(gossip(me(NONCE + 3, { state: 'suspect', incarnation: 8 })), n1, 10)
      expect(core.member('me')).toMatchObject({ incarnation: 0 })
      core.receive(gossip(me(NONCE + 3, { state, incarnation: 8 })), n1, 20)
      const told = core.receive({ kind: 'hello', answers: 0, joined: false, rumors: [] }, n2, 30)
      const own = told.flatMap((effect) => (effect.type === 'send' ? effect.message.rumors : []))[0]?.record
      expect(own).toMatchObject({ id: 'me', state: 'alive', incarnation: 0 })
      expect(own?.nonce).toBeGreaterThan(NONCE + 3)
      const observer = newCore()
      observer.receive(gossip(of('n1', 1, { ...own, id: 'n1', nonce: NONCE + 3, state })), n2, 10)
      observer.receive(gossip({ ...(own as MemberRecord), id: 'n1' }), n2, 20)
      expect(observer.member('n1')?.state).toBe('alive')
    }
  })
})

describe('two processes of different generations', () => {
  const later = of('n1', 9, { generation: 2 })
  const seqOf = (effects: readonly Effect[]): number => {
    const [ping] = pings(effects)
    return ping?.kind === 'ping' ? ping.seq : 0
  }

  test('a frame of an earlier generation is no conflict, an answer of its process to a new question is one', () => {
    const core = newCore()
    core.receive(gossip(later), n2, 10)
    const asked = core.receive(gossip(), n1, 20, header(7))
    expect(conflicts(asked)).toEqual([])
    // It is asked once, whatever else of it comes late.
    expect(pings(core.receive(gossip(), n1, 30, header(7)))).toEqual([])
    expect(conflicts(core.receive({ kind: 'ack', seq: 99, rumors: [] }, n1, 35, header(7)))).toEqual([])
    const answered = core.receive({ kind: 'ack', seq: seqOf(asked), rumors: [] }, n1, 40, header(7))
    expect(conflicts(answered)).toEqual(['earlier-generation n1'])
    expect(core.conflicts(50)).toMatchObject([{ generation: 2, otherGeneration: 1 }])
    expect(core.member('n1')).toMatchObject({ generation: 2, state: 'alive' })
  })

  test('M-07: a node that was started again is no conflict, with whatever incarnation it comes back', () => {
    const core = newCore()
    core.receive(gossip(of('n1', 7, { incarnation: 5 })), n1, 10, header(7))
    const again = core.receive(gossip(later), { id: 'n1', generation: 2 }, 20, header(9))
    expect(conflicts(again)).toEqual([])
    expect(core.conflicts(30)).toEqual([])
  })
})

test('M-10: a statement at the highest incarnation is refuted, and nothing overflows', () => {
  const core = newCore()
  core.receive(gossip(me(NONCE, { incarnation: 2 ** 48, state: 'dead' })), n1, 10)
  const told = core.receive({ kind: 'hello', answers: 0, joined: false, rumors: [] }, n2, 30)
  const own = told.flatMap((effect) => (effect.type === 'send' ? effect.message.rumors : []))[0]?.record
  expect(own).toMatchObject({ state: 'alive', incarnation: 0 })
  expect(mergeRecords(own as MemberRecord, me(NONCE, { incarnation: 2 ** 48, state: 'dead' }))).toBe(own)
})

test.each([1, 2, 3, 4])('M-12: two doubles in a cluster are reported by all, and settle (seed %i)', (seed) => {
  const simulation = new Simulation({ seed })
  simulation.startAll(4)
  simulation.run(5_000)
  const first = simulation.node('n4')
  const second = simulation.start('n4', 1, { metadata: { which: 'second' } })
  // A network where both listen at the same address.
  simulation.double(first)
  simulation.run(30_000)
  const views = ['n1', 'n2', 'n3'].map((id) => simulation.node(id).core.member('n4'))
  expect(new Set(views.map((view) => JSON.stringify([view?.state, view?.incarnation, view?.metadata]))).size).toBe(1)
  expect(views[0]?.state).toBe('alive')
  expect(views[0]?.incarnation).toBeLessThan(10)
  const nonceAt = (id: string): number | undefined =>
    simulation
      .node(id)
      .core.knownPeers()
      .find((record) => record.id === 'n4')?.nonce
  const settled = nonceAt('n1')
  simulation.run(20_000)
  for (const id of ['n1', 'n2', 'n3']) expect(nonceAt(id)).toBe(settled)
  const reports = (node: SimulatedNode): number =>
    node.events.filter(({ event }) => event.type === 'MemberConflict' && event.member.id === 'n4').length
  for (const id of ['n1', 'n2', 'n3']) expect(reports(simulation.node(id)), id).toBe(1)
  expect(reports(first)).toBe(1)
  expect(reports(second)).toBe(1)
  // The one that counts ends; the other one takes its place.
  const counting = views[0]?.metadata['which'] === 'second' ? second : first
  const other = counting === first ? second : first
  counting.running = false
  simulation.nodes.set('n4', other)
  simulation.double(undefined)
  simulation.run(30_000, () => simulation.agrees(['n1', 'n2', 'n3', 'n4']))
  expect(simulation.agrees(['n1', 'n2', 'n3', 'n4'])).toBe(true)
})

test('M-12: a member tells of a conflict by an event, in its status, in the explanation and in the log', async () => {
  const clock = new VirtualClock()
  const transport = new ManualTransport()
  const errors: unknown[] = []
  const logger: Logger = {
    log: (level, _message, fields) => void (level === 'error' && errors.push(fields?.['error'])),
    child: () => logger,
  }
  const ports = { ...systemRuntime({ clock, logger, random: new SeededRandom(1) }), transport }
  const member = new Membership(ports, { cluster: 'shop', joinTimeoutMs: 10 })
  expect(member.status().conflicts).toEqual([])
  const starting = member.start()
  await clock.advanceAsync(20)
  await starting
  const seen: string[] = []
  const watching = (async () => {
    for await (const event of member.events()) seen.push(event.type)
  })()
  transport.deliver(encodeMessage(gossip(of('n2', 7)), 'shop', header(7)), n2)
  transport.deliver(encodeMessage(gossip(), 'shop', header(8)), n2)
  const [conflict] = member.status().conflicts
  expect(conflict).toMatchObject({ id: 'n2', kind: 'same-generation', generation: 1, otherGeneration: 1, from: 'n2' })
  expect(errors).toEqual([expect.any(IdConflictError)])
  expect(errors[0]).toMatchObject({ code: 'DSYS_MEMBERSHIP_ID_CONFLICT', conflict })
  expect(member.explain('n2').text).toContain('MemberConflict (generation 1): frames from n2 come from two processes')
  const stopping = member.stop()
  await clock.advanceAsync(3_000)
  await stopping
  await watching
  expect(seen).toContain('MemberConflict')
})
