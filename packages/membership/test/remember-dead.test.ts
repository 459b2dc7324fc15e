import { expect, test } from 'vitest'
import type { Effect } from '../src/core/effects.ts'
import { MembershipCore } from '../src/core/membership-core.ts'
import type { MemberState } from '../src/core/record.ts'
import { type MembershipOptions, resolveOptions } from '../src/options.ts'

const far = { id: 'far', generation: 1 }
const REMEMBER_MS = 10_000

function newCore(options: Partial<MembershipOptions> = {}): MembershipCore {
  const resolved = resolveOptions({ cluster: 'test', rememberDeadMs: REMEMBER_MS, ...options })
  const self = { id: 'me', generation: 5 }
  const core = new MembershipCore({ ...resolved, self, nonce: 1, seed: 1, canBroadcast: false, maxFrameBytes: 65_536 })
  core.connection(true, 0)
  core.join(0)
  return core
}

interface Hearsay {
  readonly ageMs?: number
  readonly zone?: string
}

/** Tells `core` a statement about n1, and gives the events of it. */
function hears(
  core: MembershipCore,
  nowMs: number,
  incarnation: number,
  state: MemberState,
  { ageMs = 0, zone = 'a' }: Hearsay = {},
): string[] {
  const record = { id: 'n1', generation: 1, incarnation, state, metadata: [['zone', zone]] as const }
  return events(core.receive({ kind: 'gossip', rumors: [{ record, ageMs }] }, far, nowMs))
}

const events = (effects: readonly Effect[]): string[] =>
  effects.flatMap((effect) => (effect.type === 'event' ? [effect.event.type] : []))

/** Ticks at every deadline before `untilMs`. */
function run(core: MembershipCore, untilMs: number, after?: (effects: readonly Effect[], nowMs: number) => void): void {
  for (let dueMs = core.deadlineMs() ?? 0; dueMs < untilMs; dueMs = core.deadlineMs() ?? untilMs) {
    const effects = core.tick(dueMs)
    after?.(effects, dueMs)
  }
}

test('a death is remembered from when it was declared, however long the suspicion was', () => {
  const core = newCore({ suspicionTimeoutMs: 60_000 })
  hears(core, 10, 3, 'suspect')
  let declaredMs = Number.POSITIVE_INFINITY
  run(core, 200_000, (effects, nowMs) => {
    if (events(effects).includes('MemberDown')) declaredMs = nowMs
    if (nowMs >= declaredMs && nowMs < declaredMs + REMEMBER_MS) expect(core.member('n1')?.state).toBe('dead')
  })
  expect(declaredMs).toBeGreaterThan(60_000)
  expect(core.member('n1')).toBeUndefined()
})

test('M-01: a death at a higher incarnation is another death, which is remembered as long as any', () => {
  const core = newCore()
  hears(core, 10, 3, 'alive')
  hears(core, 20, 3, 'dead')
  run(core, 9_000)
  // It came back meanwhile, of which this node heard nothing, and has died again.
  hears(core, 9_000, 5, 'dead', { ageMs: 500 })
  expect(core.member('n1')).toMatchObject({ state: 'dead', incarnation: 5, sinceMs: 8_500 })
  run(core, 8_500 + REMEMBER_MS)
  expect(hears(core, 18_499, 4, 'alive')).toEqual([])
  expect(core.member('n1')).toMatchObject({ state: 'dead', incarnation: 5 })
  run(core, 30_000)
  expect(core.member('n1')).toBeUndefined()
})

test('a death at a higher incarnation is passed on with its own age', () => {
  const core = newCore()
  hears(core, 10, 3, 'dead')
  run(core, 9_000)
  hears(core, 9_000, 5, 'dead', { ageMs: 500 })
  const asked = core.receive({ kind: 'hello', answers: 0, joined: false, rumors: [] }, far, 9_100)
  const told = asked.flatMap((effect) => (effect.type === 'send' ? effect.message.rumors : []))
  expect(told.filter(({ record }) => record.id === 'n1').map(({ ageMs }) => ageMs)).toEqual([600])
})

test('the same death, heard again, is not a newer one', () => {
  const core = newCore()
  hears(core, 20, 3, 'dead')
  hears(core, 5_000, 3, 'dead')
  hears(core, 6_000, 3, 'dead', { zone: 'b' })
  expect(core.member('n1')).toMatchObject({ metadata: { zone: 'b' }, sinceMs: 20 })
})
