import { VirtualClock } from '@dsys/runtime'
import { describe, expect, test } from 'vitest'
import { loadScenarios, scenarioNamed } from '../src/load-scenarios.ts'
import { type Job, type Outcome, runJob } from '../src/runs/job.ts'
import { freshSeed, jobsFrom } from '../src/runs/seeds.ts'
import { Sweep, type SweepOptions } from '../src/runs/sweep.ts'
import { Totals } from '../src/runs/totals.ts'
import { SessionDouble, TINY } from './session-double.ts'

const SCENARIOS = [
  { name: 'a', expected: ['fault.crash', 'message.vote'] },
  { name: 'b', expected: ['fault.pause'] },
]

const good = (job: Job): Outcome => ({ job, hash: 'h', virtualMs: 100, steps: 7, counts: [['fault.crash', 2]] })
const bad = (job: Job): Outcome => ({ ...good(job), violation: { rule: 'r', message: 'm', atMs: 1 } })

/** A sweep whose only worker answers at once, after `msPerRun`. */
async function sweepOf(options: Partial<SweepOptions>, answer: (job: Job) => Outcome, msPerRun = 0): Promise<Sweep> {
  const clock = new VirtualClock()
  const sweep = new Sweep(
    {
      clock,
      scenarios: SCENARIOS,
      progress: () => undefined,
      spawn: (events) => {
        queueMicrotask(() => events.ready())
        return {
          post: (job) => void clock.setTimer(msPerRun, () => events.outcome(answer(job))),
          end: async () => undefined,
        }
      },
    },
    { firstSeed: 10, seeds: 5, maxMs: 1e9, workers: 1, hangMs: 1e6, goOn: false, ...options },
  )
  const run = sweep.run()
  await clock.advanceAsync(10_000)
  await run
  return sweep
}

describe('seeds', () => {
  test('each comes for every scenario before the next one', () => {
    const jobs = [...jobsFrom(['a', 'b'], 7, 2)].map(({ scenario, seed }) => `${scenario}${seed}`)
    expect(jobs).toEqual(['a7', 'b7', 'a8', 'b8'])
  })

  test('fresh ones are drawn, and leave room for a long range', () => {
    const { random } = new SessionDouble()
    const seeds = Array.from({ length: 100 }, () => freshSeed(random))
    expect(new Set(seeds).size).toBe(100)
    expect(Math.max(...seeds)).toBeLessThan(2 ** 31)
  })
})

describe('one job', () => {
  const run = async (seed: number, knobs: Record<string, number | boolean>, twice = false): Promise<Outcome> => {
    const scenario = scenarioNamed(await loadScenarios(TINY), 'tiny')
    return await runJob(scenario, { scenario: 'tiny', seed }, { knobs, twice })
  }

  test('says what the run was like', async () => {
    const job = { scenario: 'tiny', seed: 3 }
    const expected = { job, hash: '0000000000000003', virtualMs: 3_600_000, steps: 10, counts: [['fault.crash', 3]] }
    expect(await run(3, {})).toEqual(expected)
    expect(await run(3, {}, true)).toEqual(expected)
    expect((await run(3, { bad: 3 })).violation).toMatchObject({ rule: 'a planted rule', atMs: 25 })
  })

  test('whatever is thrown is a violation of that seed', async () => {
    expect((await run(3, { throw: 3 })).violation).toMatchObject({
      rule: 'error TypeError',
      message: 'a planted defect',
    })
  })

  test('run twice, another trace is a violation; run once, nobody can tell', async () => {
    expect((await run(3, { random: true }, true)).violation?.rule).toBe('the same trace twice')
    expect((await run(3, { random: true })).violation).toBeUndefined()
  })
})

describe('totals', () => {
  test('are sums over all runs', () => {
    const totals = new Totals(SCENARIOS)
    totals.add(good({ scenario: 'a', seed: 1 }))
    totals.add({
      ...good({ scenario: 'b', seed: 1 }),
      counts: [
        ['aimed.vote', 3],
        ['message.vote', 9],
      ],
    })
    totals.add(bad({ scenario: 'a', seed: 2 }))
    const { seeds, virtualMs, steps, faults, failed } = totals
    expect({ seeds, virtualMs, steps, faults, failed }).toEqual({
      seeds: 3,
      virtualMs: 300,
      steps: 21,
      faults: 7,
      failed: 1,
    })
    expect(totals.failures).toEqual([{ scenario: 'a', seed: 2, violation: { rule: 'r', message: 'm', atMs: 1 } }])
  })

  test('keep a bounded number of failures, and count the others', () => {
    const totals = new Totals(SCENARIOS)
    for (let seed = 0; seed < 1_000; seed++) totals.add(bad({ scenario: 'a', seed }))
    expect([totals.failures.length, totals.failed]).toEqual([100, 1_000])
  })

  test('know what never occurred, once there were runs enough', () => {
    const totals = new Totals(SCENARIOS)
    totals.add(good({ scenario: 'a', seed: 1 }))
    expect(totals.missing(2)).toEqual([])
    expect(totals.missing(1)).toEqual([{ scenario: 'a', names: ['message.vote'] }])
  })
})

describe('a sweep', () => {
  test('runs every seed of every scenario', async () => {
    const { totals, interrupted } = await sweepOf({}, good)
    expect(totals.scenarios.map(({ seeds }) => seeds)).toEqual([5, 5])
    expect(interrupted).toBe(false)
  })

  test('ends with the first failure, unless it is to go on', async () => {
    const answer = (job: Job): Outcome => (job.seed === 11 ? bad(job) : good(job))
    const ended = await sweepOf({}, answer)
    expect([ended.totals.seeds, ended.totals.failed]).toEqual([3, 1])
    const wentOn = await sweepOf({ goOn: true }, answer)
    expect([wentOn.totals.seeds, wentOn.totals.failed]).toEqual([10, 2])
  })

  test('begins no run when the time is over, and knows how long it took', async () => {
    const { totals, wallMs } = await sweepOf({ seeds: Number.POSITIVE_INFINITY, maxMs: 95 }, good, 10)
    expect([totals.seeds, wallMs]).toEqual([10, 100])
  })
})
