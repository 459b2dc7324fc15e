import { describe, expect, test } from 'vitest'
import type { Effect } from '../src/core/effects.ts'
import { MembershipCore } from '../src/core/membership-core.ts'
import type { MemberState, Rumor } from '../src/core/record.ts'
import { log10, Suspicion, suspicionTimeoutMs, suspicionTimes } from '../src/core/suspicion.ts'
import { MEMBERSHIP_DEFAULTS, type MembershipOptions, resolveOptions } from '../src/options.ts'
import { Simulation } from './simulation.ts'

const self = { id: 'me', generation: 5 }

function coreAmong(ids: readonly string[], options: Partial<MembershipOptions> = {}): MembershipCore {
  const resolved = resolveOptions({ cluster: 'test', ...options })
  const core = new MembershipCore({ ...resolved, self, nonce: 1, seed: 1, canBroadcast: false, maxFrameBytes: 65_536 })
  core.connection(true, 0)
  core.join(0)
  core.receive({ kind: 'gossip', rumors: ids.map((id) => about(id, 'alive')) }, { id: 'n2', generation: 1 }, 1)
  return core
}

const about = (id: string, state: MemberState, accusers?: readonly string[], incarnation = 0): Rumor => ({
  record: { id, generation: 1, incarnation, state, metadata: [] },
  ageMs: 0,
  ...(accusers === undefined ? {} : { accusers }),
})

const hear = (core: MembershipCore, nowMs: number, from: string, ...rumors: Rumor[]): Effect[] =>
  core.receive({ kind: 'gossip', rumors }, { id: from, generation: 1 }, nowMs)

/** Ticks up to `untilMs`, with every ping answered but those to `n1`. */
function run(core: MembershipCore, untilMs: number): Effect[] {
  const all: Effect[] = []
  for (let dueMs = core.deadlineMs(); dueMs !== undefined && dueMs <= untilMs; dueMs = core.deadlineMs()) {
    const effects = core.tick(dueMs)
    for (const effect of effects) {
      if (effect.type !== 'send' || effect.message.kind !== 'ping' || effect.to.id === 'n1') continue
      const from = { id: effect.to.id, generation: 1 }
      core.receive({ kind: 'ack', seq: effect.message.seq, rumors: [] }, from, dueMs)
    }
    all.push(...effects)
  }
  return all
}

/** When the suspicion that was heard at time 2 took `n1` for dead. */
function deathMs(core: MembershipCore): number {
  for (let dueMs = core.deadlineMs() ?? 0; dueMs < 100_000; dueMs = core.deadlineMs() ?? 100_000) {
    run(core, dueMs)
    if (core.member('n1')?.state === 'dead') return dueMs
  }
  return Number.POSITIVE_INFINITY
}

describe('how long a suspicion lasts', () => {
  const published = { minMs: 2_000, maxMs: 30_000, expected: 3 }

  test('M-15: the timeout shrinks with confirmations as published by memberlist', () => {
    const table = [
      [0, 0, 30_000],
      [1, 2_000, 14_000],
      [2, 3_000, 4_810],
      [3, 4_000, -2_000],
      [4, 5_000, -3_000],
      [5, 10_000, -8_000],
    ] as const
    for (const [confirmations, elapsedMs, leftMs] of table)
      expect(new Suspicion(0, 1).deadlineMs(published, confirmations) - elapsedMs).toBe(leftMs)
  })

  test('M-15: with fewer confirmations to expect they weigh more, and with none it is as short as it gets', () => {
    const shortMs = (expected: number): number[] =>
      [0, 1, 2, 3].map((confirmations) => suspicionTimeoutMs({ ...published, expected }, confirmations))
    expect(shortMs(0)).toEqual([2_000, 2_000, 2_000, 2_000])
    expect(shortMs(1)).toEqual([30_000, 2_000, 2_000, 2_000])
    expect(shortMs(2)).toEqual([30_000, 12_333, 2_000, 2_000])
    for (let expected = 1; expected <= 3; expected++) {
      for (let confirmations = 0; confirmations <= expected; confirmations++) {
        const raw = 30_000 - (Math.log(confirmations + 1) / Math.log(expected + 1)) * 28_000
        expect(suspicionTimeoutMs({ ...published, expected }, confirmations)).toBe(Math.floor(raw + 1e-9))
      }
    }
  })

  test('it grows with the logarithm of the members, which is that of the engine but for the last digits', () => {
    for (let count = 1; count <= 5_000; count++) expect(Math.abs(log10(count) - Math.log10(count))).toBeLessThan(1e-6)
    const times = (members: number) => suspicionTimes(MEMBERSHIP_DEFAULTS, members)
    expect(times(10)).toEqual({ minMs: 1_000, maxMs: 6_000, expected: 3 })
    expect(times(1_000).minMs).toBeCloseTo(3_000, 2)
    expect(times(1_000).maxMs).toBeCloseTo(18_000, 2)
    // memberlist: where too few are left to confirm, none is waited for.
    expect([2, 3, 4, 5].map((members) => times(members).expected)).toEqual([0, 0, 0, 3])
  })

  test('a block puts the end off, and takes nothing of what was left', () => {
    const suspicion = new Suspicion(1_000, 1)
    suspicion.excuse(500, 0)
    expect(suspicion.deadlineMs(published, 3)).toBe(3_500)
    suspicion.excuse(0, 9_000)
    expect(suspicion.deadlineMs(published, 3)).toBe(9_000)
    expect(suspicion.deadlineMs(published, 0)).toBe(31_500)
  })

  test('options out of their limits are refused', () => {
    const resolve = (options: Partial<MembershipOptions>) => () => resolveOptions({ cluster: 'c', ...options })
    for (const suspicionMaxFactor of [0.9, 101, Number.NaN]) expect(resolve({ suspicionMaxFactor })).toThrow(RangeError)
    for (const suspicionConfirmations of [-1, 1.5, 4]) expect(resolve({ suspicionConfirmations })).toThrow(RangeError)
    expect(resolve({ suspicionMaxFactor: 1, suspicionConfirmations: 0 })).not.toThrow()
  })
})

describe('confirmations', () => {
  const ids = ['n1', 'n2', 'n3', 'n4', 'n5', 'n6', 'n7', 'n8']
  // A probe every minute: what this node sees itself plays no part.
  const options = { probeIntervalMs: 60_000, probesPerInterval: 1 }
  /** The suspicion of n1 by n2, heard at time 2; up to a quarter more, as it is hearsay. */
  const suspected = (more: Partial<MembershipOptions> = options): MembershipCore => {
    const core = coreAmong(ids, more)
    hear(core, 2, 'n2', about('n1', 'suspect', ['n2']))
    return core
  }
  const between = (atMs: number, leastMs: number): void => {
    expect(atMs).toBeGreaterThanOrEqual(2 + leastMs)
    expect(atMs).toBeLessThanOrEqual(2 + leastMs * 1.25)
  }

  test('M-14: each accuser counts once, the first one never', () => {
    const unconfirmed = suspected()
    for (let i = 0; i < 20; i++) hear(unconfirmed, 10 + i, `n${2 + (i % 7)}`, about('n1', 'suspect', ['n2']))
    between(deathMs(unconfirmed), 6_000)
    const once = suspected()
    for (let i = 0; i < 20; i++) hear(once, 10 + i, 'n4', about('n1', 'suspect', ['n2', 'n3']))
    between(deathMs(once), 3_500)
    const enough = suspected()
    for (const accuser of ['n3', 'n4', 'n5']) hear(enough, 10, accuser, about('n1', 'suspect', [accuser]))
    between(deathMs(enough), 1_000)
  })

  test('M-14: neither the subject nor whoever passes a suspicion on confirms it', () => {
    const core = suspected()
    hear(core, 10, 'n1', about('n1', 'suspect', ['n1']))
    hear(core, 11, 'n3', about('n1', 'suspect'))
    // A full exchange says what its sender has heard, deaths as well.
    core.receive(
      { kind: 'sync-reply', last: true, rumors: [about('n1', 'dead', ['n2'])] },
      { id: 'n4', generation: 1 },
      12,
    )
    between(deathMs(core), 6_000)
  })

  test('M-14: a suspicion of another statement confirms nothing', () => {
    const core = coreAmong(ids, options)
    hear(core, 2, 'n2', about('n1', 'suspect', ['n2'], 1))
    for (const accuser of ['n3', 'n4', 'n5']) hear(core, 10, accuser, about('n1', 'suspect', [accuser], 0))
    between(deathMs(core), 6_000)
  })

  test('M-14: the refuted suspicion leaves no confirmations to the next one', () => {
    const core = suspected()
    for (const accuser of ['n3', 'n4', 'n5']) hear(core, 10, accuser, about('n1', 'suspect', [accuser]))
    hear(core, 20, 'n1', about('n1', 'alive', undefined, 1))
    hear(core, 22, 'n2', about('n1', 'suspect', ['n2'], 1))
    between(deathMs(core) - 20, 6_000)
  })

  test('M-14: a death is told with those who suspected, and whoever only waited is not one of them', () => {
    const core = suspected()
    hear(core, 10, 'n3', about('n1', 'suspect', ['n3']))
    deathMs(core)
    const told = run(core, 10_000).flatMap((effect) => (effect.type === 'send' ? effect.message.rumors : []))
    const deaths = told.filter(({ record }) => record.id === 'n1' && record.state === 'dead')
    expect(deaths.length).toBeGreaterThan(0)
    for (const { accusers } of deaths) expect(accusers).toEqual(['n2', 'n3'])
  })

  test('a confirmation is passed on with all accusers, and no more of them than travel', () => {
    const core = suspected({ ...options, suspicionTimeoutMs: 10_000 })
    run(core, 2_000)
    for (const accuser of ['n3', 'n4', 'n5', 'n6', 'n7']) hear(core, 2_001, accuser, about('n1', 'suspect', [accuser]))
    const rumors = run(core, 2_400).flatMap((effect) => (effect.type === 'send' ? effect.message.rumors : []))
    const last = rumors.filter(({ record }) => record.id === 'n1' && record.state === 'suspect')
    expect(last.length).toBeGreaterThan(0)
    for (const { accusers } of last) expect(accusers).toEqual(['n2', 'n3', 'n4', 'n5'])
  })

  test('this node confirms by its own probe, tells it, and names those who confirm', () => {
    const core = suspected({ probeIntervalMs: 500, probesPerInterval: 4, indirectProbes: 0 })
    const effects = run(core, 20_000)
    const rumors = effects.flatMap((effect) => (effect.type === 'send' ? effect.message.rumors : []))
    expect(rumors.some(({ accusers }) => accusers?.join() === 'n2,me')).toBe(true)
    const down = effects.find((effect) => effect.type === 'event' && effect.event.type === 'MemberDown')
    expect(down).toMatchObject({
      event: {
        why: expect.stringMatching(/^no ack to \d+ probes, no helper to ask, n2 confirms, suspected for \d+ ms/),
      },
    })
  })

  test('the end that confirmations bring near is not passed by, though a later one was known before', () => {
    const core = suspected()
    run(core, 300)
    hear(core, 300, 'n3', about('n1', 'suspect', ['n2', 'n3', 'n4', 'n5']))
    between(deathMs(core), 1_000)
  })

  test('the end moves with the number of members: where too few are left to confirm, none is waited for', () => {
    const core = suspected()
    run(core, 1_990)
    expect(core.member('n1')?.state).toBe('suspect')
    const left = ['n4', 'n5', 'n6', 'n7', 'n8'].map((id) => about(id, 'left', undefined, 1))
    hear(core, 2_000, 'n2', ...left)
    run(core, 2_000)
    expect(core.member('n1')?.state).toBe('dead')
  })
})

test('M-14: one that is blocked accuses many and is confirmed by none, so they have the time to refute', () => {
  const simulation = new Simulation({ seed: 5, maxDelayMs: 3 })
  const all = simulation.startAll(8)
  simulation.run(10_000, () => simulation.agrees(all.map(({ self: { id } }) => id)))
  // n2 hears nobody, and so suspects all; what it says comes through, what it is told does not.
  for (const {
    self: { id },
  } of all)
    if (id !== 'n2') simulation.cut(id, 'n2')
  simulation.run(4_500)
  const down = all
    .filter((node) => node.self.id !== 'n2')
    .flatMap((node) => node.events.filter(({ event }) => event.type === 'MemberDown' && event.member.id !== 'n2'))
  expect(down).toEqual([])
})
