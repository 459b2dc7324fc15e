import type { RunResult, Scenario, TraceEvent } from '@dsys/simulation'
import { expect, test } from 'vitest'
import { replayCommand } from '../src/commands/replay.ts'
import { RUNNER_RULES, runJob } from '../src/runs/job.ts'
import { SCENARIOS } from '../src/scenarios/scenarios.ts'
import { SessionDouble, TINY } from './session-double.ts'

const event = (atMs: number, content: number): TraceEvent => ({
  atMs,
  node: 'n1',
  what: 'send',
  peer: 'n2',
  numbers: [1, 0, 0],
  content,
  detail: undefined,
})

/** A scenario whose runs are what `result` says of their number. */
function scenarioOf(result: (run: number) => Partial<RunResult>): Scenario {
  let runs = 0
  return {
    ...(SCENARIOS[0] as Scenario),
    run: (_, options) => {
      const { trace, ...rest } = result(runs++)
      const bare = { hash: 'a', virtualMs: 1, steps: 1, counts: new Map(), aimed: [], ...rest }
      return options?.keepTrace === true ? { ...bare, trace: trace ?? [] } : bare
    },
  }
}

const twice = async (scenario: Scenario) =>
  (await runJob(scenario, { scenario: scenario.name, seed: 1 }, { knobs: {}, twice: true })).violation

test('a plan that gives another run is told by the first event that differs', async () => {
  const trace = (run: number): TraceEvent[] => [event(1, 7), event(2, run)]
  const violation = await twice(scenarioOf((run) => ({ hash: `h${run}`, trace: trace(run) })))
  expect(violation?.rule).toBe(RUNNER_RULES.deterministic)
  expect(violation?.message).toContain('gave the trace h0, and then h1')
  expect(violation?.message).toMatch(
    /number 2\.\n.*n1, send, n2, 1 0 0, content 00000002\n.*content 00000003\n.*content 00000007/,
  )
})

test('steps and counts are compared as well, and what is equal in all of them is one run', async () => {
  expect((await twice(scenarioOf((run) => ({ steps: run }))))?.message).toContain('0 steps, and then 1')
  const counts = (run: number) => ({ counts: new Map([['fault.crash', run]]) })
  expect((await twice(scenarioOf(counts)))?.message).toContain('"fault.crash" 0 times, and then 1 times')
  expect(await twice(scenarioOf(() => ({})))).toBeUndefined()
})

test('a replay that differs does not speak of making it smaller', async () => {
  const session = new SessionDouble()
  const knobs = { random: true, bad: 7 }
  const flags = { scenario: 'tiny', seed: 7, knobs, module: TINY, hangSeconds: 120, events: 0 }
  const command = replayCommand(flags, session)
  let code: number | undefined
  void command.then((ended) => {
    code = ended
  })
  while (code === undefined) await session.clock.advanceAsync(session.clock.pending > 0 ? 1 : 0)
  expect(code).toBe(1)
  expect(session.text).toContain('a planted rule')
  expect(session.text).toContain('showed no event that differs')
  expect(session.text).not.toContain('smaller')
})
