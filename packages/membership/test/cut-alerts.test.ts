import { describe, expect, test } from 'vitest'
import { AlertBook, type AlertStatement } from '../src/core/cut/alert-book.ts'
import type { Effect } from '../src/core/effects.ts'
import { MembershipCore } from '../src/core/membership-core.ts'
import type { Message } from '../src/core/message.ts'
import { type MembershipOptions, resolveOptions } from '../src/options.ts'

const n2 = { id: 'n2', generation: 1 }

function newCore(more: Partial<MembershipOptions> = {}): MembershipCore {
  const options = resolveOptions({ cluster: 'test', removal: 'cut', ...more })
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

/** Runs the core from `fromMs` on, with everybody but n1 answering its pings. Returns what it said of alerts. */
function run(core: MembershipCore, fromMs: number, forMs: number): AlertStatement[] {
  const said: AlertStatement[] = []
  const take = (effects: readonly Effect[], nowMs: number): void => {
    said.push(...told(effects))
    for (const effect of effects) {
      if (effect.type !== 'send' || effect.message.kind !== 'ping' || effect.to.id === 'n1') continue
      take(
        core.receive({ kind: 'ack', seq: effect.message.seq, rumors: [] }, { id: effect.to.id, generation: 1 }, nowMs),
        nowMs,
      )
    }
  }
  const endMs = fromMs + forMs
  for (let dueMs = core.deadlineMs() ?? endMs; dueMs < endMs; dueMs = core.deadlineMs() ?? endMs)
    take(core.tick(dueMs), dueMs)
  return said
}

const held = (core: MembershipCore, nowMs: number): AlertStatement[] => told(core.receive(alerts('all'), n2, nowMs))

describe('M-07: a process that runs on under the generation of an earlier one', () => {
  const earlier = { observer: 'me', generation: 5, subject: 'n1', subjectGeneration: 1, version: 70, raised: false }

  test('is heard again, though the earlier one has said more than it has', () => {
    const core = newCore()
    const [alert] = run(core, 1, 12_000)
    expect(alert).toMatchObject({ subject: 'n1', raised: true, version: 1 })
    // All others refuse this alert, as they hold what the earlier process said for newer.
    core.receive(alerts('nothing', earlier), n2, 12_000)
    expect(held(core, 12_001)).toEqual([{ ...earlier, raised: true, version: 71 }])
  })

  test('says above it what it says, also when both have said as much, or the same', () => {
    for (const version of [1, 2]) {
      const core = newCore()
      run(core, 1, 12_000)
      core.receive(alerts('nothing', { ...earlier, raised: true, version }), n2, 12_000)
      expect(held(core, 12_001)).toMatchObject([{ raised: true, version: version === 1 ? 1 : 3 }])
    }
    const core = newCore()
    // It withdraws an alert of the earlier process, and has then said as much as another one of it.
    core.receive(alerts('nothing', { ...earlier, raised: true, version: 7 }), n2, 10)
    core.receive(alerts('nothing', { ...earlier, raised: true, version: 8 }), n2, 20)
    expect(held(core, 30)).toMatchObject([{ raised: false, version: 9 }])
  })

  test('does not answer another process that runs at the same time as fast as that one speaks', () => {
    const core = newCore()
    const [alert] = run(core, 1, 12_000)
    let version = 1
    const versions = new Set<number>()
    for (let nowMs = 12_000; nowMs < 13_000; nowMs += 10) {
      // The other one withdraws whatever it hears.
      core.receive(alerts('nothing', { ...earlier, version: version + 1 }), n2, nowMs)
      version = held(core, nowMs)[0]?.version ?? version
      versions.add(version)
    }
    expect(alert?.version).toBe(1)
    expect(versions.size).toBeLessThanOrEqual(2)
  })

  test('says nothing of a life of the subject that it does not watch', () => {
    const core = newCore()
    run(core, 1, 12_000)
    core.receive(alerts('nothing', { ...earlier, subjectGeneration: 2 }), n2, 12_000)
    expect(held(core, 12_001)).toMatchObject([{ subjectGeneration: 1, version: 1 }])
  })
})

describe('M-31: what was withdrawn', () => {
  const one = { observer: 'n2', generation: 1, subject: 'n1', subjectGeneration: 1, version: 7, raised: false }
  const mine = (statements: readonly AlertStatement[]): AlertStatement[] =>
    statements.filter(({ observer }) => observer === 'n2')

  test('is remembered for as long as the dead, so that an alert that comes late changes nothing, and then forgotten', () => {
    const core = newCore({ rememberDeadMs: 60_000 })
    core.receive(alerts('nothing', one), n2, 10)
    run(core, 10, 59_000)
    core.receive(alerts('nothing', { ...one, version: 6, raised: true }), n2, 59_010)
    expect(mine(held(core, 59_011))).toEqual([one])
    run(core, 59_011, 10_000)
    expect(mine(held(core, 69_011))).toEqual([])
  })

  test('is remembered for as long as whoever said so is believed, where the dead are forgotten sooner', () => {
    const core = newCore({ rememberDeadMs: 1_000, reinforceAfterMs: 20_000 })
    core.receive(alerts('nothing', one), n2, 10)
    run(core, 10, 39_000)
    expect(mine(held(core, 39_011))).toEqual([one])
    run(core, 39_011, 10_000)
    expect(mine(held(core, 49_011))).toEqual([])
  })

  test.each([
    [
      'had no connection',
      (core: MembershipCore, forMs: number) => {
        core.connection(false, 20)
        core.connection(true, 20 + forMs)
      },
    ],
    ['was blocked', (core: MembershipCore, forMs: number) => void core.tick(20 + forMs, 20)],
  ])(
    'may have been forgotten by the others when this node %s for that long: then it forgets the alerts of others, and no sooner',
    (_name, lose) => {
      const raised = { ...one, raised: true }
      const after = (forMs: number): AlertStatement[] => {
        const core = newCore({ rememberDeadMs: 60_000 })
        core.receive(alerts('nothing', raised), n2, 10)
        lose(core, forMs)
        // What waits to be told, and what is told to whoever asks.
        return [...mine(run(core, 20 + forMs, 1_000)), ...mine(held(core, 2_000 + forMs))]
      }
      const said = after(59_000)
      expect(said.length).toBeGreaterThan(1)
      for (const statement of said) expect(statement).toEqual(raised)
      expect(after(61_000)).toEqual([])
    },
  )

  test('is forgotten only once it was told, the oldest first, and without a look at the rest; alerts that stand stay', () => {
    const book = new AlertBook()
    for (let i = 0; i < 5; i++) book.merge({ ...one, subject: `s${i}` }, i)
    book.merge({ ...one, subject: 'raised', raised: true }, 0)
    book.merge({ ...one, subject: 's1', version: 8, raised: true }, 1)
    book.merge({ ...one, subject: 's1', version: 9 }, 9)
    const looks: string[] = []
    const forget = (beforeMs: number, news: readonly string[]): string[] => {
      book.forgetWithdrawn(beforeMs, (_observer, subject) => {
        looks.push(subject)
        return news.includes(subject)
      })
      return book.all().map(({ subject }) => subject)
    }
    expect(forget(4, ['s2'])).toEqual(['raised', 's1', 's2', 's3', 's4'])
    expect(looks).toEqual(['s0', 's2'])
    expect(forget(9, [])).toEqual(['raised', 's1'])
    expect(forget(10, [])).toEqual(['raised'])
    const sum = book.sum()
    book.forget('raised')
    expect([sum === 0, book.sum()]).toEqual([false, 0])
  })

  test('gives way, the oldest first, when an observer has said so much that no more is remembered: an alert is heard all the same', () => {
    const book = new AlertBook()
    for (let i = 0; i < 1_024; i++) book.merge({ ...one, subject: `s${i}`, raised: i === 0 }, i)
    expect(book.merge({ ...one, subject: 'late', raised: true }, 2_000)).toBe(true)
    const subjects = new Set(book.all().map(({ subject }) => subject))
    expect([subjects.size, subjects.has('s0'), subjects.has('s1'), subjects.has('s2'), subjects.has('late')]).toEqual([
      1_024,
      true,
      false,
      true,
      true,
    ])
  })
})

test('M-09: what an earlier life said, or was said of one, is dropped once a later one is known, and not taken in again', () => {
  const core = newCore()
  const ofEarlier = { observer: 'n2', generation: 1, subject: 'n1', subjectGeneration: 1, version: 1, raised: true }
  const byEarlier = { ...ofEarlier, observer: 'n1', subject: 'n2' }
  const alive = { incarnation: 0, state: 'alive', metadata: [] } as const
  core.receive(alerts('nothing', ofEarlier, byEarlier), n2, 10)
  expect(held(core, 11)).toEqual([ofEarlier, byEarlier])
  const rumors = [{ record: { id: 'n1', generation: 2, ...alive }, ageMs: 0 }]
  core.receive({ kind: 'gossip', rumors }, n2, 20)
  expect(held(core, 21)).toEqual([])
  core.receive(alerts('nothing', ofEarlier, byEarlier), n2, 30)
  expect(held(core, 31)).toEqual([])
})
