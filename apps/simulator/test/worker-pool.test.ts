import { VirtualClock } from '@dsys/runtime'
import { describe, expect, test } from 'vitest'
import type { Job, Outcome } from '../src/runs/job.ts'
import { type SimWorker, type WorkerEvents, WorkerPool } from '../src/runs/worker-pool.ts'

const HANG_MS = 1_000

const outcomeOf = (job: Job): Outcome => ({ job, hash: 'h', virtualMs: 1, steps: 1, counts: [] })

/** A worker that does what the test says. */
class WorkerDouble implements SimWorker {
  readonly events: WorkerEvents
  readonly posted: Job[] = []
  ended = false

  constructor(events: WorkerEvents) {
    this.events = events
  }

  post(job: Job): void {
    this.posted.push(job)
  }

  async end(): Promise<void> {
    this.ended = true
    this.events.ended('it was told to')
  }

  finish(): void {
    const job = this.posted.at(-1)
    if (job !== undefined) this.events.outcome(outcomeOf(job))
  }
}

function poolOf(seeds: number, workers: number) {
  const clock = new VirtualClock()
  const spawned: WorkerDouble[] = []
  const outcomes: Outcome[] = []
  let next = 1
  const pool = new WorkerPool(
    {
      clock,
      spawn: (events) => {
        const worker = new WorkerDouble(events)
        spawned.push(worker)
        return worker
      },
      take: () => (next > seeds ? undefined : { scenario: 's', seed: next++ }),
      done: (outcome) => void outcomes.push(outcome),
    },
    { workers, hangMs: HANG_MS },
  )
  const rules = (): [number, string | undefined][] => outcomes.map(({ job, violation }) => [job.seed, violation?.rule])
  const worker = (i: number): WorkerDouble => spawned[i] as WorkerDouble
  return { clock, pool, spawned, worker, outcomes, rules }
}

describe('a pool of workers', () => {
  test('gives each worker a job when it is ready and a next one when that is done, and ends them all', async () => {
    const { pool, spawned, worker, rules } = poolOf(5, 2)
    const run = pool.run()
    expect(spawned).toHaveLength(2)
    expect(worker(0).posted).toEqual([])
    worker(0).events.ready()
    worker(1).events.ready()
    worker(1).finish()
    worker(1).finish()
    worker(1).finish()
    expect(worker(1).posted.map(({ seed }) => seed)).toEqual([2, 3, 4, 5])
    worker(1).finish()
    worker(0).finish()
    await run
    expect(rules().map(([seed]) => seed)).toEqual([2, 3, 4, 5, 1])
    expect(spawned.every(({ ended }) => ended)).toBe(true)
  })

  test('starts no more workers than there are jobs', async () => {
    const { pool, spawned, worker } = poolOf(1, 8)
    const run = pool.run()
    expect(spawned).toHaveLength(1)
    worker(0).events.ready()
    worker(0).finish()
    await run
    await expect(poolOf(0, 4).pool.run()).resolves.toBeUndefined()
  })

  test('ends a worker whose run hangs, reports the seed, and goes on with another', async () => {
    const { clock, pool, worker, rules, spawned } = poolOf(2, 1)
    const run = pool.run()
    worker(0).events.ready()
    await clock.advanceAsync(HANG_MS - 1)
    expect(rules()).toEqual([])
    await clock.advanceAsync(1)
    expect(rules()).toEqual([[1, 'a run ends']])
    expect(worker(0).ended).toBe(true)
    // What it still says comes too late.
    worker(0).events.outcome(outcomeOf({ scenario: 's', seed: 1 }))
    worker(1).events.ready()
    worker(1).finish()
    await run
    expect(rules()).toEqual([
      [1, 'a run ends'],
      [2, undefined],
    ])
    expect(spawned).toHaveLength(2)
  })

  test('a job that is done in time stops the watchdog', async () => {
    const { clock, pool, worker, rules } = poolOf(2, 1)
    const run = pool.run()
    worker(0).events.ready()
    await clock.advanceAsync(HANG_MS - 1)
    worker(0).finish()
    await clock.advanceAsync(HANG_MS - 1)
    worker(0).finish()
    await run
    await clock.advanceAsync(10 * HANG_MS)
    expect(rules()).toEqual([
      [1, undefined],
      [2, undefined],
    ])
  })

  test('reports the seed whose run ends its worker, and goes on with another', async () => {
    const { pool, worker, rules, outcomes } = poolOf(2, 1)
    const run = pool.run()
    worker(0).events.ready()
    worker(0).events.ended('out of memory')
    worker(1).events.ready()
    worker(1).finish()
    await run
    expect(rules()).toEqual([
      [1, 'a run leaves its worker alive'],
      [2, undefined],
    ])
    expect(outcomes[0]?.violation?.message).toBe('out of memory')
  })

  test('a worker that cannot start ends all of it, rather than fail seed after seed', async () => {
    const { pool, worker, rules, spawned } = poolOf(100, 2)
    const run = pool.run()
    worker(1).events.ready()
    worker(0).events.ended('no such module')
    await expect(run).rejects.toThrow('A worker could not start: no such module')
    expect([spawned.length, rules(), worker(1).ended]).toEqual([2, [], true])
  })

  test('stop ends every worker at once, and their jobs count for nothing', async () => {
    const { clock, pool, worker, rules } = poolOf(100, 2)
    const run = pool.run()
    worker(0).events.ready()
    worker(0).finish()
    pool.stop()
    await run
    await clock.advanceAsync(10 * HANG_MS)
    expect(rules()).toEqual([[1, undefined]])
    expect([worker(0).ended, worker(1).ended]).toEqual([true, true])
  })
})
