import type { Member, MembershipEvent } from '@dsys/membership'
import type { Message, Rumor } from '@dsys/membership/wire'
import { describe, expect, test } from 'vitest'
import { EventOrder } from '../../src/scenarios/membership/event-order.ts'
import { momentsOf } from '../../src/scenarios/membership/moments.ts'
import { compareStatements, Sightings } from '../../src/scenarios/membership/sightings.ts'
import { Verdict } from '../../src/scenarios/membership/verdict.ts'

type State = Member['state']
const member = (id: string, generation: number, incarnation: number, state: State): Member => ({
  id,
  generation,
  incarnation,
  state,
  metadata: { v: '1' },
  roles: [],
  capabilities: [],
  tags: {},
  sinceMs: 0,
})
const event = (
  type: Exclude<MembershipEvent['type'], 'Synced' | 'MemberConflict' | 'ViewStale' | 'ViewFresh'>,
  of: Member,
): MembershipEvent => ({
  type,
  member: of,
  why: 'it announced itself',
  evidence: { kind: 'announced' },
})
const FRESH = { state: 'fresh' } as const
const STALE = { state: 'stale', sinceMs: 0, forMs: 1, because: 'disconnected', why: 'because' } as const
const SYNCED: MembershipEvent = { type: 'Synced' }
const up = (generation = 1, incarnation = 0): MembershipEvent =>
  event('MemberUp', member('a', generation, incarnation, 'alive'))
const suspected = event('MemberSuspected', member('a', 1, 0, 'suspect'))
const down = event('MemberDown', member('a', 1, 0, 'dead'))
const left = event('MemberLeft', member('a', 1, 1, 'left'))
const updated = event('MemberUpdated', member('a', 1, 1, 'alive'))

function judge(events: readonly MembershipEvent[], { late = false, excused = false } = {}): string | undefined {
  const verdict = new Verdict(() => 0)
  const order = new EventOrder('stream', late, verdict, {
    forgets: excused,
    hasTwin: () => false,
    hasImpostor: () => false,
  })
  for (const one of events) order.add(one)
  return verdict.violation?.message
}

describe('the order of events', () => {
  test.each<[string, readonly MembershipEvent[]]>([
    ['a whole life', [SYNCED, up(), suspected, updated, left]],
    ['a death by mistake', [SYNCED, up(), suspected, down, up(1, 1)]],
    ['a late farewell', [SYNCED, up(), down, left]],
    ['a later life', [SYNCED, up(), down, up(2)]],
    ['an initial state', [up(), suspected, SYNCED, down]],
  ])('%s is fine', (_, events) => {
    expect(judge(events)).toBeUndefined()
  })

  test.each<[string, readonly MembershipEvent[]]>([
    ['Synced twice', [SYNCED, SYNCED]],
    ['a death before Synced', [up(), down]],
    ['a death of somebody unknown', [SYNCED, down]],
    ['a suspicion of the dead', [SYNCED, up(), down, suspected]],
    ['a suspicion twice', [SYNCED, up(), suspected, suspected]],
    ['a life twice', [SYNCED, up(), up()]],
    ['a return without a new incarnation', [SYNCED, up(), down, up()]],
    ['a return after a farewell', [SYNCED, up(), left, up(1, 5)]],
    ['a farewell twice', [SYNCED, up(), left, left]],
    ['a death after a farewell', [SYNCED, up(), left, down]],
    ['an earlier life', [SYNCED, up(2), event('MemberDown', member('a', 2, 0, 'dead')), up(1)]],
    ['a later life on top of an earlier one', [SYNCED, up(1), up(2)]],
    ['an event of another life', [SYNCED, up(2), down]],
    ['a state that does not fit', [SYNCED, event('MemberUp', member('a', 1, 0, 'suspect'))]],
    ['an incarnation that goes back', [SYNCED, up(1, 4), updated]],
    ['a farewell alone', [SYNCED, left]],
  ])('%s is not', (_, events) => {
    expect(judge(events)).toBeDefined()
  })

  test('a late stream may begin with a farewell; who forgets may see an earlier life again', () => {
    expect(judge([SYNCED, left], { late: true })).toBeUndefined()
    expect(judge([SYNCED, up(2), event('MemberDown', member('a', 2, 0, 'dead')), up(1)], { excused: true })).toBe(
      undefined,
    )
  })

  test('what was told and what is known are compared', () => {
    const verdict = new Verdict(() => 0)
    const order = new EventOrder('stream', false, verdict, {
      forgets: false,
      hasTwin: () => false,
      hasImpostor: () => false,
    })
    order.add(SYNCED)
    order.add(up())
    expect(order.differs([member('a', 1, 3, 'alive'), member('b', 1, 0, 'dead')], FRESH)).toBeUndefined()
    expect(order.differs([member('a', 1, 3, 'alive'), member('b', 1, 0, 'dead')], STALE)).toContain('fresh')
    expect(order.differs([], FRESH)).toContain('a/1 alive')
    expect(order.differs([member('a', 2, 0, 'alive')], FRESH)).toBeDefined()
    expect(order.differs([member('a', 1, 0, 'suspect')], FRESH)).toBeDefined()
    expect(order.differs([{ ...member('a', 1, 0, 'alive'), metadata: { v: '2' } }], FRESH)).toBeDefined()
  })
})

describe('sightings', () => {
  const self = { id: 'me', generation: 5 }

  function judged(rumor: Rumor, view: readonly Member[], kind: 'gossip' | 'sync-reply' = 'gossip'): string | undefined {
    const verdict = new Verdict(() => 0)
    const membership = { members: () => view, member: (id: string) => view.find((one) => one.id === id) }
    const options = { rememberDeadMs: 1_000, maxMembers: 10, removal: 'swim' as const }
    const sightings = new Sightings(self, membership, options, verdict)
    const message: Message = kind === 'gossip' ? { kind, rumors: [rumor] } : { kind, last: true, rumors: [rumor] }
    sightings.afterDelivery(message, 0)
    return verdict.violation?.rule
  }
  const rumor = (id: string, generation: number, incarnation: number, state: State, ageMs = 0): Rumor => ({
    record: { id, generation, incarnation, state, metadata: [] },
    ageMs,
  })
  const me = member('me', 5, 3, 'alive')

  test('generation before incarnation before state', () => {
    const order = [member('a', 1, 9, 'left'), member('a', 2, 0, 'alive'), member('a', 2, 0, 'suspect')]
    order.push(member('a', 2, 0, 'dead'), member('a', 2, 0, 'left'), member('a', 2, 1, 'alive'))
    for (const [i, a] of order.entries())
      for (const [j, b] of order.entries()) expect(Math.sign(compareStatements(a, b))).toBe(Math.sign(i - j))
  })

  test('what was told is believed, or something newer', () => {
    expect(judged(rumor('a', 1, 2, 'suspect'), [me, member('a', 1, 2, 'suspect')])).toBeUndefined()
    expect(judged(rumor('a', 1, 2, 'suspect'), [me, member('a', 1, 3, 'alive')])).toBeUndefined()
    expect(judged(rumor('a', 1, 2, 'suspect'), [me, member('a', 1, 2, 'alive')])).toBe('newest statement wins')
    expect(judged(rumor('a', 2, 0, 'alive'), [me, member('a', 1, 7, 'left')])).toBe('newest statement wins')
    expect(judged(rumor('a', 1, 2, 'left'), [me, member('a', 1, 2, 'dead')])).toBe('newest statement wins')
    expect(judged(rumor('a', 1, 0, 'alive'), [me])).toBe('news is taken in')
  })

  test('a death in a full exchange may be taken for a suspicion, and one that is long over for nothing', () => {
    expect(judged(rumor('a', 1, 2, 'dead'), [me, member('a', 1, 2, 'suspect')], 'sync-reply')).toBeUndefined()
    expect(judged(rumor('a', 1, 2, 'dead'), [me, member('a', 1, 2, 'suspect')])).toBe('newest statement wins')
    expect(judged(rumor('a', 1, 2, 'dead', 5_000), [me])).toBeUndefined()
  })

  describe('with removal by a cut', () => {
    const sender = { id: 'b', generation: 2 }
    /** What is broken by one frame of `sender` that leaves the view as `after`. */
    function broken(rumors: readonly Rumor[], before: readonly Member[], after = before): string | undefined {
      const verdict = new Verdict(() => 0)
      let view = before
      const membership = { members: () => view, member: (id: string) => view.find((one) => one.id === id) }
      const sightings = new Sightings(
        self,
        membership,
        { rememberDeadMs: 1_000, maxMembers: 10, removal: 'cut' },
        verdict,
      )
      const message: Message = { kind: 'gossip', rumors }
      sightings.beforeDelivery(message, sender)
      view = after
      sightings.afterDelivery(message, 0)
      return verdict.violation?.rule
    }
    const a = member('a', 1, 2, 'alive')
    const accusation = rumor('a', 1, 2, 'suspect')

    test('the life that was removed accuses nobody who lives here; an earlier life that was removed takes no voice away', () => {
      expect(broken([accusation], [me, a, member('b', 2, 0, 'dead')])).toBeUndefined()
      expect(broken([accusation], [me, a, member('b', 1, 0, 'dead')])).toBe('newest statement wins')
      expect(broken([accusation], [me, a, member('b', 2, 0, 'left')])).toBe('newest statement wins')
      expect(broken([accusation], [me, a])).toBe('newest statement wins')
    })

    test('what it says of those who are gone or unknown, and of who comes or leaves, counts', () => {
      const removed = member('b', 2, 0, 'dead')
      expect(broken([rumor('a', 2, 0, 'dead')], [me, member('a', 1, 2, 'dead'), removed])).toBe('newest statement wins')
      expect(broken([accusation], [me, removed])).toBe('news is taken in')
      expect(broken([rumor('a', 1, 2, 'left')], [me, a, removed])).toBe('newest statement wins')
      expect(broken([rumor('a', 1, 3, 'alive')], [me, a, removed])).toBe('newest statement wins')
    })

    test('behind what brings it back it has a voice again', () => {
      const [removed, back] = [member('b', 2, 0, 'dead'), rumor('b', 2, 1, 'alive')]
      const after = [me, a, member('b', 2, 1, 'alive')]
      expect(broken([accusation, back], [me, a, removed], after)).toBeUndefined()
      expect(broken([back, accusation], [me, a, removed], after)).toBe('newest statement wins')
      expect(broken([back, accusation], [me, a, removed])).toBeUndefined()
    })

    test('who came back by the same frame lives here for what follows', () => {
      const before = [me, member('a', 1, 2, 'dead'), member('b', 2, 0, 'dead')]
      const after = [me, member('a', 2, 0, 'alive'), member('b', 2, 0, 'dead')]
      expect(broken([rumor('a', 2, 0, 'alive'), rumor('a', 2, 0, 'suspect')], before, after)).toBeUndefined()
      expect(broken([rumor('a', 2, 0, 'suspect'), rumor('a', 2, 0, 'alive')], before, after)).toBe(
        'newest statement wins',
      )
    })
  })

  test('what is said of oneself is refuted', () => {
    const rule = 'what is said of oneself is refuted'
    expect(judged(rumor('me', 5, 2, 'suspect'), [me])).toBeUndefined()
    expect(judged(rumor('me', 5, 3, 'suspect'), [me])).toBe(rule)
    expect(judged(rumor('me', 5, 3, 'suspect'), [member('me', 5, 3, 'suspect')])).toBe(rule)
    expect(judged(rumor('me', 6, 0, 'alive'), [member('me', 6, 0, 'alive')])).toBeUndefined()
  })

  test('a view does not go back, and the dead are not forgotten early', () => {
    const verdict = new Verdict(() => 0)
    let view = [me, member('a', 1, 2, 'dead')]
    const membership = { members: () => view, member: (id: string) => view.find((one) => one.id === id) }
    const sightings = new Sightings(
      self,
      membership,
      { rememberDeadMs: 1_000, maxMembers: 10, removal: 'swim' as const },
      verdict,
    )
    sightings.checkAll(view, 0)
    view = [me]
    sightings.checkOne('a', 1_000)
    expect(verdict.violation).toBeUndefined()
    view = [me, member('b', 1, 2, 'dead'), member('c', 1, 2, 'alive')]
    sightings.checkAll(view, 0)
    view = [me, member('b', 1, 2, 'dead'), member('c', 1, 1, 'left')]
    sightings.checkAll(view, 0)
    expect(verdict.violation?.rule).toBe('a view never goes back')
    const second = new Verdict(() => 0)
    const others = new Sightings(
      self,
      membership,
      { rememberDeadMs: 1_000, maxMembers: 10, removal: 'swim' as const },
      second,
    )
    others.checkAll(view, 0)
    view = [me]
    others.checkOne('b', 999)
    expect(second.violation?.rule).toBe('the dead are remembered')
  })

  describe('what was declared dead since the last look', () => {
    const dead = { ...member('a', 1, 9, 'dead'), sinceMs: 5_000 }
    const suspect = member('a', 1, 9, 'suspect')
    const before = member('a', 1, 7, 'dead')

    /** Looks at each view in turn, after the events that came since the last look. */
    function looks(...steps: { events?: readonly Member[]; view: readonly Member[]; nowMs: number }[]): string[] {
      const verdicts: string[] = []
      let view: readonly Member[] = []
      const verdict = new Verdict(() => 0)
      const membership = { members: () => view, member: (id: string) => view.find((one) => one.id === id) }
      const sightings = new Sightings(
        self,
        membership,
        { rememberDeadMs: 1_000, maxMembers: 4, removal: 'swim' as const },
        verdict,
      )
      for (const step of steps) {
        for (const one of step.events ?? []) {
          if (one.state === 'dead') view = [...view.filter(({ id }) => id !== one.id), one]
          sightings.told(one, 5_000)
        }
        view = step.view
        sightings.checkAll(view, step.nowMs)
        if (verdict.violation !== undefined) verdicts.push(`${verdict.violation.rule} at ${step.nowMs}`)
      }
      return verdicts
    }

    test('may be forgotten by the next one, and believed again as it was before', () => {
      expect(
        looks(
          { view: [me, suspect], nowMs: 4_900 },
          { events: [dead], view: [me], nowMs: 6_000 },
          { view: [me, before], nowMs: 6_500 },
        ),
      ).toEqual([])
      expect(
        looks({ view: [me, suspect], nowMs: 4_900 }, { events: [dead], view: [me, before], nowMs: 6_000 }),
      ).toEqual([])
    })

    test('may not be forgotten earlier, asked for or not', () => {
      const rules = looks({ view: [me, suspect], nowMs: 4_900 }, { events: [dead], view: [me], nowMs: 5_999 })
      expect(rules).toEqual(['the dead are remembered at 5999'])
    })

    test('goes back where it was not dead, or not for long enough', () => {
      expect(looks({ view: [me, suspect], nowMs: 4_900 }, { view: [me, before], nowMs: 6_000 })).toEqual([
        'a view never goes back at 6000',
      ])
      expect(
        looks({ view: [me, suspect], nowMs: 4_900 }, { events: [dead], view: [me, before], nowMs: 5_999 }),
      ).toEqual(['a view never goes back at 5999'])
      expect(looks({ view: [me], nowMs: 4_900 }, { events: [dead], view: [me, suspect], nowMs: 5_500 })).toEqual([
        'a view never goes back at 5500',
      ])
    })

    test('an event of an earlier state takes nothing back', () => {
      const up = member('a', 1, 5, 'alive')
      expect(looks({ view: [me, dead], nowMs: 5_000 }, { events: [up], view: [me, before], nowMs: 5_100 })).toEqual([
        'a view never goes back at 5100',
      ])
    })
  })

  test('in a full table the dead give way early, and only there', () => {
    const dead = { ...member('a', 1, 2, 'dead'), sinceMs: 500 }
    const c = member('c', 1, 0, 'alive')
    const full = (maxMembers: number, ...known: readonly Member[]): string | undefined => {
      const verdict = new Verdict(() => 0)
      let view: readonly Member[] = [me, ...known]
      const membership = { members: () => view, member: (id: string) => view.find((one) => one.id === id) }
      const sightings = new Sightings(self, membership, { rememberDeadMs: 1_000, maxMembers, removal: 'swim' }, verdict)
      sightings.checkAll(view, 500)
      view = [me, { ...member('b', 1, 1, 'dead'), sinceMs: 10 }, c]
      sightings.afterDelivery(
        { kind: 'gossip', rumors: [rumor('b', 1, 1, 'dead', 500), rumor('c', 1, 0, 'alive')] },
        510,
      )
      // Where it died by that frame, its event comes after it has given way.
      if (!known.includes(dead)) sightings.told(dead, 500)
      // The other one is forgotten as well, so the table is not full any more when it is looked at next.
      view = [me, c]
      sightings.checkAll(view, 1_010)
      return verdict.violation?.rule
    }
    for (const a of [dead, member('a', 1, 2, 'alive')]) {
      const b = member('b', 1, 0, 'alive')
      expect(full(3, a, b)).toBeUndefined()
      expect(full(4, a, b)).toBe('the dead are remembered')
    }
  })

  test('in a full table, who gave way may be known again before the event of its death comes', () => {
    const a = member('a', 1, 1, 'alive')
    const judgeFull = (maxMembers: number): string | undefined => {
      const verdict = new Verdict(() => 0)
      let view = [me, a, member('b', 1, 0, 'dead')]
      const membership = { members: () => view, member: (id: string) => view.find((one) => one.id === id) }
      const sightings = new Sightings(self, membership, { rememberDeadMs: 1_000, maxMembers, removal: 'swim' }, verdict)
      sightings.told({ ...member('a', 1, 2, 'dead'), sinceMs: 500 }, 500)
      view = [me, a]
      sightings.checkAll(view, 600)
      return verdict.violation?.rule
    }
    expect(judgeFull(3)).toBeUndefined()
    expect(judgeFull(4)).toBe('a view never goes back')
  })

  test('a death is taken for no older than it was told to be', () => {
    const old = (sinceMs: number): Member => ({ ...member('a', 1, 9, 'dead'), sinceMs })
    expect(judged(rumor('a', 1, 9, 'dead', 300), [me, old(-300)])).toBeUndefined()
    expect(judged(rumor('a', 1, 9, 'dead', 300), [me, old(-301)])).toBe('the dead are remembered')
    expect(judged(rumor('a', 1, 8, 'dead', 300), [me, old(-301)])).toBeUndefined()
    // What was known already keeps the age that it has here.
    const verdict = new Verdict(() => 0)
    const view = [me, old(-900)]
    const membership = { members: () => view, member: (id: string) => view.find((one) => one.id === id) }
    const sightings = new Sightings(
      self,
      membership,
      { rememberDeadMs: 1_000, maxMembers: 10, removal: 'swim' as const },
      verdict,
    )
    sightings.checkAll(view, 0)
    sightings.afterDelivery({ kind: 'gossip', rumors: [rumor('a', 1, 9, 'dead', 300)] }, 0)
    expect(verdict.violation).toBeUndefined()
  })

  test('who is declared dead here is dead from then on, and not from when it was suspected', () => {
    const told = (sinceMs: number): string | undefined => {
      const dead = { ...member('a', 1, 1, 'dead'), sinceMs }
      const verdict = new Verdict(() => 0)
      const membership = { members: () => [me, dead], member: () => dead }
      new Sightings(
        self,
        membership,
        { rememberDeadMs: 1_000, maxMembers: 10, removal: 'swim' as const },
        verdict,
      ).told(dead, 500)
      return verdict.violation?.rule
    }
    expect(told(500)).toBeUndefined()
    expect(told(499)).toBe('the dead are remembered')
  })

  test('there is a bound on members', () => {
    const verdict = new Verdict(() => 0)
    const view = Array.from({ length: 11 }, (_, i) => member(`m${i}`, 1, 0, 'alive'))
    const membership = { members: () => view, member: (id: string) => view.find((one) => one.id === id) }
    new Sightings(self, membership, { rememberDeadMs: 1, maxMembers: 10, removal: 'swim' as const }, verdict).checkAll(
      view,
      0,
    )
    expect(verdict.violation?.rule).toBe('bounds')
  })
})

test('the moments of a frame', () => {
  const record = (id: string, state: State, incarnation = 0): Rumor['record'] => ({
    id,
    generation: 1,
    incarnation,
    state,
    metadata: [],
  })
  const moments = (message: Message): string[] => momentsOf(message, 'me')
  const gossip = (...rumors: Rumor[]): Message => ({ kind: 'gossip', rumors })
  expect(moments(gossip({ record: record('a', 'suspect'), accusers: ['me'], ageMs: 0 }))).toEqual(['suspicion-sent'])
  expect(moments(gossip({ record: record('a', 'dead'), accusers: ['me'], ageMs: 0 }))).toEqual(['death-sent'])
  expect(moments(gossip({ record: record('a', 'dead'), accusers: ['b'], ageMs: 0 }))).toEqual([])
  expect(moments(gossip({ record: record('me', 'alive', 1), ageMs: 0 }))).toEqual(['refutation-sent'])
  expect(moments(gossip({ record: record('me', 'left', 1), ageMs: 0 }))).toEqual(['leaving'])
  expect(moments({ kind: 'hello', answers: 0, joined: false, rumors: [] })).toEqual(['joining'])
  expect(moments({ kind: 'sync-request', last: true, rumors: [] })).toEqual(['syncing'])
})
