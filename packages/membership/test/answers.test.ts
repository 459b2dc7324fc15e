import { expect, test } from 'vitest'
import type { Effect } from '../src/core/effects.ts'
import { MembershipCore } from '../src/core/membership-core.ts'
import type { Message } from '../src/core/message.ts'
import { resolveOptions } from '../src/options.ts'

type Sent = Extract<Effect, { type: 'send' }>

/** A core that knows the members `ids`. */
function coreAmong(ids: readonly string[], indirectProbes = 3): MembershipCore {
  const options = resolveOptions({ cluster: 'test', indirectProbes })
  const self = { id: 'me', generation: 5 }
  const core = new MembershipCore({ ...options, self, nonce: 1, seed: 1, canBroadcast: false, maxFrameBytes: 65_536 })
  core.connection(true, 0)
  core.join(0)
  const rumors = ids.map((id) => ({
    record: { id, generation: 1, incarnation: 0, state: 'alive' as const, metadata: [] },
    ageMs: 0,
  }))
  core.receive({ kind: 'gossip', rumors }, { id: 'far', generation: 1 }, 1)
  return core
}

const sent = (effects: readonly Effect[], kind: Message['kind']): Sent[] =>
  effects.filter((effect): effect is Sent => effect.type === 'send' && effect.message.kind === kind)

test('an answer about a target counts from the helpers that were asked, and from nobody else', () => {
  const core = coreAmong(['n1', 'n2', 'n3'], 1)
  let unasked = 0
  for (let dueMs = core.deadlineMs() ?? 0; dueMs < 10_000 && core.member('n1')?.state !== 'dead'; ) {
    const effects = core.tick(dueMs)
    for (const { to, message } of sent(effects, 'ping')) {
      if (message.kind === 'ping' && to.id !== 'n1')
        core.receive({ kind: 'ack', seq: message.seq, rumors: [] }, { id: to.id, generation: 1 }, dueMs)
    }
    for (const { to, message } of sent(effects, 'ping-request')) {
      if (message.kind !== 'ping-request') continue
      const other = { id: to.id === 'n2' ? 'n3' : 'n2', generation: 1 }
      core.receive({ kind: 'ping-answer', seq: message.seq, reached: true, rumors: [] }, other, dueMs)
      unasked += 1
    }
    dueMs = core.deadlineMs() ?? 10_000
  }
  expect(unasked).toBeGreaterThan(0)
  expect(core.member('n1')?.state).toBe('dead')
})

test('who says hello to this node alone is told all that it knows; of those who hear a hello to all, some answer', () => {
  const core = coreAmong(Array.from({ length: 60 }, (_, i) => `n${i}`))
  const guest = { id: 'guest', generation: 1 }
  const answers = (hello: number): Sent[] =>
    sent(core.receive({ kind: 'hello', answers: hello, joined: false, rumors: [] }, guest, 2), 'sync-reply')
  expect(answers(0)[0]?.message.rumors.map(({ record }) => record.id)).toHaveLength(61)
  const some = Array.from({ length: 2_000 }, () => answers(3).length).reduce((sum, one) => sum + one, 0)
  // 3 of 60 answer on average: 100 times of 2,000.
  expect(some).toBeGreaterThan(50)
  expect(some).toBeLessThan(200)
})
