import { describe, expect, test } from 'vitest'
import { type Plan, type RunResult, type Scenario, type ShrinkProgress, shrink } from '../src/index.ts'
import { shrinkList } from '../src/shrink-list.ts'

describe('shrinking a list', () => {
  const numbers = Array.from({ length: 200 }, (_, i) => i)

  /** Shrinks what fails exactly where all of `needed` are there; counts the tries. */
  async function find(needed: readonly number[]): Promise<{ left: readonly number[]; tries: number }> {
    let tries = 0
    const left = await shrinkList(numbers, async (part) => {
      tries++
      return needed.every((number) => part.includes(number))
    })
    return { left, tries }
  }

  test.each([[[]], [[0]], [[199]], [[0, 199]], [[3, 99, 100, 101, 180]]])(
    'finds just what is needed: %j',
    async (needed) => {
      const { left, tries } = await find(needed)
      expect(left).toEqual(needed)
      expect(tries).toBeLessThan(120)
    },
  )

  test('leaves nothing that can go alone, also where failing depends on more than what is there', async () => {
    const fails = async (part: readonly number[]): Promise<boolean> => part.length % 3 === 2 && part.includes(7)
    const left = await shrinkList(numbers, fails)
    expect(await fails(left)).toBe(true)
    for (const item of left) expect(await fails(left.filter((other) => other !== item))).toBe(false)
  })

  test('of an empty list nothing is tried', async () => {
    expect(await shrinkList([], () => Promise.reject(new Error('tried')))).toEqual([])
  })
})

const BROKEN_AT_MS = 4_000

const planned: Plan = {
  version: 1,
  scenario: 'double',
  seed: 1,
  nodes: 5,
  chaosMs: 20_000,
  knobs: {},
  faults: Array.from({ length: 60 }, (_, i) => ({
    kind: i % 2 === 0 ? 'crash' : 'isolate',
    atMs: i * 100,
    forMs: 50,
    node: i % 5,
    seed: i,
  })),
  operations: Array.from({ length: 100 }, (_, i) => ({ atMs: i * 50, id: i })),
  aims: { type: 'drawn', rates: { vote: 0.5, leader: 0.1 } },
  buggify: { activeShare: 0.25, fireShare: 0.1, off: ['known'] },
}

/** What a run comes across when its aims are drawn: more when there are more faults, as chance is shifted by them. */
const drawnCrashes = (plan: Plan): { moment: string; node: string; nth: number }[] =>
  [1, 2, 3, 4].map((nth) => ({ moment: 'vote', node: `n${(nth + plan.faults.length) % 5}`, nth }))

/** Breaks its rule exactly where two faults, one aimed crash, two operations, three nodes, some time and a buggify point are there. */
function needy(seen: Plan[] = []): Scenario {
  const run = (plan: Plan): RunResult => {
    seen.push(plan)
    const has = (seed: number): boolean => plan.faults.some((fault) => fault.seed === seed)
    const did = (id: number): boolean => plan.operations.some((operation) => operation['id'] === id)
    const aimed = plan.aims.type === 'exactly' ? plan.aims.crashes : drawnCrashes(plan)
    const points = ['slow', 'dup', 'known'].filter((point) => !plan.buggify.off.includes(point))
    const fails =
      [6, 33].every(has) &&
      aimed.some(({ moment, node, nth }) => moment === 'vote' && node === 'n2' && nth === 2) &&
      [10, 70].every(did) &&
      plan.nodes >= 3 &&
      plan.chaosMs >= 3_500 &&
      points.includes('dup')
    return {
      hash: `${plan.faults.length}`,
      virtualMs: plan.chaosMs,
      steps: 1,
      counts: new Map(points.map((point) => [`buggify.${point}`, 1])),
      aimed,
      ...(fails ? { violation: { rule: 'safe', message: 'it is not', atMs: BROKEN_AT_MS } } : {}),
    }
  }
  return { name: 'double', about: 'a double', expected: [], plan: () => planned, run }
}

describe('shrinking a plan', () => {
  test('finds the only small plan that there is', async () => {
    const { plan, violation, hash, complete, before, after } = await shrink(needy(), planned)
    expect(plan.faults.map(({ seed }) => seed)).toEqual([6, 33])
    expect(plan.aims).toEqual({ type: 'exactly', crashes: [{ moment: 'vote', node: 'n2', nth: 2 }] })
    expect(plan.operations.map((operation) => operation['id'])).toEqual([10, 70])
    expect(plan.nodes).toBe(3)
    expect(plan.chaosMs).toBeGreaterThanOrEqual(3_500)
    expect(plan.chaosMs).toBeLessThanOrEqual(BROKEN_AT_MS + 1)
    expect(plan.buggify.off.toSorted()).toEqual(['known', 'slow'])
    expect({ violation: violation.rule, hash, complete }).toEqual({ violation: 'safe', hash: '2', complete: true })
    expect(before).toEqual({ faults: 60, crashes: 2, operations: 100, nodes: 5, chaosMs: 20_000 })
    expect(after).toEqual({ faults: 2, crashes: 1, operations: 2, nodes: 3, chaosMs: plan.chaosMs })
    expect(needy().run(plan)).toMatchObject({ violation: { rule: 'safe' } })
  })

  test('makes drawn crashes explicit before anything is taken out', async () => {
    const seen: Plan[] = []
    await shrink(needy(seen), planned)
    expect(seen[0]?.aims.type).toBe('drawn')
    expect(seen[1]?.aims.type).toBe('exactly')
    expect(seen[1]?.faults).toHaveLength(60)
    expect(seen.slice(1).every(({ aims }) => aims.type === 'exactly')).toBe(true)
  })

  test('tries the same plans in the same order each time', async () => {
    const [first, second]: [Plan[], Plan[]] = [[], []]
    const results = [await shrink(needy(first), planned), await shrink(needy(second), planned)]
    expect(first).toEqual(second)
    expect(results[0]).toEqual(results[1])
  })

  test('ends when it is told to, with what it has, and says so', async () => {
    const seen: Plan[] = []
    const limited = await shrink(needy(seen), planned, { maxRuns: 12 })
    expect([limited.runs, seen.length, limited.complete]).toEqual([12, 12, false])
    expect(limited.after.faults).toBeLessThan(60)
    expect(needy().run(limited.plan)).toMatchObject({ violation: { rule: 'safe' } })
    const stopped = await shrink(needy(), planned, { stop: () => true })
    expect([stopped.runs, stopped.complete, stopped.plan]).toEqual([1, false, planned])
  })

  test('says how far it is', async () => {
    const told: ShrinkProgress[] = []
    await shrink(needy(), planned, { progress: (progress) => void told.push(progress) })
    expect([...new Set(told.map(({ part }) => part))]).toEqual([
      'faults',
      'crashes',
      'operations',
      'nodes',
      'time',
      'buggify',
    ])
    const sizes = told.map(({ size }) => size.faults + size.operations + size.nodes)
    expect(sizes).toEqual(sizes.toSorted((a, b) => b - a))
  })

  test('does not take another failure for the same one', async () => {
    const scenario: Scenario = {
      ...needy(),
      run: (plan) => {
        const result = needy().run(plan) as RunResult
        // With few faults it fails in another way, as a shrinker that only looks at failing would gladly follow.
        const other = { rule: 'progress', message: 'nothing happens', atMs: 1 }
        return plan.faults.length < 10 && result.violation === undefined ? { ...result, violation: other } : result
      },
    }
    const { plan, violation } = await shrink(scenario, planned)
    expect(violation.rule).toBe('safe')
    expect(plan.faults.map(({ seed }) => seed)).toEqual([6, 33])
  })

  test('shrinks what throws by the name of the error', async () => {
    const scenario: Scenario = {
      ...needy(),
      run: (plan) => {
        if (plan.faults.some(({ seed }) => seed === 40)) throw new TypeError('a defect')
        throw new RangeError('another one')
      },
    }
    const { plan, violation, hash } = await shrink(scenario, planned)
    expect(violation).toMatchObject({ rule: 'error TypeError', message: 'a defect' })
    expect(plan.faults.map(({ seed }) => seed)).toEqual([40])
    expect([plan.operations, plan.nodes, hash]).toEqual([[], 1, ''])
  })

  test('keeps crashes drawn where making them explicit hides the failure, and takes out moments', async () => {
    const scenario: Scenario = {
      ...needy(),
      run: (plan) => {
        const fails = plan.aims.type === 'drawn' && 'leader' in plan.aims.rates
        const violation = fails ? { violation: { rule: 'safe', message: 'no', atMs: 1 } } : {}
        return { hash: '', virtualMs: 1, steps: 1, counts: new Map(), aimed: [], ...violation }
      },
    }
    const { plan } = await shrink(scenario, planned)
    expect(plan.aims).toEqual({ type: 'drawn', rates: { leader: 0.1 } })
  })

  test('refuses a plan that breaks nothing, or something else', async () => {
    await expect(shrink(needy(), { ...planned, faults: [] })).rejects.toThrow(RangeError)
    await expect(shrink(needy(), planned, { rule: 'progress' })).rejects.toThrow(/breaks "safe", not "progress"/)
  })
})
