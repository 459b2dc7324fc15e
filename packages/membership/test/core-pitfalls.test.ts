import { describe, expect, test } from 'vitest'
import type { Effect } from '../src/core/effects.ts'
import { MembershipCore } from '../src/core/membership-core.ts'
import type { Message } from '../src/core/message.ts'
import type { MemberState, Rumor } from '../src/core/record.ts'
import { type MembershipOptions, resolveOptions } from '../src/options.ts'

const n1 = { id: 'n1', generation: 1 }
const n2 = { id: 'n2', generation: 1 }
const rumor = (id: string, state: MemberState = 'alive', incarnation = 0, nonce?: number): Rumor => {
  return { record: { id, generation: 1, incarnation, state, metadata: [], nonce }, ageMs: 0 }
}

type Sent = Extract<Effect, { type: 'send' }>
const sent = (effects: readonly Effect[]): Sent[] => effects.filter((effect): effect is Sent => effect.type === 'send')
const bodies = (effects: readonly Effect[], kind: Message['kind']): Message[] =>
  sent(effects).flatMap(({ message }) => (message.kind === kind ? [message] : []))

function newCore(
  rumors: readonly Rumor[],
  more: Partial<MembershipOptions> = {},
  canBroadcast = false,
): MembershipCore {
  const options = resolveOptions({ cluster: 'test', syncIntervalMs: 3_600_000, ...more })
  const self = { id: 'me', generation: 5 }
  const core = new MembershipCore({ ...options, self, nonce: 1, seed: 1, canBroadcast, maxFrameBytes: 65_536 })
  core.connection(true, 0)
  core.join(0)
  core.receive({ kind: 'gossip', rumors }, n2, 1)
  return core
}

/** Ticks at every deadline before `untilMs`. Of those of whom `answers` says so, pings are answered at once. */
function run(core: MembershipCore, untilMs: number, answers: (id: string) => boolean): Effect[] {
  const all: Effect[] = []
  const take = (effects: readonly Effect[], nowMs: number): void => {
    all.push(...effects)
    for (const { to, message } of sent(effects)) {
      if (message.kind !== 'ping' || !answers(to.id)) continue
      take(core.receive({ kind: 'ack', seq: message.seq, rumors: [] }, { id: to.id, generation: 1 }, nowMs), nowMs)
    }
  }
  for (let dueMs = core.deadlineMs(); dueMs !== undefined && dueMs < untilMs; dueMs = core.deadlineMs())
    take(core.tick(dueMs), dueMs)
  return all
}

describe('a helper', () => {
  /** n2 asks whether n1 is there; with the number of the ping by which this node finds out. */
  function asked(core: MembershipCore, nowMs: number): number {
    const request = { kind: 'ping-request', seq: 9, target: 'n1', generation: 1, rumors: [] } as const
    const [ping] = bodies(core.receive(request, n2, nowMs), 'ping')
    return ping?.kind === 'ping' ? ping.seq : expect.unreachable('it pings')
  }
  const said = (effects: readonly Effect[]): unknown[] =>
    bodies(effects, 'ping-answer').map((message) => message.kind === 'ping-answer' && message.reached)

  test.each([
    ['an earlier life', { id: 'n1', generation: 1 }, 2, undefined],
    ['a later life', { id: 'n1', generation: 2 }, 1, undefined],
    ['another process', n1, 1, { version: 2, versions: { min: 2, max: 2 }, nonce: 8, sequence: 1 }],
  ])(
    'M-09: does not take the answer of %s for that of the one it was asked about',
    (_name, from, generation, header) => {
      const core = newCore([rumor('n1', 'alive', 0, 7), rumor('n2')])
      const request = { kind: 'ping-request', seq: 9, target: 'n1', generation, rumors: [] } as const
      const [ping] = bodies(core.receive(request, n2, 10), 'ping')
      const seq = ping?.kind === 'ping' ? ping.seq : expect.unreachable('it pings')
      expect(said(core.receive({ kind: 'ack', seq, rumors: [] }, from, 11, header))).toEqual([])
      expect(said(run(core, 400, () => true))).toEqual([false])
    },
  )

  test('M-19: does not say that nobody is there for the time in which it was blocked itself', () => {
    const core = newCore([rumor('n1'), rumor('n2')])
    run(core, 100, () => true)
    const seq = asked(core, 100)
    const dueMs = core.deadlineMs() ?? 0
    expect(said(core.tick(dueMs + 5_000, dueMs))).toEqual([])
    // What had waited is read in the turns after the first one.
    expect(said(core.receive({ kind: 'ack', seq, rumors: [] }, n1, dueMs + 5_100))).toEqual([true])
  })
})

test('M-19: after a block, helpers who had failed before it end no probe at once: the answer itself may still wait', () => {
  const ids = ['n1', 'n2', 'n3', 'n4', 'n5', 'n6']
  const core = newCore(ids.map((id) => rumor(id)))
  let nowMs = 30_000
  run(core, nowMs, () => true)
  let asked: Sent[] = []
  while (asked.length === 0) {
    nowMs = (core.deadlineMs() ?? 0) + 1
    const effects = run(core, nowMs, (id) => id !== 'n1')
    asked = sent(effects).filter(({ message }) => message.kind === 'ping-request' && message.target === 'n1')
  }
  expect(asked).toHaveLength(3)
  const wantedMs = core.deadlineMs() ?? 0
  nowMs = wantedMs + 5_000
  core.tick(nowMs, wantedMs)
  for (const { to, message } of asked) {
    if (message.kind !== 'ping-request') continue
    const answer = { kind: 'ping-answer', seq: message.seq, reached: false, rumors: [] } as const
    core.receive(answer, { id: to.id, generation: 1 }, nowMs)
  }
  run(core, nowMs + 240, (id) => id !== 'n1')
  expect(core.member('n1')?.state).toBe('alive')
  run(core, nowMs + 3_000, (id) => id !== 'n1')
  expect(core.member('n1')?.state).not.toBe('alive')
})

describe('M-18: a refutation that may get lost', () => {
  test('is told as often as any news, so that one lost frame does not matter', () => {
    const core = newCore([rumor('n1'), rumor('n2')])
    run(core, 20_000, () => true)
    core.receive(
      {
        kind: 'gossip',
        rumors: [
          rumor('n1', 'suspect'),
          { ...rumor('me', 'suspect'), record: { ...rumor('me', 'suspect').record, generation: 5 } },
        ],
      },
      n2,
      20_000,
    )
    expect(core.member('me')?.incarnation).toBe(1)
    const told = sent(run(core, 25_000, (id) => id !== 'n1')).filter(({ message }) =>
      message.rumors.some(({ record }) => record.id === 'me' && record.incarnation === 1 && record.state === 'alive'),
    )
    // Three times log2 of four, rounded up, by default.
    expect(told).toHaveLength(6)
  })

  test('is asked for again with every message, also when the news of the suspicion is told no more', () => {
    const core = newCore([rumor('n1'), rumor('n2')], { suspicionTimeoutMs: 600_000 })
    core.receive({ kind: 'gossip', rumors: [rumor('n1', 'suspect')] }, n2, 20)
    run(core, 60_000, (id) => id === 'n2')
    expect(core.member('n1')?.state).toBe('suspect')
    const aboutIt = (to: string): number =>
      sent(core.receive({ kind: 'ping', seq: 1, generation: 5, rumors: [] }, { id: to, generation: 1 }, 60_000)).filter(
        ({ message }) => message.rumors.some(({ record }) => record.id === 'n1' && record.state === 'suspect'),
      ).length
    expect([aboutIt('n2'), aboutIt('n1'), aboutIt('n1')]).toEqual([0, 1, 1])
  })
})

describe('M-08: what others say of this node, and it did not', () => {
  const ofMe = (state: MemberState, nonce?: number): Message => {
    const { record } = rumor('me', state, 3, nonce)
    return { kind: 'gossip', rumors: [{ record: { ...record, generation: 5 }, ageMs: 0 }] }
  }
  const broadcasts = (effects: readonly Effect[]): unknown[] =>
    effects.flatMap((effect) => (effect.type === 'broadcast' ? effect.message.rumors.map(({ record }) => record) : []))

  test.each(['suspect', 'dead', 'left'] as const)(
    'is refuted to all at once, where the transport can (%s)',
    (state) => {
      const core = newCore([rumor('n1'), rumor('n2')], {}, true)
      const told = broadcasts(core.receive(ofMe(state), n2, 20))
      expect(told).toMatchObject([{ id: 'me', state: 'alive', incarnation: 4 }])
    },
  )

  test('is no news to all where it only says that this node lives: a double would answer in the same way', () => {
    const core = newCore([rumor('n1'), rumor('n2')], {}, true)
    expect(broadcasts(core.receive(ofMe('alive'), n2, 20))).toEqual([])
    expect(core.member('me')?.incarnation).toBe(4)
  })
})

test('M-02: a death that a full exchange brings is no more than a suspicion, also of one that is suspected already', () => {
  const core = newCore([rumor('n1'), rumor('n2')])
  core.receive({ kind: 'gossip', rumors: [rumor('n1', 'suspect')] }, n2, 10)
  core.receive({ kind: 'sync-reply', last: true, rumors: [rumor('n1', 'dead')] }, n2, 20)
  expect(core.member('n1')?.state).toBe('suspect')
})

test('M-07: a later life counts with any incarnation, and nothing of the earlier one does any more', () => {
  const core = newCore([rumor('n1', 'alive', 9), rumor('n2')])
  const later = { record: { ...rumor('n1').record, generation: 2 }, ageMs: 0 }
  core.receive({ kind: 'gossip', rumors: [later] }, n2, 10)
  expect(core.member('n1')).toMatchObject({ generation: 2, incarnation: 0, state: 'alive' })
  for (const state of ['alive', 'suspect', 'dead', 'left'] as const)
    core.receive({ kind: 'gossip', rumors: [rumor('n1', state, 20)] }, n2, 20)
  expect(core.member('n1')).toMatchObject({ generation: 2, incarnation: 0, state: 'alive' })
})

test('M-04: a suspicion of somebody unknown brings a member in that is suspected, and can refute', () => {
  const core = newCore([rumor('n2')])
  const effects = core.receive({ kind: 'gossip', rumors: [rumor('n1', 'suspect', 3)] }, n2, 10)
  expect(effects.flatMap((effect) => (effect.type === 'event' ? [effect.event.type] : []))).toEqual([
    'MemberUp',
    'MemberSuspected',
  ])
  expect(core.member('n1')).toMatchObject({ state: 'suspect', incarnation: 3 })
  core.receive({ kind: 'gossip', rumors: [rumor('n1', 'alive', 4)] }, n1, 20)
  expect(core.member('n1')?.state).toBe('alive')
})

test('M-17: nothing judges before what came with it is merged, however late it comes', () => {
  const core = newCore([rumor('n1'), rumor('n2')])
  core.receive({ kind: 'gossip', rumors: [rumor('n1', 'suspect')] }, n2, 10)
  expect(core.member('n1')?.state).toBe('suspect')
  const effects = core.receive({ kind: 'gossip', rumors: [rumor('n1', 'alive', 1)] }, n1, 60_000)
  expect(effects.flatMap((effect) => (effect.type === 'event' ? [effect.event.type] : []))).toEqual(['MemberUpdated'])
})

describe('M-25: parts of a cluster that know nothing of each other any more', () => {
  const hellos = (effects: readonly Effect[], to: (effect: Effect) => boolean): number =>
    effects.filter(
      (effect) =>
        (effect.type === 'send' || effect.type === 'broadcast') && effect.message.kind === 'hello' && to(effect),
    ).length
  const joined = (more: Partial<MembershipOptions>, canBroadcast: boolean): MembershipCore => {
    const core = newCore([rumor('n1'), rumor('n2')], { syncIntervalMs: 1_000, ...more }, canBroadcast)
    core.receive({ kind: 'sync-reply', last: true, rumors: [] }, n2, 1)
    return core
  }

  test('find each other by their seeds, which are asked as long as they are not there', () => {
    const toSeed = (effect: Effect): boolean => effect.type === 'send' && effect.to.id === 'seed'
    const core = joined({ seeds: ['seed', 'n1', 'me'] }, false)
    expect(
      hellos(
        run(core, 20_000, () => true),
        toSeed,
      ),
    ).toBeGreaterThan(10)
    core.receive({ kind: 'gossip', rumors: [rumor('seed')] }, n2, 20_000)
    expect(
      hellos(
        run(core, 40_000, () => true),
        toSeed,
      ),
    ).toBe(0)
  })

  test('find each other where the transport can broadcast: one node of the cluster, on average, says hello to all', () => {
    const said = hellos(
      run(joined({}, true), 60_000, () => true),
      ({ type }) => type === 'broadcast',
    )
    // One of three, in each of sixty intervals.
    expect(said).toBeGreaterThan(8)
    expect(said).toBeLessThan(40)
  })
})
