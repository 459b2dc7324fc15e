import { expect, test } from 'vitest'
import type { AlertStatement } from '../src/core/cut/alert-book.ts'
import { ObserverRings } from '../src/core/cut/observer-rings.ts'
import type { Effect } from '../src/core/effects.ts'
import { MembershipCore } from '../src/core/membership-core.ts'
import type { MemberState } from '../src/core/record.ts'
import type { MemberEvent } from '../src/events.ts'
import { type MembershipOptions, resolveOptions } from '../src/options.ts'

/** A core with `removal: 'cut'` among members that are played, and who answer all pings. */
class Played {
  readonly core: MembershipCore
  readonly rings = new ObserverRings(10)
  readonly ids: readonly string[]
  readonly events: MemberEvent[] = []
  readonly pinged = new Map<string, number>()
  silent: readonly string[] = []
  nowMs = 0
  #version = 0

  constructor(count: number, more: Partial<MembershipOptions> = {}) {
    this.ids = ['me', ...Array.from({ length: count - 1 }, (_, i) => `n${i + 1}`)]
    for (const id of this.ids) this.rings.add(id)
    const options = resolveOptions({ cluster: 'test', removal: 'cut', ...more })
    const self = { id: 'me', generation: 1 }
    this.core = new MembershipCore({ ...options, self, nonce: 1, seed: 1, canBroadcast: false, maxFrameBytes: 65_536 })
    this.#take(this.core.connection(true, 0))
    this.#take(this.core.join(0))
    for (const id of this.ids) if (id !== 'me') this.tell(id, 'alive')
    this.run(3_000)
  }

  tell(id: string, state: MemberState, incarnation = 0, from = 'n1'): void {
    const record = { id, generation: 1, incarnation, state, metadata: [] }
    this.#take(
      this.core.receive({ kind: 'gossip', rumors: [{ record, ageMs: 0 }] }, { id: from, generation: 1 }, this.nowMs),
    )
  }

  /** So many observers of `subject` besides this node, and `others` before them, say that they do not reach it, or that they do. */
  alert(subject: string, count: number, raised = true, others = 0): void {
    const observers = this.rings.observersOf(subject).filter((id) => id !== 'me')
    const statements = observers.slice(others, others + count).map((observer): AlertStatement => {
      return { observer, generation: 1, subject, subjectGeneration: 1, version: ++this.#version, raised }
    })
    const message = { kind: 'alerts', question: 'nothing', sum: 0, statements, rumors: [] } as const
    this.#take(this.core.receive(message, this.#from, this.nowMs))
  }

  run(forMs: number): void {
    const endMs = this.nowMs + forMs
    for (let dueMs = this.core.deadlineMs() ?? endMs; dueMs < endMs; dueMs = this.core.deadlineMs() ?? endMs) {
      this.nowMs = dueMs
      this.#take(this.core.tick(dueMs))
    }
    this.nowMs = endMs
  }

  /** The event loop stands still. */
  block(forMs: number): void {
    const wantedMs = this.core.deadlineMs()
    this.nowMs += forMs
    this.#take(this.core.tick(this.nowMs, wantedMs))
  }

  /** The connection goes, and comes back. */
  outage(forMs: number): void {
    this.#take(this.core.connection(false, this.nowMs))
    this.nowMs += forMs
    this.#take(this.core.connection(true, this.nowMs))
  }

  stateOf(id: string): string | undefined {
    return this.core.member(id)?.state
  }

  get #from() {
    return { id: 'n1', generation: 1 }
  }

  #take(effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.type === 'event') this.events.push(effect.event)
      if (effect.type !== 'send' || effect.message.kind !== 'ping') continue
      const { id } = effect.to
      this.pinged.set(id, (this.pinged.get(id) ?? 0) + 1)
      if (this.silent.includes(id)) continue
      this.#take(
        this.core.receive({ kind: 'ack', seq: effect.message.seq, rumors: [] }, { id, generation: 1 }, this.nowMs),
      )
    }
  }
}

test('it removes a member when eight of its ten observers do not reach it, and no sooner', () => {
  const played = new Played(16)
  played.alert('n5', 7)
  played.run(4_000)
  expect(played.stateOf('n5')).toBe('alive')
  played.alert('n5', 8)
  played.run(2_500)
  expect(played.stateOf('n5')).toBe('dead')
})

test('nobody is removed while another member is in doubt, but for no longer than that may last', () => {
  const played = new Played(24)
  played.alert('n7', 4)
  played.alert('n5', 9)
  played.run(4_000)
  expect(played.stateOf('n5')).toBe('alive')
  played.alert('n7', 5, false, 4)
  played.run(4_000)
  expect(played.stateOf('n5')).toBe('dead')
  expect(played.stateOf('n7')).toBe('alive')
})

test('those who are in doubt together are removed together', () => {
  const played = new Played(24)
  played.alert('n5', 9)
  played.alert('n7', 4)
  played.run(2_000)
  played.alert('n7', 9)
  played.run(3_000)
  const downs = played.events.filter(({ type }) => type === 'MemberDown')
  expect(downs.map(({ member }) => member.id).sort()).toEqual(['n5', 'n7'])
  expect(new Set(downs.map(({ member }) => member.sinceMs)).size).toBe(1)
})

test('it ends, also when somebody else comes into doubt again and again', () => {
  const played = new Played(40)
  played.alert('n1', 9)
  for (let i = 2; i < 9; i++) {
    played.alert(`n${i}`, 4)
    played.run(2_000)
    played.alert(`n${i}`, 4, false)
  }
  expect(played.stateOf('n1')).toBe('dead')
})

test('whoever is itself in doubt removes nobody', () => {
  const played = new Played(16)
  played.alert('me', 4)
  played.alert('n5', 9)
  played.run(20_000)
  expect(played.stateOf('n5')).toBe('alive')
})

test('a death of which others tell is a suspicion, unless the member is in doubt here as well; and no suspicion ends in a death', () => {
  const played = new Played(16)
  played.tell('n5', 'dead')
  expect(played.stateOf('n5')).toBe('suspect')
  played.run(120_000)
  expect(played.stateOf('n5')).toBe('suspect')
  played.tell('n5', 'alive', 1)
  played.alert('n6', 4)
  played.run(1_000)
  played.tell('n6', 'dead')
  expect(played.stateOf('n6')).toBe('dead')
})

test('whoever was removed accuses nobody: it may be the one that hears nobody', () => {
  const played = new Played(16)
  played.alert('n5', 9)
  played.run(3_000)
  expect(played.stateOf('n5')).toBe('dead')
  played.tell('n6', 'dead', 0, 'n5')
  played.tell('n7', 'suspect', 0, 'n5')
  expect([played.stateOf('n6'), played.stateOf('n7')]).toEqual(['alive', 'alive'])
  // A later life of it, of which nothing was heard yet, is another one.
  const record = { id: 'n8', generation: 1, incarnation: 0, state: 'suspect', metadata: [] } as const
  played.core.receive({ kind: 'gossip', rumors: [{ record, ageMs: 0 }] }, { id: 'n5', generation: 2 }, played.nowMs)
  expect(played.stateOf('n8')).toBe('suspect')
  played.tell('n7', 'suspect')
  expect(played.stateOf('n7')).toBe('suspect')
})

test('an alert of an earlier life of a member, or by one, says nothing', () => {
  const played = new Played(16)
  const record = { id: 'n5', generation: 2, incarnation: 0, state: 'alive', metadata: [] } as const
  played.core.receive({ kind: 'gossip', rumors: [{ record, ageMs: 0 }] }, { id: 'n1', generation: 1 }, played.nowMs)
  played.alert('n5', 10)
  played.run(10_000)
  expect(played.stateOf('n5')).toBe('alive')
  // Nobody answers as the later life: that is what this node sees itself.
  expect(played.core.cut?.alerts()).toMatchObject([{ id: 'n5', alerting: ['me'] }])
})

test('those who were removed are observed by who would be their observers now, less often while they do not answer', () => {
  const played = new Played(5)
  played.silent = ['far']
  const record = { id: 'far', generation: 1, incarnation: 0, state: 'dead', metadata: [] } as const
  const reply = { kind: 'sync-reply', last: true, rumors: [{ record, ageMs: 0 }] } as const
  played.core.receive(reply, { id: 'n1', generation: 1 }, played.nowMs)
  played.run(20_000)
  const before = played.pinged.get('far') ?? 0
  expect(before).toBeGreaterThan(5)
  played.run(40_000)
  expect((played.pinged.get('far') ?? 0) - before).toBeLessThan(14)
  expect(played.pinged.get('n1') ?? 0).toBeGreaterThan(50)
})

test('M-19: probes that were under way while the process stood still say nothing', () => {
  const played = new Played(4)
  for (let i = 0; i < 10; i++) {
    played.run(1_200)
    played.silent = ['n1', 'n2', 'n3']
    played.run(600)
    // The answers wait, and the timers come first.
    played.nowMs += 5_000
    played.core.tick(played.nowMs, played.nowMs - 5_000)
    played.silent = []
  }
  expect(played.core.cut?.alerts()).toEqual([])
})

test('M-19: a verdict does not settle while the process stands still, when nobody could withdraw an alert', () => {
  const played = new Played(16)
  played.alert('n5', 8)
  played.run(600)
  played.block(10_000)
  played.run(5)
  expect(played.stateOf('n5')).toBe('alive')
  played.alert('n5', 8, false)
  played.run(5_000)
  expect(played.stateOf('n5')).toBe('alive')
})

test.each([
  ['M-19: a block', (played: Played) => played.block(60_000)],
  ['M-35: an outage', (played: Played) => played.outage(60_000)],
])('%s does not silence those who vouched for a member before', (_name, interrupt) => {
  const played = new Played(16)
  played.alert('n5', 3)
  played.run(3_000)
  played.alert('n5', 6, false, 3)
  played.run(4_000)
  expect(played.stateOf('n5')).toBe('alive')
  interrupt(played)
  played.run(5_500)
  expect(played.stateOf('n5')).toBe('alive')
})

test('M-19: a process that is late again and again comes to its verdict all the same', () => {
  const played = new Played(16)
  played.alert('n5', 8)
  for (let i = 0; i < 60; i++) {
    played.block(600)
    played.run(300)
  }
  expect(played.stateOf('n5')).toBe('dead')
})
