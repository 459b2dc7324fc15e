import { basename } from 'node:path'
import { expect, test } from 'vitest'
import { brokenNow, keptStories } from '../src/commands/stories.ts'
import { readStory } from '../src/commands/subject.ts'
import { scenarioNamed } from '../src/load-scenarios.ts'
import { SCENARIOS } from '../src/scenarios/scenarios.ts'

const stories = keptStories().map((path) => [basename(path), readStory(path)] as const)

test.each(stories)('%s breaks no promise any more', async (_name, story) => {
  expect(await brokenNow(scenarioNamed(SCENARIOS, story.plan.scenario), story)).toBeUndefined()
})

test('every story is about a scenario that there is', () => {
  const names = SCENARIOS.map(({ name }) => name)
  expect(stories.filter(([, { plan }]) => !names.includes(plan.scenario)).map(([name]) => name)).toEqual([])
})
