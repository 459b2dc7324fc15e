import { describe, expect, test } from 'vitest'
import { LinksWorld, upTo } from './links-world.ts'

describe('a cut', () => {
  test('goes one way, and takes what is under way', () => {
    const world = new LinksWorld({ delayMs: 10 })
    world.links.send('a', 'b', 1)
    const end = world.links.cut('a', 'b')
    world.links.send('a', 'b', 2)
    world.links.send('b', 'a', 3)
    world.links.send('a', 'c', 4)
    world.pass(100)
    expect(world.payloads.sort()).toEqual([3, 4])
    expect([world.fates, world.lost.length]).toEqual([{ cut: 2 }, 2])
    end()
    world.links.send('a', 'b', 5)
    world.pass(100)
    expect(world.payloads.sort()).toEqual([3, 4, 5])
  })

  test('lets a frame through, stale, whose way takes longer than the cut', () => {
    const world = new LinksWorld({ delayMs: 100 })
    world.links.send('a', 'b', 1)
    const end = world.links.cut('a', 'b')
    world.pass(10)
    end()
    world.pass(200)
    expect(world.payloads).toEqual([1])
  })

  test('overlaps: the link is back when the last of its cuts has ended, and each ends once', () => {
    const world = new LinksWorld()
    const ends = [world.links.cut('a', 'b'), world.links.cut('a', 'b'), world.links.cut('a', 'b')]
    const [first, second, third] = ends
    for (const end of [second, second, second, first]) {
      end?.()
      world.links.send('a', 'b', 0)
      world.pass(10)
    }
    expect([world.payloads, world.links.calm]).toEqual([[], false])
    third?.()
    world.links.send('a', 'b', 1)
    world.pass(10)
    expect([world.payloads, world.links.calm]).toEqual([[1], true])
  })
})

describe('a hold', () => {
  test('loses nothing, and delivers all in one late burst, in order, before what is sent later', () => {
    const world = new LinksWorld({ delayMs: 2 })
    const end = world.links.hold('a', 'b')
    world.stream(218, 10)
    world.pass(4_000)
    expect(world.arrivals).toEqual([])
    expect(world.links.calm).toBe(false)
    end()
    world.links.send('a', 'b', 218)
    world.pass(100)
    expect(world.payloads).toEqual(upTo(219))
    expect(new Set(world.arrivals.slice(0, 218).map(({ atMs }) => atMs))).toEqual(new Set([4_000]))
    expect(world.fates).toEqual({ held: 218, burst: 218 })
    expect(world.links.calm).toBe(true)
  })

  test('is over with the last of its ends', () => {
    const world = new LinksWorld()
    const [first, second] = [world.links.hold('a', 'b'), world.links.hold('a', 'b')]
    world.stream(5)
    world.pass(100)
    first()
    first()
    world.pass(100)
    expect(world.arrivals).toEqual([])
    second()
    world.pass(0)
    expect(world.payloads).toEqual(upTo(5))
  })

  test('is not over, for what arrives in the middle of the burst, before what was here first', () => {
    const world = new LinksWorld({ delayMs: 0 })
    const end = world.links.hold('a', 'b')
    for (let i = 0; i < 3; i++) world.links.send('a', 'b', i)
    world.pass(100)
    end()
    expect(world.links.calm).toBe(false)
    world.links.send('a', 'b', 3)
    world.pass(0)
    expect(world.payloads).toEqual(upTo(4))
    expect(world.links.calm).toBe(true)
  })

  test('begun again in the middle of the burst keeps the rest', () => {
    const world = new LinksWorld()
    const end = world.links.hold('a', 'b')
    world.stream(10)
    world.pass(100)
    end()
    // The first frame of the burst, then the hold.
    world.scheduler.run(world.scheduler.nowMs, () => true)
    const again = world.links.hold('a', 'b')
    world.pass(100)
    expect(world.payloads).toEqual([0])
    again()
    world.pass(0)
    expect(world.payloads).toEqual(upTo(10))
  })

  test('does not save frames from a cut that is there when they are let go', () => {
    const world = new LinksWorld()
    const end = world.links.hold('a', 'b')
    world.stream(5)
    world.pass(100)
    world.links.cut('a', 'b')
    end()
    world.pass(100)
    expect([world.arrivals, world.fates]).toEqual([[], { held: 5, burst: 5, cut: 5 }])
  })

  test('has room for 65,536 frames on a link, and loses what comes after them', () => {
    const world = new LinksWorld()
    const end = world.links.hold('a', 'b')
    for (let i = 0; i < 65_540; i++) world.links.send('a', 'b', i)
    world.pass(100)
    expect(world.fates).toEqual({ held: 65_536, lost: 4 })
    end()
    world.pass(0)
    expect(world.payloads).toEqual(upTo(65_536))
  })
})

describe('a trouble', () => {
  test('of each kind does what it says, until it ends', () => {
    const kinds = {
      lost: { lossRate: 0.5 },
      duplicated: { duplicateRate: 0.5 },
      reordered: { reorderRate: 0.5 },
      late: { tailRate: 0.5 },
    }
    for (const [fate, trouble] of Object.entries(kinds)) {
      const world = new LinksWorld()
      const end = world.links.trouble('a', 'b', trouble)
      expect(world.links.calm).toBe(false)
      world.stream(2_000)
      world.pass(10_000)
      expect(Object.keys(world.fates)).toEqual([fate])
      expect(world.count(fate) / 2_000).toBeCloseTo(0.5, 1)
      end()
      world.stream(200)
      world.pass(10_000)
      expect(world.count(fate) / 2_000).toBeCloseTo(0.5, 1)
      expect(world.payloads.slice(-200)).toEqual(upTo(200))
      expect(world.links.calm).toBe(true)
    }
  })

  test('makes a link slow, each frame anew', () => {
    const world = new LinksWorld({ order: 'free' })
    const end = world.links.trouble('a', 'b', { extraDelayMs: 300 })
    world.stream(2_000, 10)
    world.pass(60_000)
    const delays = world.arrivals.map(({ payload, atMs }) => atMs - payload * 10).sort((one, other) => one - other)
    expect(delays[0]).toBeLessThan(3)
    expect(delays[1_000]).toBeGreaterThan(130)
    expect(delays[1_000]).toBeLessThan(170)
    expect(delays.at(-1)).toBeGreaterThan(295)
    expect(delays.at(-1)).toBeLessThan(301.5)
    end()
    const nowMs = world.scheduler.nowMs
    world.links.send('a', 'b', 1)
    world.pass(1_000)
    expect((world.arrivals.at(-1)?.atMs ?? 0) - nowMs).toBeLessThan(1.5)
  })

  test('adds to others, also to an equal one, and takes only its own part away', () => {
    const world = new LinksWorld()
    const trouble = { lossRate: 0.3 }
    const ends = [world.links.trouble('a', 'b', trouble), world.links.trouble('a', 'b', trouble)]
    const share = (): number => {
      const before = world.count('lost')
      world.stream(5_000)
      world.pass(10_000)
      return (world.count('lost') - before) / 5_000
    }
    expect(share()).toBeCloseTo(0.6, 1)
    ends[0]?.()
    ends[0]?.()
    expect(share()).toBeCloseTo(0.3, 1)
    ends[1]?.()
    expect(share()).toBe(0)
    const all = [0.5, 0.4, 0.3].map((lossRate) => world.links.trouble('a', 'b', { lossRate }))
    expect(share()).toBe(1)
    for (const end of all) end()
    expect([share(), world.links.calm]).toEqual([0, true])
  })
})

describe('a lost broker', () => {
  test('that is noticed: the node is told, and what it sends and what is sent to it is lost', () => {
    const world = new LinksWorld()
    const end = world.links.disconnect('a', { buffered: false })
    expect([world.links.connected('a'), world.links.connected('b')]).toEqual([false, true])
    for (const [from, to, payload] of [
      ['a', 'b', 1],
      ['b', 'a', 2],
      ['b', 'c', 3],
      ['a', 'a', 4],
    ] as const) {
      world.links.send(from, to, payload)
    }
    world.pass(100)
    expect([world.payloads.sort(), world.fates]).toEqual([[3, 4], { cut: 2 }])
    end()
    world.links.send('a', 'b', 5)
    world.pass(100)
    expect(world.payloads).toContain(5)
    expect([world.connections, world.fates]).toEqual([['a lost', 'a back'], { cut: 2 }])
  })

  test('takes what is on its way to the node, not what the node has sent', () => {
    const world = new LinksWorld({ delayMs: 10 })
    world.links.send('a', 'b', 1)
    world.links.send('b', 'a', 2)
    world.links.disconnect('a', { buffered: false })
    world.pass(100)
    expect(world.payloads).toEqual([1])
  })

  test('that is not noticed: what the node sends arrives after the reconnect, stale and in order', () => {
    const world = new LinksWorld()
    const end = world.links.disconnect('a', { buffered: true })
    expect(world.links.connected('a')).toBe(false)
    expect(world.links.connected('a', { toldOnly: true })).toBe(true)
    world.stream(20, 100)
    world.scheduler.at(50, () => world.links.send('b', 'a', 100))
    world.pass(5_000)
    expect([world.payloads, world.fates]).toEqual([[], { cut: 1 }])
    end()
    world.pass(100)
    expect(world.payloads).toEqual(upTo(20))
    expect(world.arrivals.every(({ atMs }) => atMs > 5_000)).toBe(true)
    expect([world.connections, world.fates]).toEqual([['a back'], { cut: 1, stale: 20 }])
  })

  test('has 65,536 frames of a node kept, and loses what comes after them', () => {
    const world = new LinksWorld()
    const end = world.links.disconnect('a', { buffered: true })
    for (let i = 0; i < 65_540; i++) world.links.send('a', 'b', i)
    expect([world.fates, world.links.calm]).toEqual([{ cut: 4 }, false])
    end()
    expect([world.fates, world.links.calm]).toEqual([{ cut: 4, stale: 65_536 }, true])
  })

  test('what a process had kept dies with it', () => {
    const world = new LinksWorld()
    const end = world.links.disconnect('a', { buffered: true })
    world.stream(4)
    world.pass(100)
    world.dead.add(1).add(2)
    end()
    world.pass(100)
    expect([world.payloads, world.fates]).toEqual([[0, 3], { cut: 2, stale: 2 }])
  })

  test('what was kept meets the cuts and chances of the moment at which it leaves', () => {
    const world = new LinksWorld()
    const end = world.links.disconnect('a', { buffered: true })
    world.links.send('a', 'b', 1)
    world.links.send('a', 'c', 2)
    world.links.cut('a', 'b')
    end()
    world.pass(100)
    expect([world.payloads, world.fates]).toEqual([[2], { stale: 2, cut: 1 }])
  })

  test('overlaps: once told, the node knows until the broker is back; what it kept before leaves then', () => {
    const world = new LinksWorld()
    const endHidden = world.links.disconnect('a', { buffered: true })
    world.links.send('a', 'b', 1)
    const endKnown = world.links.disconnect('a', { buffered: false })
    world.links.send('a', 'b', 2)
    endKnown()
    world.links.send('a', 'b', 3)
    world.pass(100)
    expect([world.payloads, world.connections]).toEqual([[], ['a lost']])
    endHidden()
    endHidden()
    endKnown()
    world.pass(100)
    expect([world.payloads, world.connections]).toEqual([[1], ['a lost', 'a back']])
    expect([world.fates, world.links.calm]).toEqual([{ cut: 2, stale: 1 }, true])
  })
})

describe('healing', () => {
  const broken = (): LinksWorld => {
    const world = new LinksWorld({ lossRate: 0.5, duplicateRate: 0.5, reorderRate: 0.5, tailRate: 0.5, delayMs: 20 })
    world.links.cut('a', 'b')
    world.links.cut('b', 'c')
    world.links.hold('c', 'a')
    world.links.trouble('a', 'c', { lossRate: 1 })
    world.links.disconnect('b', { buffered: false })
    return world
  }
  const probe = (world: LinksWorld, ids: readonly string[]): string[] => {
    const before = world.arrivals.length
    const sentMs = world.scheduler.nowMs
    for (const from of ids) for (const to of ids) if (from !== to) world.links.send(from, to, 7)
    world.pass(0.5)
    const got = world.arrivals.slice(before)
    for (const { atMs } of got) expect(atMs - sentMs).toBe(0.5)
    return got.map(({ from, to }) => `${from}>${to}`).sort()
  }

  test('ends every fault and every chance of one, for good', () => {
    const world = broken()
    world.links.heal()
    expect([world.links.calm, world.connections]).toEqual([true, ['b lost', 'b back']])
    const everyone = ['a>b', 'a>c', 'a>d', 'b>a', 'b>c', 'b>d', 'c>a', 'c>b', 'c>d', 'd>a', 'd>b', 'd>c']
    expect(probe(world, ['a', 'b', 'c', 'd'])).toEqual(everyone)
    const counted = world.fates
    const ends = [
      world.links.cut('a', 'b'),
      world.links.cut('d', 'e'),
      world.links.hold('b', 'a'),
      world.links.trouble('b', 'c', { lossRate: 1 }),
      world.links.disconnect('c', { buffered: true }),
    ]
    for (let i = 0; i < 50; i++) expect(probe(world, ['a', 'b', 'c', 'd'])).toEqual(everyone)
    for (const end of ends) end()
    expect(probe(world, ['d', 'e'])).toEqual(['d>e', 'e>d'])
    expect([world.fates, world.connections]).toEqual([counted, ['b lost', 'b back']])
  })

  test('delivers what was held and kept', () => {
    const world = new LinksWorld({ delayMs: 5 })
    world.links.hold('a', 'b')
    world.links.disconnect('c', { buffered: true })
    world.links.send('a', 'b', 1)
    world.links.send('c', 'b', 2)
    world.pass(1_000)
    world.links.heal()
    world.pass(0.5)
    expect(world.payloads).toEqual([1, 2])
  })

  test('leaves late what was late: underWayUntilMs says until when', () => {
    const world = new LinksWorld({ tailRate: 1, tailMaxMs: 5_000, delayMs: 500 })
    expect(world.links.underWayUntilMs).toBe(0)
    world.stream(20, 0)
    world.pass(0)
    world.links.heal()
    const { underWayUntilMs } = world.links
    world.scheduler.run(underWayUntilMs - 1)
    expect(world.arrivals.length).toBeLessThan(20)
    world.scheduler.run(underWayUntilMs)
    expect(world.arrivals).toHaveLength(20)
    world.pass(100)
    expect(world.links.underWayUntilMs).toBe(world.scheduler.nowMs)
  })

  test('does not queue new frames behind late old ones', () => {
    const world = new LinksWorld({ tailRate: 1, tailMaxMs: 5_000, delayMs: 500 })
    world.links.send('a', 'b', 1)
    world.links.heal()
    world.links.send('a', 'b', 2)
    world.pass(1)
    expect(world.payloads).toEqual([2])
    world.pass(10_000)
    expect(world.payloads).toEqual([2, 1])
  })

  test('of a core heals the links among its nodes alone, and grows', () => {
    const world = broken()
    world.links.healAmong(['a', 'b'])
    expect(probe(world, ['a', 'b'])).toEqual(['a>b', 'b>a'])
    expect(world.connections).toEqual(['b lost', 'b back'])
    world.links.cut('b', 'a')
    world.links.disconnect('a', { buffered: false })
    expect(probe(world, ['a', 'b'])).toEqual(['a>b', 'b>a'])
    // Others stay as broken as they were.
    expect(world.links.calm).toBe(false)
    for (let i = 0; i < 30; i++) world.links.send('a', 'c', 8)
    for (let i = 0; i < 30; i++) world.links.send('b', 'c', 8)
    world.pass(10_000)
    expect(world.payloads).not.toContain(8)
    const end = world.links.cut('c', 'd')
    world.links.healAmong(['c', 'd'])
    end()
    const among = ['a', 'b', 'c', 'd'].flatMap((from) =>
      ['a', 'b', 'c', 'd'].filter((to) => to !== from).map((to) => `${from}>${to}`),
    )
    world.pass(100_000)
    expect(probe(world, ['a', 'b', 'c', 'd'])).toEqual(among)
  })

  test('leaves the end of an earlier fault without effect', () => {
    const world = new LinksWorld()
    const early = [
      world.links.cut('a', 'b'),
      world.links.hold('a', 'b'),
      world.links.trouble('a', 'b', { lossRate: 1 }),
      world.links.disconnect('a', { buffered: false }),
    ]
    world.links.heal()
    for (const end of early) end()
    expect(world.links.calm).toBe(true)
    expect(probe(world, ['a', 'b'])).toEqual(['a>b', 'b>a'])
    expect(world.connections).toEqual(['a lost', 'a back'])
  })
})
