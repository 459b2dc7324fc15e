import { describe, expect, test } from 'vitest'
import type { Effect } from '../src/core/effects.ts'
import { MembershipCore } from '../src/core/membership-core.ts'
import type { MemberRecord, MemberState, Rumor } from '../src/core/record.ts'
import { describeEvidence, type Evidence, type MemberEvent } from '../src/index.ts'
import { type MembershipOptions, resolveOptions } from '../src/options.ts'

const self = { id: 'me', generation: 5 }
const helpers = ['n2', 'n3', 'n4']

function coreAmong(ids: readonly string[], options: Partial<MembershipOptions> = {}): MembershipCore {
  const resolved = resolveOptions({ cluster: 'test', ...options })
  const core = new MembershipCore({ ...resolved, self, nonce: 1, seed: 1, canBroadcast: false, maxFrameBytes: 65_536 })
  core.connection(true, 0)
  core.join(0)
  core.receive({ kind: 'gossip', rumors: ids.map((id) => about(id, 'alive')) }, { id: 'n2', generation: 1 }, 1)
  return core
}

const about = (id: string, state: MemberState, more: Partial<MemberRecord> = {}, accusers?: string[]): Rumor => ({
  record: { id, generation: 1, incarnation: 0, state, metadata: [], ...more },
  ageMs: 0,
  ...(accusers === undefined ? {} : { accusers }),
})

const hear = (core: MembershipCore, nowMs: number, from: string, ...rumors: Rumor[]): MemberEvent[] =>
  eventsOf(core.receive({ kind: 'gossip', rumors }, { id: from, generation: 1 }, nowMs))

const eventsOf = (effects: readonly Effect[]): MemberEvent[] =>
  effects.flatMap((effect) => (effect.type === 'event' ? [effect.event] : []))

/** Ticks until `done`: all answer but `n1`, and of the helpers those in `sayNo` say that they did not reach it. */
function run(core: MembershipCore, done: () => boolean, sayNo: readonly string[] = helpers): MemberEvent[] {
  const events: MemberEvent[] = []
  for (let turns = 0; !done() && turns < 10_000; turns++) {
    const dueMs = core.deadlineMs() ?? 0
    const effects = core.tick(dueMs)
    events.push(...eventsOf(effects))
    for (const effect of effects) {
      if (effect.type !== 'send' || effect.to.id === 'n1') continue
      const from = { id: effect.to.id, generation: 1 }
      const { message } = effect
      if (message.kind === 'ping') core.receive({ kind: 'ack', seq: message.seq, rumors: [] }, from, dueMs)
      if (message.kind === 'ping-request' && sayNo.includes(from.id))
        core.receive({ kind: 'ping-answer', seq: message.seq, reached: false, rumors: [] }, from, dueMs)
    }
  }
  return events
}

const only = (events: readonly MemberEvent[], type: MemberEvent['type']): MemberEvent => {
  const found = events.filter((event) => event.type === type && event.member.id === 'n1')
  expect(found).toHaveLength(1)
  return found[0] as MemberEvent
}

describe('the evidence of an event', () => {
  test('a suspicion names the helpers, and tells those that failed from those that said nothing', () => {
    const core = coreAmong(['n1', ...helpers])
    const events = run(core, () => core.member('n1')?.state === 'suspect', ['n3'])
    const { evidence, why } = only(events, 'MemberSuspected')
    if (evidence.kind !== 'unreachable') throw new Error(`it is ${evidence.kind}`)
    expect(evidence.probes).toMatchObject({ failed: 1, absent: false })
    expect([...evidence.probes.helpers].sort((a, b) => (a.id < b.id ? -1 : 1))).toEqual([
      { id: 'n2', answer: 'none' },
      { id: 'n3', answer: 'failed' },
      { id: 'n4', answer: 'none' },
    ])
    expect(why).toBe('no ack to 1 probe, 0 of 3 helpers reached it (1 answered)')
    expect(core.outlook.evidence('n1')).toBe(evidence)
  })

  test('what the transport said is part of it', () => {
    const core = coreAmong(['n1', ...helpers])
    const events: MemberEvent[] = []
    while (core.member('n1')?.state === 'alive') {
      core.absent({ id: 'n1', generation: 1 }, core.deadlineMs() ?? 0)
      let turns = 0
      events.push(...run(core, () => turns++ > 0))
    }
    const { evidence } = only(events, 'MemberSuspected')
    expect(evidence).toMatchObject({ kind: 'unreachable', probes: { absent: true } })
  })

  test('a death names the probes, who confirms, and how long there was to refute', () => {
    const core = coreAmong(['n1', ...helpers])
    const events = run(core, () => core.member('n1')?.state === 'suspect')
    hear(core, core.deadlineMs() ?? 0, 'n4', about('n1', 'suspect', {}, ['n4']))
    events.push(...run(core, () => core.member('n1')?.state === 'dead'))
    const { evidence, why } = only(events, 'MemberDown')
    expect(evidence).toMatchObject({ kind: 'not-refuted', accusers: ['n4'] })
    if (evidence.kind !== 'not-refuted') throw new Error(`it is ${evidence.kind}`)
    expect(evidence.probes?.failed).toBeGreaterThan(1)
    expect(evidence.probes?.helpers.map(({ answer }) => answer)).toEqual(['failed', 'failed', 'failed'])
    expect(evidence.suspectedForMs).toBeGreaterThan(999)
    expect(why).toMatch(
      /^no ack to \d+ probes, 0 of 3 helpers reached it, n4 confirms, suspected for \d+ ms without a refutation$/,
    )
  })

  test('what was only heard names from whom, and who has seen it', () => {
    const core = coreAmong(['n1', ...helpers], { probeIntervalMs: 60_000, probesPerInterval: 1 })
    const [suspected] = hear(core, 5, 'n3', about('n1', 'suspect', {}, ['n2', 'n4']))
    expect(suspected).toMatchObject({
      why: 'n2 suspects it, n4 confirms',
      evidence: { kind: 'accused', from: 'n3', accusers: ['n2', 'n4'] },
    })
    const [down] = hear(core, 6, 'n3', about('n1', 'dead', {}, ['n2']))
    expect(down).toMatchObject({
      why: 'n3 says that it is dead, suspected by n2',
      evidence: { kind: 'declared-dead', from: 'n3', accusers: ['n2'] },
    })
    const [again] = hear(core, 7, 'n1', about('n1', 'alive', { incarnation: 1 }))
    expect(again).toMatchObject({ type: 'MemberUp', evidence: { kind: 'refuted', what: 'death' } })
    const [left] = hear(core, 8, 'n4', about('n1', 'left', { incarnation: 2 }))
    expect(left).toMatchObject({ type: 'MemberLeft', evidence: { kind: 'farewell', from: 'n4' } })
  })

  test('a member that comes, changes, refutes, or begins a later life says so', () => {
    const core = coreAmong(['n2'], { probeIntervalMs: 60_000, probesPerInterval: 1 })
    const evidence = (events: readonly MemberEvent[]): [string, Evidence][] =>
      events.map((event) => [event.type, event.evidence])
    expect(evidence(hear(core, 2, 'n2', about('n1', 'alive')))).toEqual([
      ['MemberUp', { kind: 'introduced', by: 'n2' }],
    ])
    expect(evidence(hear(core, 3, 'n3', about('n3', 'alive')))).toEqual([['MemberUp', { kind: 'announced' }]])
    const changed = about('n1', 'suspect', { incarnation: 1, metadata: [['a', 'b']] }, ['n2'])
    expect(evidence(hear(core, 4, 'n2', changed))).toEqual([
      ['MemberUpdated', { kind: 'changed', parts: ['metadata'] }],
      ['MemberSuspected', { kind: 'accused', from: 'n2', accusers: ['n2'] }],
    ])
    const refuted = about('n1', 'alive', { incarnation: 2, metadata: [['a', 'b']] })
    expect(evidence(hear(core, 5, 'n2', refuted))).toEqual([['MemberUpdated', { kind: 'refuted', what: 'suspicion' }]])
    const later = about('n1', 'alive', { generation: 2 })
    expect(evidence(hear(core, 6, 'n2', later))).toEqual([
      ['MemberDown', { kind: 'later-life', generation: 2 }],
      ['MemberUp', { kind: 'introduced', by: 'n2' }],
    ])
  })

  test('a state keeps its evidence while it lasts, whatever else is said', () => {
    const core = coreAmong(['n1', 'n2'], { probeIntervalMs: 60_000, probesPerInterval: 1 })
    hear(core, 2, 'n2', about('n1', 'suspect', {}, ['n2']))
    hear(core, 3, 'n1', about('n1', 'suspect', { incarnation: 1 }, ['n4']))
    expect(core.outlook.evidence('n1')).toEqual({ kind: 'accused', from: 'n2', accusers: ['n2'] })
    expect(core.outlook.evidence('nobody')).toBeUndefined()
  })
})

test('every kind of evidence makes one sentence', () => {
  const probes = { failed: 3, helpers: [], absent: true }
  const table: readonly (readonly [Evidence, string])[] = [
    [{ kind: 'started' }, 'this node has started'],
    [{ kind: 'restated' }, 'this node refuted what was said of it'],
    [{ kind: 'took-over' }, 'the other process that ran as this life is gone'],
    [{ kind: 'present' }, 'it was a member when this stream began'],
    [{ kind: 'announced' }, 'it announced itself'],
    [{ kind: 'introduced', by: 'n2' }, 'n2 knows it'],
    [{ kind: 'changed', parts: ['metadata'] }, 'its metadata changed'],
    [{ kind: 'refuted', what: 'suspicion' }, 'it refuted the suspicion'],
    [{ kind: 'refuted', what: 'death' }, 'it refuted that it was dead'],
    [{ kind: 'unreachable', probes }, 'no ack to 3 probes, no helper to ask, the transport found nobody there'],
    [
      { kind: 'unreachable', probes: { ...probes, absent: false, helpers: [{ id: 'n2', answer: 'none' }] } },
      'no ack to 3 probes, 0 of 1 helpers reached it (none answered)',
    ],
    [{ kind: 'accused', from: 'n2', accusers: [] }, 'n2 suspects it'],
    [{ kind: 'accused', from: 'n2', accusers: ['n3', 'n4', 'n5'] }, 'n3 suspects it, n4 and n5 confirm'],
    [
      { kind: 'not-refuted', suspectedForMs: 900, probes: undefined, accusers: ['n2', 'n3'] },
      'n2 suspects it, n3 confirms, suspected for 900 ms without a refutation',
    ],
    [
      { kind: 'not-refuted', suspectedForMs: 900, probes: undefined, accusers: [] },
      'a suspicion was passed on, suspected for 900 ms without a refutation',
    ],
    [{ kind: 'declared-dead', from: 'n2', accusers: [] }, 'n2 says that it is dead'],
    [{ kind: 'farewell', from: 'n2' }, 'it said that it leaves'],
    [{ kind: 'later-life', generation: 3 }, 'generation 3 of it has begun'],
    [{ kind: 'other-process' }, 'another process runs as this life of it'],
    [
      { kind: 'forgotten', state: 'dead', forMs: 60_000, because: 'time' },
      'it had been dead for 60000 ms, which is long enough',
    ],
    [
      { kind: 'forgotten', state: 'left', forMs: 900, because: 'room' },
      'it had been gone for 900 ms, and gave way to another one',
    ],
    [{ kind: 'frames-of-two', from: 'n2' }, 'frames from n2 come from two processes'],
    [{ kind: 'another-spoken-of', from: 'n2' }, 'n2 speaks of another process than is known here'],
    [
      { kind: 'statement-not-made', from: 'n2', incarnation: 7 },
      'n2 knows of incarnation 7, which this process has not said',
    ],
    [
      { kind: 'earlier-life-answered', from: 'n2', generation: 1, laterGeneration: 2 },
      'generation 1 of it answered a ping after generation 2 had begun',
    ],
  ]
  for (const [evidence, sentence] of table) {
    expect(describeEvidence(evidence)).toBe(sentence)
    // It is data: it survives JSON.
    expect(describeEvidence(JSON.parse(JSON.stringify(evidence)) as Evidence)).toBe(sentence)
  }
})
