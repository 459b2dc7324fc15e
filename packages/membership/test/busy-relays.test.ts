import { describe, expect, test } from 'vitest'
import type { Effect } from '../src/core/effects.ts'
import { MembershipCore } from '../src/core/membership-core.ts'
import type { Message } from '../src/core/message.ts'
import type { MemberEvent } from '../src/index.ts'
import { resolveOptions } from '../src/options.ts'

const HELPERS = ['n2', 'n3', 'n4']
const MAX_RELAYS = 256

function coreAmong(ids: readonly string[]): MembershipCore {
  const resolved = resolveOptions({ cluster: 'test' })
  const self = { id: 'me', generation: 5 }
  const core = new MembershipCore({ ...resolved, self, nonce: 1, seed: 1, canBroadcast: false, maxFrameBytes: 65_536 })
  core.connection(true, 0)
  core.join(0)
  const rumors = ids.map((id) => ({
    record: { id, generation: 1, incarnation: 0, state: 'alive' as const, metadata: [] },
    ageMs: 0,
  }))
  core.receive({ kind: 'gossip', rumors }, { id: 'n2', generation: 1 }, 1)
  return core
}

const sent = (effects: readonly Effect[]): { readonly to: string; readonly message: Message }[] =>
  effects.flatMap((effect) => (effect.type === 'send' ? [{ to: effect.to.id, message: effect.message }] : []))

/** Ticks until `done`: all answer but `n1`, and helpers as `answer` says. */
function run(core: MembershipCore, done: () => boolean, answer: (id: string) => 'failed' | 'busy' | 'none') {
  const events: MemberEvent[] = []
  for (let turns = 0; !done() && turns < 10_000; turns++) {
    const dueMs = core.deadlineMs() ?? 0
    const effects = core.tick(dueMs)
    for (const effect of effects) if (effect.type === 'event') events.push(effect.event)
    for (const { to, message } of sent(effects)) {
      const from = { id: to, generation: 1 }
      if (to === 'n1') continue
      if (message.kind === 'ping') core.receive({ kind: 'ack', seq: message.seq, rumors: [] }, from, dueMs)
      if (message.kind !== 'ping-request') continue
      const { seq } = message
      if (answer(to) === 'busy') core.receive({ kind: 'ping-busy', seq, rumors: [] }, from, dueMs)
      if (answer(to) === 'failed') core.receive({ kind: 'ping-answer', seq, reached: false, rumors: [] }, from, dueMs)
    }
  }
  return events.filter(({ member, type }) => member.id === 'n1' && type === 'MemberSuspected')
}

const isSuspect = (core: MembershipCore) => (): boolean => core.member('n1')?.state === 'suspect'

describe('a helper that is asked for more than it has room for', () => {
  test('says that it is busy, and not that it tried', () => {
    const core = coreAmong(['n1', ...HELPERS])
    const ask = (seq: number) =>
      sent(
        core.receive(
          { kind: 'ping-request', seq, target: 'n1', generation: 1, rumors: [] },
          { id: 'n2', generation: 1 },
          2,
        ),
      )
    for (let seq = 1; seq <= MAX_RELAYS; seq++) {
      expect(ask(seq)).toMatchObject([{ to: 'n1', message: { kind: 'ping' } }])
    }
    expect(ask(MAX_RELAYS + 1)).toMatchObject([{ to: 'n2', message: { kind: 'ping-busy', seq: MAX_RELAYS + 1 } }])
  })
})

describe('M-30: helpers that are busy', () => {
  test('are no evidence about the target: where nobody tried, only the third probe in a row suspects it', () => {
    const core = coreAmong(['n1', ...HELPERS])
    const [suspected] = run(core, isSuspect(core), () => 'busy')
    expect(suspected).toMatchObject({
      why: 'no ack to 3 probes, 0 of 3 helpers reached it (3 too busy to try)',
      evidence: { kind: 'unreachable', probes: { failed: 3, helpers: HELPERS.map(() => ({ answer: 'busy' })) } },
    })
  })

  test('are told from those that tried, and from those that said nothing', () => {
    const core = coreAmong(['n1', ...HELPERS])
    const answers = { n2: 'busy', n3: 'failed', n4: 'none' } as const
    const [suspected] = run(core, isSuspect(core), (id) => answers[id as keyof typeof answers])
    expect(suspected?.why).toBe('no ack to 1 probe, 0 of 3 helpers reached it (2 answered, 1 too busy to try)')
    if (suspected?.evidence.kind !== 'unreachable') throw new Error('it is not unreachable')
    const told = suspected.evidence.probes.helpers.map(({ id, answer }) => [id, answer])
    expect(Object.fromEntries(told)).toEqual(answers)
  })

  test('do not speak against the health of the prober: its questions were answered', () => {
    const core = coreAmong(['n1', ...HELPERS])
    run(core, isSuspect(core), () => 'busy')
    expect(core.localHealth.multiplier).toBe(1)
    const among = coreAmong(['n1', ...HELPERS])
    run(among, isSuspect(among), () => 'none')
    expect(among.localHealth.multiplier).toBeGreaterThan(1)
  })
})
