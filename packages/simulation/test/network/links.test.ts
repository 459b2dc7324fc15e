import { describe, expect, test } from 'vitest'
import { LinksWorld, upTo } from './links-world.ts'

/** The frames that came after a later one. */
function overtaken(payloads: readonly number[]): Set<number> {
  const result = new Set<number>()
  let highest = -1
  for (const payload of payloads) {
    if (payload < highest) result.add(payload)
    highest = Math.max(highest, payload)
  }
  return result
}

const ascending = (numbers: readonly number[]): boolean =>
  numbers.every((number, index) => index === 0 || number >= (numbers[index - 1] ?? 0))

describe('a link without chance', () => {
  test('delivers each frame once, in order, after about the usual delay, never from inside send', () => {
    const world = new LinksWorld()
    world.links.send('a', 'b', -1)
    expect(world.arrivals).toEqual([])
    world.stream(500, 10)
    world.pass(10_000)
    expect(world.payloads).toEqual([-1, ...upTo(500)])
    for (const { payload, atMs, copiesUnderWay } of world.arrivals.slice(1)) {
      expect(atMs - payload * 10).toBeGreaterThanOrEqual(0.5)
      expect(atMs - payload * 10).toBeLessThan(1.5)
      expect(copiesUnderWay).toBe(0)
    }
    expect([world.fates, world.links.calm]).toEqual([{}, true])
  })

  test('notes each frame once as sent and once as received, with its number', () => {
    const world = new LinksWorld()
    world.links.send('a', 'b', 70)
    world.links.send('b', 'a', 80)
    world.pass(10)
    const seen = world.trace.events.map(({ node, what, peer, numbers, detail }) => [
      node,
      what,
      peer,
      numbers[0],
      detail,
    ])
    expect(seen.slice(0, 2)).toEqual([
      ['a', 'send', 'b', 1, 'frame 70'],
      ['b', 'send', 'a', 2, 'frame 80'],
    ])
    expect(seen.slice(2)).toHaveLength(2)
    expect(seen).toContainEqual(['b', 'receive', 'a', 1, 'frame 70'])
    expect(seen).toContainEqual(['a', 'receive', 'b', 2, 'frame 80'])
  })
})

describe('order', () => {
  test('fifo: frames close together keep their order, also behind a late one', () => {
    const world = new LinksWorld({ tailRate: 0.02, delayMs: 5 })
    world.stream(3_000, 0.5)
    world.pass(60_000)
    expect(world.payloads).toEqual(upTo(3_000))
    expect(world.count('late')).toBeGreaterThan(30)
  })

  test('free: each frame arrives when its own delay is over', () => {
    const world = new LinksWorld({ order: 'free', delayMs: 5 })
    world.stream(3_000, 0.5)
    world.pass(60_000)
    expect(overtaken(world.payloads).size).toBeGreaterThan(1_000)
    expect([...world.payloads].sort((one, other) => one - other)).toEqual(upTo(3_000))
    expect(world.fates).toEqual({})
  })

  test('reordering in fifo: only the reordered frames are overtaken', () => {
    const world = new LinksWorld({ reorderRate: 0.05 })
    world.stream(4_000, 1)
    world.pass(60_000)
    const late = overtaken(world.payloads)
    expect(late.size).toBeGreaterThan(100)
    expect(late.size).toBeLessThanOrEqual(world.count('reordered'))
    expect(ascending(world.payloads.filter((payload) => !late.has(payload)))).toBe(true)
    expect(world.payloads).toHaveLength(4_000)
  })
})

describe('chance', () => {
  test('loss takes its share, each frame with all of its traces', () => {
    const world = new LinksWorld({ lossRate: 0.1 })
    world.stream(20_000, 1)
    world.pass(60_000)
    expect(world.count('lost') / 20_000).toBeCloseTo(0.1, 2)
    expect(world.arrivals.length + world.count('lost')).toBe(20_000)
    expect(world.lost).toHaveLength(world.count('lost'))
    expect(world.trace.events.filter(({ what }) => what === 'lose')).toHaveLength(world.count('lost'))
  })

  test('duplication delivers a second copy later, and says how many copies are still under way', () => {
    const world = new LinksWorld({ duplicateRate: 0.1 })
    world.stream(20_000, 1)
    world.pass(60_000)
    expect(world.count('duplicated') / 20_000).toBeCloseTo(0.1, 2)
    expect(world.arrivals).toHaveLength(20_000 + world.count('duplicated'))
    const copies = new Map<number, number[]>()
    for (const { payload, copiesUnderWay } of world.arrivals) {
      copies.set(payload, [...(copies.get(payload) ?? []), copiesUnderWay])
    }
    const twice = [...copies.values()].filter(({ length }) => length === 2)
    expect(twice).toHaveLength(world.count('duplicated'))
    expect(twice.every((underWay) => underWay.join() === '1,0')).toBe(true)
  })

  test('a late frame is ten times the usual delay late in the middle, a hundred times in one of twenty, within the limit', () => {
    const world = new LinksWorld({ order: 'free', tailRate: 1, tailMaxMs: 500 })
    world.stream(10_000, 1)
    world.pass(60_000)
    const delays = world.arrivals.map(({ payload, atMs }) => atMs - payload).sort((one, other) => one - other)
    expect(world.count('late')).toBe(10_000)
    expect(delays[5_000]).toBeGreaterThan(9)
    expect(delays[5_000]).toBeLessThan(13)
    expect(delays[9_500]).toBeGreaterThan(80)
    expect(delays[9_500]).toBeLessThan(125)
    expect(delays.at(-1)).toBeGreaterThan(400)
    expect(delays.at(-1)).toBeLessThan(501.5)
  })

  test('knobs out of their range are refused', () => {
    const wrong = [{ lossRate: 1.1 }, { tailRate: -0.1 }, { delayMs: -1 }, { tailMaxMs: Number.POSITIVE_INFINITY }]
    for (const knobs of wrong) expect(() => new LinksWorld(knobs)).toThrow(RangeError)
    expect(() => new LinksWorld({ duplicateRate: Number.NaN })).toThrow(RangeError)
  })
})

describe('a run is decided by its seed', () => {
  const run = (seed: number, others = 0): LinksWorld => {
    const world = new LinksWorld({ lossRate: 0.1, duplicateRate: 0.1, reorderRate: 0.1, tailRate: 0.1 }, seed)
    world.stream(500, 1)
    for (let i = 0; i < others; i++) world.scheduler.at(i, () => world.links.send('b', 'c', i))
    world.scheduler.at(100, () => {
      const end = world.links.hold('a', 'b')
      world.scheduler.after(50, end)
    })
    world.pass(10_000)
    return world
  }

  test('the same seed gives the same trace, another seed another', () => {
    expect(run(7).trace.hash).toBe(run(7).trace.hash)
    expect(run(7).trace.hash).not.toBe(run(8).trace.hash)
  })

  test('what one link carries shifts nothing on another', () => {
    const onLink = (world: LinksWorld) => world.arrivals.filter(({ to }) => to === 'b')
    expect(onLink(run(7, 300))).toEqual(onLink(run(7)))
  })

  test('a trouble shifts no draw of the knobs', () => {
    const lost = (trouble: boolean): string[] => {
      const world = new LinksWorld({ lossRate: 0.1 }, 3)
      if (trouble) world.links.trouble('a', 'b', { extraDelayMs: 20, duplicateRate: 0.3 })
      world.stream(1_000, 1)
      world.pass(10_000)
      return world.lost
    }
    expect(lost(true).map((entry) => entry.split(' ')[1])).toEqual(lost(false).map((entry) => entry.split(' ')[1]))
  })
})

describe('what is under way', () => {
  test('tells until when: after a healing an old frame still arrives late, and nothing after that', () => {
    const world = new LinksWorld({ order: 'free' })
    expect(world.links.underWayUntilMs).toBe(world.scheduler.nowMs)
    world.links.trouble('a', 'b', { extraDelayMs: 5_000 })
    world.stream(50, 1)
    world.pass(50)
    world.links.heal()
    const untilMs = world.links.underWayUntilMs
    expect(untilMs).toBeGreaterThan(world.scheduler.nowMs + 1_000)
    world.pass(20_000)
    expect(Math.max(...world.arrivals.map(({ atMs }) => atMs))).toBe(untilMs)
    expect(world.links.underWayUntilMs).toBe(world.scheduler.nowMs)
  })
})
