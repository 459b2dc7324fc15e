import { VirtualClock } from '@dsys/runtime'
import type { Plan, RunResult } from '@dsys/simulation'
import { describe, expect, test } from 'vitest'
import {
  GivenUpError,
  isUnfinished,
  type PlanJob,
  type PlanOutcome,
  type PlanWorker,
  type PlanWorkerEvents,
  WatchedRuns,
} from '../src/runs/watched-runs.ts'

const HANG_MS = 1_000

const plan = { scenario: 's', seed: 7 } as Plan
const result: RunResult = { hash: 'h', virtualMs: 1, steps: 1, counts: new Map(), aimed: [] }

/** A worker that does what the test says. */
class WorkerDouble implements PlanWorker {
  readonly events: PlanWorkerEvents
  readonly posted: PlanJob[] = []
  ended = false

  constructor(events: PlanWorkerEvents) {
    this.events = events
  }

  post(job: PlanJob): void {
    this.posted.push(job)
  }

  async end(): Promise<void> {
    this.ended = true
    this.events.ended('it was told to')
  }

  tell(outcome: PlanOutcome = { type: 'result', result }): void {
    this.events.outcome(outcome)
  }
}

function watchedRuns() {
  const clock = new VirtualClock()
  const spawned: WorkerDouble[] = []
  const runs = new WatchedRuns(
    {
      clock,
      spawn: (events) => {
        const worker = new WorkerDouble(events)
        spawned.push(worker)
        return worker
      },
    },
    { hangMs: HANG_MS },
  )
  return { clock, runs, spawned, worker: (i: number): WorkerDouble => spawned[i] as WorkerDouble }
}

describe('runs with a watchdog', () => {
  test('go to one worker, one after the other', async () => {
    const { runs, spawned, worker } = watchedRuns()
    const first = runs.run(plan, { keepTrace: true })
    await expect(runs.run(plan)).rejects.toThrow('a run is under way')
    worker(0).tell()
    expect(await first).toEqual(result)
    const second = runs.run(plan)
    worker(0).tell()
    expect(isUnfinished(await second)).toBe(false)
    expect(spawned).toHaveLength(1)
    expect(worker(0).posted).toEqual([
      { plan, options: { keepTrace: true } },
      { plan, options: {} },
    ])
    await runs[Symbol.asyncDispose]()
    expect(worker(0).ended).toBe(true)
  })

  test('end what hangs, and go on with another worker', async () => {
    const { clock, runs, worker } = watchedRuns()
    const run = runs.run(plan)
    await clock.advanceAsync(HANG_MS - 1)
    expect(worker(0).ended).toBe(false)
    await clock.advanceAsync(1)
    const hung = await run
    expect(hung.violation).toEqual({
      rule: 'a run ends',
      message: 'It did not end within 1 s of real time.',
      atMs: 0,
    })
    expect([isUnfinished(hung), worker(0).ended]).toEqual([true, true])
    const next = runs.run(plan)
    // What the first one still says comes too late.
    worker(0).tell({ type: 'result', result: { ...result, hash: 'late' } })
    worker(1).tell()
    expect((await next).hash).toBe('h')
    await clock.advanceAsync(10 * HANG_MS)
    expect(worker(1).ended).toBe(false)
  })

  test('tell of a run that ends its worker, and go on with another', async () => {
    const { runs, worker } = watchedRuns()
    const run = runs.run(plan)
    worker(0).events.ended('out of memory')
    expect((await run).violation).toMatchObject({ rule: 'a run leaves its worker alive', message: 'out of memory' })
    const next = runs.run(plan)
    worker(1).tell()
    expect((await next).violation).toBeUndefined()
  })

  test('throw what the scenario throws', async () => {
    const { runs, worker } = watchedRuns()
    const run = runs.run(plan)
    worker(0).tell({ type: 'thrown', name: 'OddError', message: 'no', stack: 'OddError: no\n    at there' })
    await expect(run).rejects.toMatchObject({ name: 'OddError', message: 'no', stack: 'OddError: no\n    at there' })
  })

  test('can be given up, also at the end of all', async () => {
    const { runs, worker } = watchedRuns()
    const run = runs.run(plan)
    runs.giveUp()
    await expect(run).rejects.toThrow(GivenUpError)
    expect(worker(0).ended).toBe(true)
    const last = runs.run(plan)
    await Promise.all([expect(last).rejects.toThrow(GivenUpError), runs[Symbol.asyncDispose]()])
    expect(worker(1).ended).toBe(true)
  })
})
