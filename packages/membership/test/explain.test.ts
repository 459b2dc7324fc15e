import { type Meter, SeededRandom, silentMeter, VirtualClock } from '@dsys/runtime'
import { expect, test } from 'vitest'
import { decodeMessage, encodeMessage } from '../src/core/codec.ts'
import type { MemberRecord, MemberState } from '../src/core/record.ts'
import { explainMember } from '../src/explain-member.ts'
import {
  MEMBER_FINDING_CODES,
  type MemberExplanation,
  type MemberFinding,
  Membership,
  type MembershipOptions,
} from '../src/index.ts'
import { ManualTransport } from './manual-transport.ts'
import { Simulation } from './simulation.ts'

const told = new Set<string>()

/** One member, and all others played. */
class Observer {
  readonly clock = new VirtualClock()
  readonly transport = new ManualTransport()
  readonly membership: Membership
  /** What the metric of members says, by state. */
  readonly counted: Record<string, number> = {}

  constructor(options: Partial<MembershipOptions> = {}) {
    const logger = { log: () => undefined, child: () => logger }
    const { clock, transport } = this
    const meter: Meter = {
      ...silentMeter,
      gauge: (name, { labels = {} } = {}) => ({
        set: (value) => {
          if (name === 'dsys_membership_members') this.counted[String(labels['state'])] = value
        },
      }),
    }
    const ports = { clock, random: new SeededRandom(1), logger, meter, transport }
    this.membership = new Membership(ports, { cluster: 'c', joinTimeoutMs: 10, ...options })
  }

  async start(): Promise<void> {
    const starting = this.membership.start()
    await this.clock.advanceAsync(20)
    await starting
  }

  hear(from: string, id: string, state: MemberState, more: Partial<MemberRecord> = {}, accusers?: string[]): void {
    const record = { id, generation: 1, incarnation: 0, state, metadata: [], ...more }
    const rumors = [{ record, ageMs: 0, ...(accusers === undefined ? {} : { accusers }) }]
    this.transport.deliver(encodeMessage({ kind: 'gossip', rumors }, 'c'), { id: from, generation: 1 })
  }

  explain(id: string): MemberExplanation {
    const explanation = this.membership.explain(id)
    for (const { code, message, hint } of explanation.findings) {
      told.add(code)
      expect(explanation.text).toContain(`- ${message} ${hint}`)
      expect(message).toMatch(/^[A-Z].*\.$/)
      expect(hint).toMatch(/^[A-Z].*\.$/)
    }
    // It is data: it survives JSON.
    expect(JSON.parse(JSON.stringify(explanation.findings))).toEqual(explanation.findings)
    return explanation
  }

  codes(id: string): string[] {
    return this.explain(id).findings.map(({ code }) => code)
  }

  first(id: string): MemberFinding {
    return this.explain(id).findings[0] as MemberFinding
  }
}

const quiet: Partial<MembershipOptions> = { probeIntervalMs: 60_000, probesPerInterval: 1 }

async function observer(options: Partial<MembershipOptions> = quiet): Promise<Observer> {
  const one = new Observer(options)
  await one.start()
  one.hear('n2', 'n2', 'alive')
  return one
}

test('nothing is amiss with a member that lives, and nothing is known of one that was never heard of', async () => {
  const one = await observer()
  expect(one.explain('n2').findings).toEqual([])
  expect(one.explain('n2').text).toMatch(/^n2 \(generation 1\) is alive, and has been for 0 ms\.\nNothing is amiss/)
  expect(one.codes('n9')).toEqual(['not-known'])
  expect(new Observer().codes('n9')).toEqual(['not-known', 'view-stale'])
})

test('a suspicion tells who accuses, and how long there is to refute', async () => {
  const one = await observer()
  one.hear('n2', 'n7', 'alive')
  one.hear('n2', 'n7', 'suspect', {}, ['n3', 'n4'])
  await one.clock.advanceAsync(100)
  const { code, evidence, message } = one.first('n7')
  expect(code).toBe('suspected')
  expect(evidence).toMatchObject({ kind: 'accused', from: 'n2', accusers: ['n3', 'n4'] })
  expect(evidence['refutesWithinMs']).toBeGreaterThan(800)
  expect(evidence['refutesWithinMs']).toBeLessThan(1_200)
  expect(message).toMatch(
    /^It is suspected \(n3 suspects it, n4 confirms\); it has .* to refute, accused by n3 and n4\.$/,
  )
})

test('every removal is explained by its evidence: deaths, farewells, earlier lives, and those forgotten', async () => {
  const one = await observer({ ...quiet, rememberDeadMs: 20_000, syncIntervalMs: 1_000 })
  one.hear('n2', 'n7', 'dead', {}, ['n3'])
  expect(one.codes('n7')).toEqual(['declared-dead'])
  one.hear('n2', 'n7', 'alive', { generation: 2 })
  one.hear('n2', 'n7', 'suspect', { generation: 2 }, ['n2'])
  await one.clock.advanceAsync(1_500)
  expect(one.explain('n7').findings).toMatchObject([
    { code: 'declared-dead', evidence: { kind: 'not-refuted', accusers: ['n2'] } },
  ])
  one.hear('n2', 'n7', 'alive', { generation: 3 })
  one.hear('n2', 'n7', 'left', { generation: 3, incarnation: 1 })
  expect(one.explain('n7').findings).toMatchObject([
    { code: 'left', subject: 'removal', evidence: { kind: 'farewell', from: 'n2', agoMs: 0, forgottenInMs: 20_000 } },
    { code: 'removed-before', evidence: { type: 'MemberDown', generation: 2, kind: 'not-refuted' } },
  ])
  await one.clock.advanceAsync(23_000)
  expect(one.membership.member('n7')).toBeUndefined()
  expect(one.counted).toMatchObject({ alive: 2, dead: 0, left: 0 })
  expect(one.explain('n7').findings).toMatchObject([
    { code: 'forgotten', evidence: { kind: 'forgotten', state: 'left', because: 'time', generation: 3 } },
    { code: 'removed-before', evidence: { type: 'MemberLeft', generation: 3, kind: 'farewell' } },
    { code: 'removed-before', evidence: { type: 'MemberDown', generation: 2, kind: 'not-refuted' } },
  ])
  expect(one.first('n7').message).toMatch(
    /^It was forgotten .* ago: it had been gone for \d+ ms, which is long enough\.$/,
  )
})

test('who gave way to others is told as such, and what is kept of the past is bounded', async () => {
  const one = await observer({ ...quiet, maxMembers: 4 })
  one.hear('n2', 'n7', 'left')
  one.hear('n2', 'n3', 'left')
  one.hear('n2', 'n4', 'alive')
  expect(one.first('n7').evidence).toMatchObject({ kind: 'forgotten', because: 'room', state: 'left' })
  expect(one.first('n7').message).toContain('gave way to another one')
  for (let i = 10; i < 40; i++) one.hear('n2', `n${i}`, 'left')
  expect(one.codes('n7')).toEqual(['not-known'])
  const kept = Array.from({ length: 40 }, (_, i) => one.membership.explain(`n${i}`).incidents.length)
  expect(kept.filter((incidents) => incidents > 0).length).toBeLessThanOrEqual(4)
  for (let i = 1; i < 40; i++) one.hear('n2', 'n4', i % 2 === 0 ? 'alive' : 'suspect', { incarnation: i })
  expect(one.explain('n4').incidents).toHaveLength(16)
})

test('a member that is accused again and again, and refutes, is told as flapping', async () => {
  const one = await observer()
  one.hear('n2', 'n7', 'alive')
  for (let i = 0; i < 3; i++) {
    expect(one.codes('n7')).not.toContain('flapping')
    one.hear('n2', 'n7', 'suspect', { incarnation: i }, ['n2'])
    await one.clock.advanceAsync(100)
    one.hear('n7', 'n7', 'alive', { incarnation: i + 1 })
  }
  const { subject, evidence } = one.first('n7')
  expect([subject, evidence]).toEqual(['stability', { suspicions: 3, refutations: 3, sinceMs: 300 }])
  // A later life is another process.
  one.hear('n7', 'n7', 'alive', { generation: 2 })
  expect(one.codes('n7')).toEqual(['removed-before'])
})

test('what this node knows of itself is part of it: no connection, its own health, a double, its silence', async () => {
  const one = await observer()
  const { id, generation } = one.transport.self
  one.hear('n2', 'n7', 'alive', { nonce: 5 })
  one.hear('n2', id, 'suspect', { generation }, ['n2'])
  expect(one.codes(id)).toEqual(['own-health'])
  one.hear('n2', 'n7', 'alive', { nonce: 4 })
  expect(one.codes('n7')).toEqual(['id-conflict'])
  one.hear('n2', 'n2', 'suspect', {}, ['n7'])
  one.transport.connection = 'disconnected'
  one.transport.tell({ type: 'disconnected', why: 'cut' })
  expect(one.codes('n2')).toEqual(['suspected', 'view-stale', 'own-health'])
  expect(one.first('n2').evidence).not.toHaveProperty('refutesWithinMs', expect.any(Number))
  one.transport.connection = 'connected'
  one.transport.tell({ type: 'connected' })
  one.hear('n2', id, 'alive', { generation: generation + 1 })
  expect(one.codes(id)).toContain('fallen-silent')
})

test.each([
  ['none', 'nothing was heard from n2 about it'],
  ['busy', 'n2 had no room to try for this node'],
] as const)(
  'probes that were not answered and made no suspicion are told: of the helper came %s',
  async (answer, words) => {
    const one = await observer({ probesPerInterval: 4, indirectProbes: 1 })
    one.hear('n2', 'n7', 'alive')
    one.transport.onSend = (to, frame) => {
      const decoded = decodeMessage(frame, 'c')
      if (to !== 'n2' || !decoded.ok) return
      const { message } = decoded
      const reply = (kind: 'ack' | 'ping-busy', seq: number): void => {
        const frame = encodeMessage({ kind, seq, rumors: [] }, 'c')
        one.clock.setTimer(1, () => one.transport.deliver(frame, { id: 'n2', generation: 1 }))
      }
      if (message.kind === 'ping') reply('ack', message.seq)
      if (message.kind === 'ping-request' && answer === 'busy') reply('ping-busy', message.seq)
    }
    for (let i = 0; i < 40 && one.codes('n7').length === 0; i++) await one.clock.advanceAsync(50)
    const { code, evidence, message } = one.first('n7')
    expect([code, message]).toEqual(['probes-unanswered', expect.stringContaining(words)])
    expect(evidence).toEqual({ probes: { failed: 1, helpers: [{ id: 'n2', answer }], absent: false } })
  },
)

test('a node that judges nobody says so', async () => {
  const one = await observer()
  one.hear('n2', 'n7', 'suspect', {}, ['n2'])
  one.membership.explain('n7')
  one.transport.tell({ type: 'disconnected', why: 'cut' })
  expect(one.codes('n7')).toEqual(['suspected', 'view-stale'])
  expect(one.first('n7').message).toContain('nobody is judged now')
})

test('where many observers decide, it is told what they say, and when one who was removed is let in again', () => {
  const simulation = new Simulation({ seed: 2, options: { removal: 'cut' } })
  simulation.startAll(5)
  simulation.run(25_000)
  const explained = (): MemberFinding[] => {
    const { core } = simulation.node('n1')
    const { nowMs } = simulation
    const found = explainMember({
      id: 'n2',
      member: core.member('n2'),
      facts: core.outlook.facts('n2', nowMs),
      incidents: [],
      conflict: undefined,
      view: { state: 'fresh' },
      health: core.localHealth,
      isSelf: false,
      silenced: undefined,
      nowMs,
    }).findings
    for (const { code } of found) told.add(code)
    return [...found]
  }
  expect(explained()).toEqual([])
  simulation.pause('n2')
  simulation.run(30_000, () => simulation.node('n1').stateOf('n2') === 'dead')
  expect(explained()).toMatchObject([
    { code: 'declared-dead', subject: 'removal' },
    { code: 'alerted', evidence: { observers: expect.any(Array), alerting: expect.any(Array) } },
  ])
  simulation.resume('n2')
  simulation.run(5_000)
  const held = explained().find(({ code }) => code === 'not-readmitted')
  expect(held?.evidence['readmittedAfterMs']).toBeGreaterThan(1_000)
  expect(held?.message).toMatch(
    /^It says that it is alive, and is let in again when its observers have reached it for .* s more\.$/,
  )
})

test('where many observers decide, no time to refute is told, nor that nobody is judged', async () => {
  const one = await observer({ ...quiet, removal: 'cut' })
  one.hear('n2', 'n7', 'suspect', {}, ['n2'])
  const { code, message, evidence } = one.first('n7')
  expect([code, evidence['refutesWithinMs']]).toEqual(['suspected', undefined])
  expect(message).toContain('it is, until it refutes that or its observers decide, accused by n2')
})

test('every condition occurs in a test', () => {
  expect([...told].sort()).toEqual([...MEMBER_FINDING_CODES].sort())
})
