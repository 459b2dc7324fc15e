import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Effect } from '../src/core/effects.ts'
import { MembershipCore } from '../src/core/membership-core.ts'
import type { Message } from '../src/core/message.ts'
import { type MemberRecord, type MemberState, mergeRecords, type Rumor } from '../src/core/record.ts'
import { type MembershipOptions, resolveOptions } from '../src/options.ts'

const self = { id: 'me', generation: 5 }
const n1 = { id: 'n1', generation: 1 }
const n2 = { id: 'n2', generation: 1 }

function newCore(options: Partial<MembershipOptions> = {}): MembershipCore {
  const resolved = resolveOptions({ cluster: 'test', ...options })
  const core = new MembershipCore({ ...resolved, self, nonce: 1, seed: 1, canBroadcast: false, maxFrameBytes: 65_536 })
  core.connection(true, 0)
  core.join(0)
  return core
}

const record = (id: string, generation: number, incarnation: number, state: MemberState): MemberRecord => ({
  id,
  generation,
  incarnation,
  state,
  metadata: [],
})
const rumor = (...of: Parameters<typeof record>): Rumor => ({ record: record(...of), ageMs: 0 })
const gossip = (...rumors: Rumor[]): Message => ({ kind: 'gossip', rumors })
const events = (effects: Effect[]): string[] =>
  effects.flatMap((effect) => (effect.type === 'event' ? [`${effect.event.type} ${effect.event.member.id}`] : []))
const sent = (effects: Effect[], kind: Message['kind']): Extract<Effect, { type: 'send' }>[] =>
  effects.filter(
    (effect): effect is Extract<Effect, { type: 'send' }> => effect.type === 'send' && effect.message.kind === kind,
  )

/** Ticks at every deadline up to `untilMs`; `answer` may feed the core in between. */
function run(core: MembershipCore, untilMs: number, answer?: (effects: Effect[], nowMs: number) => void): Effect[] {
  const all: Effect[] = []
  for (let dueMs = core.deadlineMs(); dueMs !== undefined && dueMs <= untilMs; dueMs = core.deadlineMs()) {
    const effects = core.tick(dueMs)
    answer?.(effects, dueMs)
    all.push(...effects)
  }
  return all
}

describe('merging', () => {
  test('M-05: the view does not depend on order, duplication or delay', () => {
    const any = fc.record({
      id: fc.constantFrom('n1', 'n2'),
      generation: fc.integer({ min: 1, max: 3 }),
      incarnation: fc.integer({ min: 0, max: 3 }),
      state: fc.constantFrom<MemberState>('alive', 'suspect', 'dead', 'left'),
    })
    fc.assert(
      fc.property(fc.array(any, { maxLength: 12 }), fc.array(fc.nat(), { maxLength: 24 }), (statements, order) => {
        const records = statements.map((one) => record(one.id, one.generation, one.incarnation, one.state))
        const core = newCore()
        // Any order, some twice, then the rest so that each is heard at least once.
        const heard = [...order.flatMap((at) => records.slice(at % 12, (at % 12) + 1)), ...records]
        for (const one of heard) core.receive(gossip({ record: one, ageMs: 0 }), { id: 'far', generation: 1 }, 10)
        for (const id of ['n1', 'n2']) {
          const about = records.filter((one) => one.id === id)
          const known = core.member(id)
          const expected = about.length === 0 ? undefined : about.reduce(mergeRecords)
          expect(known && record(known.id, known.generation, known.incarnation, known.state)).toEqual(expected)
        }
      }),
      { numRuns: 500 },
    )
  })

  test('M-06: one message with many states gives only legal steps', () => {
    const any = fc.record({
      generation: fc.integer({ min: 1, max: 3 }),
      incarnation: fc.integer({ min: 0, max: 3 }),
      state: fc.constantFrom<MemberState>('alive', 'suspect', 'dead', 'left'),
    })
    fc.assert(
      fc.property(fc.array(any, { maxLength: 20 }), (statements) => {
        const core = newCore()
        const rumors = statements.map((one) => rumor('n1', one.generation, one.incarnation, one.state))
        let life: { generation: number; up: boolean } | undefined
        for (const effect of core.receive(gossip(...rumors), n2, 10)) {
          if (effect.type !== 'event') continue
          const { type, member } = effect.event
          if (type === 'MemberUp') {
            expect(life === undefined || !life.up).toBe(true)
            expect(member.generation).toBeGreaterThanOrEqual(life?.generation ?? 0)
            expect(member.state).toBe('alive')
            life = { generation: member.generation, up: true }
            continue
          }
          expect(life?.generation).toBe(member.generation)
          if (type !== 'MemberLeft') expect(life?.up).toBe(true)
          if (type === 'MemberDown' || type === 'MemberLeft') life = { generation: member.generation, up: false }
        }
      }),
      { numRuns: 500 },
    )
  })

  test('a suspicion with news of the member tells the news first, of a member that is not yet suspect', () => {
    const core = newCore()
    core.receive(gossip(rumor('n1', 1, 0, 'alive')), n1, 10)
    const metadata = [['role', 'edge']] as const
    const suspected = { record: { ...record('n1', 1, 1, 'suspect'), metadata }, accusers: ['n3'], ageMs: 0 }
    const told = core
      .receive(gossip(suspected), n2, 20)
      .flatMap((effect) => (effect.type === 'event' ? [effect.event] : []))
    expect(told.map(({ type, member, why }) => `${type} ${member.state}: ${why}`)).toEqual([
      'MemberUpdated alive: its metadata changed',
      'MemberSuspected suspect: n3 suspects it',
    ])
  })

  test('M-03: a farewell that comes after the death still counts', () => {
    const core = newCore()
    core.receive(gossip(rumor('n1', 1, 0, 'alive')), n1, 10)
    core.receive(gossip(rumor('n1', 1, 0, 'dead')), n2, 20)
    expect(events(core.receive(gossip(rumor('n1', 1, 1, 'left')), n2, 30))).toEqual(['MemberLeft n1'])
    expect(core.member('n1')?.state).toBe('left')
  })

  test('M-04: a death of somebody unknown adds no member, but is remembered and passed on', () => {
    const core = newCore()
    expect(events(core.receive(gossip(rumor('n1', 1, 3, 'dead'), rumor('n2', 1, 0, 'alive')), n2, 10))).toEqual([
      'MemberUp n2',
    ])
    expect(events(core.receive(gossip(rumor('n1', 1, 2, 'alive')), n2, 20))).toEqual([])
    const told = run(core, 1_000).flatMap((effect) => (effect.type === 'send' ? effect.message.rumors : []))
    expect(told.some((one) => one.record.id === 'n1' && one.record.state === 'dead')).toBe(true)
  })

  test('M-02: a death brought by a full exchange about a member that lives here is only a suspicion', () => {
    const core = newCore()
    core.receive(gossip(rumor('n1', 1, 0, 'alive'), rumor('n2', 1, 0, 'alive')), n1, 10)
    core.receive({ kind: 'sync-reply', last: true, rumors: [rumor('n1', 1, 0, 'dead')] }, n2, 20)
    expect(core.member('n1')?.state).toBe('suspect')
    core.receive(gossip(rumor('n1', 1, 0, 'dead')), n2, 30)
    expect(core.member('n1')?.state).toBe('dead')
  })

  test('what has been dead longer than it is remembered is not learned anew', () => {
    const core = newCore({ rememberDeadMs: 1_000 })
    core.receive(gossip({ record: record('n1', 1, 0, 'dead'), ageMs: 1_000 }), n2, 10)
    expect(core.member('n1')).toBeUndefined()
    core.receive(gossip({ record: record('n1', 1, 0, 'dead'), ageMs: 400 }), n2, 10)
    expect(core.member('n1')?.sinceMs).toBe(-390)
    run(core, 20_000)
    expect(core.member('n1')).toBeUndefined()
  })

  test('M-31: there is a bound on members; the long dead give way first', () => {
    const core = newCore({ maxMembers: 3 })
    core.receive(gossip(rumor('a', 1, 0, 'dead')), n2, 10)
    core.receive(gossip(rumor('b', 1, 0, 'alive'), rumor('c', 1, 0, 'alive')), n2, 20)
    const effects = core.receive(gossip(rumor('d', 1, 0, 'alive'), rumor('e', 1, 0, 'alive')), n2, 30)
    expect(core.members().map(({ id }) => id)).toEqual(['b', 'c', 'me'])
    expect(effects.filter(({ type }) => type === 'warning')).toHaveLength(1)
  })

  test('M-31: what is forgotten is not told either, so there is never more news than members', () => {
    const core = newCore({ maxMembers: 3 })
    for (let i = 0; i < 50; i++) core.receive(gossip(rumor(`ghost${i}`, 1, 0, 'dead')), n2, i)
    core.receive(gossip(rumor('n1', 1, 0, 'alive')), n1, 60)
    const told = run(core, 3_000).flatMap((effect) => (effect.type === 'send' ? effect.message.rumors : []))
    expect(new Set(told.map(({ record: { id } }) => id))).toEqual(new Set(['me', 'n1', 'ghost49']))
  })
})

describe('this very node', () => {
  test('refutes a suspicion and a death with a higher incarnation', () => {
    const core = newCore()
    for (const [incarnation, state] of [
      [0, 'suspect'],
      [4, 'dead'],
      [9, 'left'],
    ] as const) {
      core.receive(gossip(rumor('me', 5, incarnation, state)), n1, 10)
      expect(core.member('me')).toMatchObject({ state: 'alive', incarnation: incarnation + 1 })
    }
    core.receive(gossip(rumor('me', 5, 3, 'dead')), n1, 10)
    expect(core.member('me')).toMatchObject({ state: 'alive', incarnation: 10 })
  })

  test('M-07, M-08: a statement that it never made is outbid, and reported once', () => {
    const core = newCore()
    const twin: Rumor = { record: { ...record('me', 5, 7, 'alive'), metadata: [['zone', 'b']] }, ageMs: 0 }
    const effects = [
      ...core.receive(gossip(twin), n1, 10),
      ...core.receive(gossip(rumor('me', 5, 20, 'alive')), n1, 20),
    ]
    expect(events(effects).filter((one) => one === 'MemberConflict me')).toHaveLength(1)
    expect(core.member('me')).toMatchObject({ incarnation: 21, metadata: {} })
  })

  test('what is said of an earlier life of it changes nothing', () => {
    const core = newCore()
    expect(core.receive(gossip(rumor('me', 4, 99, 'dead')), n1, 10)).toEqual([])
    expect(core.member('me')).toMatchObject({ state: 'alive', incarnation: 0 })
  })

  test('falls silent when a later life of it has begun', () => {
    const core = newCore()
    core.receive(gossip(rumor('n1', 1, 0, 'alive')), n1, 10)
    const effects = core.receive(gossip(rumor('me', 6, 0, 'alive')), n1, 20)
    expect(effects).toContainEqual({ type: 'superseded', generation: 6 })
    expect(events(effects)).toEqual(['MemberDown me', 'MemberUp me'])
    expect(core.deadlineMs()).toBeUndefined()
    expect(core.receive({ kind: 'ping', seq: 1, generation: 5, rumors: [] }, n1, 30)).toEqual([])
    expect(core.leave(40)).toEqual([{ type: 'farewell-done', heardBy: 0 }])
  })

  test('while it leaves it refutes nothing, still answers, and says it once more to those who did not hear', () => {
    const core = newCore({ leaveTimeoutMs: 400 })
    core.receive(gossip(rumor('n1', 1, 0, 'alive'), rumor('n2', 1, 0, 'alive')), n1, 10)
    const farewells = sent(core.leave(100), 'ping')
    expect(farewells.map(({ to }) => to.id).sort()).toEqual(['n1', 'n2'])
    core.receive(gossip(rumor('me', 5, 5, 'dead')), n1, 110)
    expect(core.member('me')).toMatchObject({ state: 'left', incarnation: 1 })
    expect(sent(core.receive({ kind: 'ping', seq: 8, generation: 5, rumors: [] }, n1, 120), 'ack')).toHaveLength(1)
    const heard = farewells.find(({ to }) => to.id === 'n1')?.message
    core.receive({ kind: 'ack', seq: heard?.kind === 'ping' ? heard.seq : 0, rumors: [] }, n1, 130)
    expect(sent(core.tick(300), 'ping').map(({ to }) => to.id)).toEqual(['n2'])
    expect(core.tick(500)).toEqual([{ type: 'farewell-done', heardBy: 1 }])
  })
})

test('whoever knows nobody says all the same that it leaves, where all can be told at once: it may be known', () => {
  const options = resolveOptions({ cluster: 'test' })
  const core = new MembershipCore({ ...options, self, nonce: 1, seed: 1, canBroadcast: true, maxFrameBytes: 65_536 })
  core.connection(true, 0)
  core.join(0)
  const rumors = [{ record: { id: 'me', state: 'left' } }]
  const said = core.leave(10).filter(({ type }) => type !== 'event')
  expect(said).toMatchObject([{ type: 'broadcast', message: { rumors } }, { type: 'farewell-done' }])
})

test('a node that leaves keeps its own place in a full table, and says to the end that it leaves', () => {
  const core = newCore({ maxMembers: 2, leaveTimeoutMs: 500 })
  core.receive(gossip(rumor('n1', 1, 0, 'alive')), n1, 10)
  core.leave(20)
  core.receive(gossip(rumor('ghost', 1, 0, 'dead')), n1, 30)
  core.receive(gossip(rumor('me', 5, 0, 'suspect')), n1, 40)
  const again = sent(core.tick(270), 'ping')
  expect(again.map(({ message }) => message.rumors[0]?.record)).toMatchObject([{ id: 'me', state: 'left' }])
})

describe('generations', () => {
  test('M-09: a ping for an earlier life is not answered; a frame of an earlier life changes nothing', () => {
    const core = newCore()
    core.receive(gossip(rumor('n1', 3, 0, 'alive')), { id: 'n1', generation: 3 }, 10)
    expect(sent(core.receive({ kind: 'ping', seq: 1, generation: 4, rumors: [] }, n2, 20), 'ack')).toEqual([])
    const stale = core.receive(
      gossip(rumor('n2', 1, 9, 'dead'), rumor('n3', 1, 0, 'alive')),
      { id: 'n1', generation: 2 },
      30,
    )
    expect(stale[0]).toEqual({ type: 'count', what: 'stale-frame' })
    expect(events(stale)).toEqual([])
    expect(core.member('n3')).toBeUndefined()
  })

  test('M-09: an ack from another life of the target does not count', () => {
    const core = newCore()
    core.receive(gossip(rumor('n1', 1, 0, 'alive')), n1, 10)
    const effects = run(core, 5_000, (now, nowMs) => {
      for (const { message } of sent(now, 'ping')) {
        if (message.kind === 'ping')
          core.receive({ kind: 'ack', seq: message.seq, rumors: [] }, { id: 'n1', generation: 2 }, nowMs)
      }
    })
    expect(events(effects)).toEqual(['MemberSuspected n1', 'MemberDown n1'])
  })

  test('an earlier life that still runs is told of its successor', () => {
    const core = newCore()
    core.receive(gossip(rumor('n1', 3, 0, 'alive')), { id: 'n1', generation: 3 }, 10)
    const [told] = sent(
      core.receive({ kind: 'ping', seq: 1, generation: 5, rumors: [] }, { id: 'n1', generation: 2 }, 20),
      'gossip',
    )
    expect(told?.to).toEqual({ id: 'n1', generation: 2 })
    expect(told?.message.rumors.map((one) => one.record.generation)).toEqual([3])
  })
})

describe('judging', () => {
  /** A core that probes `n1`, who never answers, with `n2` as a helper who says that it failed. */
  function probing(): { core: MembershipCore; suspectedAtMs: number; effects: Effect[] } {
    const core = newCore({ seeds: [] })
    core.receive(gossip(rumor('n1', 1, 0, 'alive'), rumor('n2', 1, 0, 'alive')), n2, 1)
    let suspectedAtMs = 0
    const answer = (effects: Effect[], nowMs: number): void => {
      for (const { to, message } of effects.filter((one) => one.type === 'send')) {
        if (to.id !== 'n2') continue
        if (message.kind === 'ping') core.receive({ kind: 'ack', seq: message.seq, rumors: [] }, n2, nowMs)
        if (message.kind === 'ping-request') {
          core.receive({ kind: 'ping-answer', seq: message.seq, reached: false, rumors: [] }, n2, nowMs)
        }
      }
    }
    const effects: Effect[] = []
    while (core.member('n1')?.state === 'alive') {
      suspectedAtMs = core.deadlineMs() ?? 0
      effects.push(...run(core, suspectedAtMs, answer))
    }
    return { core, suspectedAtMs, effects }
  }

  test('the evidence says what was tried', () => {
    const { core, effects, suspectedAtMs } = probing()
    const suspected = effects.find((one) => one.type === 'event' && one.event.type === 'MemberSuspected')
    expect(suspected).toMatchObject({ event: { why: 'no ack to 1 probe, 0 of 1 helpers reached it' } })
    const down = run(core, suspectedAtMs + 1_001).find((one) => one.type === 'event' && one.event.type === 'MemberDown')
    expect(down).toMatchObject({
      event: { why: expect.stringMatching(/^no ack to \d+ probes, .* suspected for 1000 ms without a refutation$/) },
    })
  })

  test('nothing but tick judges: a message that comes late does not', () => {
    const { core, suspectedAtMs } = probing()
    core.receive(gossip(), n2, suspectedAtMs + 60_000)
    expect(core.member('n1')?.state).toBe('suspect')
  })

  test('M-17: a refutation that arrives in the turn of the expiry wins', () => {
    const { core, suspectedAtMs } = probing()
    run(core, suspectedAtMs + 999)
    core.receive(gossip(rumor('n1', 1, 1, 'alive')), n1, suspectedAtMs + 1_000)
    run(core, suspectedAtMs + 1_001)
    expect(core.member('n1')).toMatchObject({ state: 'alive', incarnation: 1 })
  })

  test('M-16: an old timer does not judge a new suspicion', () => {
    const { core, suspectedAtMs } = probing()
    core.receive(gossip(rumor('n1', 1, 1, 'alive')), n1, suspectedAtMs + 900)
    core.receive(gossip(rumor('n1', 1, 1, 'suspect')), n2, suspectedAtMs + 950)
    run(core, suspectedAtMs + 1_900)
    expect(core.member('n1')?.state).toBe('suspect')
  })

  test('M-16: a suspicion of a newer statement has its own time', () => {
    const { core, suspectedAtMs } = probing()
    core.receive(gossip(rumor('n1', 1, 1, 'suspect')), n2, suspectedAtMs + 900)
    run(core, suspectedAtMs + 1_850)
    expect(core.member('n1')).toMatchObject({ state: 'suspect', incarnation: 1 })
  })

  test('M-19: after a block of the event loop everything under way gets that time on top', () => {
    const { core, suspectedAtMs } = probing()
    const dueMs = core.deadlineMs() ?? 0
    const lateMs = 5_000
    expect(events(core.tick(dueMs + lateMs))).toEqual([])
    expect(core.member('n1')?.state).toBe('suspect')
    run(core, suspectedAtMs + lateMs + 999)
    expect(core.member('n1')?.state).toBe('suspect')
    // It is only put off, by what was lost: a dead member is still found out.
    run(core, suspectedAtMs + lateMs + 2_000)
    expect(core.member('n1')?.state).toBe('dead')
  })

  test('M-19: how late a tick is does not depend on what came in since it was due', () => {
    const { core, suspectedAtMs } = probing()
    const wantedMs = core.deadlineMs() ?? 0
    // Blocked until just before the end of the suspicion; news that waited makes a deadline of its own.
    const nowMs = suspectedAtMs + 990
    core.receive(gossip(rumor('n9', 1, 0, 'alive')), n2, nowMs)
    core.tick(nowMs, wantedMs)
    run(core, nowMs + (nowMs - wantedMs))
    expect(core.member('n1')?.state).toBe('suspect')
    run(core, nowMs + 3_000)
    expect(core.member('n1')?.state).toBe('dead')
  })

  test('nobody is suspected or declared dead while isolated, nor in the time of grace after', () => {
    const { core, suspectedAtMs } = probing()
    core.connection(false, suspectedAtMs + 100)
    expect(core.deadlineMs()).toBeUndefined()
    expect(core.tick(suspectedAtMs + 600_000)).toEqual([])
    const back = suspectedAtMs + 600_100
    const effects = core.connection(true, back)
    expect(
      sent(effects, 'digest')
        .map(({ to }) => to.id)
        .sort(),
    ).toEqual(['n1', 'n2'])
    expect(core.member('me')?.incarnation).toBe(1)
    const inGrace = run(core, back + 990)
    expect(events(inGrace)).toEqual([])
    expect(sent(inGrace, 'ping').length).toBeGreaterThan(0)
    core.receive(gossip(rumor('n1', 1, 1, 'alive')), n1, back + 995)
    run(core, back + 1_010)
    expect(core.member('n1')?.state).toBe('alive')
  })

  test('M-35: a probe that began before the connection was lost proves nothing when it is back', () => {
    const core = newCore({ suspicionTimeoutMs: 10 })
    core.receive(gossip(rumor('n1', 1, 0, 'alive')), n1, 10)
    let pingedAtMs = 0
    run(core, 500, (effects, nowMs) => {
      if (sent(effects, 'ping').length > 0) pingedAtMs ||= nowMs
    })
    core.connection(false, pingedAtMs + 1)
    core.connection(true, pingedAtMs + 2)
    // The time of grace is over when that probe would have ended; the next one counts.
    run(core, pingedAtMs + 501)
    expect(core.member('n1')?.state).toBe('alive')
    run(core, pingedAtMs + 1_001)
    expect(core.member('n1')?.state).toBe('suspect')
  })

  test('M-37: that the transport met nobody shortens the wait, and does not kill by itself', () => {
    const core = newCore()
    core.receive(gossip(rumor('n1', 1, 0, 'alive'), rumor('n2', 1, 0, 'alive')), n1, 10)
    let asked: Effect[] = []
    run(core, 500, (effects, nowMs) => {
      if (asked.length === 0 && sent(effects, 'ping').some(({ to }) => to.id === 'n1'))
        asked = core.absent(n1, nowMs + 1)
    })
    expect(sent(asked, 'ping-request').map(({ to }) => to.id)).toEqual(['n2'])
    expect(core.member('n1')?.state).toBe('alive')
  })

  test('where nobody is there and every helper failed, the suspicion begins at once, but in a tick', () => {
    const core = newCore()
    core.receive(gossip(rumor('n1', 1, 0, 'alive'), rumor('n2', 1, 0, 'alive')), n1, 10)
    let askedAtMs = 0
    run(core, 500, (effects, nowMs) => {
      const [ping] = sent(effects, 'ping').filter(({ to }) => to.id === 'n1')
      if (ping?.message.kind !== 'ping' || askedAtMs > 0) return
      askedAtMs = nowMs
      core.absent(n1, nowMs)
      core.receive({ kind: 'ping-answer', seq: ping.message.seq, reached: false, rumors: [] }, n2, nowMs)
      expect(core.member('n1')?.state).toBe('alive')
    })
    expect(core.member('n1')).toMatchObject({ state: 'suspect', sinceMs: askedAtMs })
  })

  test('M-38: an ack that was held up for minutes clears nothing', () => {
    const core = newCore()
    core.receive(gossip(rumor('n1', 1, 0, 'alive')), n1, 10)
    const seqs: number[] = []
    run(core, 3_000, (effects) => {
      for (const { message } of sent(effects, 'ping')) if (message.kind === 'ping') seqs.push(message.seq)
    })
    expect(core.member('n1')?.state).toBe('dead')
    for (const seq of seqs) core.receive({ kind: 'ack', seq, rumors: [] }, n1, 200_000)
    expect(core.member('n1')?.state).toBe('dead')
  })

  test('whoever is suspected hears it first, with the next ping', () => {
    const { core, suspectedAtMs } = probing()
    const pings = sent(run(core, suspectedAtMs + 900), 'ping').filter(({ to }) => to.id === 'n1')
    expect(pings.length).toBeGreaterThan(0)
    for (const { message } of pings) expect(message.rumors[0]?.record).toMatchObject({ id: 'n1', state: 'suspect' })
  })

  test('M-32: news is told a bounded number of times, and newer news takes the place of older', () => {
    const core = newCore({ syncIntervalMs: 3_600_000, seeds: [] })
    core.receive(
      { kind: 'sync-reply', last: true, rumors: [rumor('n1', 1, 0, 'alive'), rumor('n2', 1, 0, 'alive')] },
      n1,
      10,
    )
    for (let i = 1; i <= 50; i++) core.receive(gossip(rumor('x', 1, i, 'dead')), n1, 10)
    let told = 0
    const effects = run(core, 10_000, (now, nowMs) => {
      for (const { to, message } of sent(now, 'ping')) {
        if (message.kind === 'ping')
          core.receive({ kind: 'ack', seq: message.seq, rumors: [] }, { id: to.id, generation: 1 }, nowMs)
      }
    })
    for (const effect of effects) {
      if (effect.type !== 'send') continue
      for (const one of effect.message.rumors) {
        if (one.record.id !== 'x') continue
        expect(one.record.incarnation).toBe(50)
        told += 1
      }
    }
    // retransmitFactor 3 times log2(3 members + 1).
    expect(told).toBe(6)
  })
})
