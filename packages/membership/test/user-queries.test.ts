import { describe, expect, test } from 'vitest'
import { MAX_REMEMBERED_QUERIES } from '../src/core/answering.ts'
import type { Question } from '../src/core/asking.ts'
import type { Effect } from '../src/core/effects.ts'
import { MembershipCore } from '../src/core/membership-core.ts'
import type { Message } from '../src/core/message.ts'
import type { QueryResult } from '../src/core/query-message.ts'
import type { MemberRecord } from '../src/core/record.ts'
import { resolveOptions } from '../src/options.ts'
import { type SimulatedNode, Simulation, type SimulationOptions } from './simulation.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const ids = (count: number): string[] => Array.from({ length: count }, (_, i) => `n${i + 1}`)
const result = (text: string): QueryResult => ({ ok: true, payload: bytes(text) })
const question = (targets: readonly string[], more: Partial<Question> = {}): Question => {
  return { number: 1, name: 'q', payload: bytes('?'), timeoutMs: 2_000, targets, ...more }
}
type Of<T extends Effect['type']> = Extract<Effect, { type: T }>
const of = <T extends Effect['type']>(effects: readonly Effect[], type: T): Of<T>[] =>
  effects.filter((effect): effect is Of<T> => effect.type === type)
const answersAt = ({ others }: SimulatedNode): string[] => of(others, 'answer').map(({ from }) => from.id)
const runsAt = ({ others }: SimulatedNode): number => of(others, 'query').length
const endAt = ({ others }: SimulatedNode): Of<'query-ended'> | undefined => of(others, 'query-ended')[0]

/** Members that know each other and answer everything. */
function joined(count: number, options: Partial<SimulationOptions> = {}): Simulation {
  const simulation = new Simulation({ seed: 5, ...options })
  for (const node of simulation.startAll(count)) node.onQuery = () => result(node.self.id)
  simulation.run(20_000, () => simulation.agrees(ids(count)))
  expect(simulation.agrees(ids(count))).toBe(true)
  return simulation
}

const ask = (simulation: Simulation, id: string, what: Question): void =>
  simulation.input(id, (core, nowMs) => core.ask(what, nowMs))

describe('queries among members', () => {
  test.each([false, true])(
    'all answer, this node too, and it is over (broadcast by the transport: %s)',
    (canBroadcast) => {
      const simulation = joined(5, { canBroadcast })
      const before = simulation.frames
      ask(simulation, 'n2', question(ids(5)))
      simulation.run(15)
      expect(answersAt(simulation.node('n2')).sort()).toEqual(ids(5))
      expect(endAt(simulation.node('n2'))).toMatchObject({ end: 'complete', silent: [], absent: [] })
      simulation.run(5_000)
      expect(of(simulation.node('n2').others, 'query-ended')).toHaveLength(1)
      expect(simulation.frames - before).toBeGreaterThan(0)
    },
  )

  test('with loss and duplicates all answer, each handler runs once, and each answer counts once', () => {
    for (let seed = 1; seed <= 3; seed++) {
      const simulation = new Simulation({ seed, lossRate: 0.2, duplicateRate: 0.2 })
      for (const node of simulation.startAll(6)) node.onQuery = () => result(node.self.id)
      simulation.run(4_000)
      const there = simulation
        .node('n1')
        .core.members()
        .filter(({ state }) => state === 'alive')
        .map(({ id }) => id)
      expect(there.length).toBeGreaterThan(3)
      ask(simulation, 'n1', question(there, { timeoutMs: 6_000 }))
      simulation.run(6_000)
      expect(answersAt(simulation.node('n1')).sort(), `seed ${seed}`).toEqual(there)
      for (const id of there) expect(runsAt(simulation.node(id)), `seed ${seed}, ${id}`).toBe(1)
    }
  })

  test('those who cannot be reached are silent, and the query ends when its time is over', () => {
    const simulation = joined(4)
    simulation.partition(['n1', 'n2'], ['n3', 'n4'])
    const beganMs = simulation.nowMs
    ask(simulation, 'n1', question(ids(4), { timeoutMs: 700 }))
    simulation.run(5_000, () => endAt(simulation.node('n1')) !== undefined)
    expect(simulation.nowMs - beganMs).toBe(700)
    expect(answersAt(simulation.node('n1')).sort()).toEqual(['n1', 'n2'])
    expect(endAt(simulation.node('n1'))).toMatchObject({ end: 'deadline', silent: ['n3', 'n4'], absent: [] })
  })

  test('it ends early when all who did not answer are gone, and says so', () => {
    const simulation = joined(4)
    simulation.kill('n3')
    ask(simulation, 'n1', question(ids(4), { timeoutMs: 60_000 }))
    simulation.run(30_000, () => endAt(simulation.node('n1')) !== undefined)
    expect(endAt(simulation.node('n1'))).toMatchObject({ end: 'complete', silent: [], absent: ['n3'] })
  })

  test('a member that is slow is asked again, does its work once, and its answer comes', () => {
    const simulation = joined(2)
    const slow = simulation.node('n2')
    slow.onQuery = () => undefined
    ask(simulation, 'n1', question(['n2']))
    simulation.run(1_500)
    const [query] = of(slow.others, 'query')
    simulation.input('n2', (core, nowMs) => core.answer(query?.query.key ?? '', result('late'), nowMs))
    simulation.run(100)
    expect(runsAt(slow)).toBe(1)
    expect(answersAt(simulation.node('n1'))).toEqual(['n2'])
  })

  test('an answer that was lost is given again, and not made again', () => {
    const simulation = joined(2)
    simulation.cut('n2', 'n1')
    ask(simulation, 'n1', question(['n2']))
    simulation.run(600)
    simulation.heal()
    simulation.run(600)
    expect(runsAt(simulation.node('n2'))).toBe(1)
    expect(answersAt(simulation.node('n1'))).toEqual(['n2'])
  })

  test('a restarted asker is another one: its numbers begin anew, and no answer to the earlier life counts', () => {
    const simulation = joined(3)
    ask(simulation, 'n2', question(['n1']))
    simulation.run(1_000)
    simulation.kill('n2')
    simulation.start('n2', 2)
    simulation.run(10_000, () => simulation.agrees(ids(3)))
    ask(simulation, 'n2', question(['n1', 'n3']))
    simulation.run(1_000)
    expect(answersAt(simulation.node('n2')).sort()).toEqual(['n1', 'n3'])
    expect(runsAt(simulation.node('n1'))).toBe(2)
  })

  test('M-28: members of an earlier version pass it over and remain members; for who asks they are silent', () => {
    const simulation = joined(4, { canBroadcast: true })
    simulation.node('n3').unknownKinds = new Set(['query', 'answer'])
    ask(simulation, 'n1', question(ids(4)))
    simulation.run(10_000)
    expect(endAt(simulation.node('n1'))).toMatchObject({ end: 'deadline', silent: ['n3'] })
    expect(simulation.agrees(ids(4))).toBe(true)
  })

  test('without a connection it still ends in time, and nobody is accused for that', () => {
    const simulation = joined(3)
    simulation.connect('n1', false)
    ask(simulation, 'n1', question(['n2', 'n3'], { timeoutMs: 3_000 }))
    ask(simulation, 'n1', question(['n2', 'n3'], { number: 2, timeoutMs: 60_000 }))
    simulation.run(10_000)
    expect(endAt(simulation.node('n1'))).toMatchObject({ number: 1, end: 'deadline', silent: ['n2', 'n3'] })
    simulation.connect('n1', true)
    simulation.run(10_000)
    expect(answersAt(simulation.node('n1')).sort()).toEqual(['n2', 'n3'])
    expect(of(simulation.node('n1').others, 'health')).toEqual([])
    expect(simulation.node('n1').events.map(({ event }) => event.type)).not.toContain('MemberDown')
  })

  test('a farewell ends the queries under way', () => {
    const simulation = joined(2)
    simulation.node('n2').onQuery = () => undefined
    ask(simulation, 'n1', question(['n2']))
    simulation.run(100)
    simulation.leave('n1')
    expect(endAt(simulation.node('n1'))).toMatchObject({ end: 'stopped', silent: ['n2'] })
  })
})

describe('one member', () => {
  const self = { id: 'me', generation: 5 }
  const n1 = { id: 'n1', generation: 1 }
  const alive = (id: string, more: Partial<MemberRecord> = {}): MemberRecord => {
    return { id, generation: 1, incarnation: 0, state: 'alive', metadata: [], nonce: 7, ...more }
  }
  function newCore(known: readonly MemberRecord[], canBroadcast = false): MembershipCore {
    const options = resolveOptions({ cluster: 'test', probeIntervalMs: 60_000, syncIntervalMs: 60_000 })
    const core = new MembershipCore({ ...options, self, nonce: 9, seed: 1, canBroadcast, maxFrameBytes: 65_536 })
    core.connection(true, 0)
    core.join(0)
    core.receive({ kind: 'gossip', rumors: known.map((record) => ({ record, ageMs: 0 })) }, n1, 1)
    return core
  }
  const query = (number: number, more: object = {}): Message => {
    return { kind: 'query', nonce: 7, number, leftMs: 1_000, name: 'q', payload: bytes(''), rumors: [], ...more }
  }
  const answer = (number: number, more: object = {}): Message => {
    return { kind: 'answer', nonce: 9, number, result: result('x'), rumors: [], ...more }
  }
  const sentTo = (effects: readonly Effect[], kind: Message['kind']): string[] =>
    of(effects, 'send').flatMap(({ to, message }) => (message.kind === kind ? [to.id] : []))

  test('an answer counts once, from who was asked, to the query that it names, of this process', () => {
    const core = newCore([alive('n1'), alive('n2'), alive('n3')])
    core.ask(question(['n1', 'n2']), 10)
    expect(core.receive(answer(1), { id: 'n3', generation: 1 }, 20)).toEqual([])
    expect(core.receive(answer(2), n1, 20)).toEqual([])
    expect(core.receive(answer(1, { nonce: 8 }), n1, 20)).toEqual([])
    expect(of(core.receive(answer(1), n1, 20), 'answer')).toHaveLength(1)
    expect(core.receive(answer(1), n1, 20)).toEqual([])
    core.cancelQuery(1)
    expect(core.receive(answer(1), { id: 'n2', generation: 1 }, 30)).toEqual([])
  })

  test('nobody to ask: it is over at once', () => {
    const core = newCore([])
    expect(core.ask(question([]), 10)).toEqual([
      { type: 'query-ended', number: 1, end: 'complete', silent: [], absent: [] },
    ])
  })

  test('many are asked in waves, and those that did not answer again, ever more seldom', () => {
    const many = Array.from({ length: 600 }, (_, i) => alive(`m${i}`))
    const core = newCore(many)
    const waves = [
      sentTo(
        core.ask(
          question(
            many.map(({ id }) => id),
            { timeoutMs: 5_000 },
          ),
          1_000,
        ),
        'query',
      ).length,
    ]
    const times = [1_000]
    for (let nowMs = core.deadlineMs(); nowMs !== undefined && nowMs < 6_000; nowMs = core.deadlineMs()) {
      const effects = core.tick(nowMs)
      const asked = sentTo(effects, 'query').length
      if (asked > 0) {
        waves.push(asked)
        times.push(nowMs)
      }
    }
    expect(waves.slice(0, 4)).toEqual([256, 256, 88, 256])
    expect(times.slice(0, 4)).toEqual([1_000, 1_010, 1_020, 1_220])
    expect(waves.length % 3).toBe(0)
    expect(waves.length / 3).toBe(7)
  })

  test('where the transport can broadcast and all are asked, one frame asks all; not where some are left out', () => {
    const core = newCore([alive('n1'), alive('n2')], true)
    const all = core.ask(question(['n1', 'n2']), 10)
    expect(of(all, 'broadcast').map(({ message }) => message.kind)).toEqual(['query'])
    expect(sentTo(all, 'query')).toEqual([])
    const some = core.ask(question(['n2'], { number: 2 }), 10)
    expect(of(some, 'broadcast')).toEqual([])
    expect(sentTo(some, 'query')).toEqual(['n2'])
  })

  test('it answers members alone, once each, and not when their time is over', () => {
    const core = newCore([alive('n1')])
    const strange = [{ type: 'count', what: 'strange-query' }]
    expect(core.receive(query(1), { id: 'n9', generation: 1 }, 10)).toEqual(strange)
    expect(core.receive(query(1, { nonce: 8 }), n1, 10)).toEqual(strange)
    expect(core.receive(query(1, { leftMs: 0 }), n1, 10)).toEqual([])
    const [first] = of(core.receive(query(1), n1, 10), 'query')
    const key = first?.query.key ?? ''
    expect(core.receive(query(1), n1, 11)).toEqual([])
    expect(sentTo(core.answer(key, result('a'), 20), 'answer')).toEqual(['n1'])
    expect(core.answer(key, result('b'), 21)).toEqual([])
    expect(sentTo(core.receive(query(1), n1, 30), 'answer')).toEqual(['n1'])
    expect(core.receive(query(1), n1, 1_010)).toEqual([])
    const [second] = of(core.receive(query(2), n1, 2_000), 'query')
    expect(core.answer(second?.query.key ?? '', result('late'), 3_000)).toEqual([])
    // It is forgotten by now, and a frame that was under way for long does not bring it back.
    core.receive(query(3), n1, 9_000)
    expect(core.receive(query(1), n1, 9_000)).toEqual([])
  })

  test('M-32: it remembers a bounded number of queries, and tells others to ask later', () => {
    const core = newCore([alive('n1'), alive('n2')])
    for (let i = 1; i <= MAX_REMEMBERED_QUERIES; i++)
      expect(of(core.receive(query(i), n1, 10), 'query')).toHaveLength(1)
    const [refused] = of(core.receive(query(5_000), n1, 11), 'send')
    expect(refused?.message).toMatchObject({
      kind: 'answer',
      number: 5_000,
      result: { ok: false, failure: { code: 'DSYS_MEMBERSHIP_QUERY_OVERLOADED', retryable: true } },
    })
    expect(of(core.receive(query(5_000), n1, 1_010), 'query')).toHaveLength(1)
  })
})
