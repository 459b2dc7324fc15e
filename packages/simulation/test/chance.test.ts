import { SeededRandom } from '@dsys/runtime'
import { describe, expect, test } from 'vitest'
import { Aim, Counts, seededBuggify } from '../src/chance.ts'
import { heavyTailMs } from '../src/seed.ts'
import { Trace } from '../src/trace.ts'

const KNOBS = { activeShare: 0.25, fireShare: 0.25, off: [] }

describe('buggify', () => {
  const firings = (
    seed: number,
    point: string,
    before: readonly string[] = [],
    off: readonly string[] = [],
  ): string => {
    const buggify = seededBuggify(new SeededRandom(seed), { ...KNOBS, off }, () => undefined)
    for (const other of before) buggify(other)
    return Array.from({ length: 40 }, () => (buggify(point) ? '1' : '0')).join('')
  }

  test('fires a quarter of the time in a quarter of the seeds', () => {
    let active = 0
    let fired = 0
    for (let seed = 0; seed < 2_000; seed++) {
      const ones = [...firings(seed, 'raft.x')].filter((bit) => bit === '1').length
      if (ones > 0) active++
      fired += ones
    }
    expect(active / 2_000).toBeGreaterThan(0.22)
    expect(active / 2_000).toBeLessThan(0.28)
    expect(fired / (active * 40)).toBeGreaterThan(0.22)
    expect(fired / (active * 40)).toBeLessThan(0.28)
  })

  test('a point does the same whatever other points there are, and nothing when it is off', () => {
    const seed = Array.from({ length: 50 }, (_, i) => i).find((each) => firings(each, 'raft.x').includes('1')) as number
    expect(firings(seed, 'raft.x', ['raft.y', 'kv.z', 'raft.y'])).toBe(firings(seed, 'raft.x'))
    expect(firings(seed, 'raft.x', [], ['raft.x'])).not.toContain('1')
  })

  test('counts what fired, and fires nothing while it is not enabled', () => {
    const counts = new Counts()
    let enabled = true
    const always = { activeShare: 1, fireShare: 1, off: [] }
    const buggify = seededBuggify(
      new SeededRandom(1),
      always,
      (what) => counts.add(what),
      () => enabled,
    )
    expect(buggify('a.b')).toBe(true)
    enabled = false
    expect(buggify('a.b')).toBe(false)
    expect([...counts.byName]).toEqual([['buggify.a.b', 1]])
  })
})

describe('aimed crashes', () => {
  const visits = (aim: Aim): string[] => {
    const crashed: string[] = []
    for (let i = 0; i < 200; i++) {
      for (const node of ['n1', 'n2']) if (aim.crashes('vote', node)) crashed.push(`${node} ${i + 1}`)
    }
    return crashed
  }

  test('are drawn, and can be had again exactly', () => {
    const drawn = new Aim({ type: 'drawn', rates: { vote: 0.05 } }, new SeededRandom(3), () => undefined)
    const crashed = visits(drawn)
    expect(crashed.length).toBeGreaterThan(5)
    expect(drawn.made.length).toBe(crashed.length)
    const again = new Aim({ type: 'exactly', crashes: drawn.made }, new SeededRandom(99), () => undefined)
    expect(visits(again)).toEqual(crashed)
    const fewer = new Aim({ type: 'exactly', crashes: drawn.made.slice(0, 1) }, new SeededRandom(99), () => undefined)
    expect(visits(fewer)).toEqual(crashed.slice(0, 1))
  })

  test('end when they are stopped, and never come at a moment without a rate', () => {
    const counts = new Counts()
    const aim = new Aim({ type: 'drawn', rates: { vote: 1 } }, new SeededRandom(3), (what) => counts.add(what))
    expect(aim.crashes('commit', 'n1')).toBe(false)
    expect(aim.crashes('vote', 'n1')).toBe(true)
    aim.stop()
    expect(aim.crashes('vote', 'n1')).toBe(false)
    expect([...counts.byName]).toEqual([['aimed.vote', 1]])
  })
})

describe('a heavy tail', () => {
  test('has its scale in the middle, much more now and then, and never more than its end', () => {
    const random = new SeededRandom(5)
    const draws = Array.from({ length: 10_000 }, () => heavyTailMs(random, 10, 2_000)).sort((a, b) => a - b)
    expect(draws[5_000]).toBeGreaterThan(9)
    expect(draws[5_000]).toBeLessThan(11)
    expect(draws[9_500]).toBeGreaterThan(80)
    expect(draws.at(-1)).toBeLessThanOrEqual(2_000)
  })
})

describe('a trace', () => {
  test('differs in its hash wherever two runs differ', () => {
    type Event = Parameters<Trace['add']>
    const base: Event[] = [
      [1, 'n1', 'send', 'n2', 1, 2, 3],
      [2, 'n2', 'receive', 'n1', 1],
    ]
    const hashOf = (events: readonly Event[]): string => {
      const trace = new Trace()
      for (const event of events) trace.add(...event)
      return trace.hash
    }
    const variants: Event[][] = [
      base,
      base.toReversed(),
      [...base, [3, '', 'end']],
      base.slice(0, 1),
      ...[[1.5], [1, 'n3'], [1, 'n1', 'lose'], [1, 'n1', 'send', 'n3'], [1, 'n1', 'send', 'n2', 1, 2, 4]].map(
        (change): Event[] => [[...change, ...(base[0] as Event).slice(change.length)] as Event, base[1] as Event],
      ),
    ]
    expect(new Set(variants.map(hashOf)).size).toBe(variants.length)
    expect(hashOf(base)).toBe(hashOf(base))
    expect(hashOf(base)).toMatch(/^[0-9a-f]{16}$/)
  })

  test('keeps events only where it is asked to, with their details outside of the hash', () => {
    const kept = new Trace({ keep: true })
    const bare = new Trace()
    for (const trace of [kept, bare]) {
      trace.add(1, 'n1', 'send', 'n2', 7)
      trace.detail('append of term 3')
    }
    expect(bare.events).toEqual([])
    expect(kept.events).toEqual([
      { atMs: 1, node: 'n1', what: 'send', peer: 'n2', numbers: [7, 0, 0], detail: 'append of term 3' },
    ])
    expect(kept.hash).toBe(bare.hash)
  })
})
