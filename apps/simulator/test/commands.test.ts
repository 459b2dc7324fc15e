import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseStory } from '@dsys/simulation'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { explainCommand } from '../src/commands/explain.ts'
import { replayCommand } from '../src/commands/replay.ts'
import { shrinkCommand } from '../src/commands/shrink.ts'
import { storiesCommand } from '../src/commands/stories.ts'
import { type SubjectFlags, subjectOf } from '../src/commands/subject.ts'
import { loadScenarios, scenariosNamed } from '../src/load-scenarios.ts'
import { UsageError } from '../src/usage-error.ts'
import { SessionDouble, TINY } from './session-double.ts'

let work: string

beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'dsys-simulator-'))
})

afterAll(() => rmSync(work, { recursive: true, force: true }))

const HANG = { hangSeconds: 120 }
const GOOD: SubjectFlags = { scenario: 'tiny', seed: 7, knobs: {}, module: TINY, ...HANG }
const BAD: SubjectFlags = { ...GOOD, knobs: { bad: 7 } }

/** Shrinks the bad seed; returns the session and the file of the story. */
async function shrunk(name: string): Promise<{ session: SessionDouble; code: number; path: string }> {
  const session = new SessionDouble()
  const path = join(work, name)
  const code = await inTurns(session, shrinkCommand({ ...BAD, minutes: 1, out: path }, session))
  return { session, code, path }
}

/**
 * A run takes a turn of the clock of the test, so that has to go on; but not while nothing waits for it, as when a module is
 * loaded, which takes real time.
 */
async function inTurns(session: SessionDouble, command: Promise<number>): Promise<number> {
  let ended = false
  const done = command.finally(() => {
    ended = true
  })
  while (!ended) await session.clock.advanceAsync(session.clock.pending > 0 ? 1 : 0)
  return await done
}

describe('replay', () => {
  test('of a seed that keeps every promise is good', async () => {
    const session = new SessionDouble()
    expect(await inTurns(session, replayCommand({ ...GOOD, events: 1 }, session))).toBe(0)
    expect(session.text).toContain('kept      every promise')
    expect(session.text).toContain('hash      0000000000000007, the same twice')
    expect(session.text).toContain('2 events before 30.000 ms are not shown')
    expect(session.text).toContain('n3 crash')
    expect(session.text).not.toContain('n1 crash')
  })

  test('of a seed that breaks one says which, and what to do next', async () => {
    const session = new SessionDouble()
    expect(await inTurns(session, replayCommand({ ...BAD, events: 10 }, session))).toBe(1)
    expect(session.text).toContain('broken    a planted rule, at 25.000 ms: <b>seed 7</b> is bad')
    expect(session.text).toContain('npm run simulate -- explain --scenario tiny --seed 7 --knobs bad=7')
    expect(session.text).toContain('npm run simulate -- shrink --scenario tiny --seed 7')
  })

  test('of a run that differs the second time is bad', async () => {
    const session = new SessionDouble()
    expect(await inTurns(session, replayCommand({ ...GOOD, knobs: { random: true }, events: 0 }, session))).toBe(1)
    expect(session.text).toContain('the same trace twice')
  })

  test('of a scenario that throws shows where', async () => {
    const session = new SessionDouble()
    expect(await inTurns(session, replayCommand({ ...GOOD, knobs: { throw: 7 }, events: 0 }, session))).toBe(1)
    expect(session.text).toMatch(/error TypeError: TypeError: a planted defect\n +at /)
  })
})

describe('what to run', () => {
  test.each([
    [{ knobs: {}, module: TINY }, /Name what to run/],
    [{ knobs: {}, module: TINY, scenario: 'tiny' }, /Name what to run/],
    [{ ...GOOD, story: 'x.json' }, /not both/],
    [{ ...GOOD, scenario: 'tinny' }, /no scenario "tinny". There are:\n {2}tiny/],
    [{ knobs: {}, module: TINY, story: 'missing.json' }, /missing\.json cannot be read/],
    [{ ...GOOD, module: 'missing.mjs' }, /missing\.mjs cannot be loaded/],
    [{ ...GOOD, module: import.meta.filename }, /./],
  ])('must be said: %#', async (flags, problem) => {
    await expect(subjectOf(flags)).rejects.toThrow(UsageError)
    await expect(subjectOf(flags)).rejects.toThrow(problem)
  })

  test('all is every scenario', async () => {
    const scenarios = await loadScenarios(TINY)
    expect(scenariosNamed(scenarios, 'all')).toEqual(scenarios)
    expect(scenariosNamed(scenarios, 'lame').map(({ name }) => name)).toEqual(['lame'])
  })
})

describe('shrink', () => {
  test('writes a smaller plan as a story that fails in the same way', async () => {
    const { session, code, path } = await shrunk('small.story.json')
    expect(code).toBe(0)
    const story = parseStory(readFileSync(path, 'utf8'))
    expect(story).toMatchObject({ rule: 'a planted rule', name: 'a planted rule, from tiny, seed 7' })
    expect(story.plan.faults.map(({ node }) => node)).toEqual([2])
    expect([story.plan.operations, story.plan.nodes]).toEqual([[], 1])
    expect(session.text).toContain('before  3 faults')
    expect(session.text).toContain('after   1 fault')
    const replay = new SessionDouble()
    const flags = { story: path, knobs: {}, module: TINY, events: 0, ...HANG }
    expect(await inTurns(replay, replayCommand(flags, replay))).toBe(1)
    expect(replay.text).toContain('it broke: a planted rule')
  })

  test('has nothing to do where no promise is broken', async () => {
    const session = new SessionDouble()
    const out = join(work, 'none.story.json')
    expect(await inTurns(session, shrinkCommand({ ...GOOD, minutes: 1, out }, session))).toBe(1)
    expect(session.text).toContain('nothing to shrink')
    expect(existsSync(out)).toBe(false)
  })

  const ENDED = 'it was ended before all was tried'

  test('stops when the time is over, and writes what it has', async () => {
    const session = new SessionDouble()
    const out = join(work, 'late.story.json')
    expect(await inTurns(session, shrinkCommand({ ...BAD, minutes: 3 / 60_000, out }, session))).toBe(0)
    expect(session.text).toContain(ENDED)
    expect(session.text).toContain('3 runs in 0 s')
    expect(parseStory(readFileSync(out, 'utf8')).rule).toBe('a planted rule')
  })

  test('stops when the user says so, and writes what it has', async () => {
    const session = new SessionDouble(2)
    const out = join(work, 'interrupted.story.json')
    expect(await inTurns(session, shrinkCommand({ ...BAD, minutes: 1, out }, session))).toBe(0)
    expect(session.text).toContain(ENDED)
    expect(parseStory(readFileSync(out, 'utf8')).rule).toBe('a planted rule')
  })
})

describe('explain', () => {
  test('prints the time line, and writes the page and the histories', async () => {
    const session = new SessionDouble()
    const out = join(work, 'page.html')
    expect(await inTurns(session, explainCommand({ ...BAD, out }, session))).toBe(1)
    expect(session.text).toContain('n2 crash')
    expect(readFileSync(out, 'utf8')).toContain('&lt;b&gt;seed 7&lt;/b&gt; is bad')
    expect(readFileSync(join(work, 'page-clients.jsonl'), 'utf8')).toBe('{}\n')
  })
})

describe('stories', () => {
  test('of bugs that are fixed are kept, of one that is back are not', async () => {
    const { path } = await shrunk('back.story.json')
    const session = new SessionDouble()
    expect(await inTurns(session, storiesCommand({ files: [path], module: TINY, ...HANG }, session))).toBe(1)
    expect(session.text).toContain('BROKEN  tiny: a planted rule, from tiny, seed 7')
    expect(await storiesCommand({ files: [], module: TINY, ...HANG }, new SessionDouble())).toBe(0)
  })
})
