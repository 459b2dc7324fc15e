import { SeededRandom } from '@dsys/runtime'
import { describe, expect, test } from 'vitest'
import { MembershipCore } from '../src/core/membership-core.ts'
import type { Message } from '../src/core/message.ts'
import { ProbeTimeouts } from '../src/core/probe-timeouts.ts'
import { type MembershipOptions, resolveOptions } from '../src/options.ts'

const LIMITS = { minProbeTimeoutMs: 50, probeTimeoutMs: 250 }

function measured(id: string, tookMs: number, answers = 16): ProbeTimeouts {
  const timeouts = new ProbeTimeouts(LIMITS)
  for (let i = 0; i < answers; i++) timeouts.answered(id, tookMs)
  return timeouts
}

describe('how long an answer is waited for', () => {
  test('as long as configured, until sixteen answers have been measured', () => {
    expect(new ProbeTimeouts(LIMITS).timeoutMs('n1')).toBe(250)
    for (let answers = 1; answers < 16; answers++) expect(measured('n1', 2, answers).timeoutMs('n1')).toBe(250)
    expect(measured('n1', 2).timeoutMs('n1')).toBeLessThan(60)
  })

  test('as long as the last answers took, with their spread and the least on top, and never longer than configured', () => {
    expect(measured('n1', 0).timeoutMs('n1')).toBeCloseTo(55.6, 1)
    expect(measured('n1', 100).timeoutMs('n1')).toBeCloseTo(155.6, 1)
    expect(measured('n1', 240).timeoutMs('n1')).toBe(250)
    const timeouts = new ProbeTimeouts(LIMITS)
    for (let i = 0; i < 16; i++) timeouts.answered('n1', i % 2 === 0 ? 20 : 40)
    // Phi 8 is 5.6 standard deviations.
    expect(timeouts.timeoutMs('n1')).toBeCloseTo(50 + 30 + 56.1, 0)
  })

  test('a peer that was never measured is taken to be like the others, and each is known apart as it answers', () => {
    const timeouts = measured('n1', 2)
    expect(timeouts.timeoutMs('n2')).toBe(timeouts.timeoutMs('n1'))
    for (let i = 0; i < 16; i++) timeouts.answered('n2', 120)
    expect(timeouts.timeoutMs('n1')).toBeLessThan(60)
    expect(timeouts.timeoutMs('n2')).toBeGreaterThan(170)
    expect(timeouts.timeoutMs('n3')).toBeGreaterThan(170)
    timeouts.missed('n3')
    for (let i = 0; i < 16; i++) timeouts.answered('n1', 2)
    expect(timeouts.timeoutMs('n3')).toBe(250)
    expect(timeouts.timeoutMs('n4')).toBeLessThan(60)
  })

  test('a peer that grows slower is given more time with each answer', () => {
    const timeouts = measured('n1', 2)
    let beforeMs = timeouts.timeoutMs('n1')
    for (let i = 0; i < 4; i++) {
      timeouts.answered('n1', 60)
      expect(timeouts.timeoutMs('n1')).toBeGreaterThan(beforeMs)
      beforeMs = timeouts.timeoutMs('n1')
    }
  })

  test('one answer that is missing, and it is as long as configured until sixteen came in time', () => {
    const timeouts = measured('n1', 2)
    timeouts.missed('n1')
    for (let i = 0; i < 16; i++) {
      expect(timeouts.timeoutMs('n1')).toBe(250)
      timeouts.answered('n1', 2)
    }
    expect(timeouts.timeoutMs('n1')).toBeLessThan(60)
  })

  test('with the least as long as the longest, nothing is measured', () => {
    const timeouts = new ProbeTimeouts({ minProbeTimeoutMs: 250, probeTimeoutMs: 250 })
    for (let i = 0; i < 20; i++) timeouts.answered('n1', 2)
    timeouts.missed('n1')
    expect([timeouts.timeoutMs('n1'), timeouts.size]).toEqual([250, 0])
  })

  test('M-31: no more peers are remembered than a bound allows; whoever answered last is', () => {
    const timeouts = new ProbeTimeouts(LIMITS)
    timeouts.missed('first')
    for (let i = 0; i < 1_000; i++) {
      timeouts.answered(`n${i}`, 2)
      if (i < 500) timeouts.answered('first', 2)
    }
    expect(timeouts.size).toBe(256)
    timeouts.forget('n999')
    expect(timeouts.size).toBe(255)
  })

  test('the options are checked', () => {
    const resolve = (options: Partial<MembershipOptions>): number =>
      resolveOptions({ cluster: 'c', ...options }).minProbeTimeoutMs
    expect(resolve({})).toBe(50)
    expect(resolve({ probeTimeoutMs: 20 })).toBe(20)
    expect(resolve({ probeTimeoutMs: 20, probeIntervalMs: 40, minProbeTimeoutMs: 10 })).toBe(10)
    for (const minProbeTimeoutMs of [9, 251, Number.NaN])
      expect(() => resolve({ minProbeTimeoutMs })).toThrow(RangeError)
  })
})

/** One member among six others, in virtual time. A frame there and back takes `rttMs(id)`; infinite where nobody answers any more. */
class Bench {
  readonly core: MembershipCore
  nowMs = 0
  readonly suspected: { readonly id: string; readonly atMs: number; readonly probedMs: number }[] = []
  rttMs: (id: string) => number = () => 2
  readonly #answers: { readonly atMs: number; readonly run: () => Message; readonly from: string }[] = []
  readonly #probedMs = new Map<string, number>()

  constructor(options: Partial<MembershipOptions> = {}) {
    const resolved = resolveOptions({ cluster: 'test', syncIntervalMs: 3_600_000, ...options })
    const self = { id: 'me', generation: 1 }
    this.core = new MembershipCore({ ...resolved, self, nonce: 1, seed: 7, canBroadcast: false, maxFrameBytes: 65_536 })
    this.core.connection(true, 0)
    this.core.join(0)
    const rumors = ['n1', 'n2', 'n3', 'n4', 'n5', 'n6'].map((id) => ({
      record: { id, generation: 1, incarnation: 0, state: 'alive' as const, metadata: [] },
      ageMs: 0,
    }))
    this.core.receive({ kind: 'sync-reply', last: true, rumors }, { id: 'n1', generation: 1 }, 1)
  }

  run(forMs: number): void {
    const untilMs = this.nowMs + forMs
    for (;;) {
      this.#answers.sort((a, b) => a.atMs - b.atMs)
      const first = this.#answers[0]
      const dueMs = Math.min(this.core.deadlineMs() ?? untilMs, first?.atMs ?? untilMs)
      if (dueMs >= untilMs) break
      this.nowMs = Math.max(this.nowMs, dueMs)
      const effects =
        first !== undefined && first.atMs <= dueMs
          ? this.core.receive(first.run(), { id: first.from, generation: 1 }, this.nowMs)
          : this.core.tick(this.nowMs)
      if (first !== undefined && first.atMs <= dueMs) this.#answers.shift()
      for (const effect of effects) {
        if (effect.type === 'send') this.#answer(effect.to.id, effect.message)
        else if (effect.type === 'event' && effect.event.type === 'MemberSuspected') {
          const { id } = effect.event.member
          this.suspected.push({ id, atMs: this.nowMs, probedMs: this.#probedMs.get(id) ?? 0 })
        }
      }
    }
    this.nowMs = untilMs
  }

  #answer(from: string, message: Message): void {
    const tookMs = this.rttMs(from)
    if (tookMs === Number.POSITIVE_INFINITY) return
    if (message.kind === 'ping') {
      this.#probedMs.set(from, this.nowMs)
      const { seq } = message
      this.#answers.push({ atMs: this.nowMs + tookMs, from, run: () => ({ kind: 'ack', seq, rumors: [] }) })
    } else if (message.kind === 'ping-request') {
      const { seq, target } = message
      // A helper waits for three quarters of the configured timeout.
      const reached = this.rttMs(target) < 187.5
      const answerMs = this.nowMs + tookMs + Math.min(this.rttMs(target), 187.5)
      this.#answers.push({ atMs: answerMs, from, run: () => ({ kind: 'ping-answer', seq, reached, rumors: [] }) })
    }
  }
}

describe('at a member', () => {
  const stopsAfter = (options: Partial<MembershipOptions>): number => {
    const bench = new Bench(options)
    bench.run(40_000)
    let stopped = false
    bench.rttMs = (id) => (stopped && id === 'n3' ? Number.POSITIVE_INFINITY : 2)
    // So that the ping of the probe that it misses is seen, the stop comes as it is pinged.
    stopped = true
    bench.run(3_000)
    const [first] = bench.suspected
    expect(first?.id).toBe('n3')
    return first?.atMs ?? 0
  }

  test('a sudden stop is found out a quarter of a second sooner where answers are fast, and not before the configured timeout', () => {
    const [fixedMs, adaptiveMs] = [stopsAfter({ minProbeTimeoutMs: 250 }), stopsAfter({})]
    expect(fixedMs - adaptiveMs).toBeGreaterThan(200)
    expect(fixedMs - adaptiveMs).toBeLessThanOrEqual(250)
  })

  test.each([100, 200, 240, 300, 430])('a member whose answers always take %i ms is never accused', (tookMs) => {
    const bench = new Bench()
    bench.rttMs = (id) => (id === 'n3' ? tookMs : 2)
    bench.run(120_000)
    expect(bench.suspected).toEqual([])
  })

  test('nor is one that was fast, and is as slow as the configured timeout from one moment on', () => {
    const bench = new Bench()
    bench.run(60_000)
    bench.rttMs = (id) => (id === 'n3' ? 245 : 2)
    bench.run(60_000)
    expect(bench.suspected).toEqual([])
  })

  test('nor one whose answers take now this long, now that', () => {
    const bench = new Bench()
    const random = new SeededRandom(5)
    bench.rttMs = (id) => (id === 'n3' ? 1 + 244 * random.float() : 2)
    bench.run(120_000)
    expect(bench.suspected).toEqual([])
  })
})
