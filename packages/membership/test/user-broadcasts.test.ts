import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeMessage } from '../src/core/codec.ts'
import type { Effect } from '../src/core/effects.ts'
import { MembershipCore } from '../src/core/membership-core.ts'
import type { Message } from '../src/core/message.ts'
import type { MemberRecord } from '../src/core/record.ts'
import { SEQUENCE_WINDOW, SequenceWindow } from '../src/core/sequence-window.ts'
import { newsBytes } from '../src/core/user-codec.ts'
import {
  MAX_OWN_NEWS,
  MAX_OWN_NEWS_BYTES,
  MAX_RELAYED_NEWS,
  type UserNews,
  UserNewsQueue,
} from '../src/core/user-news.ts'
import { resolveOptions } from '../src/options.ts'
import { spread } from './epidemic.ts'
import { Simulation } from './simulation.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const ids = (count: number): string[] => Array.from({ length: count }, (_, i) => `n${i + 1}`)
const news = (sequence: number, more: Partial<UserNews> = {}): UserNews => {
  return { origin: 'n1', generation: 1, nonce: 7, sequence, topic: 't', payload: bytes('x'), leftMs: 30_000, ...more }
}
const heard = (effects: readonly Effect[]): string[] =>
  effects.flatMap((effect) =>
    effect.type === 'user-broadcast'
      ? [`${effect.broadcast.origin.id}/${effect.broadcast.origin.generation} ${effect.broadcast.sequence}`]
      : [],
  )
const heardBy = (simulation: Simulation, id: string): string[] => heard(simulation.node(id).others)
const say = (simulation: Simulation, id: string, topic = 'cache', ttlMs = 30_000): void =>
  simulation.input(id, (core, nowMs) => core.broadcast(topic, bytes(id), ttlMs, nowMs))

function joined(simulation: Simulation, count: number): Simulation {
  simulation.startAll(count)
  simulation.run(20_000, () => simulation.agrees(ids(count)))
  expect(simulation.agrees(ids(count))).toBe(true)
  return simulation
}

describe('the window of one sender', () => {
  test('takes each number once, and none that is further behind the newest than the window', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 900 }), { maxLength: 400 }), (sequences) => {
        const window = new SequenceWindow()
        const taken = new Set<number>()
        let highest = 0
        for (const sequence of sequences) {
          const expected = !taken.has(sequence) && sequence > highest - SEQUENCE_WINDOW
          expect(window.accepts(sequence)).toBe(expected)
          if (expected) taken.add(sequence)
          highest = Math.max(highest, sequence)
        }
      }),
      { numRuns: 200 },
    )
  })

  test('takes the largest numbers', () => {
    const window = new SequenceWindow()
    for (const sequence of [Number.MAX_SAFE_INTEGER - 1, Number.MAX_SAFE_INTEGER]) {
      expect(window.accepts(sequence)).toBe(true)
      expect(window.accepts(sequence)).toBe(false)
    }
    expect(window.accepts(5)).toBe(false)
  })
})

describe('what waits to be told', () => {
  test('each is told as often as the limit says, those told least often first, and none beyond its time', () => {
    const queue = new UserNewsQueue()
    for (const sequence of [1, 2, 3]) queue.add(news(sequence, { leftMs: 1_000 }), 100, false, 0, 0)
    expect(queue.take(10, 200, 2).map(({ sequence }) => sequence)).toEqual([1, 2])
    expect(queue.take(20, 200, 2).map(({ sequence }) => sequence)).toEqual([3, 1])
    expect(queue.take(30, 200, 2)).toEqual([
      { ...news(2), leftMs: 970 },
      { ...news(3), leftMs: 970 },
    ])
    expect(queue.size).toBe(0)
    queue.add(news(4, { leftMs: 1_000 }), 100, false, 0, 0)
    expect(queue.take(1_000, 200, 2)).toEqual([])
    expect(queue.size).toBe(0)
  })

  test('one that others tell as well is told the less by this node', () => {
    const queue = new UserNewsQueue()
    queue.add(news(1), 100, false, 0, 0)
    for (let i = 0; i < 3; i++) queue.heard('1/7/1/n1', 4)
    expect(queue.take(1, 200, 4)).toHaveLength(1)
    expect(queue.size).toBe(0)
  })

  test('M-32: of others, the one that was told most often gives way; of this node, none does, and one too many finds no room', () => {
    const queue = new UserNewsQueue()
    queue.add(news(1, { origin: 'me' }), 100, true, 5, 0)
    queue.add(news(2), 100, false, 2, 0)
    for (let i = 0; i < MAX_RELAYED_NEWS; i++) queue.add(news(10 + i), 100, false, 0, 0)
    expect(queue.size).toBe(MAX_RELAYED_NEWS + 1)
    const left = queue.take(1, 1_000_000, 9).map(({ sequence }) => sequence)
    expect(left).toContain(1)
    expect(left).not.toContain(2)
    for (let i = 1; i < MAX_OWN_NEWS; i++) {
      expect(queue.hasRoomFor(100, 0)).toBe(true)
      queue.add(news(i, { origin: 'me', leftMs: 1_000 }), 100, true, 0, 0)
    }
    expect(queue.hasRoomFor(100, 999)).toBe(false)
    expect(queue.hasRoomFor(100, 1_000)).toBe(true)
    expect(queue.hasRoomFor(MAX_OWN_NEWS_BYTES, 1_000)).toBe(false)
  })
})

describe('broadcasts among members', () => {
  test('with 20 % loss and duplicates, all of 100 members get each broadcast, once, within 12 rounds of gossip', () => {
    for (let seed = 1; seed <= 10; seed++) {
      const { rounds, heardBy: counts, told } = spread({ members: 100, lossRate: 0.2, duplicateRate: 0.1, seed })
      expect(new Set(counts), `seed ${seed}`).toEqual(new Set([1]))
      expect(rounds, `seed ${seed}`).toBeLessThanOrEqual(12)
      // 3 * ceil(log2(101)) = 21 each.
      expect(Math.max(...told), `seed ${seed}`).toBeLessThanOrEqual(21)
    }
  })

  test('with 10 % loss and duplicates, among whole members', () => {
    const simulation = new Simulation({ seed: 11, lossRate: 0.1, duplicateRate: 0.1 })
    simulation.startAll(8)
    simulation.run(3_000)
    for (const id of ids(8)) say(simulation, id)
    simulation.run(4_000)
    const all = ids(8).map((id) => `${id}/1 1`)
    for (const id of ids(8)) expect(heardBy(simulation, id).sort()).toEqual(all)
  })

  test('where the transport can broadcast, all get it in one hop', () => {
    const simulation = joined(new Simulation({ seed: 3, canBroadcast: true }), 8)
    say(simulation, 'n2')
    simulation.run(6)
    for (const id of ids(8)) expect(heardBy(simulation, id)).toEqual(['n2/1 1'])
  })

  test('it ends: each member tells a broadcast no more often than it tells a rumor', () => {
    const simulation = joined(new Simulation({ seed: 5 }), 16)
    simulation.run(5_000)
    const quietMs = 2_500
    const before = simulation.frames
    simulation.run(quietMs)
    const quiet = simulation.frames - before
    say(simulation, 'n1')
    const start = simulation.frames
    simulation.run(quietMs)
    // 3 * ceil(log2(17)) = 15 each.
    expect(simulation.frames - start - quiet).toBeLessThanOrEqual(16 * 15 + 20)
    expect(ids(16).every((id) => heardBy(simulation, id).length === 1)).toBe(true)
  })

  test('who joins when it is over does not get it', () => {
    const simulation = joined(new Simulation({ seed: 7 }), 4)
    say(simulation, 'n1')
    simulation.run(6_000)
    simulation.start('n5')
    simulation.run(20_000)
    expect(simulation.agrees(ids(5))).toBe(true)
    expect(heardBy(simulation, 'n5')).toEqual([])
  })

  test('one part of a partition gets it until it is too old, the other one not', () => {
    const simulation = joined(new Simulation({ seed: 9 }), 5)
    simulation.partition(['n1', 'n2'], ['n3', 'n4', 'n5'])
    say(simulation, 'n1', 'cache', 2_000)
    simulation.run(2_000)
    simulation.heal()
    simulation.run(30_000)
    expect(ids(5).map((id) => heardBy(simulation, id).length)).toEqual([1, 1, 0, 0, 0])
  })

  test('a restarted member is another sender, and its numbers begin anew', () => {
    const simulation = joined(new Simulation({ seed: 13 }), 3)
    for (let i = 0; i < 3; i++) say(simulation, 'n2')
    simulation.run(4_000)
    simulation.kill('n2')
    simulation.start('n2', 2)
    simulation.run(10_000, () => simulation.agrees(ids(3)))
    say(simulation, 'n2')
    simulation.run(4_000)
    expect(heardBy(simulation, 'n1').sort()).toEqual(['n2/1 1', 'n2/1 2', 'n2/1 3', 'n2/2 1'])
    expect(heardBy(simulation, 'n2')).toEqual(['n2/2 1'])
  })

  test('M-28: members of an earlier version pass it over, remain members, and the others get it', () => {
    const simulation = new Simulation({ seed: 15, canBroadcast: true })
    simulation.startAll(6)
    for (const id of ['n2', 'n5']) simulation.node(id).unknownKinds = new Set(['broadcasts'])
    simulation.run(20_000, () => simulation.agrees(ids(6)))
    for (let i = 0; i < 20; i++) say(simulation, 'n1')
    simulation.run(20_000)
    expect(simulation.agrees(ids(6))).toBe(true)
    expect(ids(6).map((id) => heardBy(simulation, id).length)).toEqual([20, 0, 20, 20, 0, 20])
  })
})

describe('one member', () => {
  const self = { id: 'me', generation: 5 }
  const alive = (id: string, more: Partial<MemberRecord> = {}): MemberRecord => {
    return { id, generation: 1, incarnation: 0, state: 'alive', metadata: [], nonce: 7, ...more }
  }
  const told = (items: readonly UserNews[], ...records: MemberRecord[]): Message => {
    return { kind: 'broadcasts', items, rumors: records.map((record) => ({ record, ageMs: 0 })) }
  }
  function newCore(maxFrameBytes = 65_536): MembershipCore {
    const options = resolveOptions({ cluster: 'test', rememberDeadMs: 60_000 })
    const core = new MembershipCore({ ...options, self, nonce: 9, seed: 1, canBroadcast: false, maxFrameBytes })
    core.connection(true, 0)
    core.join(0)
    return core
  }
  const n1 = { id: 'n1', generation: 1 }
  const n2 = { id: 'n2', generation: 1 }

  test('it hears members alone, and of these the process that counts', () => {
    const core = newCore()
    const strange = [{ type: 'count', what: 'strange-broadcast' }]
    expect(core.receive(told([news(1)]), n2, 1)).toEqual(strange)
    expect(heard(core.receive(told([news(1)], alive('n1')), n2, 2))).toEqual(['n1/1 1'])
    expect(core.receive(told([news(2, { nonce: 8 })]), n2, 3)).toEqual(strange)
    expect(core.receive(told([news(2, { generation: 2 })]), n2, 3)).toEqual(strange)
    const later = alive('n1', { generation: 2, nonce: 3 })
    expect(heard(core.receive(told([news(1, { generation: 2, nonce: 3 })], later), n2, 4))).toEqual(['n1/2 1'])
    expect(core.receive(told([news(5)]), n2, 5)).toEqual(strange)
  })

  test('of a member whose process is not known, it hears the one that drew the highest nonce', () => {
    const core = newCore()
    core.receive(told([], alive('n1', { nonce: undefined })), n1, 1)
    expect(heard(core.receive(told([news(1, { nonce: 7 })]), n1, 2))).toEqual(['n1/1 1'])
    expect(heard(core.receive(told([news(1, { nonce: 8 })]), n1, 2))).toEqual(['n1/1 1'])
    expect(heard(core.receive(told([news(1, { nonce: 7 }), news(2, { nonce: 7 })]), n1, 2))).toEqual([])
  })

  test('its own does not come back, and what has no time left is neither delivered nor remembered', () => {
    const core = newCore()
    core.receive(told([], alive('n1')), n1, 1)
    expect(heard(core.broadcast('t', bytes('x'), 30_000, 2))).toEqual(['me/5 1'])
    expect(core.receive(told([news(1, { origin: 'me', generation: 5, nonce: 9 })]), n1, 3)).toEqual([])
    expect(core.receive(told([news(1, { leftMs: 0 })]), n1, 4)).toEqual([])
    expect(heard(core.receive(told([news(1)]), n1, 5))).toEqual(['n1/1 1'])
    expect(core.receive(told([news(1)]), n1, 6)).toEqual([])
  })

  test('M-31: who is forgotten is not heard, and when it is met again, no broadcast of it is delivered twice', () => {
    const core = newCore()
    core.receive(told([news(1)], alive('n1')), n1, 1)
    core.receive(told([], alive('n1', { state: 'left' })), n2, 2)
    for (let nowMs = core.deadlineMs(); nowMs !== undefined && nowMs < 90_000; nowMs = core.deadlineMs())
      core.tick(nowMs)
    expect(core.member('n1')).toBeUndefined()
    expect(heard(core.receive(told([news(1)]), n2, 90_001))).toEqual([])
    const again = core.receive(told([news(1), news(2)], alive('n1', { incarnation: 3 })), n2, 90_002)
    expect(heard(again)).toEqual(['n1/1 2'])
  })

  test('alone, it tells nobody, and keeps nothing for those who come', () => {
    const core = newCore()
    for (let i = 0; i < 2 * MAX_OWN_NEWS; i++) {
      expect(core.hasRoomFor('t', bytes('x'), 1)).toBe(true)
      expect(heard(core.broadcast('t', bytes('x'), 30_000, 1))).toHaveLength(1)
    }
  })

  test('news of members is not crowded out: broadcasts have the room that it leaves, and a frame keeps to its limit', () => {
    const gossipOf = (broadcasts: number): { rumors: number[]; items: number; largest: number } => {
      const core = newCore(4_096)
      const records = Array.from({ length: 60 }, (_, i) => alive(`n${i}`, { metadata: [['a', 'x'.repeat(100)]] }))
      core.receive(told([], ...records), n1, 1)
      for (let i = 0; i < broadcasts; i++) core.broadcast('t', new Uint8Array(1_024), 30_000, 1)
      const rumors: number[] = []
      let [items, largest] = [0, 0]
      for (let nowMs = core.deadlineMs(); nowMs !== undefined && nowMs < 3_000; nowMs = core.deadlineMs()) {
        for (const effect of core.tick(nowMs)) {
          if (effect.type !== 'send') continue
          largest = Math.max(largest, encodeMessage(effect.message, 'test', effect.header).length)
          if (effect.message.kind === 'broadcasts') items += effect.message.items.length
          if (effect.message.kind === 'broadcasts' || effect.message.kind === 'gossip')
            rumors.push(effect.message.rumors.length)
        }
      }
      return { rumors, items, largest }
    }
    const quiet = gossipOf(0)
    const busy = gossipOf(50)
    expect(busy.items).toBeGreaterThan(10)
    expect(busy.rumors.slice(0, quiet.rumors.length)).toEqual(quiet.rumors)
    expect(busy.largest).toBeLessThanOrEqual(4_096)
  })

  test('the bytes of a broadcast are known before it is written', () => {
    for (const length of [0, 1, 127, 128, 1_024]) {
      const one = news(2 ** 40, { payload: new Uint8Array(length), topic: 'ä'.repeat(128) })
      const empty = encodeMessage({ kind: 'broadcasts', items: [], rumors: [] }, 'test').length
      const written = encodeMessage({ kind: 'broadcasts', items: [one], rumors: [] }, 'test').length - empty
      // The length of the whole takes a byte more.
      expect(newsBytes(one) - (written - 1)).toBeLessThanOrEqual(1)
      expect(newsBytes(one)).toBeGreaterThanOrEqual(written - 1)
    }
  })
})
