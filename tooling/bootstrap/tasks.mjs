import { join } from 'node:path'
import { TOOLS } from './environment.mjs'

/** Where the test runs leave their counts. */
export const REPORTS = join(TOOLS, 'reports')

/** The vitest projects, each with a turbo task of its own. */
export const TEST_PROJECTS = /** @type {const} */ (['unit', 'publish', 'e2e'])

/**
 * What each turbo task runs once turbo, or a developer with arguments, asks for it.
 *
 * @type {Readonly<Record<string, readonly string[]>>}
 */
export const TASK_COMMANDS = {
  build: ['tsc', '-b'],
  lint: ['biome', 'check', '--error-on-warnings'],
  typecheck: ['tsc', '-p', 'tsconfig.test.json'],
  ...Object.fromEntries(TEST_PROJECTS.map((project) => [`test:${project}`, vitestCommand(project)])),
}

/** @param {string} project */
function vitestCommand(project) {
  const report = join(REPORTS, `${project}.json`)
  return ['vitest', 'run', '--project', project, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
}
