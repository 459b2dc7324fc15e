import { describe, expect, test } from 'vitest'
import type { MembershipOptions } from '../src/options.ts'
import { Simulation } from './simulation.ts'

const ids = (count: number): string[] => Array.from({ length: count }, (_, i) => `n${i + 1}`)
const cut: Partial<MembershipOptions> = { removal: 'cut' }

function build(count: number, seed: number, more: object = {}): Simulation {
  const simulation = new Simulation({ seed, options: cut, ...more })
  simulation.startAll(count)
  simulation.run(20_000, () => simulation.agrees(ids(count)))
  expect(simulation.agrees(ids(count)), `seed ${seed}: all join`).toBe(true)
  simulation.run(2_000)
  return simulation
}

/** How often each of `observers` has told that somebody went down and came up, by ids. */
function counts(
  simulation: Simulation,
  observers: readonly string[],
  type: 'MemberDown' | 'MemberUp',
): Map<string, number> {
  const told = new Map<string, number>()
  for (const id of observers) {
    for (const { event } of simulation.node(id).events) {
      if (event.type === type) told.set(`${id} ${event.member.id}`, (told.get(`${id} ${event.member.id}`) ?? 0) + 1)
    }
  }
  return told
}

/** All that the healthy ones have told by now: exactly the faulty ones down, and nobody up or down a second time. */
function expectExactly(simulation: Simulation, count: number, faulty: readonly string[]): void {
  const healthy = ids(count).filter((id) => !faulty.includes(id))
  const pairs = healthy.flatMap((id) => faulty.map((other) => `${id} ${other}`))
  const downs = counts(simulation, healthy, 'MemberDown')
  expect([...downs.keys()].sort()).toEqual(pairs.sort())
  expect(Math.max(0, ...downs.values())).toBe(faulty.length === 0 ? 0 : 1)
  expect(Math.max(...counts(simulation, healthy, 'MemberUp').values())).toBe(1)
}

const FAULTS: readonly (readonly [
  name: string,
  lost: (from: boolean, to: boolean, sinceMs: number, chance: number) => boolean,
])[] = [
  ['they get nothing', (_from, to) => to],
  ['what they send is lost', (from) => from],
  ['80 % of what they get is lost', (_from, to, _ms, chance) => to && chance < 0.8],
  ['what they get is lost, 20 s of each 40 s', (_from, to, ms) => to && ms % 40_000 < 20_000],
  ['all is lost, 5 s of each 10 s', (_from, _to, ms) => ms % 10_000 < 5_000],
]

describe('M-26: exactly the faulty members are removed within 30 s, and none twice', () => {
  test.each(FAULTS)('%s', (name, lost) => {
    const faulty = ['n2', 'n11']
    const simulation = build(16, name.length)
    const sinceMs = simulation.nowMs
    simulation.loses = (from, to, chance) => {
      const [isFrom, isTo] = [faulty.includes(from), faulty.includes(to)]
      return (isFrom || isTo) && lost(isFrom, isTo, simulation.nowMs - sinceMs, chance)
    }
    simulation.run(30_000)
    expectExactly(simulation, 16, faulty)
    // Until the links have come back once, and failed again.
    simulation.run(name.includes('of each') ? 18_000 : 0)
    expectExactly(simulation, 16, faulty)
  })
})

test('M-26: links between members that fail in one direction remove nobody', () => {
  const simulation = build(16, 3)
  // Each of these is two links as the probes see it.
  const broken = new Set(['n1>n2', 'n3>n4', 'n3>n5', 'n9>n1'])
  simulation.loses = (from, to) => broken.has(`${from}>${to}`)
  simulation.run(20_000)
  expectExactly(simulation, 16, [])
})

test('M-18: with 10 % loss nobody is removed', () => {
  const simulation = build(12, 8, { lossRate: 0.1, duplicateRate: 0.1, maxDelayMs: 40 })
  simulation.run(40_000)
  for (const id of ids(12))
    expect(simulation.node(id).events.map(({ event }) => event.type)).not.toContain('MemberDown')
})

describe('in a cluster of few members', () => {
  test.each([2, 3, 4, 5])('a crash among %i is noticed by all', (count) => {
    const simulation = build(count, count)
    simulation.kill('n2')
    simulation.run(12_000)
    expectExactly(simulation, count, ['n2'])
  })

  test.each([3, 4, 5])('one of %i that gets nothing is removed, and nobody else', (count) => {
    const simulation = build(count, count)
    simulation.loses = (_from, to) => to === 'n2'
    simulation.run(30_000)
    expectExactly(simulation, count, ['n2'])
  })

  test.each([3, 4, 5])('a link that fails among %i removes nobody', (count) => {
    const simulation = build(count, count)
    simulation.loses = (from, to) => from === 'n1' && to === 'n2'
    simulation.run(30_000)
    expectExactly(simulation, count, [])
  })

  test('two of three that crash at once are removed by the third one', () => {
    const simulation = build(3, 6)
    simulation.kill('n1')
    simulation.kill('n3')
    simulation.run(60_000)
    expectExactly(simulation, 3, ['n1', 'n3'])
  })
})

test('M-36: a third of the members that crash at once are removed by those whom the others answer, who are not isolated', () => {
  const simulation = build(12, 3, { options: { ...cut, probesPerInterval: 1, isolationShare: 0.75 } })
  const crashed = ['n3', 'n6', 'n9', 'n12']
  for (const id of crashed) simulation.kill(id)
  simulation.run(60_000)
  for (const id of ids(12).filter((one) => !crashed.includes(one)))
    expect(crashed.map((one) => simulation.node(id).stateOf(one))).toEqual(crashed.map(() => 'dead'))
})

test('who is removed comes back when its observers have reached it for long enough, and has to wait longer each time', () => {
  const simulation = build(8, 5)
  const sides = [['n3'], ids(8).filter((id) => id !== 'n3')]
  const backMs: number[] = []
  for (let times = 0; times < 2; times++) {
    simulation.partition(...sides)
    simulation.run(20_000)
    expect(simulation.node('n1').stateOf('n3')).toBe('dead')
    simulation.heal()
    const healedMs = simulation.nowMs
    simulation.run(100_000, () => simulation.agrees(ids(8)))
    expect(simulation.agrees(ids(8))).toBe(true)
    backMs.push(simulation.nowMs - healedMs)
  }
  expect(backMs[0]).toBeGreaterThan(20_000)
  expect(backMs[0]).toBeLessThan(45_000)
  expect(backMs[1]).toBeGreaterThan(40_000)
  expect(backMs[1]).toBeLessThan(70_000)
})

test('a node that was started again need not wait', () => {
  const simulation = build(6, 7)
  simulation.kill('n4')
  simulation.run(15_000)
  expect(simulation.node('n1').stateOf('n4')).toBe('dead')
  simulation.start('n4', 2)
  simulation.run(5_000, () => simulation.agrees(ids(6)))
  expect(simulation.agrees(ids(6))).toBe(true)
})

test('M-25: halves of a partition that removed each other become one again', () => {
  const simulation = build(8, 9)
  simulation.partition(ids(8).slice(0, 4), ids(8).slice(4))
  simulation.run(40_000)
  expect(simulation.node('n1').stateOf('n8')).toBe('dead')
  expect(simulation.node('n8').stateOf('n1')).toBe('dead')
  simulation.heal()
  simulation.run(60_000, () => simulation.agrees(ids(8)))
  expect(simulation.agrees(ids(8))).toBe(true)
  for (const [at, about] of [
    ['n1', 'n2'],
    ['n7', 'n8'],
  ] as const) {
    const told = simulation.node(at).events.filter(({ event }) => event.member.id === about)
    expect(told.map(({ event }) => event.type)).toEqual(['MemberUp'])
  }
})

test('the reason names the observers', () => {
  const simulation = build(5, 2)
  simulation.kill('n2')
  simulation.run(12_000)
  const whys = ids(5)
    .filter((id) => id !== 'n2')
    .map((id) => simulation.node(id).events.find(({ event }) => event.type === 'MemberDown')?.event)
  const own = whys.find((event) => event?.evidence.kind === 'cut')
  expect(own?.why).toMatch(/^4 of its 4 observers do not reach it: n\d, n\d, n\d and n\d$/)
  const [alerts] = simulation.node('n1').core.cut?.alerts() ?? []
  expect(alerts).toMatchObject({ id: 'n2', alerting: alerts?.observers })
  expect(simulation.node('n1').core.outlook.facts('n2', simulation.nowMs)?.alerts).toEqual(alerts)
})

test('M-12: of two processes that run as the life of a member that was removed, neither comes in before its time', () => {
  const simulation = build(5, 1)
  const first = simulation.node('n5')
  simulation.partition(['n5'], ids(4))
  simulation.run(20_000)
  simulation.heal()
  simulation.start('n5')
  simulation.double(first)
  simulation.run(10_000)
  expect(counts(simulation, ids(4), 'MemberUp').get('n1 n5')).toBe(1)
  simulation.run(50_000)
  expect(counts(simulation, ids(4), 'MemberUp').get('n1 n5')).toBe(2)
  expect(counts(simulation, ids(4), 'MemberDown').get('n1 n5')).toBe(1)
})

test.each([1, 2, 3])(
  'M-07: who was removed and starts again as the same life comes back after its time (seed %i)',
  (seed) => {
    const simulation = build(4, seed)
    simulation.kill('n4')
    simulation.run(15_000)
    expect(simulation.node('n1').stateOf('n4')).toBe('dead')
    simulation.start('n4')
    simulation.run(60_000)
    expect(simulation.agrees(ids(4))).toBe(true)
  },
)
