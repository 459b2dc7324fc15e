import { VirtualClock } from '@dsys/runtime'
import { describe, expect, test } from 'vitest'
import { keepMajority, leaseMajority, type MemberLife, type SurvivalLease, type SurvivalSide } from '../src/index.ts'
import { BlockableClock, build, memberOf, names } from './resolver-world.ts'

describe('a process that was blocked', () => {
  test('M-19: it decides only what it has seen for the whole time since', async () => {
    const inner = new VirtualClock()
    const clock = new BlockableClock(inner)
    const { resolver, decisions, world, lose } = build(keepMajority(), {}, inner, clock)
    await resolver.start()
    await inner.advanceAsync(3_000)
    lose('n2', 'n3', 'n4')
    await inner.advanceAsync(500)
    clock.block(60_000)
    await inner.advanceAsync(60_000)
    expect(decisions).toEqual([])
    // What was true before the block is not any more, and it takes a moment until this process hears of it.
    await inner.advanceAsync(500)
    world.members = names(5).map((id) => memberOf(id, 'alive', inner.monotonicMs()))
    await inner.advanceAsync(5_000)
    expect(decisions).toEqual([])
    expect(resolver.status().state).toBe('whole')
    lose('n2', 'n3', 'n4')
    await inner.advanceAsync(1_100)
    expect(decisions).toMatchObject([{ outcome: 'down' }])
    await resolver.stop()
  })

  test('M-19: it does not ask for a lease by what it saw before', async () => {
    const inner = new VirtualClock()
    const clock = new BlockableClock(inner)
    const asked: number[] = []
    const lease: SurvivalLease = {
      acquire: async () => {
        asked.push(inner.monotonicMs())
        return true
      },
    }
    const { resolver, lose } = build(leaseMajority(lease, { minorityDelayMs: 2_000 }), {}, inner, clock)
    await resolver.start()
    await inner.advanceAsync(3_000)
    lose('n2', 'n3', 'n4')
    await inner.advanceAsync(2_000)
    expect(resolver.status().state).toBe('deciding')
    clock.block(30_000)
    await inner.advanceAsync(32_500)
    expect(asked).toEqual([])
    await inner.advanceAsync(10_000)
    expect(asked).toHaveLength(1)
    await resolver.stop()
  })

  test('M-19: an answer of the lease that it took up after a block, or for a side that is another one now, is asked for again', async () => {
    for (const how of ['block', 'change']) {
      const inner = new VirtualClock()
      const clock = new BlockableClock(inner)
      const answers: ((isOurs: boolean) => void)[] = []
      const acquire = () => new Promise<boolean>((resolve) => void answers.push(resolve))
      const { resolver, decisions, lose } = build(leaseMajority({ acquire }), {}, inner, clock)
      await resolver.start()
      await inner.advanceAsync(3_000)
      lose('n4', 'n5')
      await inner.advanceAsync(1_500)
      expect(answers).toHaveLength(1)
      if (how === 'change') lose('n3')
      else clock.block(2_000)
      await inner.advanceAsync(2_000)
      answers[0]?.(true)
      await inner.advanceAsync(500)
      expect(decisions).toEqual([])
      await inner.advanceAsync(3_000)
      answers[1]?.(true)
      await inner.advanceAsync(500)
      expect(decisions).toMatchObject([{ outcome: 'survive' }])
      await resolver.stop()
    }
  })

  test('timers that are a little late put it off by as much', async () => {
    const inner = new VirtualClock()
    const clock = new BlockableClock(inner)
    const { resolver, decisions, lose } = build(keepMajority(), {}, inner, clock)
    await resolver.start()
    await inner.advanceAsync(3_000)
    lose('n2', 'n3', 'n4')
    const beganMs = inner.monotonicMs()
    for (let i = 0; i < 100 && decisions.length === 0; i += 1) {
      clock.block(80)
      await inner.advanceAsync(80)
    }
    expect(inner.monotonicMs() - beganMs).toBeGreaterThan(1_400)
    await resolver.stop()
  })
})

describe('a lease that goes by decisions', () => {
  class Decisions implements SurvivalLease {
    decision = 4
    isLeftOut = false
    isDown = false
    readonly sides: (SurvivalSide & { readonly how: string })[] = []
    answers: readonly (boolean | 'moved')[] = []
    checks = 0

    async acquire(_owner: string, { side }: { readonly side: SurvivalSide }): Promise<boolean | 'moved'> {
      this.sides.push({ ...side, how: 'acquire' })
      const [answer = true, ...rest] = this.answers
      this.answers = rest
      if (answer === 'moved') this.decision += 1
      return answer
    }

    async extend(side: SurvivalSide): Promise<boolean> {
      this.sides.push({ ...side, how: 'extend' })
      return side.decision === this.decision
    }

    async standing(_self: MemberLife): Promise<{ decision: number; isLeftOut: boolean }> {
      this.checks += 1
      if (this.isDown) throw new Error('no leader')
      return { decision: this.decision, isLeftOut: this.isLeftOut }
    }
  }

  test('a side is asked for by the decision that stood before it became stable; a later one makes it look anew', async () => {
    const lease = new Decisions()
    const { clock, resolver, decisions, lose } = build(leaseMajority(lease))
    await resolver.start()
    await clock.advanceAsync(3_000)
    expect(lease.sides.map(({ how, decision }) => [how, decision])).toEqual([['extend', 4]])
    lose('n5')
    lease.decision = 5
    lease.answers = ['moved', true]
    const beganMs = clock.monotonicMs()
    await clock.advanceAsync(1_090)
    // It heard of the fifth one right after it saw the loss.
    expect(lease.sides.at(-1)).toMatchObject({ how: 'extend' })
    await clock.advanceAsync(200)
    expect(lease.sides.at(-1)).toMatchObject({ how: 'acquire', decision: 5 })
    expect(decisions).toEqual([])
    await clock.advanceAsync(2_500)
    expect(lease.sides.filter(({ how }) => how === 'acquire').map(({ decision }) => decision)).toEqual([5, 6])
    expect(decisions).toMatchObject([{ outcome: 'survive' }])
    expect(clock.monotonicMs() - beganMs).toBeGreaterThan(2_000)
    await resolver.stop()
  })

  test('who was left out by a later decision goes down, also while it has lost nobody', async () => {
    const lease = new Decisions()
    const { clock, resolver, decisions } = build(leaseMajority(lease))
    await resolver.start()
    await clock.advanceAsync(3_000)
    lease.decision = 5
    lease.isLeftOut = true
    await clock.advanceAsync(2_500)
    expect(decisions).toMatchObject([
      { outcome: 'down', why: 'a later decision on who goes on has left this node out', split: { unreachable: [] } },
    ])
    await resolver.stop()
  })

  test('it asks what stands once for each change and now and then, and says once when there is no answer', async () => {
    const lease = new Decisions()
    const { clock, logger, resolver, decisions } = build(leaseMajority(lease))
    await resolver.start()
    await clock.advanceAsync(10_500)
    expect(lease.checks).toBeGreaterThanOrEqual(10)
    expect(lease.checks).toBeLessThanOrEqual(13)
    lease.isDown = true
    await clock.advanceAsync(5_000)
    expect(logger.lines.map(({ message }) => message)).toEqual([
      'the lease that decides a split could not say who goes on',
    ])
    expect(decisions).toEqual([])
    expect(resolver.status().state).toBe('whole')
    await resolver.stop()
  })
})

test('M-13: a process whose node has a later life goes down', async () => {
  const { clock, world, resolver, decisions } = build(keepMajority())
  await resolver.start()
  await clock.advanceAsync(3_000)
  world.members = world.members.map((member) => (member.id === 'n1' ? { ...member, generation: 2 } : member))
  world.view = { state: 'stale', sinceMs: 3_000, forMs: 0, because: 'not-running', why: 'it has ended' }
  await clock.advanceAsync(1_200)
  expect(decisions).toMatchObject([{ outcome: 'down', why: 'a later life of this node has taken its place' }])
  await resolver.stop()
})

test('while somebody is suspected it decides nothing, however long that lasts', async () => {
  const { clock, world, resolver, decisions, lose } = build(keepMajority())
  await resolver.start()
  await clock.advanceAsync(3_000)
  lose('n2', 'n3', 'n4')
  world.members = world.members.map((member) => (member.id === 'n5' ? memberOf('n5', 'suspect', 3_000) : member))
  await clock.advanceAsync(60_000)
  expect(decisions).toEqual([])
  expect(resolver.status().state).toBe('changing')
  await resolver.stop()
})
