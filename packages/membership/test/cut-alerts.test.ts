import { expect, test } from 'vitest'
import type { AlertStatement } from '../src/core/cut/alert-book.ts'
import type { Effect } from '../src/core/effects.ts'
import { MembershipCore } from '../src/core/membership-core.ts'
import type { Message } from '../src/core/message.ts'
import { resolveOptions } from '../src/options.ts'

const n2 = { id: 'n2', generation: 1 }

function newCore(): MembershipCore {
  const options = resolveOptions({ cluster: 'test', removal: 'cut' })
  const self = { id: 'me', generation: 5 }
  const core = new MembershipCore({ ...options, self, nonce: 1, seed: 1, canBroadcast: false, maxFrameBytes: 65_536 })
  core.connection(true, 0)
  core.join(0)
  const alive = { incarnation: 0, state: 'alive', metadata: [] } as const
  const rumors = ['n1', 'n2'].map((id) => ({ record: { id, generation: 1, ...alive }, ageMs: 0 }))
  core.receive({ kind: 'gossip', rumors }, n2, 1)
  return core
}

const alerts = (question: 'nothing' | 'all', ...statements: AlertStatement[]): Message => {
  return { kind: 'alerts', question, sum: 0, statements, rumors: [] }
}
const told = (effects: readonly Effect[]): AlertStatement[] =>
  effects.flatMap((effect) =>
    effect.type === 'send' && effect.message.kind === 'alerts' ? effect.message.statements : [],
  )

test('M-31: an own alert that still goes round about one that was forgotten meanwhile is withdrawn', () => {
  const own = { observer: 'me', generation: 5, subject: 'n1', subjectGeneration: 1, version: 7, raised: true }
  const core = newCore()
  core.receive(alerts('nothing', own), n2, 10)
  const [said] = told(core.receive(alerts('all'), n2, 20))
  expect(said).toMatchObject({ ...own, version: expect.any(Number), raised: false })
  expect(said?.version).toBeGreaterThan(7)
  // It comes late once more, and nothing is to be said that was not said.
  core.receive(alerts('nothing', own), n2, 30)
  expect(told(core.receive(alerts('all'), n2, 40))).toEqual([said])
})

test('nobody speaks for an earlier life, nor about somebody unknown', () => {
  const core = newCore()
  const own = { observer: 'me', generation: 4, subject: 'n1', subjectGeneration: 1, version: 7, raised: true }
  core.receive(alerts('nothing', own, { ...own, generation: 5, subject: 'n9' }), n2, 10)
  expect(told(core.receive(alerts('all'), n2, 20))).toEqual([])
})
