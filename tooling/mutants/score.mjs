import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pitfallsOf, ROOT } from './mutant.mjs'

/**
 * By what a mutant died.
 *
 * @typedef {object} Death
 * @property {string} name
 * @property {string | undefined} test the first test of its package that fails
 * @property {import('./simulator.mjs').Hunted | undefined} hunted
 */

/** Where the last full run left the seeds that find each mutant: the sample begins there. */
const FOUND = join(ROOT, 'tooling/mutants/found.json')
const PAGE = join(ROOT, 'docs/mutants.md')

/** @param {Death} death */
export const died = ({ test, hunted }) => test !== undefined || hunted?.seed !== undefined

/** @returns {Readonly<Record<string, number>>} the seed that found each mutant, by its name */
export function readFound() {
  return JSON.parse(readFileSync(FOUND, 'utf8'))
}

/** @param {readonly Death[]} deaths */
export function summarize(deaths) {
  const hunts = deaths.filter(({ hunted }) => hunted !== undefined)
  const bySimulation = hunts.filter(({ hunted }) => hunted?.seed !== undefined).length
  const bySuite = deaths.filter(({ test }) => test !== undefined).length
  return (
    `${deaths.filter(died).length} of ${deaths.length} planted bugs died: ` +
    `${bySuite} by the tests of their package, ${bySimulation} of ${hunts.length} by simulation`
  )
}

/**
 * Writes the page of the docs and the seeds for the sample.
 *
 * @param {readonly import('./mutant.mjs').Mutant[]} mutants
 * @param {readonly Death[]} deaths of the same mutants
 * @param {string} commit
 */
export function writeScore(mutants, deaths, commit) {
  const seeds = deaths.flatMap(({ name, hunted }) => (hunted?.seed === undefined ? [] : [[name, hunted.seed]]))
  writeFileSync(FOUND, `${JSON.stringify(Object.fromEntries(seeds), undefined, 2)}\n`)
  writeFileSync(PAGE, page(mutants, deaths, commit))
}

/**
 * @param {readonly import('./mutant.mjs').Mutant[]} mutants
 * @param {readonly Death[]} deaths
 * @param {string} commit
 */
function page(mutants, deaths, commit) {
  const rows = deaths.map((death, i) => {
    const { source, file } = /** @type {import('./mutant.mjs').Mutant} */ (mutants[i])
    const cells = [death.name, source, `\`${file}\``, huntedText(death.hunted), death.test ?? 'no']
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  })
  return `# Planted bugs

Each line is a bug that \`npm run mutants\` plants into a copy of the code, one at a time, to see whether the tests find it:
the unit tests of the package that holds it, and the simulation, seed after seed from 1. A bug that neither finds fails the
command. \`npm run mutants -- --write\` renews this page; \`npm test\` plants a sample.

Last full run: commit ${commit}. ${summarize(deaths)}.

| Bug | Rule | File | Simulation | First test that fails |
|---|---|---|---|---|
${rows.join('\n')}

## By known pitfall

The ids are those of [the list of known pitfalls](../packages/raft/PITFALLS.md).

| Pitfall | Planted bugs | Died by tests | Died by simulation |
|---|---|---|---|
${pitfallRows(mutants, deaths).join('\n')}
`
}

/**
 * @param {readonly import('./mutant.mjs').Mutant[]} mutants
 * @param {readonly Death[]} deaths
 */
function pitfallRows(mutants, deaths) {
  const ids = [...new Set(mutants.flatMap(pitfallsOf))].sort()
  return ids.map((id) => {
    const own = deaths.filter((_death, i) => pitfallsOf(mutants[i] ?? { source: '' }).includes(id))
    const names = own.map(({ name }) => name.replaceAll('|', '\\|')).join('; ')
    const byTest = own.filter(({ test }) => test !== undefined).length
    const bySimulation = own.filter(({ hunted }) => hunted?.seed !== undefined).length
    return `| ${id} | ${names} | ${byTest} of ${own.length} | ${bySimulation} of ${own.length} |`
  })
}

/** @param {import('./simulator.mjs').Hunted | undefined} hunted */
function huntedText(hunted) {
  if (hunted === undefined) return 'cannot see it'
  if (hunted.seed === undefined) return `not within ${hunted.seeds} seeds`
  return `${hunted.rule}, after ${hunted.seeds} ${hunted.seeds === 1 ? 'seed' : 'seeds'}`
}
