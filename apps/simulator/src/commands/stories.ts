import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Scenario, type Story, thrownViolation, type Violation } from '@dsys/simulation'
import { loadScenarios } from '../load-scenarios.ts'
import { counted } from '../numbers.ts'
import { EXIT_BAD, EXIT_GOOD, type Session } from './session.ts'
import { readStory } from './subject.ts'

/** The flags of the stories. */
export interface StoriesFlags {
  /** Which files; default: all that are kept, where the scenarios are those of dsys. */
  readonly files: readonly string[]
  readonly module?: string
  /** A run that takes longer than this in real time hangs. */
  readonly hangSeconds: number
}

/** Where stories of fixed bugs are kept; the same from the sources and from the build. */
export const STORIES: string = fileURLToPath(new URL('../../stories/', import.meta.url))

/** The files of all kept stories, in their order. */
export function keptStories(): string[] {
  return readdirSync(STORIES)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => join(STORIES, name))
}

/** What a story breaks now; undefined when all is well. */
export async function brokenNow(runner: Pick<Scenario, 'run'>, { plan }: Story): Promise<Violation | undefined> {
  try {
    return (await runner.run(plan)).violation
  } catch (error) {
    return thrownViolation(error)
  }
}

/** Runs stories of bugs that were fixed: none of them may break a promise any more. */
export async function storiesCommand(
  flags: StoriesFlags,
  { say, runs }: Pick<Session, 'say' | 'runs'>,
): Promise<number> {
  const scenarios = await loadScenarios(flags.module)
  await using runner = runs({ module: flags.module, hangSeconds: flags.hangSeconds })
  // What is kept here is about the scenarios of dsys, and says nothing to those of a module.
  const kept = flags.module === undefined ? keptStories() : []
  const files = flags.files.length > 0 ? flags.files : kept
  let broken = 0
  for (const file of files) {
    // A story of a scenario that is no more, or does not understand it any more, is a mistake and not a broken promise.
    const { story } = readStory(file, scenarios)
    const violation = await brokenNow(runner, story)
    say(`${violation === undefined ? 'kept  ' : 'BROKEN'}  ${story.plan.scenario}: ${story.name}`)
    if (violation === undefined) continue
    broken++
    say(`        ${violation.rule}, at ${violation.atMs.toFixed(3)} ms: ${violation.message}`)
  }
  say(`${files.length === 1 ? '1 story' : `${files.length} stories`}, ${counted(broken, 'violation')}`)
  return broken === 0 ? EXIT_GOOD : EXIT_BAD
}
