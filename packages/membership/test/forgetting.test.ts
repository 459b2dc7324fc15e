import { afterEach, expect, test } from 'vitest'
import type { Effect } from '../src/core/effects.ts'
import { MembershipCore } from '../src/core/membership-core.ts'
import type { FrameHeader, Message } from '../src/core/message.ts'
import { View } from '../src/core/view.ts'
import { resolveOptions } from '../src/options.ts'

const MEMBERS = 1_100
/** Of so many that are forgotten it is kept a while longer which messages came of them: of their broadcasts, and of their queries. */
const KEPT_MESSAGES = 1_024
/** What is made for a moment, of those who are there at that time, is smaller than this. */
const PASSING = 50

const { set } = Map.prototype
const { add } = Set.prototype
afterEach(() => {
  Map.prototype.set = set
  Set.prototype.add = add
})

/** All maps and sets that something is put into from now on. */
function watchCollections(): (Map<unknown, unknown> | Set<unknown>)[] {
  const seen = new WeakSet<object>()
  const all: (Map<unknown, unknown> | Set<unknown>)[] = []
  const meet = (one: Map<unknown, unknown> | Set<unknown>): void => {
    if (seen.has(one)) return
    seen.add(one)
    all.push(one)
  }
  Map.prototype.set = function (this: Map<unknown, unknown>, key, value) {
    meet(this)
    return set.call(this, key, value)
  }
  Set.prototype.add = function (this: Set<unknown>, value) {
    meet(this)
    return add.call(this, value)
  }
  return all
}

/** A core in whose cluster members come, say all that one can say, are doubted in all ways, and leave for ever. */
function churn(removal: 'swim' | 'cut'): MembershipCore {
  const options = resolveOptions({
    cluster: 'test',
    removal,
    rememberDeadMs: 2_000,
    reinforceAfterMs: 2_000,
    syncIntervalMs: 200,
  })
  const self = { id: 'me', generation: 1 }
  const core = new MembershipCore({ ...options, self, nonce: 1, seed: 1, canBroadcast: false, maxFrameBytes: 65_536 })
  const payload = new Uint8Array(1)
  let nowMs = 0
  let sequence = 0
  const header = (nonce: number): FrameHeader => ({
    version: 2,
    versions: { min: 2, max: 2 },
    nonce,
    sequence: ++sequence,
  })
  const answer = (effects: readonly Effect[]): void => {
    for (const effect of effects) {
      if (effect.type !== 'send' || effect.message.kind !== 'ping') continue
      const { seq, generation } = effect.message
      answer(core.receive({ kind: 'ack', seq, rumors: [] }, { id: effect.to.id, generation }, nowMs, header(7)))
    }
  }
  const say = (id: string, message: Message, generation = 2, nonce = 7): void =>
    answer(core.receive(message, { id, generation }, nowMs, header(nonce)))
  const run = (forMs: number): void => {
    const endMs = nowMs + forMs
    for (let dueMs = core.deadlineMs() ?? endMs; dueMs < endMs; dueMs = core.deadlineMs() ?? endMs) {
      nowMs = dueMs
      answer(core.tick(dueMs))
    }
    nowMs = endMs
  }
  const record = (id: string, state: 'alive' | 'left', incarnation = 0, nonce = 7) => {
    return { record: { id, generation: 2, incarnation, state, metadata: [], nonce }, ageMs: 0 }
  }
  answer(core.connection(true, 0))
  answer(core.join(0))
  say('far', { kind: 'gossip', rumors: [record('far', 'alive')] })
  for (let i = 0; i < MEMBERS; i++) {
    const id = `left-${i}`
    say(id, { kind: 'gossip', rumors: [record(id, 'alive')] })
    say(id, { kind: 'ping', seq: 1, generation: 1, rumors: [] })
    const news = { origin: id, generation: 2, nonce: 7, sequence: 1, topic: 't', payload, leftMs: 1_000 }
    say(id, { kind: 'broadcasts', items: [news], rumors: [] })
    say(id, { kind: 'query', nonce: 7, number: 1, leftMs: 1_000, name: 'q', payload, rumors: [] })
    // Its double, and an earlier life of it, speak as well; and others say that they do not reach it, and that it does not reach them.
    say(id, { kind: 'gossip', rumors: [] }, 2, 6)
    say(id, { kind: 'gossip', rumors: [] }, 1)
    say('far', { kind: 'gossip', rumors: [record(id, 'alive', 0, 6)] })
    const alert = { observer: id, generation: 2, subject: 'far', subjectGeneration: 2, version: 1, raised: i % 2 === 0 }
    const statements = [alert, { ...alert, observer: 'far', subject: id, version: i + 1 }]
    say('far', { kind: 'alerts', question: 'nothing', sum: 0, statements, rumors: [] })
    run(40)
    if (i >= 12) say('far', { kind: 'gossip', rumors: [record(`left-${i - 12}`, 'left', 1)] })
  }
  for (let i = MEMBERS - 12; i < MEMBERS; i++) say('far', { kind: 'gossip', rumors: [record(`left-${i}`, 'left', 1)] })
  run(8_000)
  // Queries whose time is over are forgotten when the next one comes.
  say('far', { kind: 'query', nonce: 7, number: 1, leftMs: 1_000, name: 'q', payload, rumors: [] })
  run(8_000)
  return core
}

test.each(['swim', 'cut'] as const)(
  'M-31: of those who left for good nothing is kept that is not bounded, whatever they said (%s)',
  (removal) => {
    const collections = watchCollections()
    const core = churn(removal)
    expect(core.members().map(({ id }) => id)).toEqual(['far', 'me'])
    const sizes = collections.map((one) => [...one.keys()].filter((key) => String(key).includes('left-')).length)
    const left = sizes.filter((size) => size > PASSING)
    expect(left.length).toBeLessThanOrEqual(2)
    expect(Math.max(...left)).toBeLessThanOrEqual(KEPT_MESSAGES)
  },
)

test('M-31: what is forgotten is in no summary of the view any more', () => {
  const view = new View(
    { id: 'me', generation: 1 },
    100,
    () => undefined,
    () => undefined,
  )
  const empty = view.digest.summary()
  const record = { id: 'n1', generation: 1, incarnation: 0, state: 'left', metadata: [] } as const
  view.apply(record, { nowMs: 0, evidence: { kind: 'farewell', from: 'n1' } })
  expect(view.digest.summary()).not.toEqual(empty)
  view.reap(1_000, 1_000)
  expect(view.digest.summary()).toEqual(empty)
})
