import { SeededRandom, systemRuntime, VirtualClock } from '@dsys/runtime'
import { describe, expect, test } from 'vitest'
import { encodeMessage } from '../src/core/codec.ts'
import type { Effect } from '../src/core/effects.ts'
import { LocalHealth } from '../src/core/local-health.ts'
import { MembershipCore } from '../src/core/membership-core.ts'
import type { Message } from '../src/core/message.ts'
import { Membership } from '../src/index.ts'
import { type MembershipOptions, resolveOptions } from '../src/options.ts'
import { ManualTransport } from './manual-transport.ts'

const self = { id: 'me', generation: 5 }

function coreAmong(ids: readonly string[], options: Partial<MembershipOptions> = {}): MembershipCore {
  const resolved = resolveOptions({ cluster: 'test', syncIntervalMs: 3_600_000, ...options })
  const core = new MembershipCore({ ...resolved, self, nonce: 1, seed: 1, canBroadcast: false, maxFrameBytes: 65_536 })
  core.connection(true, 0)
  core.join(0)
  const rumors = ids.map((id) => ({
    record: { id, generation: 1, incarnation: 0, state: 'alive' as const, metadata: [] },
    ageMs: 0,
  }))
  core.receive({ kind: 'sync-reply', last: true, rumors }, { id: 'n1', generation: 1 }, 1)
  return core
}

interface Asked {
  readonly atMs: number
  readonly to: string
  readonly kind: Message['kind']
}

/** Ticks up to `untilMs`. `answers` says what comes back, at once, to a ping or a request. */
function run(core: MembershipCore, untilMs: number, answers: (message: Message, to: string) => Message[]): Asked[] {
  const asked: Asked[] = []
  for (let dueMs = core.deadlineMs(); dueMs !== undefined && dueMs <= untilMs; dueMs = core.deadlineMs()) {
    for (const { to, message } of core.tick(dueMs).filter((effect: Effect) => effect.type === 'send')) {
      if (message.kind !== 'ping' && message.kind !== 'ping-request') continue
      asked.push({ atMs: dueMs, to: to.id, kind: message.kind })
      for (const answer of answers(message, to.id)) core.receive(answer, { id: to.id, generation: 1 }, dueMs)
    }
  }
  return asked
}

const silent = (): Message[] => []
const allAnswer = (message: Message): Message[] =>
  message.kind === 'ping' ? [{ kind: 'ack', seq: message.seq, rumors: [] }] : []
const pings = (asked: readonly Asked[]): number[] => [
  ...new Set(asked.filter(({ kind }) => kind === 'ping').map(({ atMs }) => atMs)),
]

describe('the multiplier', () => {
  test('M-21: it stays between 1 and its bound, comes down one at a time, and says why it is up', () => {
    const told: number[] = []
    const health = new LocalHealth(8, (multiplier) => told.push(multiplier))
    health.lower()
    expect(health.status()).toEqual({ multiplier: 1, maxMultiplier: 8, because: 'healthy' })
    health.raise(3, 'missed-answers')
    health.raise(0, 'refuted')
    expect(health.status()).toMatchObject({ multiplier: 4, because: 'probes and helpers that did not answer' })
    health.raise(100, 'late-timer')
    for (let i = 0; i < 20; i++) health.lower()
    expect(told).toEqual([4, 8, 7, 6, 5, 4, 3, 2, 1])
  })

  test('with a bound of 1 nothing changes it', () => {
    const health = new LocalHealth(1, () => expect.unreachable())
    health.raise(9, 'refuted')
    expect(health.status()).toEqual({ multiplier: 1, maxMultiplier: 1, because: 'healthy' })
    for (const maxHealthMultiplier of [0, 1.5, 65])
      expect(() => resolveOptions({ cluster: 'c', maxHealthMultiplier })).toThrow(RangeError)
  })
})

describe('what speaks against the own health', () => {
  test('an ack that is missing where there are no helpers counts once', () => {
    const core = coreAmong(['n1'], { probesPerInterval: 1 })
    run(core, 1_000, silent)
    expect(core.localHealth).toMatchObject({ multiplier: 2, because: 'probes and helpers that did not answer' })
  })

  test('helpers that say that they failed show that the fault is not here', () => {
    const core = coreAmong(['n1', 'n2', 'n3', 'n4'])
    run(core, 1_400, (message, to) => {
      if (to === 'n1') return []
      if (message.kind === 'ping-request')
        return [{ kind: 'ping-answer', seq: message.seq, reached: false, rumors: [] }]
      return allAnswer(message)
    })
    expect(core.member('n1')?.state).toBe('suspect')
    expect(core.localHealth.multiplier).toBe(1)
  })

  test('each helper that says nothing counts', () => {
    const core = coreAmong(['n1', 'n2', 'n3', 'n4'], { probesPerInterval: 1 })
    run(core, 999, silent)
    expect(core.localHealth.multiplier).toBe(4)
  })

  test('one that answers shows that the fault is not here, though others are silent: they may be dead as well', () => {
    const core = coreAmong(['n1', 'n2', 'n3', 'n4'])
    run(core, 1_400, (message, to) => {
      if (to !== 'n4') return []
      if (message.kind === 'ping-request')
        return [{ kind: 'ping-answer', seq: message.seq, reached: false, rumors: [] }]
      return allAnswer(message)
    })
    expect(core.members().filter(({ state }) => state === 'suspect').length).toBeGreaterThan(1)
    expect(core.localHealth.multiplier).toBe(1)
  })

  test('that the transport met nobody shows that it reaches others', () => {
    const core = coreAmong(['n1'], { probesPerInterval: 1 })
    run(core, 499, silent)
    core.absent({ id: 'n1', generation: 1 }, 500)
    run(core, 500, silent)
    expect(core.member('n1')?.state).toBe('suspect')
    expect(core.localHealth.multiplier).toBe(1)
  })

  test('to have to refute counts, other news of oneself does not', () => {
    const core = coreAmong(['n1'])
    const record = { ...self, incarnation: 0, state: 'suspect' as const, metadata: [] }
    const n1 = { id: 'n1', generation: 1 }
    core.receive({ kind: 'gossip', rumors: [{ record, ageMs: 0 }] }, n1, 10)
    core.receive({ kind: 'gossip', rumors: [{ record, ageMs: 0 }] }, n1, 11)
    expect(core.localHealth).toMatchObject({ multiplier: 2, because: 'it had to refute what others said of it' })
    core.receive(
      { kind: 'gossip', rumors: [{ record: { ...record, incarnation: 7, state: 'alive' }, ageMs: 0 }] },
      n1,
      12,
    )
    expect(core.localHealth.multiplier).toBe(2)
  })

  test('M-19, M-21: a late timer counts by how late it is, and probes that succeed make up for it', () => {
    const core = coreAmong(['n1', 'n2', 'n3', 'n4', 'n5', 'n6'])
    const dueMs = core.deadlineMs() ?? 0
    core.tick(dueMs + 126, dueMs)
    expect(core.localHealth).toMatchObject({ multiplier: 2, because: 'its own timers were late' })
    const againMs = core.deadlineMs() ?? 0
    core.tick(againMs + 16_000, againMs)
    expect(core.localHealth.multiplier).toBe(8)
    run(core, againMs + 16_000 + 20_000, allAnswer)
    expect(core.localHealth).toEqual({ multiplier: 1, maxMultiplier: 8, because: 'healthy' })
  })

  test('M-21: where nobody is left to probe, it comes down as well', () => {
    const core = coreAmong(['n1'])
    run(core, 60_000, silent)
    expect(core.member('n1')?.state).toBe('dead')
    expect(core.localHealth.multiplier).toBe(1)
  })
})

describe('what it changes', () => {
  test('M-22: both the interval and the timeout are scaled, so probes of one interval end before the next', () => {
    const core = coreAmong(['n1', 'n2', 'n3', 'n4', 'n5', 'n6'], { suspicionTimeoutMs: 600_000 })
    const dueMs = core.deadlineMs() ?? 0
    core.tick(dueMs + 16_000, dueMs)
    const startMs = dueMs + 16_000
    const asked = run(core, startMs + 30_000, silent).filter(({ atMs }) => atMs > startMs)
    const starts = pings(asked)
    expect(starts.length).toBeGreaterThan(3)
    for (const [i, atMs] of starts.slice(1).entries()) expect(atMs - (starts[i] ?? 0)).toBeCloseTo(8 * 500, 6)
    const helped = asked.filter(({ kind }) => kind === 'ping-request').map(({ atMs }) => atMs)
    // The probes that begin here ask helpers after eight timeouts.
    for (const atMs of starts.slice(1, -1)) expect(helped).toContain(atMs + 8 * 250)
  })

  test('a healthy node keeps its pace', () => {
    const core = coreAmong(['n1', 'n2', 'n3', 'n4', 'n5', 'n6'])
    const starts = pings(run(core, 20_000, allAnswer))
    for (const [i, atMs] of starts.slice(1).entries()) expect(atMs - (starts[i] ?? 0)).toBeCloseTo(500, 6)
  })
})

describe('M-19, M-23: time that was lost shows, however far apart a node plans its timers that doubts itself', () => {
  /** At its largest multiplier, with nothing to do for seconds but to wait for the end of a suspicion of 1,000 ms. */
  function waiting(): { core: MembershipCore; nowMs: number; endMs: number } {
    const core = coreAmong(['n1', 'n2', 'n3', 'n4'], { gossipIntervalMs: 60_000, suspicionMaxFactor: 1 })
    const dueMs = core.deadlineMs() ?? 0
    const nowMs = dueMs + 16_000
    core.tick(nowMs, dueMs)
    expect(core.localHealth.multiplier).toBe(8)
    const record = { id: 'n2', generation: 1, incarnation: 0, state: 'suspect' as const, metadata: [] }
    core.receive(
      { kind: 'gossip', rumors: [{ record, ageMs: 0, accusers: ['n3'] }] },
      { id: 'n3', generation: 1 },
      nowMs,
    )
    return { core, nowMs, endMs: nowMs + 1_250 }
  }

  test('while anybody is judged, a tick is due within half a probe timeout', () => {
    const { core, nowMs, endMs } = waiting()
    let beforeMs = nowMs
    while (core.member('n2')?.state === 'suspect') {
      const dueMs = core.deadlineMs() ?? 0
      expect(dueMs - beforeMs).toBeLessThanOrEqual(125)
      core.tick(dueMs)
      beforeMs = dueMs
    }
    expect(beforeMs).toBeLessThanOrEqual(endMs)
    run(core, beforeMs + 2_000, allAnswer)
    // Nobody is judged now, so nothing is waited for but the next probe.
    expect((core.deadlineMs() ?? 0) - beforeMs).toBeGreaterThan(2_000)
  })

  test('a jump of the clock is no time to refute in, also when input comes before the late timer', () => {
    const { core, nowMs } = waiting()
    const dueMs = core.deadlineMs() ?? 0
    const jumpedMs = nowMs + 1_300
    core.receive({ kind: 'ping', seq: 1, generation: 5, rumors: [] }, { id: 'n3', generation: 1 }, jumpedMs)
    expect(core.deadlineMs()).toBe(dueMs)
    core.tick(jumpedMs, core.deadlineMs())
    expect(core.member('n2')?.state).toBe('suspect')
    run(core, jumpedMs + 2_500, allAnswer)
    expect(core.member('n2')?.state).toBe('dead')
  })
})

test('status, explain and the meter show it', async () => {
  const clock = new VirtualClock()
  const transport = new ManualTransport()
  const gauges = new Map<string, number>()
  const runtime = systemRuntime({ clock, random: new SeededRandom(1) })
  const meter = {
    ...runtime.meter,
    counter: () => ({ add: () => undefined }),
    gauge: (name: string) => ({ set: (value: number) => void gauges.set(name, value) }),
  }
  const one = new Membership({ ...runtime, meter, transport }, { cluster: 'c', joinTimeoutMs: 10 })
  expect(one.status().localHealth).toEqual({ multiplier: 1, maxMultiplier: 8, because: 'healthy' })
  expect(gauges.get('dsys_membership_health_multiplier')).toBe(1)
  const starting = one.start()
  await clock.advanceAsync(20)
  await starting
  const hear = (id: string, generation: number, state: 'alive' | 'suspect', accusers: string[]): void => {
    const record = { id, generation, incarnation: 0, state, metadata: [] }
    const from = { id: 'n2', generation: 1 }
    transport.deliver(encodeMessage({ kind: 'gossip', rumors: [{ record, ageMs: 0, accusers }] }, 'c'), from)
  }
  hear('n2', 1, 'alive', [])
  hear(transport.self.id, transport.self.generation, 'suspect', ['n2'])
  expect(one.status().localHealth.multiplier).toBe(2)
  expect(gauges.get('dsys_membership_health_multiplier')).toBe(2)
  expect(one.explain(transport.self.id).text).toContain(
    'The own health of this node is 2 of 8, where 1 is the best: it had to refute what others said of it.',
  )
  hear('n3', 1, 'suspect', ['n2', 'n4'])
  expect(one.explain('n3').text).toMatch(
    /^n3 \(generation 1\) is suspect, .*; it has .* s to refute, accused by n2 and n4\./s,
  )
  const stopping = one.stop()
  await clock.advanceAsync(2_000)
  await stopping
})
