import { SeededRandom, VirtualClock } from '@dsys/runtime'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ChainedLease, type MemberLife, type SurvivalSide, type SurvivorDecision } from '../src/index.ts'
import { ruleByChain, ruleWhole } from '../src/resolver/survivor-chain.ts'
import { ManualRegister, RegisterError } from './manual-register.ts'

const life = (id: string, generation = 1): MemberLife => ({ id, generation })
const lives = (...ids: string[]): MemberLife[] => ids.map((id) => life(id))
/** A side as it has been since `decision` stood. */
const side = (self: MemberLife, members: readonly MemberLife[], decision = 0): SurvivalSide => ({
  ...{ self, members, left: [] },
  decision,
})
const decision = (number: number, ...members: MemberLife[]): SurvivorDecision => ({ number, members, excluded: [] })
const signal = new AbortController().signal
const ask = (members: readonly MemberLife[], self = members[0] as MemberLife, decision = 0) => ({
  holdMs: 1_000,
  side: side(self, members, decision),
  signal,
})

function build(seed = 1) {
  const clock = new VirtualClock()
  const register = new ManualRegister(clock, new SeededRandom(seed))
  const leaseOf = (id: string): ChainedLease => new ChainedLease({ clock, register: register.for(id) })
  return { clock, register, leaseOf }
}

/** What came of it, once virtual time has passed. */
async function settle<T>(clock: VirtualClock, promise: Promise<T>, ms = 20_000): Promise<T> {
  const settled = promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  )
  await clock.advanceAsync(ms)
  const result = await settled
  if ('error' in result) throw result.error
  return result.value
}

describe('the ruling', () => {
  const last = decision(3, ...lives('n1', 'n2', 'n3'))

  test('the first side that asks is the first decision; who does not count leaves that to others', () => {
    expect(ruleByChain(undefined, side(life('n2'), lives('n2', 'n1')))).toEqual({
      kind: 'succeed',
      next: decision(1, ...lives('n1', 'n2')),
    })
    expect(ruleByChain(undefined, side(life('n9'), lives('n1')))).toEqual({ kind: 'wait' })
  })

  test('the side that the last decision names goes on, and one of its lives may name another', () => {
    expect(ruleByChain(last, side(life('n2'), lives('n1', 'n2', 'n3')))).toEqual({ kind: 'holds' })
    expect(ruleByChain(last, side(life('n9'), lives('n1', 'n2', 'n3')))).toEqual({ kind: 'holds' })
    const next = decision(4, ...lives('n2', 'n4'))
    expect(ruleByChain(last, side(life('n2'), lives('n2', 'n4'), 3))).toEqual({
      kind: 'succeed',
      next: { ...next, excluded: lives('n1', 'n3') },
    })
  })

  test('who is not named waits for one on its side who is, and is refused where there is none', () => {
    expect(ruleByChain(last, side(life('n4'), lives('n2', 'n4')))).toEqual({ kind: 'wait' })
    expect(ruleByChain(last, side(life('n4'), lives('n4', 'n5')))).toEqual({ kind: 'refused' })
  })

  test('who was left out is not named again, neither by a view older than the split nor by one that saw it come back', () => {
    const split = { ...decision(4, ...lives('n1', 'n2')), excluded: lives('n3', 'n4') }
    const all = lives('n1', 'n2', 'n3', 'n4', 'n5')
    expect(ruleWhole(split, side(life('n1'), all, 4))).toEqual({
      kind: 'succeed',
      next: { ...split, number: 5, members: lives('n1', 'n2', 'n5') },
    })
    expect(ruleByChain(split, side(life('n1'), lives('n1', 'n2', 'n3')))).toEqual({ kind: 'holds' })
    expect(ruleByChain(split, side(life('n3'), lives('n1', 'n2', 'n3')))).toEqual({ kind: 'refused' })
    expect(ruleWhole(split, side(life('n1'), [...lives('n1', 'n2'), life('n3', 2)], 4))).toMatchObject({
      next: { members: [...lives('n1', 'n2'), life('n3', 2)] },
    })
  })

  test('while nobody is lost nobody is left out, but who left or was started again', () => {
    expect(ruleWhole(last, side(life('n1'), lives('n1')))).toEqual({ kind: 'holds' })
    expect(ruleWhole(last, side(life('n4'), lives('n1', 'n4')))).toEqual({ kind: 'wait' })
    const here = side(life('n1'), [life('n1'), life('n2', 2)], 3)
    expect(ruleWhole(last, { ...here, left: lives('n3') })).toEqual({
      kind: 'succeed',
      next: decision(4, life('n1'), life('n2', 2)),
    })
  })

  test('a side from before the last decision puts nobody in its place: it may have been another one since', () => {
    const [older, newer] = [side(life('n2'), lives('n2', 'n4'), 2), side(life('n2'), lives('n2', 'n4'), 3)]
    for (const rule of [ruleByChain, ruleWhole]) {
      expect(rule(last, older)).toEqual({ kind: 'moved' })
      expect(rule(last, { ...older, decision: undefined })).toEqual({ kind: 'moved' })
      expect(rule(last, newer)).toMatchObject({ kind: 'succeed', next: { number: 4 } })
    }
    expect(ruleByChain(last, side(life('n2'), lives('n1', 'n2', 'n3'), 2))).toEqual({ kind: 'holds' })
    expect(ruleByChain(undefined, { ...older, decision: undefined })).toEqual({ kind: 'moved' })
  })

  test('a new life of one that went on is a newcomer, until all lives that went on are over', () => {
    expect(ruleByChain(last, side(life('n2', 2), [life('n2', 2), life('n4')]))).toEqual({ kind: 'refused' })
    const some = [life('n1', 2), life('n2', 2), life('n4')]
    expect(ruleByChain(last, side(life('n1', 2), some))).toEqual({ kind: 'refused' })
    const all = [life('n1', 2), life('n2', 2), life('n3', 5), life('n4')]
    expect(ruleByChain(last, side(life('n4'), all, 3))).toEqual({ kind: 'succeed', next: decision(4, ...all) })
    expect(ruleByChain(last, side(life('n1', 2), [life('n1', 2), ...lives('n2', 'n3')]))).toEqual({ kind: 'wait' })
  })
})

describe('the chained lease', () => {
  test('of two sides the first one goes on, with all of its members, and the other is refused however late it asks', async () => {
    const { clock, register, leaseOf } = build()
    await settle(clock, leaseOf('n1').extend(side(life('n1'), lives('n1', 'n2', 'n3', 'n4', 'n5')), { signal }))
    const [one, two] = [lives('n1', 'n2'), lives('n3', 'n4', 'n5')]
    expect(await settle(clock, leaseOf('n1').acquire('n1', ask(one, life('n1'), 1)))).toBe(true)
    expect(await settle(clock, leaseOf('n2').acquire('n1', ask(one, life('n2'), 1)))).toBe(true)
    await clock.advanceAsync(10 * 86_400_000)
    for (const { id, generation } of two)
      expect(await settle(clock, leaseOf(id).acquire('n3', ask(two, life(id, generation), 1)))).toBe(false)
    expect(register.written.map(({ number, members }) => [number, members.map(({ id }) => id).join()])).toEqual([
      [1, 'n1,n2,n3,n4,n5'],
      [2, 'n1,n2'],
    ])
    expect(await settle(clock, leaseOf('n9').last())).toEqual(register.written[1])
  })

  test('a newcomer goes on once one of those who went on has named it', async () => {
    const { clock, leaseOf } = build()
    await settle(clock, leaseOf('n1').acquire('n1', ask(lives('n1', 'n2'))))
    const withNew = lives('n1', 'n3')
    expect(await settle(clock, leaseOf('n3').extend(side(life('n3'), withNew), { signal }))).toBe(false)
    const newcomer = leaseOf('n3').acquire('n1', ask(withNew, life('n3'), 1))
    await clock.advanceAsync(1_000)
    const holder = leaseOf('n1').acquire('n1', ask(withNew, life('n1'), 1))
    expect(await settle(clock, Promise.all([newcomer, holder]))).toEqual([true, true])
    const alone = leaseOf('n3').acquire('n1', ask(lives('n1', 'n4'), life('n4')))
    const refused = expect(alone).rejects.toThrow('it was not known within 8000 ms who goes on')
    await clock.advanceAsync(10_000)
    await refused
  })

  test('one that was blocked adds nobody by what it saw before the others decided, be it to the whole or to its side', async () => {
    const all = lives('n1', 'n2', 'n3', 'n4')
    const split = lives('n1', 'n2')
    for (const how of ['whole', 'side']) {
      const { clock, register, leaseOf } = build()
      await settle(clock, leaseOf('n1').extend(side(life('n1'), lives('n1', 'n2', 'n3')), { signal }))
      expect(await settle(clock, leaseOf('n2').standing(life('n1'), { signal }))).toEqual({
        decision: 1,
        isLeftOut: false,
      })
      // n4 has joined, and nobody has named it when it is cut off, together with n3.
      expect(await settle(clock, leaseOf('n2').acquire('n1', ask(split, life('n2'), 1)))).toBe(true)
      const blocked =
        how === 'whole'
          ? leaseOf('n1').extend(side(life('n1'), all, 1), { signal })
          : leaseOf('n1').acquire('n1', ask(lives('n1', 'n2', 'n4'), life('n1'), 1))
      expect(await settle(clock, blocked)).toBe(how === 'whole' ? false : 'moved')
      expect(await settle(clock, leaseOf('n4').acquire('n3', ask(lives('n3', 'n4'), life('n4'), 2)))).toBe(false)
      expect(register.written.at(-1)).toMatchObject({ number: 2, members: split })
      expect(await settle(clock, leaseOf('n3').standing(life('n3'), { signal }))).toEqual({
        decision: 2,
        isLeftOut: true,
      })
      // Had it been there still, it would be named.
      await settle(clock, leaseOf('n1').extend(side(life('n1'), lives('n1', 'n2', 'n4'), 2), { signal }))
      expect(register.written.at(-1)).toMatchObject({ number: 3, members: lives('n1', 'n2', 'n4') })
    }
  })

  test('a write whose answer got lost is read back: it counts where it took effect, and comes again where it did not', async () => {
    for (const tookEffect of [true, false]) {
      const { clock, register } = build()
      let lost = 1
      const losing = {
        get: register.get.bind(register),
        create: async (...[key, value, options]: Parameters<ManualRegister['create']>) => {
          if (lost-- <= 0) return register.create(key, value, options)
          if (tookEffect) await register.create(key, value, options)
          throw new RegisterError('unknown')
        },
        update: register.update.bind(register),
      }
      const lease = new ChainedLease({ clock, register: losing })
      expect(await settle(clock, lease.acquire('n1', ask(lives('n1'))))).toBe(true)
      expect(register.written).toEqual([decision(1, life('n1'))])
    }
  })

  test('who cannot reach the register, or gets no answer, does not learn that it goes on', async () => {
    const { clock, register, leaseOf } = build()
    register.block('n1')
    const never = new ChainedLease({
      clock,
      register: { ...register.for('n2'), get: () => new Promise(() => undefined) },
    })
    for (const lease of [leaseOf('n1'), never]) {
      const failed = expect(lease.acquire('n1', ask(lives('n1')))).rejects.toThrow('it was not known within 8000 ms')
      await clock.advanceAsync(8_000)
      await failed
    }
    const hopeless = { ...register.for('n2'), get: () => Promise.reject(new RegisterError('not-applied', false)) }
    await expect(new ChainedLease({ clock, register: hopeless }).acquire('n1', ask(lives('n1')))).rejects.toThrow(
      RegisterError,
    )
    expect(register.written).toEqual([])
  })

  test('the signal ends it', async () => {
    const { clock, register, leaseOf } = build()
    const stop = new AbortController()
    const failed = expect(leaseOf('n1').acquire('n1', { ...ask(lives('n1')), signal: stop.signal })).rejects.toThrow(
      'enough',
    )
    stop.abort(new Error('enough'))
    await failed
    await clock.advanceAsync(10_000)
    expect(register.written).toEqual([])
  })

  test('what is no decision is refused', async () => {
    const { clock, register } = build()
    const broken: unknown[] = [
      7,
      null,
      {},
      { number: 1, members: [life('n1')] },
      { number: 1, members: [], excluded: [] },
      { number: 1, members: [{ id: 'n1' }] },
      { number: -1, members: [life('n1')] },
    ]
    for (const value of broken) {
      const get = async () => ({ value: value as SurvivorDecision, revision: 1 })
      const lease = new ChainedLease({ clock, register: { ...register.for('n1'), get } })
      await expect(lease.acquire('n1', ask(lives('n1')))).rejects.toMatchObject({
        code: 'DSYS_MEMBERSHIP_SURVIVAL_RECORD_INVALID',
      })
    }
  })

  test('options out of their limits are refused', () => {
    const { clock, register } = build()
    for (const options of [
      { timeoutMs: 99 },
      { timeoutMs: 600_001 },
      { callTimeoutMs: 9 },
      { callTimeoutMs: 8_001 },
      { pauseMs: 0 },
      { pauseMs: 60_001 },
    ])
      expect(() => new ChainedLease({ clock, register }, options)).toThrow(RangeError)
  })
})

/** As the resolver does: where others have decided meanwhile it sees the same side once more, and asks again. */
async function asks(lease: ChainedLease, register: ManualRegister, side: Parameters<typeof ask>): Promise<boolean> {
  const [members, self] = side
  const told = await lease.acquire('n1', ask(...side)).catch(() => false)
  return told === 'moved' ? asks(lease, register, [members, self, register.written.length]) : told
}

test('over splits, restarts, newcomers and lost answers, never do two sides go on, and the chain has one successor for each decision', async () => {
  const names = Array.from({ length: 6 }, (_, i) => `n${i + 1}`)
  const round = fc.record({
    sides: fc.array(fc.nat(2), { minLength: 6, maxLength: 6 }),
    delaysMs: fc.array(fc.nat(300), { minLength: 6, maxLength: 6 }),
    restarted: fc.array(fc.constantFrom(...names), { maxLength: 2 }),
    lostAnswers: fc.constantFrom(0, 30, 70),
    lostCalls: fc.constantFrom(0, 20),
    heals: fc.boolean(),
    isStale: fc.boolean(),
  })
  let survived = 0
  await fc.assert(
    fc.asyncProperty(fc.array(round, { minLength: 1, maxLength: 4 }), fc.nat(1_000), async (rounds, seed) => {
      const { clock, register, leaseOf } = build(seed)
      const generations = new Map(names.map((id) => [id, 1]))
      /** Those that run and were not told to go down. */
      let running = names.map((id) => life(id))
      if (seed % 2 === 0) await settle(clock, leaseOf('n1').extend(side(life('n1'), running), { signal }))
      for (const { sides, delaysMs, restarted, heals, isStale, ...faults } of rounds) {
        for (const id of restarted) {
          const generation = (generations.get(id) ?? 0) + 1
          generations.set(id, generation)
          running = [...running.filter((one) => one.id !== id), life(id, generation)]
        }
        if (heals)
          await Promise.all(
            running.map((self) =>
              settle(clock, leaseOf(self.id).extend(side(self, running, register.written.length), { signal })),
            ),
          )
        const before = register.written.at(-1)
        register.faults = { ...faults, maxDelayMs: 10 }
        const sideOf = ({ id }: MemberLife): number => sides[names.indexOf(id)] ?? 0
        const answers = running.map(async (self) => {
          const members = running.filter((one) => sideOf(one) === sideOf(self))
          const afterMs = delaysMs[names.indexOf(self.id)] ?? 0
          await new Promise<void>((resolve) => clock.setTimer(afterMs, resolve))
          return asks(leaseOf(self.id), register, [members, self, before?.number ?? 0])
        })
        // Some were blocked, and note what they saw before the split after the others have decided, newcomers that no decision has named included.
        const stale = (isStale ? running : []).map(async (self, i) => {
          await new Promise<void>((resolve) => clock.setTimer(75 * (i + 1), resolve))
          const noted = leaseOf(self.id).extend(side(self, running, before?.number ?? 0), { signal })
          return noted.catch(() => false)
        })
        const [goOn] = await settle(clock, Promise.all([Promise.all(answers), ...stale]))
        register.faults = { lostAnswers: 0, lostCalls: 0, maxDelayMs: 5 }
        const alive = running.filter((_, i) => goOn[i])
        expect(new Set(alive.map(sideOf)).size).toBeLessThanOrEqual(1)
        const canDecide =
          before === undefined ||
          running.some(({ id, generation }) =>
            before.members.some((one) => one.id === id && one.generation === generation),
          )
        if (faults.lostAnswers + faults.lostCalls === 0 && canDecide && running.length > 0)
          expect(alive.length).toBeGreaterThan(0)
        if (alive.length > 0) survived += 1
        running = alive
      }
      expect(register.written.map(({ number }) => number)).toEqual(register.written.map((_, i) => i + 1))
    }),
    { numRuns: 150, seed: 5 },
  )
  expect(survived).toBeGreaterThan(100)
}, 30_000)
