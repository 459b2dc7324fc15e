import { VirtualClock } from '@dsys/runtime'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { MemberState } from '../src/core/record.ts'
import {
  keepMajority,
  leaseMajority,
  type Member,
  type Split,
  type SplitBrainStrategy,
  type SurvivalLease,
  staticQuorum,
} from '../src/index.ts'
import { SplitWatch } from '../src/resolver/split-watch.ts'
import { rule } from '../src/resolver/strategy.ts'
import { build, memberOf, names } from './resolver-world.ts'

/** A cluster and how it is divided, each member with its side. */
const partition = fc
  .uniqueArray(fc.string({ minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 12 })
  .chain((ids) => fc.tuple(fc.constant(ids), fc.array(fc.nat(3), { minLength: ids.length, maxLength: ids.length })))
  .map(([ids, sides]) => {
    return [0, 1, 2, 3].map((side) => ids.filter((_, i) => sides[i] === side)).filter((side) => side.length > 0)
  })

const splitOf = (sides: readonly (readonly string[])[], side: readonly string[]): Split => {
  const counted = sides.flat().sort()
  const unreachable = counted.filter((id) => !side.includes(id))
  return { counted, reachable: [...side].sort(), unreachable, present: [...side].sort() }
}

/** In one process: what a linearizable keyspace would do for all. */
class TestLease implements SurvivalLease {
  #held: { readonly owner: string; readonly untilMs: number } | undefined
  readonly #nowMs: () => number
  readonly asked: string[] = []

  constructor(nowMs: () => number = () => 0) {
    this.#nowMs = nowMs
  }

  async acquire(owner: string, { holdMs }: { holdMs: number }): Promise<boolean> {
    this.asked.push(owner)
    const nowMs = this.#nowMs()
    if (this.#held !== undefined && this.#held.owner !== owner && nowMs < this.#held.untilMs) return false
    this.#held = { owner, untilMs: nowMs + holdMs }
    return true
  }
}

describe('strategies, over any partition', () => {
  const survivors = (strategy: SplitBrainStrategy, sides: readonly (readonly string[])[]): (readonly string[])[] =>
    sides.filter((side) => rule(strategy, splitOf(sides, side)).outcome === 'survive')

  test('keepMajority: one side at most, the one with more than half where there is one, of two halves the one with the smallest id', () => {
    fc.assert(
      fc.property(partition, (sides) => {
        const all = sides.flat()
        const alive = survivors(keepMajority(), sides)
        expect(alive.length).toBeLessThanOrEqual(1)
        const major = sides.find((side) => 2 * side.length > all.length)
        const half = sides.find((side) => 2 * side.length === all.length && side.includes([...all].sort()[0] ?? ''))
        expect(alive[0]).toEqual(major ?? half)
      }),
    )
  })

  test('staticQuorum: one side at most, however large the cluster is, and one that has the quorum where the cluster is as large as was planned', () => {
    fc.assert(
      fc.property(partition, fc.integer({ min: 1, max: 8 }), (sides, quorum) => {
        const alive = survivors(staticQuorum({ quorum }), sides)
        expect(alive.length).toBeLessThanOrEqual(1)
        if (sides.flat().length < 2 * quorum) expect(alive).toEqual(sides.filter((side) => side.length >= quorum))
      }),
    )
  })

  test('leaseMajority: sides ask in different names, all of one side in the same, and the majority need not wait', () => {
    fc.assert(
      fc.property(partition, (sides) => {
        const rulings = sides.map((side) => rule(leaseMajority(new TestLease()), splitOf(sides, side)))
        const owners = rulings.map((ruling) => (ruling.outcome === 'lease' ? ruling.owner : ''))
        expect(new Set(owners).size).toBe(sides.length)
        for (const [i, ruling] of rulings.entries()) {
          const isMajor = 2 * (sides[i]?.length ?? 0) > sides.flat().length
          expect(ruling).toMatchObject({ outcome: 'lease', delayMs: isMajor ? 0 : 2_000 })
          expect(sides[i]).toContain(owners[i])
        }
      }),
    )
  })

  test('numbers out of their limits are refused', () => {
    for (const quorum of [0, 1.5, Number.NaN]) expect(() => staticQuorum({ quorum })).toThrow(RangeError)
    const lease = new TestLease()
    for (const minorityDelayMs of [-1, 600_001])
      expect(() => leaseMajority(lease, { minorityDelayMs })).toThrow(RangeError)
    for (const holdMs of [999, 86_400_001]) expect(() => leaseMajority(lease, { holdMs })).toThrow(RangeError)
  })
})

describe('the watch', () => {
  const sight = (members: readonly Member[], more: object = {}) => {
    return {
      self: 'n1',
      members,
      isolated: undefined,
      catchesUp: false,
      removedSinceMs: undefined,
      decision: undefined,
      ...more,
    }
  }
  const healthy = names(3).map((id) => memberOf(id))
  const oneLost = [memberOf('n1'), memberOf('n2'), memberOf('n3', 'dead', 5)]
  const stable = (members: readonly Member[], role?: string): SplitWatch => {
    const watch = new SplitWatch(1_000, role)
    watch.look(sight(members), 0)
    expect(watch.look(sight(members), 1_000).kind).toBe('whole')
    return watch
  }

  test('it finds nothing before the members have not changed for the whole time, whatever changes', () => {
    const states: readonly MemberState[] = ['alive', 'suspect', 'dead', 'left']
    const step = fc.record({
      afterMs: fc.integer({ min: 1, max: 1_500 }),
      state: fc.constantFrom(...states),
      sinceMs: fc.nat(2),
      isolated: fc.constantFrom(undefined, 'its connection is down'),
      catchesUp: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        const watch = stable(healthy)
        let [nowMs, changedMs, last] = [1_000, 0, JSON.stringify(['alive', 0, true, false])]
        for (const { afterMs, state, sinceMs, isolated, catchesUp } of steps) {
          nowMs += afterMs
          const text = JSON.stringify([state, sinceMs, isolated === undefined, catchesUp])
          if (text !== last) changedMs = nowMs
          last = text
          const members = [memberOf('n1'), memberOf('n2'), memberOf('n3', state, sinceMs)]
          const { kind } = watch.look(sight(members, { isolated, catchesUp }), nowMs)
          const mayAct = nowMs - changedMs >= 1_000 && state !== 'suspect' && !catchesUp
          if (!mayAct) expect(kind).toBe('changing')
        }
      }),
    )
  })

  test('a member that went and came back between two looks is a change', () => {
    const watch = stable(healthy)
    expect(watch.look(sight([memberOf('n1'), memberOf('n2'), memberOf('n3', 'alive', 999)]), 1_500).kind).toBe(
      'changing',
    )
  })

  test('those who are lost are found, and no longer counted once this side goes on without them', () => {
    const watch = stable(healthy)
    watch.look(sight(oneLost), 2_000)
    const found = watch.look(sight(oneLost), 3_000)
    expect(found).toMatchObject({
      kind: 'split',
      split: { counted: ['n1', 'n2', 'n3'], reachable: ['n1', 'n2'], unreachable: ['n3'] },
    })
    if (found.kind === 'split') watch.survive(found.split)
    expect(watch.look(sight(oneLost), 3_100).kind).toBe('whole')
    expect(watch.counted).toEqual(['n1', 'n2'])
  })

  test('M-13: those who left are not lost', () => {
    const watch = stable(healthy)
    const left = [memberOf('n1'), memberOf('n2', 'left', 7), memberOf('n3', 'left', 7)]
    watch.look(sight(left), 2_000)
    expect(watch.look(sight(left), 3_000).kind).toBe('whole')
    expect(watch.counted).toEqual(['n1'])
  })

  test('whoever came since does not count yet: two sides may have newcomers that the other one never saw', () => {
    const watch = stable(healthy)
    const members = [...oneLost, memberOf('n4', 'alive', 9), memberOf('n5', 'alive', 9)]
    watch.look(sight(members), 2_000)
    expect(watch.look(sight(members), 3_000)).toMatchObject({
      split: { counted: ['n1', 'n2', 'n3'], present: ['n1', 'n2', 'n4', 'n5'] },
    })
  })

  test('a node that sees nobody is alone, whatever its view still says', () => {
    const watch = stable(healthy)
    const alone = { isolated: 'nobody answers' }
    watch.look(sight(healthy, alone), 2_000)
    expect(watch.look(sight(healthy, alone), 3_000)).toMatchObject({
      isolated: 'nobody answers',
      split: { reachable: ['n1'], unreachable: ['n2', 'n3'] },
    })
  })

  test('only members with the role count', () => {
    const members = [memberOf('n1', 'alive', 0, ['store']), memberOf('n2'), memberOf('n3', 'alive', 0, ['store'])]
    const watch = stable(members, 'store')
    expect(watch.counted).toEqual(['n1', 'n3'])
    const lost = [members[0] as Member, memberOf('n2', 'dead', 4), members[2] as Member]
    watch.look(sight(lost), 2_000)
    expect(watch.look(sight(lost), 3_000).kind).toBe('whole')
  })
})

describe('keepMajority, over splits of splits', () => {
  test('at any time all that go on are on one side, when each split is decided before the next one', () => {
    const choice = fc.array(fc.boolean(), { minLength: 9, maxLength: 9 })
    fc.assert(
      fc.property(fc.array(choice, { minLength: 1, maxLength: 4 }), (splits) => {
        const ids = names(9)
        const watches = new Map(ids.map((id) => [id, new SplitWatch(1_000, undefined)]))
        let sides: string[][] = [ids]
        let nowMs = 0
        for (const split of [Array.from({ length: 9 }, () => true), ...splits]) {
          sides = sides.flatMap((side) =>
            [true, false].map((where) => side.filter((id) => split[ids.indexOf(id)] === where)),
          )
          const alive = sides.map((side) => side.filter((self) => goesOn(self, side)))
          nowMs += 2_000
          sides = alive.filter((side) => side.length > 0)
          expect(sides.length).toBeLessThanOrEqual(1)
        }

        function goesOn(self: string, side: readonly string[]): boolean {
          const watch = watches.get(self) as SplitWatch
          const members = ids.map((id) => memberOf(id, side.includes(id) ? 'alive' : 'dead', side.length))
          const sight = {
            self,
            members,
            isolated: undefined,
            catchesUp: false,
            removedSinceMs: undefined,
            decision: undefined,
          }
          watch.look(sight, nowMs)
          const found = watch.look(sight, nowMs + 1_000)
          if (found.kind !== 'split') return found.kind === 'whole'
          const { outcome } = rule(keepMajority(), found.split)
          if (outcome === 'survive') watch.survive(found.split)
          return outcome === 'survive'
        }
      }),
    )
  })
})

describe('the resolver', () => {
  test('it tells once that a minority goes down, with the evidence, and not before the view is stable', async () => {
    const { clock, world, resolver, decisions, lose } = build(keepMajority())
    await resolver.start()
    await clock.advanceAsync(3_000)
    expect(resolver.status()).toMatchObject({ state: 'whole', counted: names(5) })
    lose('n2')
    await clock.advanceAsync(800)
    lose('n3', 'n4')
    await clock.advanceAsync(900)
    expect(decisions).toEqual([])
    expect(resolver.status().state).toBe('changing')
    await clock.advanceAsync(300)
    expect(decisions).toMatchObject([
      {
        outcome: 'down',
        why: '2 of 5 members are here',
        strategy: 'keep-majority',
        split: { reachable: ['n1', 'n5'], unreachable: ['n2', 'n3', 'n4'] },
      },
    ])
    world.members = names(5).map((id) => memberOf(id))
    await clock.advanceAsync(60_000)
    expect(decisions).toHaveLength(1)
    expect(resolver.status()).toMatchObject({ state: 'down', lastDecision: decisions[0] })
    await resolver.stop()
  })

  test('a majority goes on, and counts without those it lost from then on', async () => {
    const { clock, resolver, decisions, lose } = build(keepMajority())
    await resolver.start()
    await clock.advanceAsync(3_000)
    for (const id of ['n2', 'n3', 'n4']) {
      lose(id)
      await clock.advanceAsync(2_000)
    }
    expect(decisions.map(({ outcome, why }) => [outcome, why])).toEqual([
      ['survive', '4 of 5 members are here'],
      ['survive', '3 of 4 members are here'],
      ['survive', '2 of 3 members are here'],
    ])
    lose('n5')
    await clock.advanceAsync(2_000)
    expect(decisions.at(-1)).toMatchObject({ outcome: 'survive', why: '1 of 2 members are here, n1 among them' })
    await resolver.stop()
  })

  test('whom the others hold for dead goes down, though it sees all of them', async () => {
    const { clock, world, resolver, decisions } = build(staticQuorum({ quorum: 3 }))
    await resolver.start()
    await clock.advanceAsync(3_000)
    world.removedSinceMs = 2_900
    await clock.advanceAsync(2_000)
    expect(decisions).toMatchObject([
      { outcome: 'down', why: 'the others hold this node for dead, and go on without it' },
    ])
    await resolver.stop()
  })

  test('M-35: a node that sees nobody decides as on a side of its own, or waits where that is wanted', async () => {
    for (const whenIsolated of ['decide', 'wait'] as const) {
      const { clock, world, resolver, decisions } = build(keepMajority(), { whenIsolated })
      await resolver.start()
      await clock.advanceAsync(3_000)
      world.view = { state: 'stale', sinceMs: 3_000, forMs: 0, because: 'disconnected', why: 'its connection is down' }
      await clock.advanceAsync(3_000)
      const why = 'this node sees nobody, as its connection is down; 1 of 5 members are here'
      expect(decisions).toMatchObject(whenIsolated === 'wait' ? [] : [{ outcome: 'down', why }])
      expect(resolver.status().state).toBe(whenIsolated === 'wait' ? 'isolated' : 'down')
      world.view = { state: 'stale', sinceMs: 3_000, forMs: 0, because: 'catching-up', why: 'n2 has answered' }
      await clock.advanceAsync(3_000)
      world.view = { state: 'fresh' }
      await clock.advanceAsync(3_000)
      expect(resolver.status().state).toBe(whenIsolated === 'wait' ? 'whole' : 'down')
      await resolver.stop()
    }
  })

  test('the side that has the lease goes on; all of it ask in one name, and a minority after the others', async () => {
    const clock = new VirtualClock()
    const lease = new TestLease(() => clock.monotonicMs())
    const major = build(leaseMajority(lease), {}, clock)
    const alsoMajor = build(leaseMajority(lease), {}, clock)
    const minor = build(leaseMajority(lease), {}, clock)
    const all = [minor, major, alsoMajor]
    await Promise.all(all.map(({ resolver }) => resolver.start()))
    await clock.advanceAsync(3_000)
    for (const one of [major, alsoMajor]) one.lose('n4', 'n5')
    minor.lose('n1', 'n2', 'n3')
    minor.world.members = minor.world.members.filter(({ id }) => id !== 'n1')
    await clock.advanceAsync(2_000)
    expect(minor.resolver.status().state).toBe('deciding')
    await clock.advanceAsync(5_000)
    expect(lease.asked).toEqual(['n1', 'n1', 'n4'])
    expect(all.map(({ decisions }) => decisions.map(({ outcome }) => outcome))).toEqual([
      ['down'],
      ['survive'],
      ['survive'],
    ])
    expect(minor.decisions[0]?.why).toBe('another side than that of n4 has the lease')
    await Promise.all(all.map(({ resolver }) => resolver.stop()))
  })

  test('a side that cannot know who has the lease goes down: the lease fails, or does not answer', async () => {
    const broken: readonly (readonly [SurvivalLease['acquire'], string])[] = [
      [() => Promise.reject(new Error('no leader')), 'it is not known who has the lease: no leader'],
      [() => new Promise<boolean>(() => undefined), 'it is not known who has the lease: no answer within 10000 ms'],
    ]
    for (const [acquire, why] of broken) {
      const { clock, resolver, decisions, lose } = build(leaseMajority({ acquire }))
      await resolver.start()
      await clock.advanceAsync(3_000)
      lose('n5')
      await clock.advanceAsync(15_000)
      expect(decisions).toMatchObject([{ outcome: 'down', why }])
      await resolver.stop()
    }
  })

  test('a split that is over before the lease was asked for decides nothing', async () => {
    const lease = new TestLease()
    const { clock, world, resolver, decisions, lose } = build(leaseMajority(lease))
    await resolver.start()
    await clock.advanceAsync(3_000)
    lose('n2', 'n3', 'n4')
    await clock.advanceAsync(2_000)
    expect(resolver.status().state).toBe('deciding')
    world.members = names(5).map((id) => memberOf(id, 'alive', id === 'n1' ? 0 : 5_000))
    await clock.advanceAsync(5_000)
    expect(lease.asked).toEqual([])
    expect(decisions).toEqual([])
    expect(resolver.status().state).toBe('whole')
    await resolver.stop()
  })

  test('a lease that remembers who goes on is told who is here, each time when that has changed, until it has noted it', async () => {
    const noted: string[] = []
    const asked: unknown[] = []
    let failures = 2
    const lease: SurvivalLease = {
      acquire: async (_owner, { side }) => {
        asked.push(side)
        return true
      },
      extend: async ({ self, members }) => {
        if (failures-- > 0) throw new Error('no leader')
        noted.push(`${self.id}: ${members.map(({ id, generation }) => `${id}@${generation}`).join(' ')}`)
        return failures < -1
      },
    }
    const { clock, logger, world, resolver, lose } = build(leaseMajority(lease))
    await resolver.start()
    await clock.advanceAsync(3_000)
    const all = 'n1: n1@1 n2@1 n3@1 n4@1 n5@1'
    expect(noted).toEqual([all, all])
    expect(logger.lines.map(({ message }) => message)).toEqual([
      'the lease that decides a split could not note who is here',
    ])
    world.members = world.members.map((member) => (member.id === 'n2' ? { ...member, generation: 2 } : member))
    await clock.advanceAsync(3_000)
    expect(noted.slice(2)).toEqual(['n1: n1@1 n2@2 n3@1 n4@1 n5@1'])
    world.view = { state: 'stale', sinceMs: 3_000, forMs: 0, because: 'disconnected', why: 'its connection is down' }
    await clock.advanceAsync(900)
    world.view = { state: 'fresh' }
    lose('n5')
    await clock.advanceAsync(3_000)
    const side = ['n1', 'n2', 'n3', 'n4'].map((id) => ({ id, generation: id === 'n2' ? 2 : 1 }))
    expect(asked).toEqual([{ self: { id: 'n1', generation: 1 }, members: side, left: [] }])
    expect(noted.slice(3)).toEqual(['n1: n1@1 n2@2 n3@1 n4@1'])
    await resolver.stop()
  })

  test('what a handler throws is in the log', async () => {
    const { clock, logger, resolver, lose } = build(keepMajority(), { onDown: () => Promise.reject(new Error('no')) })
    await resolver.start()
    await clock.advanceAsync(3_000)
    lose('n2', 'n3', 'n4')
    await clock.advanceAsync(2_000)
    expect(logger.lines.filter(({ level }) => level === 'error').map(({ message }) => message)).toEqual([
      'split-brain resolver: down',
      'the application could not act on the decision of the split-brain resolver',
    ])
    await resolver.stop()
  })

  test('after the stop it tells nothing, also when the lease answers then', async () => {
    let answer: (isOurs: boolean) => void = () => undefined
    const acquire = () =>
      new Promise<boolean>((resolve) => {
        answer = resolve
      })
    const { clock, resolver, decisions, lose } = build(leaseMajority({ acquire }))
    await resolver.start()
    await clock.advanceAsync(3_000)
    lose('n5')
    await clock.advanceAsync(2_000)
    await resolver.stop()
    answer(true)
    await clock.advanceAsync(60_000)
    expect(decisions).toEqual([])
    await resolver[Symbol.asyncDispose]()
  })

  test('options out of their limits are refused', () => {
    for (const stableAfterMs of [99, 3_600_001])
      expect(() => build(keepMajority(), { stableAfterMs })).toThrow(RangeError)
    for (const leaseTimeoutMs of [99, 600_001])
      expect(() => build(keepMajority(), { leaseTimeoutMs })).toThrow(RangeError)
    expect(() => build(keepMajority(), { whenIsolated: 'hope' as 'wait' })).toThrow(RangeError)
  })
})
