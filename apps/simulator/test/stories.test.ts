import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { assertPlan, formatStory, type Operation, type Plan } from '@dsys/simulation'
import { describe, expect, test } from 'vitest'
import { brokenNow, keptStories } from '../src/commands/stories.ts'
import { readStory, subjectOf } from '../src/commands/subject.ts'
import { scenarioNamed } from '../src/load-scenarios.ts'
import { SCENARIOS } from '../src/scenarios/scenarios.ts'
import { UsageError } from '../src/usage-error.ts'

const stories = keptStories().map((path) => [basename(path), readStory(path, SCENARIOS)] as const)

test.each(stories)('%s breaks no promise any more', async (_name, { story, scenario }) => {
  expect(await brokenNow(scenario, story)).toBeUndefined()
})

describe.each(SCENARIOS)('a story of $name', (scenario) => {
  const plan = { ...scenario.plan(1), operations: [], faults: [], aims: { type: 'drawn', rates: {} } as const }
  const drawn = Array.from({ length: 40 }, (_, seed) => scenario.plan(seed))
  const [operation] = drawn.flatMap(({ operations }) => operations)
  const [knob] = Object.keys(plan.knobs)
  const by = scenario.shape?.operations.by as string

  test('may have any plan that is drawn', () => {
    for (const each of drawn) assertPlan(scenario, each)
    expect(operation).toBeDefined()
  })

  test.each<[string, Partial<Plan>, RegExp]>([
    [
      'a fault',
      { faults: [{ kind: 'krash', atMs: 1, forMs: 1, node: 0, seed: 1 }] },
      /plan\.faults\[0\]\.kind .*"crash".* got "krash"/,
    ],
    ['a rate', { aims: { type: 'drawn', rates: { never: 1 } } }, /plan\.aims\.rates .* got "never"/],
    [
      'an aimed crash',
      { aims: { type: 'exactly', crashes: [{ moment: 'never', node: 'n1', nth: 1 }] } },
      /plan\.aims\.crashes\[0\]\.moment .* got "never"/,
    ],
    [
      'an operation',
      { operations: [{ ...(operation as Operation), [by]: 'frobnicate' }] },
      /plan\.operations\[0\]\.\w+ .* got "frobnicate"/,
    ],
    [
      'a field of an operation',
      { operations: [{ ...(operation as Operation), more: 1 }] },
      /plan\.operations\[0\] has no field "more"; it has atMs/,
    ],
    [
      'a field too few',
      { operations: [{ atMs: 1, [by]: operation?.[by] as string }] },
      /plan\.operations\[0\]\.\w+ is a \w+, got nothing/,
    ],
    ['a knob', { knobs: { ...plan.knobs, electonTimeout: 1 } }, /plan\.knobs has no "electonTimeout"; there are/],
    [
      'a knob of another type',
      { knobs: { ...plan.knobs, [knob as string]: null } },
      /plan\.knobs\.\w+ is a \w+, got null/,
    ],
    ['no knobs', { knobs: {} }, /plan\.knobs\.\w+ is missing; there are/],
  ])('is refused, with the place and what could stand there, for %s that there is not', (_what, change, message) => {
    expect(() => assertPlan(scenario, { ...plan, ...change })).toThrow(RangeError)
    expect(() => assertPlan(scenario, { ...plan, ...change })).toThrow(message)
  })
})

test('words of knobs are refused that mean nothing, also inside of others', () => {
  const kv = scenarioNamed(SCENARIOS, 'kv')
  const plan = kv.plan(1)
  const withKnobs = (knobs: object): Plan => ({ ...plan, knobs: { ...plan.knobs, ...knobs } })
  expect(() => assertPlan(kv, withKnobs({ log: 'tape' }))).toThrow(/knobs\.log is one of "file", "memory"; got "tape"/)
  const link = { ...(plan.knobs['link'] as object), order: 'lifo' }
  expect(() => assertPlan(kv, withKnobs({ link }))).toThrow(/knobs\.link\.order is one of .* got "lifo"/)
  const raft = { ...(plan.knobs['raft'] as object), maxPending: 'many' }
  expect(() => assertPlan(kv, withKnobs({ raft }))).toThrow(/knobs\.raft\.maxPending is a number, got "many"/)
})

test('a story that its scenario does not understand ends the command, with its file and the place', async () => {
  const plan: Plan = { ...scenarioNamed(SCENARIOS, 'raft').plan(1), operations: [{ atMs: 1, type: 'frobnicate' }] }
  const path = join(mkdtempSync(join(tmpdir(), 'story-')), 'odd.json')
  writeFileSync(path, formatStory({ name: 'x', rule: 'y', message: 'z', commit: '', plan }))
  expect(() => readStory(path, SCENARIOS)).toThrow(UsageError)
  expect(() => readStory(path, SCENARIOS)).toThrow(/odd\.json cannot be run: story\.plan\.operations\[0\]\.type/)
  const flags = { scenario: 'kv', seed: 1, knobs: { electonTimeoutMs: 1 } }
  await expect(subjectOf(flags)).rejects.toThrow(/knobs make no plan of kv: plan\.knobs has no "electonTimeoutMs"/)
})
